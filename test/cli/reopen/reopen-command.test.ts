import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ReopenReport } from '../../../src/cli/reopen/reopened-text.ts';
import { type Folder, newFolder } from '../../support/folder.ts';
import { runOn } from '../../support/run-on.ts';
import { busy, idle, type SweepSetup, startSetup } from '../../support/sweep-setup.ts';

/** Runs a sweep and returns the file with its report. */
async function swept(
  setup: SweepSetup,
  folder: Folder,
  payload: object = {},
  form = 'json',
): Promise<string> {
  const file = folder.at(`report.${form}`);
  const { exit } = await runOn(setup, ['sweep', '--yes', '--output-file', file, '-o', form, '-p', '-'], {
    stdin: JSON.stringify(payload),
  });
  expect([0, 3]).toContain(exit);
  return file;
}

async function reopened(setup: SweepSetup, file: string, ...more: string[]) {
  const result = await runOn(setup, ['reopen', file, '--yes', ...more]);
  return { exit: result.exit, report: JSON.parse(result.stdout) as ReopenReport };
}

const opens = (setup: SweepSetup) => setup.server.requests.filter(({ api }) => api === 'ml.open_job');
const fedJobs = idle(3, { datafeed: { state: 'started', source: { every: '1m', until: '100h' } } });

/** Rewrites a file in UTF-16, the encoding that PowerShell's `>` uses. */
async function toUtf16(folder: Folder, file: string): Promise<void> {
  await folder.write(basename(file), Buffer.from(`\uFEFF${await folder.read(basename(file))}`, 'utf16le'));
}

describe('`jobsweep reopen`', () => {
  it.each(['json', 'ndjson'])(
    '`reopen` reads a %s report in UTF-16, as PowerShell writes it',
    async (form) => {
      await using setup = await startSetup([...busy(8), ...idle(3)]);
      await using folder = await newFolder();
      const file = await swept(setup, folder, {}, form);
      await toUtf16(folder, file);
      expect((await reopened(setup, file)).report.counts).toMatchObject({ reopened: 3, error: 0 });
    },
  );

  it.each(['json', 'ndjson'])(
    '`reopen` reads the %s report of a sweep, and opens all jobs that the sweep closed, also those that it closed with force',
    async (form) => {
      await using setup = await startSetup([
        ...busy(8),
        ...idle(3),
        { jobId: 'broken', state: 'failed', lastData: '9d' },
      ]);
      await using folder = await newFolder();
      const file = await swept(setup, folder, {}, form);
      expect(setup.state('broken')).toBe('closed');
      const { exit, report } = await reopened(setup, file);
      expect(exit).toBe(0);
      expect(report).toMatchObject({
        status: 'done',
        counts: { reopened: 4, error: 0, datafeedsStarted: 0 },
      });
      for (const { jobId } of report.jobs) expect(setup.state(jobId)).toBe('opened');
      expect(report.jobs.map(({ jobId }) => jobId).sort()).toEqual(['broken', 'idle-0', 'idle-1', 'idle-2']);
    },
  );

  it('`reopen` starts the datafeeds that the sweep stopped, and no others', async () => {
    await using setup = await startSetup([
      ...busy(8),
      ...fedJobs,
      { jobId: 'rests', lastData: '9d', datafeed: { state: 'stopped' } },
    ]);
    await using folder = await newFolder();
    const file = await swept(setup, folder, { runningDatafeeds: 'stop' });
    expect(setup.cluster.job('idle-0')?.datafeed?.state).toBe('stopped');
    const { exit, report } = await reopened(setup, file);
    expect(exit).toBe(0);
    expect(report.counts).toMatchObject({ reopened: 4, datafeedsStarted: 3, datafeedsNotStarted: 0 });
    expect(setup.cluster.job('idle-0')?.datafeed?.state).toBe('started');
    expect(setup.cluster.job('rests')?.datafeed?.state).toBe('stopped');
  });

  it('`reopen` starts a datafeed whose id is longer than any job id', async () => {
    const jobId = 'j'.repeat(60);
    const datafeed = { state: 'started', source: { every: '1m', until: '100h' } } as const;
    await using setup = await startSetup([...busy(8), { jobId, lastData: '9d', datafeed }]);
    await using folder = await newFolder();
    const file = await swept(setup, folder, { runningDatafeeds: 'stop' });
    const { exit, report } = await reopened(setup, file);
    expect(exit).toBe(0);
    expect(report.jobs).toEqual([
      { jobId, outcome: 'reopened', datafeedId: `datafeed-${jobId}`, datafeed: 'started' },
    ]);
  });

  it('`reopen` changes nothing when it runs a second time', async () => {
    await using setup = await startSetup([...busy(8), ...fedJobs]);
    await using folder = await newFolder();
    const file = await swept(setup, folder, { runningDatafeeds: 'stop' });
    await reopened(setup, file);
    const asked = opens(setup).length;
    const { exit, report } = await reopened(setup, file);
    expect(exit).toBe(0);
    expect(report.counts).toMatchObject({ reopened: 0, already_open: 3, datafeedsStarted: 0 });
    expect(opens(setup)).toHaveLength(asked);
  });

  it('`reopen` starts the datafeed that the sweep stopped, even if the close failed and the job is already open', async () => {
    const feed = { state: 'started', source: { every: '1m', until: '100h' } } as const;
    await using setup = await startSetup([...busy(8), ...idle(1, { datafeed: feed })]);
    await using folder = await newFolder();
    const failing = { api: 'ml.close_job', after: true, status: 500, type: 'x', reason: 'y', times: 9 };
    setup.cluster.setCloseDuration('idle-0', { fails: 'disk full' });
    setup.server.faults.add(failing);
    const file = await swept(setup, folder, { runningDatafeeds: 'stop', force: { failed: false } });
    setup.cluster.forceCloseJob('idle-0');
    setup.cluster.openJob('idle-0');
    await setup.clock.advance(60_000);
    const { report } = await reopened(setup, file);
    expect(report.jobs).toEqual([
      { jobId: 'idle-0', outcome: 'already_open', datafeedId: 'datafeed-idle-0', datafeed: 'started' },
    ]);
  });

  it('`reopen` opens at most two jobs per node at once', async () => {
    await using setup = await startSetup([...busy(30), ...idle(24, { openTakes: '10s', node: 'ml-1' })]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const { report } = await reopened(setup, file);
    expect(report.counts.reopened).toBe(24);
    const moments = opens(setup).flatMap(({ at, answeredAt = 0 }) => [
      [at, 1] as const,
      [answeredAt, -1] as const,
    ]);
    moments.sort(([a, x], [b, y]) => a - b || x - y);
    let now = 0;
    const most = Math.max(...moments.map(([, by]) => (now += by)));
    expect(most).toBe(2);
  });

  it('`reopen` shows the cluster’s error for jobs that cannot be opened, and exits with 3', async () => {
    await using setup = await startSetup([...busy(8), ...idle(4)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    setup.cluster.removeJob('idle-0');
    setup.cluster.blockJob('idle-1', 'reset');
    setup.server.faults.add({
      api: 'ml.open_job',
      path: '*idle-2*',
      times: 9,
      status: 429,
      type: 'status_exception',
      reason: 'Could not open job because no ML nodes with sufficient capacity were found',
    });
    const { exit, report } = await reopened(setup, file);
    expect(exit).toBe(3);
    expect(
      Object.fromEntries(report.jobs.map(({ jobId, outcome, error }) => [jobId, [outcome, error?.reason]])),
    ).toEqual({
      'idle-0': ['gone', undefined],
      'idle-1': ['error', 'Cannot open job [idle-1] because it is executing [reset]'],
      'idle-2': ['error', 'Could not open job because no ML nodes with sufficient capacity were found'],
      'idle-3': ['reopened', undefined],
    });
    const shown = await runOn(setup, ['reopen', file, '--yes', '-o', 'table']);
    expect(shown.stdout).toContain('4 jobs in');
  });

  const noRoom = {
    api: 'ml.open_job',
    status: 429,
    type: 'status_exception',
    reason: 'Could not open job because no ML nodes with sufficient capacity were found',
  };

  it('if the cluster has no room yet, `reopen` tries again after the wait that the cluster’s answer requests', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    setup.server.faults.add({ ...noRoom, times: 2, headers: { 'retry-after': '30' } });
    const began = setup.clock.now();
    const { exit, report } = await reopened(setup, file);
    expect(exit).toBe(0);
    expect(report.counts).toMatchObject({ reopened: 1, error: 0 });
    expect(opens(setup)).toHaveLength(3);
    expect(setup.clock.now() - began).toBeGreaterThanOrEqual(60_000);
  });

  it('`reopen` tries to open a job at most three times, and never waits past the deadline', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    setup.server.faults.add({ ...noRoom, times: 9 });
    expect((await reopened(setup, file)).report.counts).toMatchObject({ reopened: 0, error: 1 });
    expect(opens(setup)).toHaveLength(3);
    const cancel = setup.server.faults.add({ ...noRoom, times: 9, headers: { 'retry-after': '86400' } });
    const began = setup.clock.now();
    expect((await reopened(setup, file)).exit).toBe(3);
    cancel();
    expect(setup.clock.now() - began).toBeLessThan(15 * 60_000);
  });

  it('if the cluster at first has no room for a datafeed, `reopen` starts the datafeed later', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1, { datafeed: fedJobs[0]?.datafeed })]);
    await using folder = await newFolder();
    const file = await swept(setup, folder, { runningDatafeeds: 'stop' });
    setup.server.faults.add({ ...noRoom, api: 'ml.start_datafeed' });
    const { exit, report } = await reopened(setup, file);
    expect(exit).toBe(0);
    expect(report.counts).toMatchObject({ datafeedsStarted: 1, datafeedsNotStarted: 0 });
  });

  it('if the cluster cannot open a job, `reopen` shows the cause from the cluster’s answer, such as a full node', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const full =
      'Could not open job because no suitable nodes were found, allocation explanation [ml-0 is full]';
    const body = {
      error: { ...noRoom, caused_by: { type: 'illegal_state_exception', reason: full } },
      status: 429,
    };
    setup.server.faults.add({ api: 'ml.open_job', status: 429, body, times: 99 });
    const { report } = await reopened(setup, file);
    expect(report.jobs).toMatchObject([{ error: { causedBy: `illegal_state_exception: ${full}` } }]);
    const shown = await runOn(setup, ['reopen', file, '--yes', '-o', 'markdown']);
    expect(shown.stdout).toContain('ml-0 is full');
  });

  it('`reopen` waits for jobs that are already opening, and starts their datafeeds when they are open', async () => {
    await using setup = await startSetup([...busy(8), ...fedJobs]);
    await using folder = await newFolder();
    const file = await swept(setup, folder, { runningDatafeeds: 'stop' });
    // the state after an interrupted reopen: one job is still opening, and one is open without its datafeed
    setup.cluster.setOpenDuration('idle-0', 40_000);
    setup.cluster.openJob('idle-0');
    setup.cluster.setOpenDuration('idle-1', 0);
    setup.cluster.openJob('idle-1');
    await setup.clock.advance(1_000);
    expect([setup.state('idle-0'), setup.state('idle-1')]).toEqual(['opening', 'opened']);
    const { exit, report } = await reopened(setup, file);
    expect(exit).toBe(0);
    expect(report.counts).toMatchObject({ already_open: 2, reopened: 1, opening: 0, datafeedsStarted: 3 });
  });

  it('`reopen` opens all jobs even if two `reopen` commands run at the same time', async () => {
    await using setup = await startSetup([
      ...busy(8),
      ...idle(3, { openTakes: '20s', datafeed: fedJobs[0]?.datafeed }),
    ]);
    await using folder = await newFolder();
    const file = await swept(setup, folder, { runningDatafeeds: 'stop' });
    const both = await Promise.all([reopened(setup, file), reopened(setup, file)]);
    expect(both.map(({ exit }) => exit)).toEqual([0, 0]);
    for (const { jobId } of idle(3)) expect(setup.cluster.job(jobId)?.datafeed?.state).toBe('started');
  });

  it('`reopen` opens jobs that a sweep left closing, if their closes have ended by then', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1, { closeTakes: '10m' })]);
    await using folder = await newFolder();
    const file = await swept(setup, folder, { close: { timeout: '1s' }, followUp: false });
    expect(JSON.parse(await folder.read('report.json'))).toMatchObject({ counts: { closing: 1 } });
    expect((await reopened(setup, file)).report.counts).toMatchObject({ closing: 1 });
    await setup.clock.advance(15 * 60_000);
    expect(setup.state('idle-0')).toBe('closed');
    expect((await reopened(setup, file)).report.counts).toMatchObject({ reopened: 1 });
  });

  it.each(['json', 'ndjson'])(
    'if some outcomes in a report (%s) are not recognized, `reopen` still opens the other jobs that the sweep closed',
    async (form) => {
      await using setup = await startSetup([...busy(8), ...idle(3)]);
      await using folder = await newFolder();
      const file = await swept(setup, folder, {}, form);
      const name = `report.${form}`;
      const text = await folder.read(name);
      const change = (id: string, from: string, to: string) => (line: string) =>
        line.includes(`"${id}"`) ? line.replace(from, to) : line;
      const entries = text.split(form === 'json' ? /(?=\{\s*"jobId")/ : /(?<=\n)/);
      const changed = entries
        .map(change('idle-0', '"closed"', '"snoozed"'))
        .map(change('idle-1', '"closed"', '7'));
      await folder.write(name, changed.join(''));
      const { exit, report } = await reopened(setup, file);
      expect(exit).toBe(3);
      expect(report.jobs).toMatchObject([{ jobId: 'idle-2', outcome: 'reopened' }]);
      expect(report.warnings).toEqual([
        expect.stringContaining('2 jobs that the sweep closed are not named'),
        '1 entry of the report cannot be read, so the jobs that they name are left as they are',
        'the report gives idle-0 the outcome snoozed, which this version does not know: the job is left as it is',
      ]);
    },
  );

  it('if the answer to an open request is lost but the job opens, `reopen` reports no error', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    setup.server.faults.add({ api: 'ml.open_job', reset: 'after' });
    expect((await reopened(setup, file)).report.counts).toMatchObject({ reopened: 1, error: 0 });
  });

  it('`reopen` does not report a job as reopened while it is opening or closing', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    setup.cluster.setOpenDuration('idle-0', 3_600_000);
    setup.cluster.openJob('idle-1');
    await setup.clock.advance(60_000);
    setup.cluster.setCloseDuration('idle-1', 'never');
    setup.cluster.closeJob('idle-1');
    const { exit, report } = await reopened(setup, file);
    expect(exit).toBe(3);
    expect(report.counts).toMatchObject({ opening: 1, closing: 1, reopened: 0 });
  });

  it('`reopen` ends within ten seconds after a signal, and reports what it did', async () => {
    await using setup = await startSetup([...busy(20), ...idle(9, { openTakes: '60s', node: 'ml-0' })]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const stop = new AbortController();
    let toldAt = 0;
    setup.server.faults.at(setup.clock.now() + 90_000, () => {
      toldAt = setup.clock.now();
      stop.abort(new DOMException('stopped by SIGINT', 'AbortError'));
    });
    const result = await runOn(setup, ['reopen', file, '--yes'], { signal: stop.signal });
    expect(result.exit).toBe(3);
    expect(setup.clock.now() - toldAt).toBeLessThan(10_000);
    expect((JSON.parse(result.stdout) as ReopenReport).counts).toMatchObject({
      reopened: 2,
      opening: 2,
      not_attempted: 5,
    });
  });

  it('`reopen` asks for confirmation on a terminal, and needs --yes without one', async () => {
    await using setup = await startSetup([...busy(8), ...fedJobs]);
    await using folder = await newFolder();
    const file = await swept(setup, folder, { runningDatafeeds: 'stop' });
    expect(await runOn(setup, ['reopen', file])).toMatchObject({ exit: 2, stdout: '' });
    const no = await runOn(setup, ['reopen', file], { terminal: true, stdin: 'n\n' });
    expect(no).toMatchObject({ exit: 4, stdout: '' });
    expect(no.stderr).toContain(
      `Open 3 jobs on default (${new URL(setup.server.url).host}), and start 3 datafeeds? [y/N]`,
    );
    expect(opens(setup)).toEqual([]);
    expect((await runOn(setup, ['reopen', file], { terminal: true, stdin: 'y\n' })).exit).toBe(0);
    expect(opens(setup)).toHaveLength(3);
    // no confirmation is needed for jobs that are already open
    const again = await runOn(setup, ['reopen', file, '-o', 'json'], { terminal: true, stdin: 'n\n' });
    expect(again.stderr).not.toContain('[y/N]');
    expect(again.exit).toBe(0);
    expect((JSON.parse(again.stdout) as ReopenReport).counts).toMatchObject({ already_open: 3 });
  });
});

describe('`reopen --jobs`', () => {
  it.each([
    [['--jobs', 'idle-1'], ['idle-1']],
    [
      ['--jobs', 'idle-0, idle-2'],
      ['idle-0', 'idle-2'],
    ],
    [
      ['--jobs', 'idle-0', '--jobs', '*-2'],
      ['idle-0', 'idle-2'],
    ],
    [['--jobs', 'nightly'], ['idle-2']],
    [
      ['--jobs', '*'],
      ['idle-0', 'idle-1', 'idle-2'],
    ],
  ])('`reopen --jobs` opens only the jobs that %j names by id, wildcard or group', async (flags, ids) => {
    await using setup = await startSetup([
      ...busy(8),
      ...idle(2),
      { jobId: 'idle-2', lastData: '9d', groups: ['nightly'] },
    ]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const { exit, report } = await reopened(setup, file, ...flags);
    expect(exit).toBe(0);
    expect(report.jobs.map(({ jobId }) => jobId).sort()).toEqual(ids);
    for (const id of ['idle-0', 'idle-1', 'idle-2'])
      expect(setup.state(id)).toBe(ids.includes(id) ? 'opened' : 'closed');
  });

  it('if a name in --jobs matches none of the jobs that the sweep closed, `reopen` lists the jobs that the sweep closed', async () => {
    await using setup = await startSetup([...busy(30), ...idle(14)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const result = await runOn(setup, ['reopen', file, '--yes', '--jobs', 'idle-0,idle-00']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(
      /--jobs: "idle-00" matches no job that the sweep closed; did you mean idle-0\? It closed (idle-\d+,? ){10}and 4 more; nothing was changed/,
    );
    expect(opens(setup)).toEqual([]);
  });

  it('`reopen` says why it does not open a job that the sweep kept', async () => {
    await using setup = await startSetup([
      ...busy(8),
      ...idle(1),
      { jobId: 'mine', lastData: '9d', customSettings: { jobsweep: { protect: true } } },
    ]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const result = await runOn(setup, ['reopen', file, '--yes', '--jobs', 'mine']);
    expect(result.exit).toBe(2);
    expect(result.stderr).toContain(
      '"mine" matches no job that the sweep closed (its report says of it: kept, protected). It closed idle-0',
    );
  });

  it.each(['', ' , ', 'a,,b'])('`reopen --jobs` refuses the list of names %j', async (names) => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const result = await runOn(setup, ['reopen', file, '--yes', '--jobs', names]);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toContain('--jobs: expected a');
  });

  it('`reopen --jobs` with one job id exits with 0 even if the report counts other jobs without naming them', async () => {
    await using setup = await startSetup([...busy(8), ...idle(3)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const report = JSON.parse(await folder.read('report.json')) as { jobs: { jobId: string }[] };
    report.jobs = report.jobs.filter(({ jobId }) => jobId === 'idle-1');
    await folder.write('report.json', JSON.stringify(report));
    expect(await reopened(setup, file, '--jobs', 'idle-1')).toMatchObject({
      exit: 0,
      report: { warnings: [] },
    });
    // A wildcard could also match jobs that the file does not name, so this reopen counts as incomplete.
    expect((await reopened(setup, file, '--jobs', 'idle-*')).exit).toBe(3);
  });
});

describe('the output of `reopen`', () => {
  it('`reopen` names the first ten jobs in its question', async () => {
    await using setup = await startSetup([...busy(30), ...idle(14)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const all = await runOn(setup, ['reopen', file], { terminal: true, stdin: 'n\n' });
    expect(all.stderr.replaceAll(/\s+/g, ' ')).toMatch(
      /to open: (idle-\d+,? ){10}and 4 more Open 14 jobs on /,
    );
    const two = await runOn(setup, ['reopen', file, '--jobs', 'idle-3,idle-7'], {
      terminal: true,
      stdin: 'n\n',
    });
    expect(two.stderr).toMatch(/to open: idle-3, idle-7\nOpen 2 jobs on /);
  });

  it('`reopen` says that a datafeed stays stopped because the sweep did not stop it', async () => {
    await using setup = await startSetup([
      ...busy(8),
      ...idle(1),
      ...idle(1, { jobId: 'fed', datafeed: { state: 'started', source: { every: '1m', until: '100h' } } }),
      { jobId: 'rests', lastData: '9d', datafeed: { state: 'stopped' } },
    ]);
    await using folder = await newFolder();
    const file = await swept(setup, folder, { runningDatafeeds: 'stop' });
    const { exit, report } = await reopened(setup, file);
    expect(exit).toBe(0);
    expect(report).toMatchObject({
      status: 'done',
      counts: { datafeedsStarted: 1, datafeedsLeftStopped: 1 },
    });
    expect(report.jobs.find(({ jobId }) => jobId === 'rests')).toEqual({
      jobId: 'rests',
      outcome: 'reopened',
      datafeedId: 'datafeed-rests',
      datafeed: 'left_stopped',
    });
    const shown = await runOn(setup, ['reopen', file, '--yes', '-o', 'table']);
    expect(shown.stdout).toMatch(/rests +already_open +left_stopped +the sweep did not stop it/);
    expect(shown.stdout).toContain('1 datafeed left stopped');
    expect(shown.stdout).toContain('POST _ml/datafeeds/datafeed-rests/_start');
  });

  it('the table of `reopen` leaves out the columns that are empty for all jobs', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const { stdout } = await runOn(setup, ['reopen', file, '--yes', '-o', 'table']);
    expect(stdout).toMatch(/^JOB +OUTCOME\n/);
    const page = await runOn(setup, ['reopen', file, '--yes', '-o', 'markdown']);
    expect(page.stdout).not.toContain('DATAFEED');
  });
});

describe('reports and clusters that `reopen` refuses', () => {
  it('`reopen` refuses a report of another cluster, before it changes anything', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using other = await startSetup([...busy(8), ...idle(1)], {}, { seed: 2 });
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const result = await runOn(other, ['reopen', file, '--yes']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(
      /is the report of another cluster .* Use the settings of the swept cluster/,
    );
    expect(opens(other)).toEqual([]);
  });

  it('`reopen` accepts a report that identifies the cluster by its address, without a uuid', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const cancel = setup.server.faults.add({
      api: 'info',
      status: 403,
      type: 'security_exception',
      reason: 'no',
      times: 99,
    });
    const file = await swept(setup, folder);
    cancel();
    expect((await reopened(setup, file)).report.counts.reopened).toBe(1);
  });

  it('`reopen` refuses a log of several sweeps unless one sweep is chosen', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const first = await folder.read((await swept(setup, folder, {}, 'ndjson')).split('/').at(-1) as string);
    await setup.clock.advance(86_400_000);
    setup.cluster.putJob({ jobId: 'second', lastData: '9d' });
    const second = await folder.read(
      (await swept(setup, folder, { jobs: 'second', fuse: { maxShare: null } }, 'ndjson'))
        .split('/')
        .at(-1) as string,
    );
    const log = await folder.write('log', first + second);
    const result = await runOn(setup, ['reopen', log, '--yes']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    const id = /--sweep: \S+ \(\S+\), (\S+) /.exec(result.stderr)?.[1] as string;
    expect((await reopened(setup, log, '--sweep', id)).report.jobs).toMatchObject([
      { jobId: 'second', outcome: 'reopened' },
    ]);
    expect((await runOn(setup, ['reopen', log, '--yes', '--sweep', 'nope'])).stderr).toContain(
      'does not have the sweep nope',
    );
  });

  it('`reopen` opens no job in upgrade mode, or with a key that lacks manage_ml', async () => {
    const apiKeys = [
      { id: 'm', key: 'k', owner: 'o', cluster: ['manage_ml'] },
      { id: 'r', key: 'k', owner: 'o', cluster: ['monitor_ml'] },
    ];
    await using setup = await startSetup([...busy(8), ...idle(1)], { apiKeys });
    await using folder = await newFolder();
    const sweep = await runOn(setup, ['sweep', '--yes'], { env: { ELASTICSEARCH_API_KEY: 'm:k' } });
    const file = await folder.write('report.json', sweep.stdout);
    const denied = await runOn(setup, ['reopen', file, '--yes'], { env: { ELASTICSEARCH_API_KEY: 'r:k' } });
    expect(denied).toMatchObject({ exit: 5, stdout: '' });
    expect(denied.stderr).toContain('manage_ml');
    setup.cluster.setUpgradeMode(true);
    const upgrading = await runOn(setup, ['reopen', file, '--yes'], {
      env: { ELASTICSEARCH_API_KEY: 'm:k' },
    });
    expect(upgrading).toMatchObject({ exit: 4, stdout: '' });
    expect(opens(setup)).toEqual([]);
  });

  it('`reopen` exits with 3 and a warning if the report names fewer jobs than it counts', async () => {
    await using setup = await startSetup([...busy(8), ...idle(3)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const report = JSON.parse(await folder.read('report.json')) as { jobs: object[] };
    report.jobs.splice(0, 2);
    await folder.write('report.json', JSON.stringify(report));
    const result = await reopened(setup, file);
    expect(result.exit).toBe(3);
    expect(result.report.warnings).toEqual([
      '2 jobs that the sweep closed are not named in what was given: the function’s log lines have them all',
    ]);
  });

  it('`reopen` warns and exits with 3 if the file lacks the follow-up that closed the remaining jobs', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    await swept(setup, folder);
    const report = JSON.parse(await folder.read('report.json'));
    const [job, other] = report.jobs;
    const counts = { ...report.counts, closed: 1 };
    const at = '2026-11-23T13:00:00.000Z';
    const followUp = { name: 'followup.default.x.1', at, round: 1, jobs: 0, rest: true };
    const first = { ...report, counts, jobs: [job], followUp };
    const chain = { sweepId: report.sweepId, round: 1, rest: true };
    const later = {
      ...report,
      counts,
      sweepId: 'later',
      startedAt: at,
      jobs: [other],
      followUpOf: chain,
    };
    const warning = `the sweep continues with the rest of the jobs in follow-up 1 at ${at}, which this file does not have: jobs that it closed stay closed. Add its log lines`;
    const file = await folder.write('first.json', JSON.stringify(first));
    const asked = await runOn(setup, ['reopen', file], { terminal: true, stdin: 'n\n' });
    expect(asked.exit).toBe(4);
    expect(asked.stderr).toMatch(/warning: the sweep continues with the rest[\s\S]*Open 1 job on/);
    const result = await runOn(setup, ['reopen', file, '--yes']);
    expect(result).toMatchObject({ exit: 3, stderr: `warning: ${warning}\n` });
    expect(JSON.parse(result.stdout)).toMatchObject({ counts: { reopened: 1 }, warnings: [warning] });
    expect(setup.state(other.jobId)).toBe('closed');

    // If `--jobs` names only a job in this file, the reopen is complete without the follow-up's log lines.
    const single = await runOn(setup, ['reopen', file, '--yes', '--jobs', job.jobId]);
    expect(single).toMatchObject({ exit: 0, stderr: '' });

    const onlyLater = await reopened(setup, await folder.write('later.json', JSON.stringify(later)));
    expect(onlyLater).toMatchObject({
      exit: 3,
      report: {
        warnings: [
          `later is a follow-up of the sweep ${report.sweepId}, which this file does not have: jobs that it closed stay closed. Add its log lines`,
        ],
      },
    });
    const both = await reopened(setup, await folder.write('both.json', JSON.stringify([first, later])));
    expect(both).toMatchObject({ exit: 0, report: { status: 'done', warnings: [] } });
    expect(both.report.jobs).toHaveLength(2);
  });

  it('`reopen` does not warn about a missing follow-up if the report comes from a killed `sweep --wait`', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    await swept(setup, folder);
    const report = JSON.parse(await folder.read('report.json'));
    const followUp = { name: 'round-1', at: '2026-11-23T13:00:00.000Z', round: 1, jobs: 0, rest: true };
    const file = await folder.write('killed.json', JSON.stringify({ ...report, followUp }));
    expect(await reopened(setup, file)).toMatchObject({ exit: 0, report: { warnings: [] } });
  });

  it('`reopen` does not open a job that another user closed after the sweep stopped its datafeed', async () => {
    await using setup = await startSetup([...busy(8), ...fedJobs]);
    await using folder = await newFolder();
    const file = await swept(setup, folder, { runningDatafeeds: 'stop' });
    const report = JSON.parse(await folder.read('report.json')) as { jobs: { outcome: string }[] };
    for (const job of report.jobs) job.outcome = 'error';
    await folder.write('report.json', JSON.stringify({ ...report, counts: undefined }));
    const { exit, report: done } = await reopened(setup, file);
    expect(exit).toBe(3);
    expect(done.jobs[0]).toMatchObject({
      outcome: 'error',
      error: { type: 'closed_by_others' },
      datafeed: 'not_attempted',
    });
    expect(opens(setup)).toEqual([]);
  });

  it.each(['datafeed-idle-1', '*', '..', ''])(
    'if a report names the datafeed %j for a job, but the job has another datafeed, `reopen` starts neither',
    async (id) => {
      await using setup = await startSetup([...busy(8), ...fedJobs]);
      await using folder = await newFolder();
      const file = await swept(setup, folder, { jobs: 'idle-0', runningDatafeeds: 'stop' });
      await folder.write(
        'report.json',
        (await folder.read('report.json')).replaceAll('"datafeed-idle-0"', JSON.stringify(id)),
      );
      const { exit, report } = await reopened(setup, file);
      expect(exit).toBe(3);
      expect(report.jobs).toMatchObject([
        { outcome: 'reopened', datafeed: 'error', datafeedError: { type: 'not_its_datafeed' } },
      ]);
      expect(setup.server.requests.filter(({ path }) => path.endsWith('_start'))).toEqual([]);
    },
  );

  it('`reopen` refuses a file that also contains a follow-up from another cluster', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    await swept(setup, folder, { jobs: 'idle-0' });
    const report = JSON.parse(await folder.read('report.json'));
    const later = {
      ...report,
      sweepId: 'later',
      startedAt: '2026-11-23T18:00:00.000Z',
      followUpOf: { sweepId: report.sweepId, round: 1 },
      cluster: { ...report.cluster, id: 'another' },
      jobs: [{ ...report.jobs[0], jobId: 'idle-1' }],
    };
    const file = await folder.write('both.json', JSON.stringify([report, later]));
    const result = await runOn(setup, ['reopen', file, '--yes']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toContain('is the report of another cluster (another)');
    expect(opens(setup)).toEqual([]);
  });

  it('if a report has an invalid cluster name, `reopen` neither looks for settings under that name nor shows the name', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    for (const name of ['../other', 'Default', 'default\u001b[2J']) {
      const report = { ...JSON.parse(await folder.read('report.json')) };
      await folder.write('named.json', JSON.stringify({ ...report, cluster: { ...report.cluster, name } }));
      const result = await runOn(setup, ['reopen', folder.at('named.json'), '--yes'], {
        env: { ELASTICSEARCH_SECRET_PREFIX: 'jobsweep/' },
      });
      expect(result).toMatchObject({ exit: 2, stdout: '' });
      expect(result.stderr).toContain('has no report of a sweep');
    }
    expect((await reopened(setup, file)).exit).toBe(0);
  });

  it('`reopen` does not wait if a gateway sends a Retry-After of eleven days', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    setup.server.faults.add({ api: '*', times: 99, status: 503, headers: { 'retry-after': '999999' } });
    const began = setup.clock.now();
    expect(await runOn(setup, ['reopen', file, '--yes', '--deadline', '5m'])).toMatchObject({
      exit: 5,
      stdout: '',
    });
    expect(setup.clock.now() - began).toBeLessThanOrEqual(5 * 60_000);
  });

  it('each request from `reopen` names a single job, and an id that is a pattern or a path is reported as an error', async () => {
    await using setup = await startSetup([...busy(3), ...idle(1)]);
    await using folder = await newFolder();
    const file = await swept(setup, folder);
    const report = JSON.parse(await folder.read('report.json')) as {
      jobs: { jobId: string }[];
      counts: object;
    };
    for (const jobId of ['*', '_all', '../idle-0', 'idle-0,busy-1'])
      report.jobs.push({ ...report.jobs[0], jobId });
    await folder.write('report.json', JSON.stringify(report));
    const { report: done } = await reopened(setup, file);
    expect(done.counts).toMatchObject({ reopened: 1, gone: 4 });
    expect(opens(setup)).toHaveLength(1);
  });
});
