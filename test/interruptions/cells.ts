/**
 * @module The expected end of a sweep when a signal arrives or one of its streams or files disappears: one cell per
 * incident and stage. Tests check every cell with a real process. `docs/streams-and-signals.md` is generated from the
 * cells.
 */
import type { Incident, Stage, VictimOptions } from './victim.ts';

/** Where the report can be found after the sweep has ended. */
export type Place = 'stdout' | 'stderr' | 'kept' | 'output';

export type Expected =
  /** No close request was sent. */
  | {
      readonly exit: number | undefined;
      readonly nothingSent: true;
      /** The signal may arrive after the handlers were removed. Then it kills the process. */
      readonly orKilled?: true;
    }
  /**
   * Each place in `report` has the report or, if the sweep was killed, the sweep's notes. They name every job that a
   * close request named.
   */
  | {
      readonly exit: number | undefined;
      readonly report: readonly Place[];
      /** Every idle job is closed: the incident does not affect the closes. */
      readonly closesAll?: true;
    };

export interface Row {
  readonly what: string;
  readonly incident: Incident;
  readonly options?: Partial<VictimOptions>;
  /** The expected end for each stage, or a text that explains why there is nothing to check. */
  readonly cells: Readonly<Record<Stage, Expected | string>>;
  readonly note?: string;
}

export const stageTitles: Readonly<Record<Stage, string>> = {
  start: 'before the plan',
  question: 'at the question',
  closing: 'while closes are in flight',
  report: 'while the report is written',
};

const untouched = (exit: number | undefined): Expected => ({ exit, nothingSent: true });
const whole: Expected = { exit: 0, report: ['stdout', 'kept'], closesAll: true };
const onStderr: Expected = { exit: 3, report: ['stderr', 'kept'], closesAll: true };

const endingSignal = (incident: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): Row => ({
  what: incident,
  incident,
  cells: {
    start: untouched(3),
    question: untouched(4),
    closing: { exit: 3, report: ['stdout', 'kept'] },
    report: whole,
  },
});

const deadlySignal = (incident: 'SIGQUIT' | 'SIGKILL'): Row => ({
  what: incident,
  incident,
  note: 'ends the process at once',
  cells: {
    start: untouched(undefined),
    question: untouched(undefined),
    closing: { exit: undefined, report: ['kept'] },
    report: { exit: undefined, report: ['kept'], closesAll: true },
  },
});

export const rows: readonly Row[] = [
  endingSignal('SIGINT'),
  endingSignal('SIGTERM'),
  endingSignal('SIGHUP'),
  deadlySignal('SIGQUIT'),
  deadlySignal('SIGKILL'),
  {
    what: 'standard output: the reader leaves',
    incident: 'stdout',
    cells: {
      start: onStderr,
      question: { exit: 3, report: ['stderr', 'kept'], closesAll: true },
      closing: onStderr,
      report: onStderr,
    },
  },
  {
    what: 'standard output: the disk is full',
    incident: 'stdin',
    options: { stdout: 'full' },
    cells: {
      start: 'nothing is written yet',
      question: 'nothing is written yet',
      closing: 'nothing is written yet',
      report: onStderr,
    },
  },
  {
    what: 'standard error: the reader leaves',
    incident: 'stderr',
    cells: { start: whole, question: 'it is the terminal', closing: whole, report: whole },
  },
  {
    what: 'standard error: the disk is full',
    incident: 'stdin',
    options: { stderr: 'full' },
    cells: { start: whole, question: 'it is the terminal', closing: whole, report: whole },
  },
  {
    what: 'both: the readers leave',
    incident: 'both',
    cells: {
      start: { exit: 3, report: ['kept'], closesAll: true },
      question: 'standard error is the terminal',
      closing: { exit: 3, report: ['kept'], closesAll: true },
      report: { exit: 3, report: ['kept'], closesAll: true },
    },
  },
  {
    what: 'the terminal: it hangs up, with SIGHUP',
    incident: 'terminal',
    options: { terminal: true },
    cells: {
      start: untouched(3),
      question: { exit: 4, nothingSent: true, orKilled: true },
      closing: { exit: 3, report: ['kept'] },
      report: { exit: 3, report: ['kept'], closesAll: true },
    },
  },
  {
    what: 'the terminal: it is lost to a process in a session of its own',
    incident: 'terminal',
    options: { terminal: true, ownSession: true },
    cells: {
      start: { exit: 3, report: ['kept'], closesAll: true },
      question: untouched(4),
      closing: { exit: 3, report: ['kept'], closesAll: true },
      report: { exit: 3, report: ['kept'], closesAll: true },
    },
  },
  {
    what: 'standard input: it ends',
    incident: 'stdin',
    cells: {
      start: untouched(2),
      question: untouched(4),
      closing: whole,
      report: whole,
    },
  },
  {
    what: '`--output-file`: its folder goes away',
    incident: 'output',
    options: { args: ['sweep', '--yes', '-o', 'json', '--output-file', 'OUTPUT'] },
    cells: {
      start: onStderr,
      question: onStderr,
      closing: onStderr,
      report: 'the file is written at once',
    },
  },
  {
    what: 'the state directory: it goes away',
    incident: 'state',
    cells: {
      start: { exit: 0, report: ['stdout'], closesAll: true },
      question: { exit: 0, report: ['stdout'], closesAll: true },
      closing: { exit: 0, report: ['stdout'], closesAll: true },
      report: { exit: 0, report: ['stdout'], closesAll: true },
    },
  },
];

/** How the deployed function ends if nothing reads its log any more; `test/deployment/artefact.test.ts` checks it. */
export const functionRows: readonly (readonly [string, string, string, string])[] = [
  [
    'the log: its reader leaves',
    'the sweep goes on and returns its report',
    'the sweep goes on and returns its report',
    'the report is returned',
  ],
];

const placeWords: Readonly<Record<Place, string>> = {
  stdout: 'on standard output',
  stderr: 'on standard error',
  kept: 'in the state directory',
  output: 'in the file',
};

/** A cell in words. */
export function words(cell: Expected | string): string {
  if (typeof cell === 'string') return `– (${cell})`;
  const exit = cell.exit === undefined ? 'killed' : `exit ${cell.exit}`;
  if ('nothingSent' in cell) return `${exit}${cell.orKilled ? ' or killed' : ''}; nothing was sent`;
  const closes = cell.closesAll ? 'closes all; ' : '';
  const what = cell.exit === undefined && !cell.closesAll ? 'the asked jobs are' : 'report';
  return `${exit}; ${closes}${what} ${cell.report.map((place) => placeWords[place]).join(' and ')}`;
}
