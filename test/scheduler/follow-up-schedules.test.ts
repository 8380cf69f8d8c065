import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import {
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { describe, expect, it } from 'vitest';
import type { ApiFault, SchedulerOptions } from '../../simulator/scheduler/index.ts';
import { SchedulerError } from '../../src/base/errors.ts';
import {
  type FollowUpOptions,
  type FollowUpSettings,
  schedulerFollowUps,
} from '../../src/scheduler/follow-up-schedules.ts';
import { Budget } from '../../src/sweep/budget.ts';
import type { FollowUpOrder } from '../../src/sweep/ports.ts';
import { followUpOn } from '../../src/sweep/reporting/follow-up.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { foundClosing } from '../support/entries.ts';
import {
  create,
  functionArn,
  queueArn,
  roleArn,
  type SchedulerBench,
  scheduleInput,
  schedulerBench,
  sdkConfig,
  shown,
} from '../support/scheduler.ts';
import { serve } from '../support/scripted-server.ts';

const minute = 60_000;
const group = 'jobsweep';
const settings = { group, roleArn, functionArn, dlqArn: queueArn };
const signal = new AbortController().signal;

/** The follow-ups of a sweep; `change` overrides parts of the setup. */
const followUpsOf = (
  { clock, scheduler }: Pick<SchedulerBench, 'clock' | 'scheduler'>,
  { running, url, ...change }: Partial<FollowUpSettings & FollowUpOptions & { readonly url: string }> = {},
) =>
  schedulerFollowUps(
    { ...settings, ...change },
    { clock, environment: {}, sdk: sdkConfig(url ?? scheduler.url), running },
  );

async function followUpBench(options: Partial<SchedulerOptions> = {}) {
  const bench = await schedulerBench(options);
  await bench.client.send(new CreateScheduleGroupCommand({ Name: group }));
  return {
    ...bench,
    followUps: followUpsOf(bench),
    /** The only schedule in the group. */
    only: () => {
      expect(bench.scheduler.schedules.map(({ GroupName }) => GroupName)).toEqual([group]);
      return shown(bench.client, bench.scheduler.schedules[0]?.Name ?? '', group);
    },
    calls: (operation: string) =>
      bench.scheduler.requests.filter((request) => request.operation === operation).length,
  };
}

function order(
  given: {
    readonly payload?: RequestPayload;
    readonly sweepId?: string;
    readonly round?: number;
    readonly at?: string;
    readonly jobIds?: readonly string[];
    readonly rest?: true;
  } = {},
): FollowUpOrder {
  const { rest } = given;
  return {
    chain: { sweepId: given.sweepId ?? 'sweep-1', round: given.round ?? 1, ...(rest && { rest }) },
    at: Date.parse(given.at ?? '2026-11-23T12:15:00Z'),
    request: parseRequest(given.payload ?? {}).request,
    jobs: (given.jobIds ?? ['slow-1', 'slow-2']).map((jobId) => ({
      jobId,
      askedAt: '2026-11-23T11:59:00.000Z',
      attempts: 1,
    })),
  };
}

describe('follow-ups', () => {
  it('the connections to EventBridge Scheduler are closed when the follow-ups of a sweep are disposed', async () => {
    await using bench = await followUpBench();
    const port = Number(new URL(bench.scheduler.url).port);
    const sockets: Socket[] = [];
    const noted = (message: unknown) => sockets.push((message as { readonly socket: Socket }).socket);
    subscribe('net.client.socket', noted);
    {
      await using followUps = followUpsOf(bench);
      await followUps.pending('default', signal);
      await followUps.arrange(order(), signal);
    }
    unsubscribe('net.client.socket', noted);
    const own = sockets.filter(({ remotePort }) => remotePort === port || remotePort === undefined);
    expect(own.length).toBeGreaterThan(0);
    expect(own.filter(({ destroyed }) => !destroyed)).toEqual([]);
  });
});

describe('scheduling a follow-up', () => {
  it('scheduling a follow-up creates a one-time schedule that deletes itself, with time zone, retries and dead-letter queue', async () => {
    await using bench = await followUpBench();
    const arranged = await bench.followUps.arrange(order(), signal);
    expect(arranged).toEqual({
      name: expect.stringMatching(/^followup\.default\.[0-9a-f]{10}\.1$/) as string,
      at: Date.parse('2026-11-23T12:15:00Z'),
      jobIds: ['slow-1', 'slow-2'],
    });
    expect(await bench.only()).toMatchObject({
      Name: arranged.name,
      GroupName: group,
      ScheduleExpression: 'at(2026-11-23T12:15:00)',
      ScheduleExpressionTimezone: 'UTC',
      State: 'ENABLED',
      ActionAfterCompletion: 'DELETE',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Description: 'jobsweep checks 2 jobs of cluster default again, round 1',
      Target: {
        Arn: functionArn,
        RoleArn: roleArn,
        RetryPolicy: { MaximumEventAgeInSeconds: 3_600, MaximumRetryAttempts: 10 },
        DeadLetterConfig: { Arn: queueArn },
      },
    });
  });

  it('the payload of a follow-up has the whole request and the jobs, and its trigger names the follow-up’s schedule and due time', async () => {
    const payloads: unknown[] = [];
    await using bench = await followUpBench({ invoke: ({ payload }) => payloads.push(payload) });
    const payload: RequestPayload = {
      cluster: 'logs',
      jobs: ['web-*'],
      idleFor: '36h',
      force: { stuckFor: null },
      trigger: { scheduleArn: 'arn:of:the:nightly', scheduledTime: '2026-11-23T02:00:00Z' },
    };
    const { name } = await bench.followUps.arrange(order({ payload, sweepId: 's-9', round: 3 }), signal);
    await bench.clock.advance(15 * minute);
    expect(payloads).toHaveLength(1);
    const { request } = parseRequest(payloads[0]);
    expect(request).toEqual({
      ...parseRequest(payload).request,
      trigger: {
        scheduleArn: `arn:aws:scheduler:eu-central-1:123456789012:schedule/${group}/${name}`,
        scheduledTime: '2026-11-23T12:15:00Z',
      },
      followUpOf: { sweepId: 's-9', round: 3, jobs: order().jobs },
    });
    await bench.clock.advance(minute);
    expect(bench.scheduler.schedules).toEqual([]);
  });

  it.each([
    ['in the past', '2026-11-23T11:00:00Z', 'at(2026-11-23T12:02:00)'],
    ['too soon', '2026-11-23T12:01:59Z', 'at(2026-11-23T12:02:00)'],
    ['between two seconds', '2026-11-23T12:15:00.001Z', 'at(2026-11-23T12:15:01)'],
  ])(
    'a follow-up requested for a time %s is due at the next time that is possible, never earlier',
    async (_what, at, expression) => {
      await using bench = await followUpBench();
      const arranged = await bench.followUps.arrange(order({ at }), signal);
      const schedule = await bench.only();
      expect(schedule.ScheduleExpression).toBe(expression);
      expect(`at(${new Date(arranged.at).toISOString().slice(0, 19)})`).toBe(expression);
    },
  );

  it('a follow-up has no dead-letter queue if none is set', async () => {
    await using bench = await followUpBench();
    await followUpsOf(bench, { dlqArn: undefined }).arrange(order(), signal);
    expect((await bench.only()).Target).not.toHaveProperty('DeadLetterConfig');
  });

  it('if the settings name a customer-managed key, a follow-up is encrypted with that key', async () => {
    await using plain = await followUpBench();
    await plain.followUps.arrange(order(), signal);
    expect(await plain.only()).not.toHaveProperty('KmsKeyArn');
    await using bench = await followUpBench();
    const kmsKeyArn = 'arn:aws:kms:eu-central-1:123456789012:key/1234';
    await followUpsOf(bench, { kmsKeyArn }).arrange(order(), signal);
    expect((await bench.only()).KmsKeyArn).toBe(kmsKeyArn);
  });

  it('the name of a follow-up has at most 64 characters and is distinct for each cluster, sweep and round', async () => {
    await using bench = await followUpBench();
    const cluster = 'c'.repeat(40);
    const names = new Set<string>();
    for (const given of [
      { payload: { cluster }, round: 20, sweepId: 'x'.repeat(256) },
      { payload: { cluster }, round: 19, sweepId: 'x'.repeat(256) },
      { payload: { cluster }, round: 20, sweepId: 'y' },
      { payload: { cluster: 'c' }, round: 20, sweepId: 'y' },
    ]) {
      const { name } = await bench.followUps.arrange(order(given), signal);
      expect(name.length).toBeLessThanOrEqual(64);
      names.add(name);
    }
    expect(names.size).toBe(4);
  });
});

describe('a follow-up with too many jobs for one schedule', () => {
  const ids = Array.from({ length: 4_000 }, (_, i) => `job-${String(i).padStart(5, '0')}-${'x'.repeat(50)}`);

  it('if the jobs do not all fit into one schedule, a follow-up takes the first ones that fit, and the result names them', async () => {
    await using bench = await followUpBench();
    const { jobIds } = await bench.followUps.arrange(order({ jobIds: ids }), signal);
    expect(jobIds).toEqual(ids.slice(0, jobIds.length));
    expect(jobIds.length).toBeLessThan(ids.length);
    const { Target } = await bench.only();
    const bytes = Buffer.byteLength(Target?.Input ?? '');
    const perJob = Buffer.byteLength(JSON.stringify(order({ jobIds: [ids[0] ?? ''] }).jobs[0])) + 1;
    expect(bytes).toBeLessThanOrEqual(262_144);
    expect(bytes + perJob).toBeGreaterThan(262_144);
  });

  it('scheduling a follow-up fails if the request and a single job are too large for one schedule', async () => {
    await using bench = await followUpBench();
    const oversized = order({ payload: { exclude: [...ids, ...ids] } });
    await expect(bench.followUps.arrange(oversized, signal)).rejects.toThrow(
      /the request is too large for a follow-up: it takes \d+ bytes with one job, and a schedule holds at most 262144/,
    );
    expect(bench.calls('CreateSchedule')).toBe(0);
  });
});

describe('a follow-up for the remaining jobs of a sweep', () => {
  const ids = Array.from({ length: 4_000 }, (_, i) => `job-${String(i).padStart(5, '0')}-${'x'.repeat(50)}`);

  it('a follow-up for the remaining jobs of a sweep runs as soon as the service allows, even if it lists no jobs', async () => {
    await using bench = await followUpBench();
    const arranged = await bench.followUps.arrange(
      order({ at: '2026-11-23T12:00:00Z', jobIds: [], rest: true }),
      signal,
    );
    expect(arranged).toMatchObject({ at: Date.parse('2026-11-23T12:02:00Z'), jobIds: [] });
    const { Target, ScheduleExpression } = await bench.only();
    expect(ScheduleExpression).toBe('at(2026-11-23T12:02:00)');
    expect(JSON.parse(Target?.Input ?? '')).toMatchObject({
      followUpOf: { sweepId: 'sweep-1', round: 1, rest: true, jobs: [] },
    });
  });

  it('a follow-up for the remaining jobs of a sweep lists as many jobs as fit into an Input', async () => {
    await using bench = await followUpBench();
    const { jobIds } = await bench.followUps.arrange(order({ jobIds: ids, rest: true }), signal);
    expect(jobIds.length).toBeGreaterThan(0);
    expect(Buffer.byteLength((await bench.only()).Target?.Input ?? '')).toBeLessThanOrEqual(262_144);
  });

  it('a follow-up for the remaining jobs of a sweep cannot be scheduled if the request alone is too large', async () => {
    await using bench = await followUpBench();
    const oversized = order({ payload: { exclude: [...ids, ...ids] }, jobIds: [], rest: true });
    await expect(bench.followUps.arrange(oversized, signal)).rejects.toThrow(
      /the request is too large for a follow-up: it takes \d+ bytes with no job, and a schedule holds at most 262144/,
    );
    expect(bench.calls('CreateSchedule')).toBe(0);
  });

  it('a follow-up for the remaining jobs of a sweep is scheduled only once if it is requested twice', async () => {
    await using bench = await followUpBench();
    const first = await bench.followUps.arrange(order({ jobIds: [], rest: true }), signal);
    expect(await bench.followUps.arrange(order({ jobIds: [], rest: true }), signal)).toEqual(first);
    expect(bench.scheduler.schedules).toHaveLength(1);
  });

  it('a follow-up for the remaining jobs of a sweep cannot be scheduled if a follow-up with the same name exists that checks only listed jobs', async () => {
    await using bench = await followUpBench();
    await bench.followUps.arrange(order(), signal);
    await expect(bench.followUps.arrange(order({ rest: true }), signal)).rejects.toThrow(
      /exists, but it does not continue with the rest of the jobs/,
    );
  });
});

describe('scheduling the same follow-up twice', () => {
  it('if a follow-up is requested twice, only one schedule is created, even if the second request has a slightly different time', async () => {
    await using bench = await followUpBench();
    const first = await bench.followUps.arrange(order(), signal);
    const later = order({ at: '2026-11-23T12:16:30Z' });
    const earlier = order({ at: '2026-11-23T12:05:30Z' });
    expect(await bench.followUps.arrange(order(), signal)).toEqual(first);
    expect(await bench.followUps.arrange(later, signal)).toEqual(first);
    expect(await bench.followUps.arrange(earlier, signal)).toEqual(first);
    expect(bench.scheduler.schedules).toHaveLength(1);
  });

  it('if a follow-up is requested twice, the second result has only those requested jobs that the existing schedule lists', async () => {
    await using bench = await followUpBench();
    await bench.followUps.arrange(order({ jobIds: ['a', 'b'] }), signal);
    const second = await bench.followUps.arrange(order({ jobIds: ['b', 'c'] }), signal);
    expect(second.jobIds).toEqual(['b']);
  });

  it('if the answer to the first create call is lost, still only one schedule is created for a follow-up', async () => {
    await using bench = await followUpBench();
    bench.scheduler.script({ on: 'CreateSchedule', cut: 'after' });
    const { jobIds } = await bench.followUps.arrange(order(), signal);
    expect(jobIds).toEqual(['slow-1', 'slow-2']);
    expect(bench.calls('CreateSchedule')).toBe(2);
    expect(bench.scheduler.schedules).toHaveLength(1);
  });

  it('if an endpoint answers 400 for a conflict with an existing follow-up, the existing follow-up is accepted', async () => {
    await using bench = await followUpBench();
    const first = await bench.followUps.arrange(order(), signal);
    bench.scheduler.script({ on: 'CreateSchedule', error: { type: 'ConflictException', status: 400 } });
    expect(await bench.followUps.arrange(order(), signal)).toEqual(first);
  });

  it('if a create call conflicts with a schedule that then cannot be found, the follow-up is created with a second call', async () => {
    await using bench = await followUpBench();
    bench.scheduler.script({ on: 'CreateSchedule', error: { type: 'ConflictException' } });
    await bench.followUps.arrange(order(), signal);
    expect(bench.scheduler.schedules).toHaveLength(1);
  });

  it.each([
    [
      'requests another sweep',
      { Target: { Arn: functionArn, RoleArn: roleArn, Input: '{"idleFor":"2d"}' } },
      'it is not a follow-up of this sweep',
    ],
    ['is paused', { State: 'DISABLED' as const }, 'it is paused'],
    ['recurs', { ScheduleExpression: 'cron(0 2 * * ? *)' }, 'its time is past'],
    ['is past its time', { ScheduleExpression: 'at(2026-11-23T11:59:00)' }, 'its time is past'],
    [
      'runs much later',
      { ScheduleExpression: 'at(2026-11-23T13:00:00)' },
      'it runs only at 2026-11-23T13:00:00.000Z',
    ],
  ])(
    'a follow-up cannot be scheduled if its name belongs to a schedule that %s',
    async (_what, change, message) => {
      await using bench = await followUpBench();
      const { name } = await bench.followUps.arrange(order(), signal);
      const before = await bench.only();
      await bench.client.send(
        new UpdateScheduleCommand({ ...scheduleInput(), ...before, ...change, Name: name, GroupName: group }),
      );
      const again = bench.followUps.arrange(order(), signal);
      await expect(again).rejects.toThrow(SchedulerError);
      await expect(again).rejects.toThrow(message);
    },
  );

  it('a follow-up cannot be scheduled if an existing schedule with the same name invokes another function', async () => {
    await using bench = await followUpBench();
    await bench.followUps.arrange(order(), signal);
    const other = followUpsOf(bench, { functionArn: `${functionArn}:canary` });
    await expect(other.arrange(order(), signal)).rejects.toThrow('it invokes another function');
  });
});

describe('failing calls to the scheduler', () => {
  const throttled: ApiFault = {
    on: 'CreateSchedule',
    error: { type: 'ThrottlingException', message: 'Rate exceeded' },
  };

  it.each([
    ['throttling', throttled],
    ['an internal error', { on: 'any' as const, error: { type: 'InternalServerException' } }],
    ['a cut connection', { on: 'any' as const, cut: 'before' as const }],
    ['a gateway’s page', { on: 'any' as const, page: { status: 503, body: '<html>' } }],
  ])('a call to the scheduler is retried after %s, up to four tries in total', async (_what, fault) => {
    await using patient = await followUpBench();
    patient.scheduler.script({ ...fault, times: 3 });
    await patient.followUps.arrange(order(), signal);
    expect(patient.scheduler.schedules).toHaveLength(1);

    await using bench = await followUpBench();
    bench.scheduler.script({ ...fault, times: 4 });
    await expect(bench.followUps.arrange(order(), signal)).rejects.toThrow(SchedulerError);
    expect(bench.calls('CreateSchedule')).toBe(4);
  });

  it('a create call without an answer is retried once, and then the schedule is read to see whether it exists', async () => {
    await using patient = await followUpBench();
    patient.scheduler.script({ on: 'CreateSchedule', delayMs: minute });
    await patient.followUps.arrange(order(), signal);
    expect(patient.scheduler.schedules).toHaveLength(1);

    await using bench = await followUpBench();
    const before = bench.clock.now();
    bench.scheduler.script({ on: 'CreateSchedule', delayMs: minute, times: 2 });
    await expect(bench.followUps.arrange(order(), signal)).rejects.toThrow(
      /no answer in time; check the network: .*; schedule followup\S+ was not created$/,
    );
    // a sweep has only eight seconds to schedule its follow-up
    expect(bench.clock.now() - before).toBeLessThanOrEqual(7_000);
    expect(bench.calls('CreateSchedule')).toBe(2);
  });

  it('if no request to create a schedule is answered, a schedule that was created is still found', async () => {
    await using bench = await followUpBench();
    bench.scheduler.script({ on: 'CreateSchedule', cut: 'after', times: 4 });
    const arranged = await bench.followUps.arrange(order(), signal);
    expect(arranged.jobIds).toEqual(['slow-1', 'slow-2']);
    expect((await bench.only()).Name).toBe(arranged.name);
  });

  it('if the scheduler answers no request at all, the error names the schedule that may have been created', async () => {
    await using bench = await followUpBench();
    bench.scheduler.script({ on: 'any', delayMs: minute, times: 100 });
    using limit = bench.clock.limit(8_000);
    await expect(bench.followUps.arrange(order(), limit.signal)).rejects.toThrow(
      /it is unknown whether schedule followup\S+ of group jobsweep was created: look for it$/,
    );
  });

  it('if the scheduler still refuses the role when the time is up, the report’s warning quotes the scheduler’s answer', async () => {
    await using bench = await followUpBench();
    const message = 'The execution role you provide must allow AWS EventBridge Scheduler to assume the role.';
    bench.scheduler.script({
      on: 'CreateSchedule',
      error: { type: 'ValidationException', message },
      times: 100,
    });
    const pending = followUpsOf(bench);
    const job = foundClosing('slow-1');
    job.settle({ outcome: 'closing' }, bench.clock.now());
    const { warnings } = await followUpOn([job], {
      sweepId: 'sweep-1',
      request: parseRequest({}).request,
      followUps: pending,
      clock: bench.clock,
      budget: new Budget(bench.clock, minute),
      startedAt: bench.clock.now(),
    });
    expect(warnings.join()).toContain(message);
    expect(warnings.join()).not.toContain('did not answer');
  });

  it('a call to the scheduler waits as long as Retry-After requests before the next try', async () => {
    await using bench = await followUpBench();
    const before = bench.clock.now();
    bench.scheduler.script({
      on: 'CreateSchedule',
      error: { type: 'ThrottlingException', retryAfterSeconds: 17 },
    });
    await bench.followUps.arrange(order(), signal);
    expect(bench.clock.now() - before).toBe(17_000);
  });

  it('the creation of a schedule is retried for about twenty seconds while its new role is still refused', async () => {
    const unready: ApiFault = {
      on: 'CreateSchedule',
      error: {
        type: 'ValidationException',
        message: 'The execution role you provide must allow AWS EventBridge Scheduler to assume the role.',
      },
    };
    await using bench = await followUpBench();
    const before = bench.clock.now();
    bench.scheduler.script({ ...unready, times: 3 });
    await bench.followUps.arrange(order(), signal);
    expect(bench.clock.now() - before).toBe(14_000);

    bench.scheduler.script({ ...unready, times: 100 });
    await expect(bench.followUps.arrange(order({ round: 2 }), signal)).rejects.toThrow(
      'let scheduler.amazonaws.com assume the role',
    );
    expect(bench.calls('CreateSchedule')).toBe(4 + 5);
  });

  it.each([
    [
      { type: 'AccessDeniedException', message: 'User: arn:x is not authorized to perform: y' },
      'access denied (403): User: arn:x is not authorized to perform: y; allow the caller',
    ],
    [
      { type: 'ServiceQuotaExceededException', message: 'You have reached the maximum.' },
      'You have reached the maximum.; delete schedules that have fired, or ask for a higher quota',
    ],
    [{ type: 'ValidationException', message: 'Something is off.' }, 'Something is off.; correct it'],
    [
      { type: 'ResourceNotFoundException', message: 'Schedule group jobsweep does not exist.' },
      'Schedule group jobsweep does not exist.; check the group’s and the schedule’s name',
    ],
    [{ type: 'TeapotException', status: 418 }, 'the answer (418) is not what a scheduler sends'],
  ])('the service error %j is reported at once, with advice', async (error, message) => {
    await using bench = await followUpBench();
    bench.scheduler.script({ on: 'CreateSchedule', error, times: 10 });
    await expect(bench.followUps.arrange(order(), signal)).rejects.toThrow(message);
    expect(bench.calls('CreateSchedule')).toBe(1);
  });

  it('a refused signature is reported without the signed request', async () => {
    await using bench = await followUpBench();
    bench.scheduler.script({
      on: 'CreateSchedule',
      error: {
        type: 'InvalidSignatureException',
        status: 403,
        message: 'The Canonical String should have been x-amz-security-token:IQoJb3JpZ2lu',
      },
    });
    const refused = bench.followUps.arrange(order(), signal);
    await expect(refused).rejects.toThrow('access denied (403): InvalidSignatureException');
    await expect(refused).rejects.not.toThrow('IQoJ');
  });

  it('an untrusted certificate is reported without Node’s advice about Node options', async () => {
    await using bench = await followUpBench();
    await using server = await serve(({ raw }) => raw('', 500), { tls: 'below-intermediate', chain: [] });
    const untrusted = followUpsOf(bench, { url: server.url }).arrange(order(), signal);
    await expect(untrusted).rejects.toThrow(
      /unable to verify the first certificate; the certificate is of an authority .* set NODE_EXTRA_CA_CERTS/,
    );
  });

  it('an address without a Scheduler is reported as unreachable, with the settings to check', async () => {
    await using bench = await followUpBench();
    const nowhere = followUpsOf(bench, { url: 'http://127.0.0.1:9' });
    await expect(nowhere.arrange(order(), signal)).rejects.toThrow(
      'ECONNREFUSED; check the network: a function in a VPC needs a NAT gateway or the interface endpoint com.amazonaws.eu-central-1.scheduler, and a security group that lets port 443 out; elsewhere, check AWS_REGION, AWS_ENDPOINT_URL_SCHEDULER and HTTPS_PROXY',
    );
  });

  it('a call to the scheduler ends if the caller aborts it, whether it is in flight or waits for the next try', async () => {
    await using bench = await followUpBench();
    bench.scheduler.script({ on: 'CreateSchedule', delayMs: 9_000, times: 2 });
    using inFlight = bench.clock.limit(4_000);
    await expect(bench.followUps.arrange(order(), inFlight.signal)).rejects.toThrow(
      /no answer in time; check the network: .*; no time was left to try again \(not finished within 4000 ms\)/,
    );
    expect(bench.clock.now()).toBe(Date.parse('2026-11-23T12:00:04Z'));

    bench.scheduler.script({
      on: 'CreateSchedule',
      error: { type: 'ThrottlingException', retryAfterSeconds: 60 },
    });
    using waiting = bench.clock.limit(5_000);
    await expect(bench.followUps.arrange(order(), waiting.signal)).rejects.toThrow(
      'throttles (429); try again later, or ask for a higher quota; no time was left to try again (not finished within 5000 ms)',
    );
    await expect(bench.followUps.arrange(order(), AbortSignal.abort())).rejects.toThrow(SchedulerError);
  });
});

describe('the jobs of pending follow-ups', () => {
  it('the pending follow-ups of a cluster are read from all pages, without those of other clusters', async () => {
    await using bench = await followUpBench({ paging: { size: 2, startEmpty: true } });
    for (const round of [1, 2, 3, 4, 5])
      await bench.followUps.arrange(order({ round, jobIds: [`default-${round}`] }), signal);
    for (const cluster of ['default-2', 'other'])
      await bench.followUps.arrange(order({ payload: { cluster }, jobIds: [`of-${cluster}`] }), signal);
    expect([...(await bench.followUps.pending('default', signal))].sort()).toEqual(
      [1, 2, 3, 4, 5].map((round) => `default-${round}`),
    );
    expect(await bench.followUps.pending('other', signal)).toEqual(new Set(['of-other']));
    expect(await bench.followUps.pending('nobody', signal)).toEqual(new Set());
  });

  it('the pending follow-ups exclude a follow-up that has fired', async () => {
    await using bench = await followUpBench();
    await bench.followUps.arrange(order(), signal);
    await bench.clock.advance(16 * minute);
    expect(await bench.followUps.pending('default', signal)).toEqual(new Set());
  });

  it('the pending follow-ups include one whose delivery is being retried, but not the follow-up that started the sweep', async () => {
    await using bench = await followUpBench();
    bench.scheduler.script({ on: 'delivery', times: 3, fail: { code: 'LAMBDA_UNAVAILABLE' } });
    await bench.followUps.arrange(order(), signal);
    await bench.clock.advance(15 * minute + 30_000);
    expect((await bench.followUps.pending('default', signal)).size).toBe(2);
    const itself = followUpsOf(bench, { running: order().chain });
    expect((await itself.pending('default', signal)).size).toBe(0);
  });

  it('the pending follow-ups exclude schedules that are overdue, paused, recurring or in another group', async () => {
    await using bench = await followUpBench();
    const { name } = await bench.followUps.arrange(order(), signal);
    const stored = await bench.only();
    const change = (given: object) =>
      bench.client.send(
        new UpdateScheduleCommand({ ...scheduleInput(), ...stored, Name: name, GroupName: group, ...given }),
      );
    const pending = async () => (await bench.followUps.pending('default', signal)).size;
    await change({ ScheduleExpression: 'at(2026-11-23T10:58:59)' });
    expect(await pending()).toBe(0);
    await change({ ScheduleExpression: 'at(2026-11-23T10:59:01)' });
    expect(await pending()).toBe(2);
    await change({ State: 'DISABLED' });
    expect(await pending()).toBe(0);
    await change({ ScheduleExpression: 'cron(0 2 * * ? *)' });
    expect(await pending()).toBe(0);
    await bench.client.send(new DeleteScheduleCommand({ Name: name, GroupName: group }));
    await create(bench.client, { ...stored, Name: name, GroupName: 'default' });
    expect(await pending()).toBe(0);
  });

  it('the pending follow-ups exclude follow-ups of another function in the same group', async () => {
    await using bench = await followUpBench();
    const other = followUpsOf(bench, { functionArn: `${functionArn}-of-another-team` });
    await other.arrange(order({ jobIds: ['theirs'] }), signal);
    await bench.followUps.arrange(order({ sweepId: 'sweep-2', jobIds: ['ours'] }), signal);
    expect(await bench.followUps.pending('default', signal)).toEqual(new Set(['ours']));
    expect(await other.pending('default', signal)).toEqual(new Set(['theirs']));
    const qualified = followUpsOf(bench, { functionArn: `${functionArn}:live` });
    expect(await qualified.pending('default', signal)).toEqual(new Set(['ours']));
  });

  it('the pending follow-ups exclude schedules with an unreadable Input', async () => {
    await using bench = await followUpBench();
    for (const [i, Input] of ['{}', '"text"', '{"followUpOf":{"jobs":[]}}'].entries())
      await create(bench.client, {
        Name: `followup.default.odd.${i}`,
        GroupName: group,
        ScheduleExpression: 'at(2026-11-23T12:15:00)',
        Target: { Arn: functionArn, RoleArn: roleArn, Input },
      });
    await bench.followUps.arrange(order(), signal);
    expect((await bench.followUps.pending('default', signal)).size).toBe(2);
  });

  it('the other pending follow-ups are still found if a schedule is removed after the listing', async () => {
    await using bench = await followUpBench();
    await bench.followUps.arrange(order({ round: 1, jobIds: ['a'] }), signal);
    await bench.followUps.arrange(order({ round: 2, jobIds: ['b'] }), signal);
    bench.scheduler.script({
      on: 'GetSchedule',
      name: /\.1$/,
      error: { type: 'ResourceNotFoundException' },
    });
    expect(await bench.followUps.pending('default', signal)).toEqual(new Set(['b']));
  });

  it('reading the pending follow-ups fails if the group is missing or the scheduler does not answer', async () => {
    await using bench = await schedulerBench();
    const followUps = followUpsOf(bench);
    await expect(followUps.pending('default', signal)).rejects.toThrow(SchedulerError);
    bench.scheduler.script({ on: 'ListSchedules', times: 9, error: { type: 'InternalServerException' } });
    await expect(followUps.pending('default', signal)).rejects.toThrow('the scheduler answered 500');
  });
});
