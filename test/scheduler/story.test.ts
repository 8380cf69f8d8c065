import { CreateScheduleGroupCommand } from '@aws-sdk/client-scheduler';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import type { FleetJob } from '../../simulator/elasticsearch/index.ts';
import { startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import { startScheduler } from '../../simulator/scheduler/index.ts';
import { trackHttp } from '../../simulator/track-http.ts';
import { createHandler } from '../../src/function/handler.ts';
import { followUpsFrom } from '../../src/settings/follow-ups-from-settings.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { lambdaContext, linesOf } from '../support/lambda.ts';
import { runCommand } from '../support/run-command.ts';
import { functionArn, queueArn, roleArn, sdkClient, start } from '../support/scheduler.ts';
import { serve } from '../support/scripted-server.ts';

const minute = 60_000;
const group = 'jobsweep-follow-ups';

/** The embedded cluster and the embedded Scheduler on one clock, connected by the function. */
async function pair(jobs: readonly FleetJob[], settings: Readonly<Record<string, string>> = {}) {
  const clock = new VirtualClock(Date.parse(start));
  const elasticsearch = await startElasticsearch({ clock, fleet: { jobs: [...jobs] } });
  const reports: SweepReport[] = [];
  const environment = {
    ...settings,
    ELASTICSEARCH_URL: elasticsearch.url,
    JOBSWEEP_SCHEDULE_GROUP: group,
    JOBSWEEP_SCHEDULER_ROLE_ARN: roleArn,
    JOBSWEEP_FUNCTION_ARN: functionArn,
    JOBSWEEP_DLQ_ARN: queueArn,
  };
  const handler = createHandler({ environment, clock });
  const scheduler = await startScheduler({
    clock,
    // one sweep at a time and no retries, as deployed
    lambda: { retries: 0, concurrency: 1, maxEventAgeMs: 60 * minute },
    invoke: async ({ payload, requestId }) => {
      const context = lambdaContext(clock, 15 * minute, requestId);
      reports.push((await handler(payload, context, {} as never)) as SweepReport);
    },
  });
  vi.stubEnv('AWS_ENDPOINT_URL_SCHEDULER', scheduler.url);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-secret');
  const client = sdkClient(scheduler.url);
  await client.send(new CreateScheduleGroupCommand({ Name: group }));
  client.destroy();
  // loads in advance what is read from disk at first use, because the virtual clock waits only for requests
  await import('../../src/function/announce.ts');
  await followUpsFrom({ environment, clock, running: undefined })?.pending(
    'default',
    AbortSignal.timeout(10_000),
  );
  const tracking = trackHttp(clock);
  return {
    clock,
    elasticsearch,
    scheduler,
    reports,
    /** Runs `jobsweep schedules apply` with `schedules` as its file. */
    apply: (schedules: object) =>
      runCommand(['schedules', 'apply', '-f', '-', '--yes'], {
        clock,
        env: environment,
        stdin: JSON.stringify(schedules),
      }),
    inGroup: () => scheduler.schedules.filter(({ GroupName }) => GroupName === group),
    [Symbol.asyncDispose]: async () => {
      tracking[Symbol.dispose]();
      clock[Symbol.dispose]();
      await scheduler.stop();
      await elasticsearch.stop();
    },
  };
}

const busy: readonly FleetJob[] = Array.from({ length: 10 }, (_, i) => ({
  jobId: `busy-${i}`,
  // gets data until the end of the test
  lastData: '2026-11-24T12:00:00Z',
}));
const idle: readonly FleetJob[] = Array.from({ length: 4 }, (_, i) => ({
  jobId: `idle-${i}`,
  lastData: `${5 + i}d`,
  closeTakes: '20s',
}));

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a night of sweeps', () => {
  it('a night of sweeps closes idle jobs, follows up on slow ones, forces stuck ones, and leaves no schedule behind', async () => {
    await using setup = await pair([
      ...busy,
      ...idle,
      { jobId: 'slow', lastData: '9d', closeTakes: '25m' },
      { jobId: 'stuck', lastData: '9d', closeTakes: 'never' },
    ]);
    const { clock, reports, elasticsearch } = setup;
    const nightly = { name: 'nightly', cron: '0 2 * * ? *', timezone: 'Europe/Berlin', request: {} };
    expect((await setup.apply({ group: 'jobsweep', schedules: [nightly] })).exit).toBe(0);

    const lines = await linesOf(async () => {
      // runs until the first sweep has ended
      await clock.advance(Date.parse('2026-11-24T01:10:00Z') - clock.now());
    });
    expect(reports).toHaveLength(1);
    const [first] = reports;
    expect(first).toMatchObject({
      status: 'done',
      counts: { open: 16, idle: 6, closed: 4, closing: 2, kept: 10 },
      followUp: { round: 1, jobs: 2 },
    });
    const waiting = setup.inGroup();
    expect(waiting.map(({ Name }) => Name)).toEqual([first?.followUp?.name]);
    expect(waiting[0]?.ActionAfterCompletion).toBe('DELETE');

    lines.push(...(await linesOf(() => clock.advance(6 * 60 * minute))));
    const rounds = reports.slice(1);
    const outcomes = rounds.map(({ jobs }) =>
      Object.fromEntries(jobs.map(({ jobId, outcome }) => [jobId, outcome])),
    );
    const firstClosed = outcomes.findIndex(({ slow }) => slow === 'closed');
    expect(outcomes.map(({ slow }) => slow)).toEqual(
      outcomes.map((_, i) => (i < firstClosed ? 'closing' : i === firstClosed ? 'closed' : undefined)),
    );
    expect(outcomes.map(({ stuck }) => stuck)).toEqual(
      outcomes.map((_, i) => (i < outcomes.length - 1 ? 'closing' : 'force_closed')),
    );
    // the stuck job is forced in the first round after stuckFor, and not before
    const forced = rounds.at(-1)?.jobs.find(({ jobId }) => jobId === 'stuck');
    const askedAt = Date.parse(forced?.askedAt ?? '');
    expect(Date.parse(rounds.at(-1)?.startedAt ?? '') - askedAt).toBeGreaterThanOrEqual(75 * minute);
    expect(Date.parse(rounds.at(-2)?.startedAt ?? '') - askedAt).toBeLessThan(75 * minute);

    expect(setup.inGroup()).toEqual([]);
    expect(setup.scheduler.deadLetters).toEqual([]);
    expect(setup.scheduler.failedEvents).toEqual([]);
    for (const { jobId } of [...idle, { jobId: 'slow' }, { jobId: 'stuck' }])
      expect(elasticsearch.cluster.job(jobId)?.state).toBe('closed');
    for (const { jobId } of busy) expect(elasticsearch.cluster.job(jobId)?.state).toBe('opened');

    // the reports add up: each idle job is closed in exactly one of them
    const settled = reports.flatMap(({ jobs }) =>
      jobs.filter(({ outcome }) => outcome === 'closed' || outcome === 'force_closed'),
    );
    expect(new Set(settled.map(({ jobId }) => jobId)).size).toBe(settled.length);
    expect(settled).toHaveLength(first?.counts.idle ?? 0);
    const freed = (sum: number, { freedBytes }: SweepReport) => sum + freedBytes;
    expect(reports.reduce(freed, 0)).toBe(settled.reduce((sum, { memoryBytes = 0 }) => sum + memoryBytes, 0));
    expect(reports.map(({ followUp }) => followUp?.round ?? null)).toEqual([
      ...rounds.map((_, i) => i + 1),
      null,
    ]);
    // the log must contain the counts of every report, because nobody sees what a scheduled function returns
    const finished = lines.filter(({ message }) => message === 'sweep finished');
    expect(finished.map(({ counts }) => counts)).toEqual(reports.map(({ counts }) => counts));
  });

  it('a night of sweeps sends one notification for each sweep that changed something, and none for the others', async () => {
    await using webhook = await serve(({ raw }) => raw('ok'));
    await using setup = await pair(
      [
        ...busy,
        ...idle,
        { jobId: 'slow', lastData: '9d', closeTakes: '25m' },
        { jobId: 'stuck', lastData: '9d', closeTakes: 'never' },
      ],
      { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url },
    );
    const { clock, reports } = setup;
    const nightly = { name: 'nightly', cron: '0 2 * * ? *', timezone: 'Europe/Berlin', request: {} };
    await setup.apply({ group: 'jobsweep', schedules: [nightly] });
    await linesOf(() => clock.advance(Date.parse('2026-11-24T08:00:00Z') - clock.now()));
    const changed = reports.filter(({ counts }) => counts.closed + counts.forceClosed > 0);
    expect(reports.length).toBeGreaterThan(changed.length);
    const messages = webhook.requests.map(({ body }) => (JSON.parse(body) as { text: string }).text);
    expect(messages).toEqual([
      expect.stringMatching(/^jobsweep, default: 4 jobs closed, /),
      expect.stringMatching(/^jobsweep, default: follow-up 2: 1 job closed, /),
      expect.stringMatching(/^jobsweep, default: follow-up \d: 1 job closed, /),
    ]);
    expect(changed).toHaveLength(messages.length);
  });

  it('a night of sweeps forces the stuck job once and leaves no schedule behind, even if events come twice, late or after failures', async () => {
    await using setup = await pair([
      ...busy,
      ...idle,
      { jobId: 'stuck', lastData: '9d', closeTakes: 'never' },
    ]);
    const { clock, reports } = setup;
    setup.scheduler.script(
      { on: 'delivery', name: 'nightly', duplicates: 1, lateMs: 55_000 },
      { on: 'delivery', name: /^followup/, fail: { code: 'LAMBDA_UNAVAILABLE' } },
      { on: 'delivery', name: /^followup/, skip: 1, duplicates: 1 },
      { on: 'CreateSchedule', name: /^followup/, cut: 'after' },
    );
    const nightly = { name: 'nightly', cron: '0 2 * * ? *', timezone: 'Europe/Berlin', request: {} };
    await setup.apply({ group: 'jobsweep', schedules: [nightly] });
    let maxCount = 0;
    await linesOf(async () => {
      await clock.advance(Date.parse('2026-11-24T00:59:00Z') - clock.now());
      for (let i = 0; i < 36; i++) {
        await clock.advance(10 * minute);
        maxCount = Math.max(maxCount, setup.inGroup().length);
      }
    });
    // The duplicate event starts a second sweep with the same id after the first one has ended. By then, a follow-up
    // already lists the stuck job, so the second sweep schedules none.
    expect(reports.filter(({ sweepId }) => sweepId === reports[0]?.sweepId)).toHaveLength(2);
    expect(maxCount).toBe(1);
    expect(reports.filter(({ counts }) => counts.forceClosed > 0)).toHaveLength(1);
    expect(setup.elasticsearch.cluster.job('stuck')?.state).toBe('closed');
    expect(setup.inGroup()).toEqual([]);
  });

  it('a sweep whose follow-up cannot be scheduled still reports its outcomes, and has the status `partial`', async () => {
    await using setup = await pair([
      ...busy,
      ...idle,
      { jobId: 'stuck', lastData: '9d', closeTakes: 'never' },
    ]);
    const { clock, reports } = setup;
    const nightly = { name: 'nightly', cron: '0 2 * * ? *', timezone: 'Europe/Berlin', request: {} };
    await setup.apply({ group: 'jobsweep', schedules: [nightly] });
    setup.scheduler.script({
      on: 'CreateSchedule',
      times: 100,
      error: { type: 'AccessDeniedException', message: 'User is not authorized to perform: iam:PassRole' },
    });
    const lines = await linesOf(() => clock.advance(14 * 60 * minute));
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({
      status: 'partial',
      followUp: null,
      counts: { closed: 4, closing: 1 },
    });
    expect(reports[0]?.warnings.join()).toMatch(
      /no follow-up is scheduled: .*access denied \(403\).*iam:PassRole/,
    );
    expect(lines.find((line) => '_aws' in line)).toMatchObject({ partial: 1 });
  });
});
