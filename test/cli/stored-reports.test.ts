import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { newFolder } from '../support/folder.ts';
import { runCommand } from '../support/run-command.ts';
import { reportOf, runOn } from '../support/run-on.ts';
import { bulkRequests, documentsIn } from '../support/streams.ts';
import { busy, idle, startSetup } from '../support/sweep-setup.ts';

const byText = (a: string, b: string) => (a < b ? -1 : 1);
const env = { JOBSWEEP_REPORTS_NAMESPACE: 'default' };

describe('the command with reports in Elasticsearch', () => {
  it.each([
    ['sweep', ['sweep', '--yes', '--no-save'], 'sweep-finished', 'job-closed'],
    ['plan', ['plan', '--no-save'], 'sweep-planned', 'job-not-attempted'],
  ])(
    'the command stores the report of %s and one document for each job',
    async (_name, args, action, jobAction) => {
      await using setup = await startSetup([...idle(2), ...busy(3)]);
      const result = await runOn(setup, args, { env });
      expect(result.exit).toBe(0);
      const [sweep] = documentsIn(setup, 'sweep').map(({ source }) => source);
      expect(sweep.event).toMatchObject({ action, provider: 'command' });
      expect(sweep.jobsweep.sweep.id).toBe(reportOf(result).sweepId);
      expect(sweep.jobsweep.sweep).toMatchObject({ job_documents: 5, whole: true });
      const actions = documentsIn(setup, 'job').map(({ source }) => source.event.action);
      expect(actions.sort(byText)).toEqual(
        [jobAction, jobAction, 'job-kept', 'job-kept', 'job-kept'].sort(byText),
      );
    },
  );

  it('with `--wait`, the command stores only one report for all rounds', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: '10m' }), ...busy(3)]);
    const { exit } = await runOn(
      setup,
      [
        'sweep',
        '--yes',
        '--no-save',
        '--wait',
        '--set',
        'close.timeout=1m',
        '--set',
        'followUp.after=5m',
        '--set',
        'followUp.max=20',
      ],
      { env },
    );
    expect(exit).toBe(0);
    expect(documentsIn(setup, 'sweep').map(({ source }) => source.jobsweep.sweep.counts.closed)).toEqual([1]);
    const [job] = documentsIn(setup, 'job').filter(({ source }) => source.jobsweep.job.id === 'idle-0');
    expect(job?.source.jobsweep.job).toMatchObject({ state: 'opened', outcome: 'closed', verdict: 'close' });
  });

  it('the command stores the reports of all clusters in the configured report cluster, and each document has its own id', async () => {
    await using folder = await newFolder();
    await using setup = await startSetup([...idle(1), ...busy(3)]);
    await using other = await startSetup([...idle(1), ...busy(3)], {}, { clock: setup.clock, seed: 2 });
    const file = path.join(folder.path, 'clusters.json');
    await writeFile(
      file,
      JSON.stringify({
        a: { ELASTICSEARCH_URL: setup.server.url },
        b: { ELASTICSEARCH_URL: other.server.url },
      }),
    );
    const { exit } = await runOn(
      setup,
      ['sweep', '--all-clusters', '--clusters', file, '--yes', '--no-save'],
      {
        env: { JOBSWEEP_REPORTS_URL: setup.server.url },
      },
    );
    expect(exit).toBe(0);
    expect(
      documentsIn(setup, 'sweep')
        .map(({ source }) => source.jobsweep.cluster.name)
        .sort(byText),
    ).toEqual(['a', 'b']);
    expect(documentsIn(setup, 'job')).toHaveLength(8);
    expect(bulkRequests(other)).toEqual([]);
  });

  it('the command stores no report of the embedded cluster, whatever the environment contains', async () => {
    await using setup = await startSetup([]);
    const { exit } = await runCommand(['plan', '--embedded', '-o', 'json'], {
      env: { ...env, JOBSWEEP_REPORTS_URL: setup.server.url },
    });
    expect(exit).toBeLessThan(5);
    expect(bulkRequests(setup)).toEqual([]);
  });

  it('if the report cluster refuses the report, the command warns on standard error, and its result and exit code stay the same', async () => {
    await using setup = await startSetup([...idle(2), ...busy(3)]);
    setup.server.faults.add({
      api: 'bulk',
      status: 403,
      type: 'security_exception',
      reason: 'action [indices:data/write/bulk] is unauthorized for API key id [x]',
      times: Number.POSITIVE_INFINITY,
    });
    const result = await runOn(setup, ['sweep', '--yes', '--no-save'], { env });
    expect(result.exit).toBe(0);
    expect(reportOf(result)).toMatchObject({ status: 'done', counts: { closed: 2 }, warnings: [] });
    expect(result.stderr).toMatch(
      /^jobsweep: warning: 5 of 5 documents could not be written to logs-jobsweep\.job-default: 403 security_exception: .*\. The key needs auto_configure and create_doc on logs-jobsweep\.\*-\*; jobsweep doctor prints the request; see docs\/runbook\.md#report-not-stored$/m,
    );
  });

  it('if the report cluster does not answer, the command waits at most 30 seconds', async () => {
    await using setup = await startSetup([...idle(1), ...busy(3)]);
    setup.server.faults.add({ api: 'bulk', hang: true, times: Number.POSITIVE_INFINITY });
    const begun = setup.clock.now();
    const { exit } = await runOn(setup, ['plan', '--no-save'], { env });
    expect(exit).toBe(0);
    expect(setup.clock.now() - begun).toBeLessThan(32_000);
  });

  it('the command ends at once if it is interrupted while the report is stored', async () => {
    await using setup = await startSetup([...idle(1), ...busy(3)]);
    const interrupt = new AbortController();
    setup.server.faults.add({ api: 'bulk', hang: true, times: Number.POSITIVE_INFINITY });
    setup.clock.at(setup.clock.now() + 10_000, () => interrupt.abort());
    const begun = setup.clock.now();
    const result = await runOn(setup, ['sweep', '--yes', '--no-save'], { env, signal: interrupt.signal });
    expect(reportOf(result).counts.closed).toBe(1);
    expect(setup.clock.now() - begun).toBeLessThan(11_000);
  });
});
