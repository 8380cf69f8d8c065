import { beforeAll, describe, expect, it } from 'vitest';
import { pastSweepsIn } from '../../src/cli/input/past-sweeps.ts';
import { builtCommand } from '../support/built-command.ts';
import { isNightly, sized } from '../support/nightly.ts';
import { type Expected, type Place, type Row, rows, stageTitles, words } from './cells.ts';
import { type Aftermath, type Stage, stages, Victim, type VictimOptions } from './victim.ts';

let script: string;
beforeAll(async () => {
  ({ script } = await builtCommand());
}, 60_000);

const closed = new Set(['closed', 'force_closed']);

/** The jobs in the reports within a text, with their outcomes. */
const named = (text: string | undefined): Map<string, string> =>
  new Map(
    pastSweepsIn(text ?? '').flatMap(({ jobs }) =>
      jobs.filter(({ outcome }) => outcome !== 'kept').map(({ jobId, outcome }) => [jobId, outcome] as const),
    ),
  );

const textsAt: Readonly<Record<Place, (after: Aftermath) => readonly string[]>> = {
  stdout: ({ stdout }) => [stdout],
  stderr: ({ stderr }) => [stderr],
  kept: ({ kept }) => kept,
  output: ({ output = '' }) => [output],
};

function hold(expected: Expected, after: Aftermath): void {
  const exits = 'orKilled' in expected ? [expected.exit, undefined] : [expected.exit];
  expect(exits, after.stderr).toContain(after.exit);
  expect(after.stderr).not.toContain('unexpected error');
  if ('nothingSent' in expected) {
    expect([...after.asked]).toEqual([]);
    return;
  }
  expect(after.asked.size).toBeGreaterThan(0);
  for (const place of expected.report) {
    const jobs = new Map(textsAt[place](after).flatMap((text) => [...named(text)]));
    expect([...jobs.keys()], place).toEqual(expect.arrayContaining([...after.asked]));
    if (expected.closesAll && after.exit !== undefined)
      expect(
        [...jobs].filter(([, outcome]) => closed.has(outcome)),
        place,
      ).toHaveLength(4);
  }
}

async function run({ incident, options = {} }: Row, stage: Stage, expected: Expected): Promise<Aftermath> {
  const isOnTerminal = options.terminal === true || stage === 'question';
  const args = options.args ?? [
    'sweep',
    ...(stage === 'question' ? [] : ['--yes']),
    ...(options.terminal ? [] : ['-o', 'json']),
  ];
  const victimOptions: VictimOptions = {
    ...options,
    script,
    args: stage === 'question' ? args.filter((arg) => arg !== '--yes') : args,
    ...(isOnTerminal && { terminal: true, pipedOutput: options.terminal !== true }),
    slowStart: stage === 'start',
    longReport: stage === 'report' && options.stdout !== 'full',
    // If the sweep waits for all closes, they are short. Otherwise, they take longer, so that only the incident ends the
    // sweep.
    ...('closesAll' in expected && { closeTakes: ['200ms', '400ms', '100ms', '300ms'] }),
    ...(incident === 'stdin' &&
      stage === 'start' &&
      options.stdout === undefined &&
      options.stderr === undefined && {
        args: [...args, '-p', '-'],
      }),
  };
  await using victim = await Victim.start(victimOptions);
  // some interruptions affect the whole run, so they do not need a particular stage
  const isFull = options.stdout === 'full' || options.stderr === 'full';
  const readsPayload = victimOptions.args.includes('-p');
  if (!isFull && !readsPayload) expect(await victim.reaches(stage), 'the stage was not reached').toBe(true);
  victim.do(incident);
  const goesOn =
    isOnTerminal &&
    !['terminal', 'stdin', 'SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGKILL'].includes(incident);
  if (stage === 'question' && goesOn) victim.answer('y\n');
  return await victim.ends();
}

it.concurrent('a sweep continues while its terminal is stalled, and ends within ten seconds of a signal', {
  timeout: 60_000,
}, async () => {
  await using victim = await Victim.start({
    args: ['sweep', '--yes'],
    terminal: true,
    longReport: true,
    closeTakes: ['100ms', '200ms', '100ms', '200ms'],
    script,
  });
  victim.stall();
  await expect.poll(() => victim.closed, { timeout: 30_000 }).toBe(4);
  victim.do('SIGTERM');
  const after = await victim.ends({ reads: false });
  expect(after.tookMs).toBeLessThan(10_000);
  expect([...named(after.kept[0]).keys()]).toEqual(expect.arrayContaining([...after.asked]));
});

/**
 * Rows that only a nightly run tests. Other tests of this file send SIGTERM and, when a terminal hangs up, SIGHUP. The
 * system ends a process on SIGQUIT as it does on SIGKILL.
 */
const rowsOfTheNight = new Set(['SIGTERM', 'SIGHUP', 'SIGQUIT']);
const tested = rows.filter(({ what }) => isNightly || !rowsOfTheNight.has(what));

/**
 * A nightly run tests every cell. Other runs test one cell of each row: the one for closes in flight, or the only one
 * if the row has just one.
 */
const stagesOf = ({ cells }: Row): readonly Stage[] => {
  const cases = stages.filter((stage) => typeof cells[stage] !== 'string');
  return sized({
    push: cases.filter((stage) => stage === 'closing' || cases.length === 1),
    nightly: cases,
  });
};

describe.concurrent.each(tested)('an interruption of the command ($what)', { timeout: 60_000 }, (row) => {
  for (const stage of stagesOf(row)) {
    const cell = row.cells[stage];
    if (typeof cell === 'string') continue;
    it(`after an interruption (${row.what}) ${stageTitles[stage]}, the command ends with: ${words(cell)}`, async () => {
      const after = await run(row, stage, cell);
      hold(cell, after);
      if (row.incident.startsWith('SIG')) expect(after.tookMs).toBeLessThan(10_000);
    });
  }
});
