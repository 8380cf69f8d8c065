/** @module `jobsweep reopen`: undoes a sweep. */

import { AccessDeniedError, InvalidSettingError } from '../../base/errors.ts';
import { plural, printable } from '../../base/text.ts';
import { span } from '../../base/words.ts';
import { Opener } from '../../elasticsearch/opener.ts';
import type { JobSnapshot } from '../../sweep/planning/inventory.ts';
import { readCluster } from '../../sweep/planning/read-cluster.ts';
import { runbookLink } from '../../sweep/reporting/runbook.ts';
import { outcomes } from '../../sweep/vocabulary.ts';
import type { CommandContext, Register } from '../command.ts';
import { withExamples } from '../help.ts';
import { confirmed, mustAskOrHave } from '../input/ask.ts';
import { InvalidDocumentError } from '../input/document.ts';
import { examineKept, isNewer, stateFolder } from '../input/kept-reports.ts';
import { type PastJob, type PastSweep, readPastSweeps } from '../input/past-sweeps.ts';
import { readRequest } from '../input/payload.ts';
import { noteReopening } from '../input/reopenings.ts';
import { collect } from '../input/request-flags.ts';
import { knownIds, openTarget, type Target, type TargetOptions, withTargetOptions } from '../input/target.ts';
import { type ExitCode, type Io, widthOf } from '../io.ts';
import { inAllForms } from '../output/forms.ts';
import { checkOutput, type OutputOptions, withOutputOptions, writeResult } from '../output/output.ts';
import { fitted } from '../output/table.ts';
import { durationOption } from '../sweep/run-sweep.ts';
import { closedJobs, namedJobs, questionOf } from './choose-jobs.ts';
import { missingRounds } from './missing-rounds.ts';
import {
  type datafeedOutcomes,
  type ReopenedJob,
  reopenJobs,
  reopenOutcomes,
  undoable,
} from './reopen-jobs.ts';
import { type ReopenReport, reopenSheet, reopenText } from './reopened-text.ts';

interface ReopenOptions extends TargetOptions, OutputOptions {
  readonly sweep?: string;
  readonly last?: boolean;
  readonly cluster?: string;
  readonly jobs?: readonly string[];
  readonly yes?: boolean;
  readonly save: boolean;
  readonly deadline: string;
}

export const registerReopen: Register = (program, context) => {
  const command = withOutputOptions(withTargetOptions(program.command('reopen')))
    .description(
      'undo: open the jobs that a sweep closed, and start the datafeeds that it stopped; asks first',
    )
    .argument('[report]', 'the sweep’s report as JSON, or the function’s log lines')
    .optionsGroup('Reopen:')
    .option('--last', 'undo the newest sweep of this command, from the report that it kept')
    .option('--cluster <name>', 'with --last: the cluster that was swept (default: that of the newest sweep)')
    .option('--sweep <id>', 'which sweep, if the file has several')
    .option('--jobs <names>', 'only these of its jobs: ids, groups and wildcards; may be repeated', collect)
    .option('--deadline <duration>', 'how long it may take', '15m')
    .option('--yes', 'do not ask')
    .option('--no-save', 'do not note in the state directory which jobs were opened')
    .action(
      context.action((file: string | undefined, options: ReopenOptions) => run(file, options, context)),
    );
  withExamples(command, [
    ['jobsweep reopen --last', 'undo the newest sweep of this command'],
    ['jobsweep reopen report.json --jobs web-errors', 'open one of the jobs that a sweep closed'],
    [
      'aws logs tail LOG_GROUP --since 1d > log.txt; jobsweep reopen log.txt',
      'undo a sweep of the function, from its log',
    ],
  ]);
};

async function run(
  named: string | undefined,
  options: ReopenOptions,
  { io, paint }: CommandContext,
): Promise<ExitCode> {
  const source = await sourceOf(named, options, io);
  const { file, sweeps } = source;
  const names = options.jobs && (await readRequest({ jobs: options.jobs }, io)).request.jobs;
  const [{ cluster: recorded }] = sweeps;
  const deadlineMs = durationOption('--deadline', options.deadline, '15m');
  mustAskOrHave(options.yes, 'reopen', io);
  await checkOutput(options);
  await using target = await openTarget(recorded.name, options, io);
  const endsAt = target.clock.now() + deadlineMs;
  using limit = target.clock.limit(deadlineMs);
  const ending = AbortSignal.any([io.signal, limit.signal]);
  const until = target.clock.now() + deadlineMs;
  const ids = await knownIds(target, ending);
  target.cluster.limitReads({ until });
  const foreign = sweeps.find(({ cluster }) => !ids.has(cluster.id))?.cluster;
  if (foreign) {
    throw new InvalidDocumentError(
      `${file} is the report of another cluster (${foreign.id}) than ${foreign.name} here; nothing was changed. Use the settings of the swept cluster`,
    );
  }
  if (options.last) io.stderr.write(`${fitted(lastWords(source, target.clock.now()), io.stderr)}\n`);
  const closed = closedJobs(sweeps);
  // If each name is the id of a job that the source lists as closed, gaps elsewhere in the source do not matter.
  const isWhole = names?.every((name) => closed.some(({ jobId }) => jobId === name)) === true;
  const warnings = isWhole ? [] : [...source.missingRounds, ...warningsOf(sweeps)];
  // Shown before the question, because a missing sweep may change the user's answer.
  for (const text of isWhole ? [] : source.missingRounds)
    io.stderr.write(`${fitted(`warning: ${text}`, io.stderr)}\n`);
  const tell = (report: ReopenReport): Promise<ExitCode> =>
    writeResult(
      inAllForms({
        text: () => reopenText(report, { width: widthOf(io.stdout), paint: paint('stdout') }),
        value: report,
        each: [...report.jobs, { ...report, jobs: undefined }],
        sheet: () => reopenSheet(report),
      }),
      options,
      io,
      { exit: report.status === 'done' ? 0 : 3, changes: true },
    );
  const startedAt = target.clock.now();
  if (closed.length === 0 && !names) return tell(reportOf([], sweeps, startedAt, startedAt, warnings));
  const found = await readCluster(target.cluster, target.clock, ending);
  if (found.upgradeMode) {
    io.stderr.write(
      `jobsweep: machine learning is in upgrade mode, so no job can be opened; nothing was changed. Try again after the upgrade\nwhat to do: ${runbookLink('refused-upgrade_mode')}\n`,
    );
    return 4;
  }
  if (found.mayClose === false)
    throw new AccessDeniedError(
      403,
      'the credentials lack the cluster privilege manage_ml, which opening a job needs; nothing was changed',
    );
  const now = new Map(found.jobs.map((job) => [job.jobId, job]));
  const jobs = names ? namedJobs(names, closed, now, sweeps) : closed;
  if (!options.yes && !(await isAgreed(questionOf(jobs, now, target.title), io))) return 4;
  const remainingMs = () => endsAt - target.clock.now();
  const done = await carryOut(jobs, now, target, { ending, remainingMs, io });
  await noteOpened(done, found.identity.id, startedAt, options, io);
  return tell(reportOf(done, sweeps, startedAt, target.clock.now(), warnings));
}

/** Saves which jobs were opened, so that later commands do not assume that others opened them. */
async function noteOpened(
  jobs: readonly ReopenedJob[],
  clusterId: string,
  startedAt: number,
  { embedded, save }: ReopenOptions,
  io: Io,
): Promise<void> {
  const folder = save && !embedded ? stateFolder(io.env) : undefined;
  const opened = jobs.filter(({ outcome }) => outcome === 'reopened');
  if (folder === undefined || opened.length === 0) return;
  const note = { at: new Date(startedAt).toISOString(), jobs: opened.map(({ jobId }) => jobId) };
  const problem = await noteReopening(folder, clusterId, note);
  if (problem !== undefined)
    io.stderr.write(`jobsweep: the opened jobs could not be noted for later plans: ${problem}\n`);
}

async function isAgreed(asked: ReturnType<typeof questionOf>, io: Io): Promise<boolean> {
  if (!asked) return true;
  for (const line of asked.lines) io.stderr.write(`${fitted(line, io.stderr)}\n`);
  if (await confirmed(asked.question, io)) return true;
  io.stderr.write('nothing was changed\n');
  return false;
}

interface Source {
  readonly file: string;
  readonly sweeps: readonly [PastSweep, ...PastSweep[]];
  /** Warnings about sweeps of the chain (a sweep and its follow-ups) that the file lacks. */
  readonly missingRounds: readonly string[];
  /** Newer kept reports that could not be read. */
  readonly missed?: readonly string[];
}

/** Tells users of `--last` why the newest kept sweep may not be the newest sweep, so that they undo the right one. */
const notKept = 'Sweeps of the function, of other machines and with --no-save are not kept there.';

async function sourceOf(
  file: string | undefined,
  { last, cluster, sweep }: ReopenOptions,
  { env }: Io,
): Promise<Source> {
  if ((file === undefined) !== (last === true))
    throw new InvalidSettingError('reopen needs the file of a report, or --last; nothing was changed');
  if (!last && cluster !== undefined)
    throw new InvalidSettingError('--cluster goes with --last: a report names its own cluster');
  if (file !== undefined) {
    const all = await readPastSweeps(file);
    const sweeps = chooseChain(all, file, sweep);
    return { file, sweeps, missingRounds: missingRounds(sweeps, all) };
  }
  const folder = stateFolder(env);
  if (folder === undefined)
    throw new InvalidSettingError('--last: no report is kept, as neither XDG_STATE_HOME nor HOME is set');
  const { kept: all, unreadable, problem } = await examineKept(folder);
  const kept = all.filter(
    ({ sweeps: [first] }) =>
      (cluster === undefined || first.cluster.name === cluster) &&
      (sweep === undefined || first.sweepId === sweep),
  );
  // Skips newer sweeps that closed nothing: otherwise, a nightly sweep would hide the sweep to undo.
  const newest = kept.find(({ sweeps }) => sweeps.some(({ jobs }) => undoable(jobs).length > 0)) ?? kept[0];
  if (!newest) {
    const of = cluster === undefined ? '' : ` of the cluster ${cluster}`;
    throw new InvalidSettingError(
      problem === undefined
        ? `--last: ${folder} keeps no report${of}. ${notKept} Name a file with the report or the log lines`
        : `--last: ${folder} cannot be read (${problem}), so it is unknown what it keeps. Name the file of a report`,
    );
  }
  const missed = unreadable.filter((path) => isNewer(path, newest.path));
  return {
    file: newest.path,
    sweeps: newest.sweeps,
    missingRounds: missingRounds(newest.sweeps, newest.sweeps),
    missed,
  };
}

function lastWords({ sweeps, file, missed = [] }: Source, now: number): string {
  const [{ sweepId, startedAt, cluster }] = sweeps;
  const age = span(Math.max(0, now - Date.parse(startedAt)));
  const which = sweeps.some(({ jobs }) => undoable(jobs).length > 0) ? ' that closed jobs' : '';
  const newer =
    missed.length === 0
      ? ''
      : ` ${plural(missed.length, 'newer report')} cannot be read: ${missed.join(', ')}.`;
  return `the newest kept sweep${which} is ${printable(sweepId)} of the cluster ${cluster.name}, ${age} ago: ${file}.${newer} ${notKept}`;
}

/** Maximum number of sweeps that a message names. */
const mostNamed = 20;

/**
 * The chosen sweep with its follow-ups. @throws {InvalidDocumentError} if the file has several sweeps and none is
 * chosen.
 */
function chooseChain(
  sweeps: readonly PastSweep[],
  file: string,
  id: string | undefined,
): [PastSweep, ...PastSweep[]] {
  const chains = Map.groupBy(sweeps, ({ chain }) => chain);
  const all = [...chains].map(([chain, [first]]) => `${printable(chain)} (${first?.startedAt})`);
  const known = [...all.slice(0, mostNamed), ...(all.length > mostNamed ? ['more'] : [])].join(', ');
  const meant = id ?? (chains.size === 1 ? sweeps[0]?.chain : undefined);
  if (meant === undefined)
    throw new InvalidDocumentError(`${file} has ${chains.size} sweeps: choose one with --sweep: ${known}`);
  const [first, ...rest] = sweeps.filter(({ chain, sweepId }) => chain === meant || sweepId === meant);
  if (!first) throw new InvalidDocumentError(`${file} does not have the sweep ${meant}; it has ${known}`);
  return [first, ...rest];
}

interface Undoing {
  readonly ending: AbortSignal;
  readonly remainingMs: () => number;
  readonly io: Io;
}

async function carryOut(
  jobs: readonly PastJob[],
  now: ReadonlyMap<string, JobSnapshot>,
  { cluster, connection, clock }: Target,
  { ending, remainingMs, io }: Undoing,
): Promise<ReopenedJob[]> {
  await using opener = new Opener(connection, clock);
  const nodes = new Set(jobs.flatMap(({ nodeId }) => nodeId ?? [])).size;
  let done = 0;
  // Awaited here, because the connections close when this function returns.
  return await reopenJobs(jobs, now, {
    cluster,
    opener,
    clock,
    remainingMs,
    concurrency: Math.min(8, 2 * Math.max(1, nodes)),
    ending,
    onResult: () => {
      done += 1;
      if (io.stderr.isTTY)
        io.stderr.write(
          `\r\u001b[2K${done} of ${plural(jobs.length, 'job')} done${done === jobs.length ? '\n' : ''}`,
        );
    },
  });
}

function reportOf(
  jobs: readonly ReopenedJob[],
  sweeps: readonly [PastSweep, ...PastSweep[]],
  startedAt: number,
  endedAt: number,
  warnings: readonly string[],
): ReopenReport {
  const counts = Object.fromEntries(
    Object.keys(reopenOutcomes).map((outcome) => [
      outcome,
      jobs.filter((job) => job.outcome === outcome).length,
    ]),
  ) as Record<keyof typeof reopenOutcomes, number>;
  const datafeeds = (outcomes: readonly (keyof typeof datafeedOutcomes)[]) =>
    jobs.filter(({ datafeed }) => datafeed && outcomes.includes(datafeed)).length;
  const datafeedsNotStarted = datafeeds(['error', 'not_attempted']);
  const undone =
    counts.opening +
    counts.closing +
    counts.failed +
    counts.error +
    counts.not_attempted +
    datafeedsNotStarted;
  return {
    sweepIds: sweeps.map(({ sweepId }) => sweepId),
    cluster: sweeps[0].cluster,
    status: undone > 0 || warnings.length > 0 ? 'partial' : 'done',
    startedAt: new Date(startedAt).toISOString(),
    durationMs: endedAt - startedAt,
    counts: {
      ...counts,
      datafeedsStarted: datafeeds(['started']),
      datafeedsNotStarted,
      datafeedsLeftStopped: datafeeds(['left_stopped']),
    },
    jobs,
    warnings,
  };
}

/** Warnings about gaps in the source. Any gap makes the undo `partial`. */
function warningsOf(sweeps: readonly PastSweep[]): string[] {
  const missing = sweeps.reduce((sum, sweep) => sum + sweep.missing, 0);
  const unread = sweeps.reduce((sum, sweep) => sum + sweep.unread, 0);
  const unknown = sweeps.flatMap(({ jobs }) =>
    jobs.filter(({ outcome }) => !Object.hasOwn(outcomes, outcome)),
  );
  return [
    ...(missing > 0
      ? [
          `${plural(missing, 'job')} that the sweep closed ${missing === 1 ? 'is' : 'are'} not named in what was given: the function’s log lines have them all`,
        ]
      : []),
    ...(unread > 0
      ? [
          `${unread} ${unread === 1 ? 'entry' : 'entries'} of the report cannot be read, so the jobs that they name are left as they are`,
        ]
      : []),
    ...unknown
      .slice(0, mostNamed)
      .map(
        ({ jobId, outcome }) =>
          `the report gives ${printable(jobId)} the outcome ${outcome}, which this version does not know: the job is left as it is`,
      ),
    ...(unknown.length > mostNamed
      ? [`${unknown.length - mostNamed} more jobs have an unknown outcome`]
      : []),
  ];
}
