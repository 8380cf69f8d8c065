import { describe, expect, it } from 'vitest';
import { createHandler } from '../../src/function/handler.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { lambdaContext, linesOf } from '../support/lambda.ts';
import { bulkRequests, documentsIn, jobDocument } from '../support/streams.ts';
import { busy, idle, type SweepSetup, startSetup } from '../support/sweep-setup.ts';

const byText = (a: string, b: string) => (a < b ? -1 : 1);
const on = { JOBSWEEP_REPORTS_NAMESPACE: 'default' };

interface Invoked {
  readonly report: SweepReport;
  readonly lines: Record<string, unknown>[];
  readonly tookMs: number;
}

async function invoke(
  setup: SweepSetup,
  event: unknown = {},
  environment: Record<string, string> = on,
  { remainingMs = 15 * 60_000, requestId = 'request-1' } = {},
): Promise<Invoked> {
  const handler = createHandler({
    environment: { ELASTICSEARCH_URL: setup.server.url, ...environment },
    clock: setup.clock,
  });
  const begun = setup.clock.now();
  let report: SweepReport | undefined;
  const lines = await linesOf(async () => {
    report = (await handler(
      event,
      lambdaContext(setup.clock, remainingMs, requestId),
      {} as never,
    )) as SweepReport;
  });
  if (!report) throw new Error('the function returned nothing');
  return { report, lines, tookMs: setup.clock.now() - begun };
}

const problemsOf = ({ lines }: Invoked) =>
  lines.filter(({ message }) => message === 'report not stored').map(({ problem }) => String(problem));

describe('the function with reports in Elasticsearch', () => {
  it('the function stores no report if no namespace is set', async () => {
    await using setup = await startSetup([...idle(2), ...busy(3)]);
    await invoke(setup, {}, {});
    expect(bulkRequests(setup)).toEqual([]);
  });

  it('the function stores one document for the sweep, and one for each job that was not closed when the sweep began', async () => {
    await using setup = await startSetup([
      ...idle(2),
      ...busy(3),
      { jobId: 'protected', customSettings: { jobsweep: { protect: true } } },
      { jobId: 'long-closed', state: 'closed' },
    ]);
    const { report, lines } = await invoke(setup, { exclude: 'web-*' });
    const [sweep, ...others] = documentsIn(setup, 'sweep');
    expect(others).toEqual([]);
    expect(sweep?.id).toBe(`${report.cluster.id}:request-1`);
    expect(sweep?.source).toMatchObject({
      '@timestamp': expect.stringMatching(/^\d{4}-.*Z$/),
      data_stream: { type: 'logs', dataset: 'jobsweep.sweep', namespace: 'default' },
      event: { kind: 'event', action: 'sweep-finished', outcome: 'success', provider: 'function' },
      service: { name: 'jobsweep' },
      message: 'the sweep of default closed 2 jobs and kept 4',
      jobsweep: {
        cluster: report.cluster,
        sweep: {
          id: 'request-1',
          dry_run: false,
          request: { idle_for: '48h', idle_for_ms: 172_800_000, exclude: ['web-*'] },
          status: 'done',
          freed_bytes: report.freedBytes,
          counts: { open: 6, closed: 2, kept: 4, force_closed: 0 },
          kept: { recent_data: 3, protected: 1 },
          job_documents: 6,
          whole: true,
        },
      },
    });
    expect(
      documentsIn(setup, 'job')
        .map(({ source }) => source.jobsweep.job.id)
        .sort(byText),
    ).toEqual(['busy-0', 'busy-1', 'busy-2', 'idle-0', 'idle-1', 'protected']);
    expect(jobDocument(setup, 'idle-0')).toMatchObject({
      event: { action: 'job-closed', outcome: 'success', reason: 'idle', type: ['change'] },
      jobsweep: {
        sweep: { id: 'request-1' },
        job: { state: 'opened', verdict: 'close', reason: 'idle', outcome: 'closed', attempts: 1 },
      },
    });
    expect(jobDocument(setup, 'busy-0')).toMatchObject({
      event: { action: 'job-kept', reason: 'recent_data' },
      jobsweep: { job: { outcome: 'kept', idle_ms: 60_000 } },
    });
    const idleJob = jobDocument(setup, 'idle-1').jobsweep;
    expect(Date.parse(idleJob.job.last_data_at)).toBe(Date.parse(idleJob.sweep.read_at) - 101 * 3_600_000);
    expect(lines.filter(({ message }) => message === 'report not stored')).toEqual([]);
  });

  it('the function stores the documents of a sweep only once if its event is delivered twice', async () => {
    await using setup = await startSetup([...idle(2), ...busy(3)]);
    await invoke(setup);
    const before = { sweeps: documentsIn(setup, 'sweep'), jobs: documentsIn(setup, 'job') };
    const again = await invoke(setup);
    expect(problemsOf(again)).toEqual([]);
    expect({ sweeps: documentsIn(setup, 'sweep'), jobs: documentsIn(setup, 'job') }).toEqual(before);
  });

  it('a sweep document is not marked as complete if an earlier delivery of the event already stored some job documents', async () => {
    await using setup = await startSetup([...idle(2), ...busy(3)]);
    // The sweep document of the first delivery is lost, as if its invocation was cut off.
    setup.server.faults.add({ api: 'bulk', path: '/logs-jobsweep.sweep-*', status: 400, times: 1 });
    await invoke(setup);
    expect(documentsIn(setup, 'sweep')).toEqual([]);
    await setup.clock.advance(60_000);
    await invoke(setup);
    expect(documentsIn(setup, 'sweep').map(({ source }) => source.jobsweep.sweep.whole)).toEqual([false]);
  });

  it('the stored documents of a refused sweep and of a dry run say that the sweep was refused or only planned', async () => {
    await using setup = await startSetup([...idle(12)]);
    await invoke(setup, { fuse: { maxJobs: 3 } });
    await invoke(setup, { dryRun: true, fuse: { maxShare: null, massIdle: false } }, on, {
      requestId: 'request-2',
    });
    const [refused, planned] = documentsIn(setup, 'sweep').map(({ source }) => source);
    expect(refused).toMatchObject({
      event: { action: 'sweep-refused', outcome: 'failure', reason: 'max_jobs' },
      jobsweep: { sweep: { status: 'refused', fuse: { name: 'max_jobs', idle: 12, limit: 3 } } },
    });
    expect(planned).toMatchObject({
      event: { action: 'sweep-planned', outcome: 'success' },
      jobsweep: { sweep: { dry_run: true, counts: { not_attempted: 12 } } },
    });
  });

  it('for a follow-up, the function stores only the jobs of the follow-up, and does not mark the sweep document as complete', async () => {
    await using setup = await startSetup([...idle(2, { closeTakes: '40m' }), ...busy(3)]);
    const { report } = await invoke(setup, { close: { timeout: '1m' } });
    const jobs = report.jobs.filter(({ outcome }) => outcome === 'closing');
    expect(jobs).toHaveLength(2);
    await setup.clock.advance(3_600_000);
    await invoke(
      setup,
      {
        followUpOf: {
          sweepId: 'request-1',
          round: 1,
          jobs: jobs.map(({ jobId, askedAt, attempts }) => ({ jobId, askedAt, attempts })),
        },
      },
      on,
      { requestId: 'request-2' },
    );
    const [, followUp] = documentsIn(setup, 'sweep').map(({ source }) => source.jobsweep.sweep);
    expect(followUp).toMatchObject({ follow_up_of: { sweep_id: 'request-1', round: 1 }, whole: false });
    const own = documentsIn(setup, 'job').filter(({ source }) => source.jobsweep.sweep.id === 'request-2');
    expect(own.map(({ source }) => source.event.action)).toEqual(['job-closed', 'job-closed']);
  });

  it('the function stores reports in a separate cluster, with its own credentials', async () => {
    await using setup = await startSetup([...idle(1), ...busy(3)]);
    await using reports = await startSetup(
      [],
      {
        users: [{ username: 'owner', password: 'unused', cluster: ['all'] }],
        apiKeys: [
          {
            id: 'reports',
            key: 'may-add',
            owner: 'owner',
            cluster: [],
            index: [{ names: ['logs-jobsweep.*-*'], privileges: ['auto_configure', 'create_doc'] }],
          },
        ],
      },
      { clock: setup.clock },
    );
    const invoked = await invoke(
      setup,
      {},
      {
        JOBSWEEP_REPORTS_NAMESPACE: 'prod',
        JOBSWEEP_REPORTS_URL: reports.server.url,
        JOBSWEEP_REPORTS_API_KEY: 'reports:may-add',
      },
    );
    expect(problemsOf(invoked)).toEqual([]);
    expect(bulkRequests(setup)).toEqual([]);
    expect(documentsIn(reports, 'sweep', 'prod')).toHaveLength(1);
    expect(documentsIn(reports, 'job', 'prod')).toHaveLength(4);
  });

  it.each([
    [
      'an invalid namespace',
      { JOBSWEEP_REPORTS_NAMESPACE: 'My-Space' },
      /JOBSWEEP_REPORTS_NAMESPACE: expected 1 to 100 of a-z, 0-9, _ and \., got "My-Space"/,
    ],
    [
      'an invalid address',
      { JOBSWEEP_REPORTS_URL: 'ftp://host' },
      /the environment: JOBSWEEP_REPORTS_URL is not an address/,
    ],
    [
      'a key without an address',
      { JOBSWEEP_REPORTS_API_KEY: 'a:b' },
      /JOBSWEEP_REPORTS_API_KEY is set without an address: set JOBSWEEP_REPORTS_URL/,
    ],
    ['a cluster that does not answer', { JOBSWEEP_REPORTS_URL: 'http://127.0.0.1:1' }, /ECONNREFUSED/],
  ])(
    'if reports cannot be stored because of %s, the function logs a warning and still returns the report',
    async (_what, environment, problem) => {
      await using setup = await startSetup([...idle(1), ...busy(3)]);
      await using twin = await startSetup([...idle(1), ...busy(3)]);
      const plain = await invoke(twin, {}, {});
      const invoked = await invoke(setup, {}, environment);
      expect(problemsOf(invoked).join()).toMatch(problem);
      expect(invoked.report).toMatchObject({ status: 'done', counts: plain.report.counts, warnings: [] });
      const [line] = invoked.lines.filter(({ message }) => message === 'report not stored');
      expect(line).toMatchObject({
        level: 'WARN',
        sweepId: 'request-1',
        runbook: expect.stringMatching(/#report-not-stored$/),
      });
    },
  );

  it('if the cluster for reports never answers, the function waits at most 20 seconds for it', async () => {
    await using setup = await startSetup([...idle(1), ...busy(3)]);
    await using twin = await startSetup([...idle(1), ...busy(3)]);
    setup.server.faults.add({ api: 'bulk', hang: true, times: Number.POSITIVE_INFINITY });
    const plain = await invoke(twin, {}, {});
    const invoked = await invoke(setup);
    expect(problemsOf(invoked).join()).toContain('the time ran out');
    expect(invoked.report.status).toBe('done');
    expect(invoked.tookMs - plain.tookMs).toBeLessThanOrEqual(20_500);
  });

  it('if little time is left to store the report, the function still returns the report before its timeout', async () => {
    await using setup = await startSetup([...idle(1, { closeTakes: '5m' }), ...busy(3)]);
    setup.server.faults.add({ api: 'bulk', hang: true, times: Number.POSITIVE_INFINITY });
    const { report, tookMs } = await invoke(setup, {}, on, { remainingMs: 60_000 });
    expect(report.counts.closing).toBe(1);
    expect(tookMs).toBeLessThan(60_000);
  });
});
