import { describe, expect, it } from 'vitest';
import { newFolder } from '../../support/folder.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import { busy, expectSums, idle, startSetup } from '../../support/sweep-setup.ts';

const jobs = [
  ...busy(4),
  ...idle(2),
  { jobId: 'fresh', openedAt: '3h', lastData: '30d' },
  { jobId: 'spared', lastData: '30d' },
  { jobId: 'protected', lastData: '30d', customSettings: { jobsweep: { protect: true } } },
  { jobId: 'closed', state: 'closed' as const },
];
const leftOut =
  '6 listed jobs are not in the table: 4 recent_data, 1 recently_opened, 1 excluded; jobsweep plan --all shows them';

describe('the jobs of a plan', () => {
  it.each([
    ['table', `\n${leftOut}\n`],
    ['markdown', `\n- ${leftOut.replaceAll('_', '&#95;')}\n`],
    ['html', ` ${leftOut}.</p>`],
  ])(
    'a plan in the format %s says how many listed jobs its table leaves out, and how to see these jobs',
    async (form, line) => {
      await using setup = await startSetup(jobs);
      const some = await runOn(setup, ['plan', '--exclude', 'spared', '-o', form]);
      expect(some.stdout).toContain(line);
      expect(some.stdout).not.toContain('busy-0');
      const all = await runOn(setup, ['plan', '--exclude', 'spared', '-o', form, '--all']);
      expect(all.stdout).not.toContain('not in the table');
      for (const id of ['busy-0', 'busy-3', 'fresh', 'spared', 'protected', 'idle-1'])
        expect(all.stdout).toContain(id);
      expect(all).toMatchObject({ exit: 0, stderr: '' });
    },
  );

  it('`plan --all` lists every open job in its JSON, starting with the jobs to close, and a sweep can carry out this plan', async () => {
    await using setup = await startSetup(jobs);
    await using folder = await newFolder();
    const file = folder.at('plan.json');
    const { exit } = await runOn(setup, ['plan', '--all', '--output-file', file]);
    expect(exit).toBe(0);
    const report = JSON.parse(await folder.read('plan.json'));
    expectSums(report);
    expect(report.jobs).toHaveLength(report.counts.listed);
    expect(report.jobs.map(({ jobId }: { jobId: string }) => jobId)).not.toContain('closed');
    expect(report.jobs.slice(0, 3).every(({ verdict }: { verdict: string }) => verdict === 'close')).toBe(
      true,
    );
    const done = reportOf(await runOn(setup, ['sweep', '--plan', file, '--yes']));
    expect(done.counts.closed).toBe(report.counts.idle);
  });

  it('`sweep --dry-run --all` lists every job, as `plan --all` does, and `sweep --all` without `--dry-run` is refused', async () => {
    await using setup = await startSetup(jobs);
    const dry = reportOf(await runOn(setup, ['sweep', '--dry-run', '--all']));
    expect(dry.jobs).toHaveLength(dry.counts.listed);
    const refused = await runOn(setup, ['sweep', '--all', '--yes']);
    expect(refused).toMatchObject({ exit: 2, stdout: '' });
    expect(refused.stderr).toContain('jobsweep plan --all; nothing was closed');
    expect(setup.closes()).toEqual([]);
  });

  it('`plan --dry-run` prints the same result as `plan`', async () => {
    await using setup = await startSetup(jobs);
    const { exit, stdout } = await runOn(setup, ['plan', '--dry-run', '-o', 'table']);
    expect(exit).toBe(0);
    expect(stdout).toBe((await runOn(setup, ['plan', '-o', 'table'])).stdout);
    expect(setup.closes()).toEqual([]);
  });
});
