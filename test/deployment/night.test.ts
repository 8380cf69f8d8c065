/**
 * @module A sweep that needs several invocations: the simulated Scheduler invokes the packaged function, in simulated
 * time.
 */
import { writeFile } from 'node:fs/promises';
import { CreateScheduleGroupCommand } from '@aws-sdk/client-scheduler';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { type FleetJob, startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import { startScheduler } from '../../simulator/scheduler/index.ts';
import { trackHttp } from '../../simulator/track-http.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { newFolder } from '../support/folder.ts';
import { lambdaContext, linesOf } from '../support/lambda.ts';
import { sized } from '../support/nightly.ts';
import { type Entry, entryOf, type Packaged, packageService } from '../support/packaged.ts';
import { runCommand } from '../support/run-command.ts';
import { functionArn, queueArn, roleArn, sdkClient, start } from '../support/scheduler.ts';

const minute = 60_000;
/**
 * The time limit of an invocation, and enough jobs that closing them takes at least three invocations. On a push, the
 * limit is a third of the nightly one, so the test sends about a third of the requests.
 */
const { deadline, idleJobs, closeTakes } = sized({
  push: { deadline: 5 * minute, idleJobs: 220, closeTakes: '5s' },
  nightly: { deadline: 15 * minute, idleJobs: 400, closeTakes: '15s' },
});
const group = 'jobsweep-follow-ups';

let packaged: Packaged;
beforeAll(async () => {
  packaged = await packageService(['--stage', 'prod']);
}, 120_000);
afterEach(() => {
  vi.unstubAllEnvs();
});

/**
 * Makes the bundle load its code for follow-ups in advance, because loading takes real time, and the virtual clock
 * would advance meanwhile. To do so, runs a sweep that has no time to close a job, and whose follow-up fails because
 * the schedule group does not exist.
 */
async function loadScheduler(
  handler: ReturnType<Entry['createHandler']>,
  clock: VirtualClock,
): Promise<void> {
  await vi.waitFor(
    async () => {
      const context = lambdaContext(clock, 1_500);
      const { warnings } = (await handler({ jobs: 'idle-000' }, context, {} as never)) as SweepReport;
      expect(warnings.join()).toMatch(/no follow-up takes it: (?!the scheduler did not answer)/);
    },
    { timeout: 20_000 },
  );
}

const idle: readonly FleetJob[] = Array.from({ length: idleJobs }, (_, index) => ({
  jobId: `idle-${String(index).padStart(3, '0')}`,
  node: 'ml-0',
  lastData: `${100 + index}h`,
  modelBytes: '10mb',
  closeTakes,
}));
const busy: readonly FleetJob[] = Array.from({ length: idleJobs + 50 }, (_, index) => ({
  jobId: `busy-${index}`,
  node: 'ml-1',
  // gets data until the end of the night
  lastData: '2026-11-24T12:00:00Z',
}));

it('hundreds of jobs on one node with 4 processors are closed over a night by several invocations', async () => {
  using clock = new VirtualClock(Date.parse(start));
  await using elasticsearch = await startElasticsearch({
    clock,
    fleet: {
      // each close keeps two processors busy, so four processors have the capacity for two closes
      nodes: [
        { name: 'ml-0', processors: 4, closeCapacity: 2, memory: '64gb' },
        { name: 'ml-1', processors: 4, closeCapacity: 2, memory: '64gb' },
      ],
      jobs: [...idle, ...busy],
    },
  });
  const environment = {
    ELASTICSEARCH_URL: elasticsearch.url,
    JOBSWEEP_SCHEDULE_GROUP: group,
    JOBSWEEP_SCHEDULER_ROLE_ARN: roleArn,
    JOBSWEEP_FUNCTION_ARN: functionArn,
    JOBSWEEP_DLQ_ARN: queueArn,
  };
  const { createHandler } = await entryOf(packaged);
  const handler = createHandler({ environment, clock });
  const invocations: { readonly report: SweepReport; readonly ms: number }[] = [];
  await using scheduler = await startScheduler({
    clock,
    // one sweep at a time and no retries, as deployed
    lambda: { retries: 0, concurrency: 1, maxEventAgeMs: 60 * minute },
    invoke: async ({ payload, requestId }) => {
      const begun = clock.now();
      const context = lambdaContext(clock, deadline, requestId);
      const report = (await handler(payload, context, {} as never)) as SweepReport;
      invocations.push({ report, ms: clock.now() - begun });
    },
  });
  vi.stubEnv('AWS_ENDPOINT_URL_SCHEDULER', scheduler.url);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-secret');
  const client = sdkClient(scheduler.url);
  await client.send(new CreateScheduleGroupCommand({ Name: group }));
  client.destroy();
  using _tracking = trackHttp(clock);
  await loadScheduler(
    createHandler({ environment: { ...environment, JOBSWEEP_SCHEDULE_GROUP: 'none' }, clock }),
    clock,
  );
  const schedules = [{ name: 'nightly', cron: '0 2 * * ? *', timezone: 'Europe/Berlin', request: {} }];
  await runCommand(['schedules', 'apply', '-f', '-', '--yes'], {
    clock,
    env: environment,
    stdin: JSON.stringify({ group: 'jobsweep', schedules }),
  });
  const lines = await linesOf(() => clock.advance(Date.parse('2026-11-24T05:00:00Z') - clock.now()));

  // several invocations together closed all idle jobs, and each invocation ended within its deadline
  expect(idle.filter(({ jobId }) => elasticsearch.cluster.job(jobId)?.state !== 'closed')).toEqual([]);
  expect(busy.filter(({ jobId }) => elasticsearch.cluster.job(jobId)?.state !== 'opened')).toEqual([]);
  expect(invocations.length).toBeGreaterThan(2);
  for (const { ms } of invocations) expect(ms).toBeLessThan(deadline);
  const reports = invocations.map(({ report }) => report);
  expect(reports.map(({ status }) => status)).toEqual(reports.map(() => 'done'));
  expect(reports[0]?.followUp).toMatchObject({ round: 1, rest: true });

  // each job got exactly one close request
  const asked = elasticsearch.requests
    .filter(({ path: asking }) => asking.endsWith('/_close'))
    .flatMap(({ path: asking }) => decodeURIComponent(asking).split('/')[3]?.split(',') ?? []);
  expect(asked.toSorted()).toEqual(idle.map(({ jobId }) => jobId));

  // the number of jobs that close at the same time on the node is half the number of its processors
  expect(reports[0]?.places).toEqual([
    expect.objectContaining({ nodeName: 'ml-0', places: 2, because: 'own_node', processors: 4 }),
  ]);

  // all reports belong to one chain of follow-ups, which closes each job once and leaves no schedule behind
  const [first, ...later] = reports;
  expect(later.map(({ followUpOf }) => followUpOf?.sweepId)).toEqual(later.map(() => first?.sweepId));
  const closed = reports.flatMap(({ jobs }) => jobs.filter(({ outcome }) => outcome === 'closed'));
  expect(closed.map(({ jobId }) => jobId).toSorted()).toEqual(idle.map(({ jobId }) => jobId));
  expect(scheduler.schedules.filter(({ GroupName }) => GroupName === group)).toEqual([]);
  expect([scheduler.deadLetters, scheduler.failedEvents]).toEqual([[], []]);

  // `reopen` undoes the whole chain, from the log lines of the function
  await using files = await newFolder();
  const log = files.at('log.ndjson');
  await writeFile(log, lines.map((line) => JSON.stringify(line)).join('\n'));
  const undone = await runCommand(['reopen', log, '--yes', '-o', 'json'], { clock, env: environment });
  expect(undone.exit).toBe(0);
  expect(idle.filter(({ jobId }) => elasticsearch.cluster.job(jobId)?.state !== 'opened')).toEqual([]);
}, 120_000);
