import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { noteReopening, readReopenings } from '../../../src/cli/input/reopenings.ts';
import type { Advice } from '../../../src/sweep/advising/advise.ts';
import { newFolder } from '../../support/folder.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import { busy, idle, startSetup } from '../../support/sweep-setup.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

describe('the notes that `reopen` keeps', () => {
  it('a plan lists jobs that are open again after a sweep closed them, and marks those that `jobsweep reopen` opened', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2)]);
    await using folder = await newFolder();
    const env = { XDG_STATE_HOME: folder.path };
    await runOn(setup, ['sweep', '--yes'], { env });
    await setup.clock.advance(60_000);
    await runOn(setup, ['reopen', '--last', '--jobs', 'idle-0', '--yes'], { env });
    setup.cluster.openJob('idle-1');
    await setup.clock.advance(60_000);
    expect(reportOf(await runOn(setup, ['plan'], { env })).reopened).toEqual([
      { jobId: 'idle-0', closes: 1, lastClosedAt: expect.any(String), reopenedAt: expect.any(String) },
      { jobId: 'idle-1', closes: 1, lastClosedAt: expect.any(String) },
    ]);
    const { stdout } = await runOn(setup, ['plan', '-o', 'table'], { env });
    expect(stdout).toContain(
      'open again after a sweep closed them: idle-0 (closed by 1 sweep, opened by jobsweep reopen), idle-1 (closed by 1 sweep); ',
    );
    const explained = await runOn(setup, ['explain', 'idle-0', '-o', 'table'], { env });
    expect(explained.stdout).toMatch(
      /earlier sweeps:\n {2}\S+ \S+ UTC {2}closed, because idle.*\n {2}\S+ \S+ UTC {2}opened by jobsweep reopen\n/,
    );
  });

  it('for a job that was opened again, `advise` says how often `jobsweep reopen` opened the job', async () => {
    await using setup = await startSetup([...busy(8), ...idle(2, { openedAt: '40d' })]);
    await using folder = await newFolder();
    const env = { XDG_STATE_HOME: folder.path };
    await runOn(setup, ['sweep', '--yes'], { env });
    await setup.clock.advance(3_600_000);
    await runOn(setup, ['reopen', '--last', '--jobs', 'idle-0', '--yes'], { env });
    await setup.clock.advance(3_600_000);
    setup.cluster.openJob('idle-1');
    await setup.clock.advance(3_600_000);
    const { stdout } = await runOn(setup, ['advise', '-o', 'json'], { env });
    const { comesBack } = JSON.parse(stdout) as Advice;
    expect(comesBack).toMatchObject([
      { jobId: 'idle-0', times: 1, byReopen: 1 },
      { jobId: 'idle-1', times: 1 },
    ]);
    expect(comesBack[1]).not.toHaveProperty('byReopen');
    const shown = await runOn(setup, ['advise', '-o', 'table'], { env });
    expect(shown.stdout).toMatch(/^JOB +TIMES +BY REOPEN .*\nidle-0 +1 +1 .*\nidle-1 +1 {2,}\d{4}/m);
  });

  it('`reopen --no-save` saves no note about the reopened jobs', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const env = { XDG_STATE_HOME: folder.path };
    await runOn(setup, ['sweep', '--yes'], { env });
    await runOn(setup, ['reopen', '--last', '--yes', '--no-save'], { env });
    expect(await readdir(folder.at('jobsweep'))).not.toContain('reopened');
  });

  it('if `reopen` cannot save its note about the reopened jobs, it prints a warning and still exits with 0', async () => {
    await using setup = await startSetup([...busy(8), ...idle(1)]);
    await using folder = await newFolder();
    const env = { XDG_STATE_HOME: folder.path };
    await runOn(setup, ['sweep', '--yes'], { env });
    await writeFile(folder.at(join('jobsweep', 'reopened')), 'a file');
    const { exit, stderr } = await runOn(setup, ['reopen', '--last', '--yes'], { env });
    expect(exit).toBe(0);
    expect(stderr).toContain('the opened jobs could not be noted for later plans: ');
  });

  it('notes from `reopen` are readable only by their owner, and the last 100 notes of each cluster are kept', async () => {
    await using folder = await newFolder();
    for (let minute = 0; minute < 103; minute += 1)
      await noteReopening(folder.path, 'one', { at: at(minute), jobs: ['job'] });
    await noteReopening(folder.path, 'two', { at: at(0), jobs: ['job'] });
    const kept = await readReopenings(folder.path, ['one']);
    expect(kept.get('job')).toEqual(Array.from({ length: 100 }, (_, index) => at(index + 3)));
    const [cluster = ''] = await readdir(folder.at('reopened'));
    const [note = ''] = await readdir(folder.at(join('reopened', cluster)));
    expect((await stat(folder.at(join('reopened', cluster, note)))).mode & 0o777).toBe(0o600);
  });

  it.each(['', '{', '[]', '{"at": "yesterday", "jobs": ["job"]}', '{"at": 5}'])(
    'a note from `reopen` that cannot be read is skipped: %s',
    async (text) => {
      await using folder = await newFolder();
      await noteReopening(folder.path, 'one', { at: at(0), jobs: ['job'] });
      const [cluster = ''] = await readdir(folder.at('reopened'));
      const path = folder.at(join('reopened', cluster, '000000000000001.json'));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      expect((await readReopenings(folder.path, ['one', 'none'])).get('job')).toEqual([at(0)]);
    },
  );
});
