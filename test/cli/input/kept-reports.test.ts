import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ReportKeeper, readKept, stateFolder } from '../../../src/cli/input/kept-reports.ts';
import type { ReopenReport } from '../../../src/cli/reopen/reopened-text.ts';
import type { SweepReport } from '../../../src/sweep/reporting/report.ts';
import { type Folder, newFolder } from '../../support/folder.ts';
import type { CommandOptions } from '../../support/run-command.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import { busy, fateOf, idle, type SweepSetup, startSetup } from '../../support/sweep-setup.ts';

const day = 86_400_000;

/** Runs the command with its own state directory. */
const commandIn =
  (folder: Folder) =>
  (setup: SweepSetup, args: readonly string[], options: CommandOptions = {}) =>
    runOn(setup, args, { ...options, env: { XDG_STATE_HOME: folder.path, ...options.env } });

const keptFiles = async (folder: Folder) =>
  (await readdir(folder.at('jobsweep')).catch(() => [])).filter(
    (name) => name !== 'records' && name !== 'reopened',
  );

async function keptReports(folder: Folder): Promise<SweepReport[]> {
  const names = (await keptFiles(folder)).sort();
  return Promise.all(
    names.map(async (name) => JSON.parse(await folder.read(join('jobsweep', name))) as SweepReport),
  );
}

describe('the state directory', () => {
  it.each([
    [{ XDG_STATE_HOME: '/state', HOME: '/home/me' }, '/state/jobsweep'],
    [{ HOME: '/home/me' }, '/home/me/.local/state/jobsweep'],
    [{ XDG_STATE_HOME: 'relative', HOME: '/home/me' }, '/home/me/.local/state/jobsweep'],
    [{ XDG_STATE_HOME: '', HOME: '' }, undefined],
  ])('in the environment %j, the state directory is %s', (env, folder) => {
    expect(stateFolder(env)).toBe(folder);
  });
});

describe('the reports that a sweep keeps', () => {
  it('a sweep keeps its report in a file that only the file’s owner can read', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    const result = await commandIn(folder)(setup, ['sweep', '--yes']);
    expect(await keptReports(folder)).toEqual([reportOf(result)]);
    const [name = ''] = await keptFiles(folder);
    expect((await stat(folder.at(join('jobsweep', name)))).mode & 0o777).toBe(0o600);
    expect((await stat(folder.at('jobsweep'))).mode & 0o777).toBe(0o700);
  });

  it('a sweep keeps the last 30 reports of each cluster', async () => {
    await using setup = await startSetup(busy(8));
    await using folder = await newFolder();
    const run = commandIn(folder);
    await run(setup, ['sweep', '--yes']);
    const [report] = await keptReports(folder);
    const keep = async (clusterId: string, minute: number) => {
      const startedAt = `2020-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`;
      await new ReportKeeper(folder.at('jobsweep')).keep({
        ...(report as SweepReport),
        cluster: { name: 'default', id: clusterId, version: null },
        startedAt,
      });
    };
    for (let minute = 0; minute < 33; minute += 1) await keep('one', minute);
    await keep('two', 0);
    const kept = (await keptReports(folder)).filter(({ cluster }) => cluster.id === 'one');
    expect(kept.map(({ startedAt }) => startedAt.slice(14, 16))).toEqual(
      Array.from({ length: 30 }, (_, index) => String(index + 3).padStart(2, '0')),
    );
    expect(await keptReports(folder)).toHaveLength(32);
    // after the clock was set back, the newest report has an older date than the others, but it is still kept
    await keep('one', 1);
    expect((await keptReports(folder)).map(({ startedAt }) => startedAt)).toContain(
      '2020-01-01T00:01:00.000Z',
    );
  });

  it.each([
    ['a sweep with --no-save', ['sweep', '--yes', '--no-save'], '{}'],
    ['a dry run', ['sweep', '-p', '-'], '{"dryRun": true}'],
    ['a plan', ['plan'], ''],
  ])('no report is kept in the state directory for %s', async (_name, args, stdin) => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    expect((await commandIn(folder)(setup, args, { stdin })).exit).toBe(0);
    expect(await keptFiles(folder)).toEqual([]);
  });

  it('if the folder for reports is not writable, a sweep closes its jobs, exits with 0 and warns that no report was kept', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    await writeFile(folder.at('jobsweep'), 'a file where the folder would be');
    const result = await commandIn(folder)(setup, ['sweep', '--yes']);
    expect(result.exit).toBe(0);
    expect(reportOf(result).counts.closed).toBe(2);
    expect(result.stderr).toMatch(/^jobsweep: the report could not be kept for reopen --last: .*: E\w+$/m);
    expect(result.stderr.match(/could not be kept/g)).toHaveLength(1);
  });

  it('after each round of `--wait`, a sweep saves its report so far', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1, { closeTakes: '12m' })]);
    await using folder = await newFolder();
    const seen: string[] = [];
    const look = async () => {
      for (const { counts } of await keptReports(folder)) seen.push(`${counts.closing} ${counts.closed}`);
    };
    setup.server.faults.at(setup.clock.now() + 10 * 60_000, () => void look());
    const result = await commandIn(folder)(setup, ['sweep', '--yes', '--wait']);
    expect(result.exit).toBe(0);
    await expect.poll(() => seen).toEqual(['1 0']);
    expect(await keptReports(folder)).toEqual([reportOf(result)]);
  });

  it('a plan detects flapping jobs from the kept reports or, if `--history` is given, only from the files of `--history`', async () => {
    await using setup = await startSetup([...busy(6), { jobId: 'flaps', lastData: '9d' }]);
    await using other = await startSetup([...busy(6), { jobId: 'flaps', lastData: '9d' }], {}, { seed: 2 });
    await using folder = await newFolder();
    const run = commandIn(folder);
    const stdin = '{"idleFor": "12h"}';
    let first = '';
    for (let night = 0; night < 3; night += 1) {
      const { stdout } = await run(setup, ['sweep', '--yes', '-p', '-'], { stdin });
      first ||= stdout;
      setup.cluster.openJob('flaps');
      await setup.clock.advance(day);
      for (const { jobId } of busy(6)) setup.cluster.receiveData(jobId);
    }
    expect(fateOf(reportOf(await run(setup, ['plan', '-p', '-'], { stdin })), 'flaps')).toBe('kept flapping');
    const explained = await run(setup, ['explain', 'flaps', '-p', '-', '-o', 'table'], { stdin });
    expect(explained.stdout.match(/ closed, because idle/g)).toHaveLength(3);
    const history = await folder.write('first.json', first);
    const one = await run(setup, ['plan', '-p', '-', '--history', history], { stdin });
    expect(fateOf(reportOf(one), 'flaps')).toBe('not_attempted idle');
    // the reports of another cluster are not used as history, and cause no warning
    const elsewhere = reportOf(await run(other, ['plan']));
    expect(fateOf(elsewhere, 'flaps')).toBe('not_attempted idle');
    expect(elsewhere.warnings).toEqual([]);
  });

  it('a plan ignores a kept report that it cannot read', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const run = commandIn(folder);
    await run(setup, ['sweep', '--yes']);
    const [name = ''] = await keptFiles(folder);
    await writeFile(folder.at(join('jobsweep', name)), '{"half": ');
    expect((await run(setup, ['plan'])).exit).toBe(0);
    await chmod(folder.at(join('jobsweep', name)), 0);
    expect((await run(setup, ['plan'])).exit).toBe(0);
  });
});

describe('`reopen --last`', () => {
  it('`reopen --last` undoes the newest sweep', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    const run = commandIn(folder);
    await run(setup, ['sweep', '--yes', '-p', '-'], { stdin: '{"jobs": "idle-0"}' });
    await setup.clock.advance(60_000);
    await run(setup, ['sweep', '--yes']);
    const result = await run(setup, ['reopen', '--last', '--yes']);
    expect(result.exit).toBe(0);
    expect((JSON.parse(result.stdout) as ReopenReport).jobs).toMatchObject([
      { jobId: 'idle-1', outcome: 'reopened' },
    ]);
    expect(result.stderr).toMatch(
      /the newest kept sweep that closed jobs is \S+ of the cluster default, .* ago: \S+\.json\. Sweeps of the function, of other machines and with --no-save are not kept there\.\n/,
    );
    expect(setup.state('idle-0')).toBe('closed');
  });

  it('before `reopen --last` undoes an older sweep, it names a newer report that it cannot read', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    const run = commandIn(folder);
    await run(setup, ['sweep', '--yes', '-p', '-'], { stdin: '{"jobs": "idle-0"}' });
    const [older = ''] = await keptFiles(folder);
    await setup.clock.advance(60_000);
    await run(setup, ['sweep', '--yes']);
    const newer = (await keptFiles(folder)).find((name) => name !== older) ?? '';
    await writeFile(folder.at(join('jobsweep', newer)), 'not a report');
    const result = await run(setup, ['reopen', '--last', '--yes']);
    expect((JSON.parse(result.stdout) as ReopenReport).jobs).toMatchObject([{ jobId: 'idle-0' }]);
    expect(result.stderr).toMatch(/\.json\. 1 newer report cannot be read: \S+\. Sweeps of the function/);
    expect(result.stderr).toContain(newer.replace(/\.json$/, ''));
  });

  it('if the folder of the reports cannot be read, `reopen --last` says so and exits with 2', async () => {
    await using setup = await startSetup(busy(1));
    await using folder = await newFolder();
    await writeFile(folder.at('jobsweep'), 'a file where the folder would be');
    const result = await commandIn(folder)(setup, ['reopen', '--last', '--yes']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(/cannot be read \(ENOTDIR\), so it is unknown what it keeps/);
  });

  it('if no report was kept, `reopen --last` explains which sweeps do not keep a report', async () => {
    await using setup = await startSetup(busy(1));
    await using folder = await newFolder();
    const result = await commandIn(folder)(setup, ['reopen', '--last', '--yes']);
    expect(result.stderr).toMatch(
      /keeps no report\. Sweeps of the function, of other machines and with --no-save are not kept there\. Name a file/,
    );
  });

  it('`reopen --last` skips newer sweeps that closed nothing', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const run = commandIn(folder);
    await run(setup, ['sweep', '--yes']);
    await setup.clock.advance(60_000);
    expect((await run(setup, ['sweep', '--yes'])).exit).toBe(0);
    const result = await run(setup, ['reopen', '--last', '--yes']);
    expect((JSON.parse(result.stdout) as ReopenReport).jobs).toMatchObject([
      { jobId: 'idle-0', outcome: 'reopened' },
    ]);
  });

  it('`reopen --last` undoes a sweep that was killed before it wrote its report', async () => {
    const feed = { state: 'started', source: { every: '1m', until: '100h' } } as const;
    await using setup = await startSetup([...busy(8), ...idle(3, { datafeed: feed })]);
    await using folder = await newFolder();
    const run = commandIn(folder);
    const payload = '{"runningDatafeeds": "stop"}';
    await run(setup, ['sweep', '--yes', '-p', '-'], { stdin: payload });
    const [report] = await keptReports(folder);
    // recreates the files that a sweep has on disk while its close requests are in flight
    await mkdir(folder.at('killed'));
    const keeper = new ReportKeeper(folder.at('killed/jobsweep'));
    for (const { jobId, datafeedId } of (report as SweepReport).jobs.filter(
      ({ outcome }) => outcome === 'closed',
    ))
      keeper.asking(report as SweepReport, [
        {
          jobId,
          job: { reportedState: 'opened' },
          verdict: { verdict: 'close', reason: 'idle' },
          asks: 1,
          stopsDatafeed: datafeedId,
        } as unknown as Parameters<ReportKeeper['asking']>[1][number],
      ]);
    const result = await run(setup, ['reopen', '--last', '--yes'], {
      env: { XDG_STATE_HOME: folder.at('killed') },
    });
    expect(result.exit).toBe(0);
    expect((JSON.parse(result.stdout) as ReopenReport).counts).toMatchObject({
      reopened: 3,
      datafeedsStarted: 3,
    });
  });

  it('`reopen --last` undoes the newest sweep of the named cluster', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    const run = commandIn(folder);
    await run(setup, ['sweep', '--yes']);
    const missing = await run(setup, ['reopen', '--last', '--yes', '--cluster', 'logs']);
    expect(missing).toMatchObject({ exit: 2, stdout: '' });
    expect(missing.stderr).toContain('keeps no report of the cluster logs');
    expect((await run(setup, ['reopen', '--last', '--yes', '--cluster', 'default'])).exit).toBe(0);
  });

  it.each([
    [['reopen', '--yes'], 'reopen needs the file of a report, or --last'],
    [['reopen', 'x.json', '--last', '--yes'], 'reopen needs the file of a report, or --last'],
    [['reopen', '--last', '--yes'], 'keeps no report'],
    [['reopen', 'x.json', '--cluster', 'a', '--yes'], '--cluster goes with --last'],
  ])(
    'the command %j is refused, because it does not select exactly one report to undo',
    async (args, message) => {
      await using setup = await startSetup(busy(1));
      await using folder = await newFolder();
      const result = await commandIn(folder)(setup, args);
      expect(result).toMatchObject({ exit: 2, stdout: '' });
      expect(result.stderr).toContain(message);
    },
  );
});

it('`reopen --last` ignores a file with an unknown name in the folder of reports', async () => {
  await using folder = await newFolder();
  await folder.write('report.json', '{}');
  expect(await readKept(folder.path)).toEqual([]);
});
