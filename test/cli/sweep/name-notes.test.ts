import { describe, expect, it } from 'vitest';
import { warningCode } from '../../../src/sweep/reporting/warning-codes.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import { busy, idle, startSetup } from '../../support/sweep-setup.ts';

const jobs = [
  ...busy(5),
  ...idle(2),
  { jobId: 'old-0', state: 'closed' as const, groups: ['retired'] },
  { jobId: 'capacity-plan', lastData: '1m' },
];

describe('a name in the request that selects no open job', () => {
  it.each([
    ['idel-0', 'warning: jobs: "idel-0" matches no job of the cluster; did you mean "idle-0"?'],
    ['old-0', 'the job "old-0" is closed already'],
    ['retired', 'every job that "retired" matches is closed already'],
    ['old-*', 'every job that "old-*" matches is closed already'],
  ])('`plan --jobs %s` explains on standard error why its JSON lists no job', async (name, note) => {
    await using setup = await startSetup(jobs);
    const result = await runOn(setup, ['plan', '--jobs', name]);
    expect(result).toMatchObject({ exit: 0, stderr: `jobsweep: ${note}\n` });
    expect(reportOf(result).counts.listed).toBe(0);
  });

  it.each(['plan', 'sweep --yes'])(
    '`%s` warns about a mistyped exclusion, both in the JSON and on standard error',
    async (command) => {
      await using setup = await startSetup(jobs);
      const result = await runOn(setup, [...command.split(' '), '--exclude', 'capcity-*,idle-*']);
      const warning =
        'exclude: "capcity-*" matches no job of the cluster, so it keeps no job; did you mean "capacity-*"?';
      expect(result.exit).toBe(0);
      expect(reportOf(result).warnings).toEqual([warning]);
      expect(warningCode(warning)).toBe('name-without-job');
      expect(result.stderr).toContain(`jobsweep: warning: ${warning}\n`);
    },
  );

  it('if a table contains the warning about a name, standard error does not repeat the warning', async () => {
    await using setup = await startSetup(jobs);
    const { stdout, stderr } = await runOn(setup, ['plan', '-o', 'table', '--jobs', 'idel-0']);
    expect(stdout).toContain('no job to show: no open job is listed\n');
    expect(stdout).toContain('warning: jobs: "idel-0" matches no job of the cluster; did you mean "idle-0"?');
    expect(stderr).toBe('');
  });

  it('`sweep --yes` warns about a mistyped exclusion before the first close, even if a table repeats the warning afterwards', async () => {
    await using setup = await startSetup(jobs);
    const args = ['sweep', '--yes', '-o', 'table', '--exclude', 'capcity-*'];
    const { stdout, stderr } = await runOn(setup, args);
    const warning = 'warning: exclude: "capcity-*" matches no job of the cluster';
    expect(stdout).toContain(warning);
    expect(stderr).toMatch(new RegExp(`^jobsweep: ${warning.replace('*', '\\*')}`));
  });

  it('`plan` writes nothing to standard error about names that select an open job', async () => {
    await using setup = await startSetup(jobs);
    const { stderr } = await runOn(setup, ['plan', '--jobs', '*', '--jobs', 'idle-*', '--exclude', 'idle-1']);
    expect(stderr).toBe('');
  });

  it('`advise` warns about names in `exclude` and `jobs` that match no job', async () => {
    await using setup = await startSetup(jobs);
    const args = ['advise', '-p', '{"exclude": "capcity-*", "jobs": ["*", "idel-0"]}'];
    const { exit, stdout } = await runOn(setup, args);
    expect(exit).toBe(0);
    expect((JSON.parse(stdout) as { warnings: string[] }).warnings).toEqual(
      expect.arrayContaining([
        'exclude: "capcity-*" matches no job of the cluster, so it keeps no job; did you mean "capacity-*"?',
        'jobs: "idel-0" matches no job of the cluster; did you mean "idle-0"?',
      ]),
    );
  });
});
