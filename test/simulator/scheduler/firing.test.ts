import { UpdateScheduleCommand } from '@aws-sdk/client-scheduler';
import { describe, expect, it } from 'vitest';
import type { Invocation, SchedulerOptions } from '../../../simulator/index.ts';
import {
  create,
  functionArn,
  iso,
  queueArn,
  roleArn,
  type SchedulerBench,
  scheduleInput,
  schedulerBench,
} from '../../support/scheduler.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const target = (Input?: string) => ({
  Arn: functionArn,
  RoleArn: roleArn,
  ...(Input === undefined ? {} : { Input }),
});

/** The times of the deliveries, in UTC. */
const times = ({ scheduler }: SchedulerBench) => scheduler.deliveries.map(({ at }) => iso(at));

/** A Scheduler bench that records the invocations of the function. */
async function invokedBench(options: Parameters<typeof schedulerBench>[0] = {}) {
  const invocations: (Invocation & { readonly at: number })[] = [];
  const bench: SchedulerBench = await schedulerBench({
    ...options,
    invoke: async (invocation) => {
      invocations.push({ ...invocation, at: bench.clock.now() });
      await options.invoke?.(invocation);
    },
  });
  return { ...bench, invocations };
}

describe('a schedule', () => {
  it('a schedule fires at each match of its cron expression, in the time zone of the schedule', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, {
      ScheduleExpression: 'cron(0 2 * * ? *)',
      ScheduleExpressionTimezone: 'America/New_York',
    });
    await bench.clock.advance(2 * day);
    expect(times(bench)).toEqual(['2026-11-24T07:00:00Z', '2026-11-25T07:00:00Z']);
  });

  it('a schedule does not fire on a night in which the clocks skip its time, and fires once if they repeat its time', async () => {
    await using spring = await schedulerBench({ startAt: '2027-03-27T12:00:00Z' });
    const nightly = {
      ScheduleExpression: 'cron(30 2 * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Berlin',
    };
    await create(spring.client, nightly);
    await spring.clock.advance(2 * day);
    expect(times(spring)).toEqual(['2027-03-29T00:30:00Z']);

    await using autumn = await schedulerBench({ startAt: '2027-10-30T12:00:00Z' });
    await create(autumn.client, nightly);
    await autumn.clock.advance(2 * day);
    expect(times(autumn)).toEqual(['2027-10-31T00:30:00Z', '2027-11-01T01:30:00Z']);
  });

  it('a schedule with a rate and no start date fires as soon as it is created, and then at its rate', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, { ScheduleExpression: 'rate(12 hours)' });
    await bench.clock.advance(day);
    expect(times(bench)).toEqual(['2026-11-23T12:00:00Z', '2026-11-24T00:00:00Z', '2026-11-24T12:00:00Z']);
  });

  it('a schedule with a rate fires from its start date until its end date', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, {
      ScheduleExpression: 'rate(1 hour)',
      StartDate: new Date('2026-11-23T15:30:00Z'),
      EndDate: new Date('2026-11-23T17:30:00Z'),
    });
    await bench.clock.advance(day);
    expect(times(bench)).toEqual(['2026-11-23T15:30:00Z', '2026-11-23T16:30:00Z', '2026-11-23T17:30:00Z']);
  });

  it('a schedule with an `at()` expression fires once', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, {
      ScheduleExpression: 'at(2026-11-24T02:00:00)',
      ScheduleExpressionTimezone: 'Europe/Berlin',
    });
    await bench.clock.advance(7 * day);
    expect(times(bench)).toEqual(['2026-11-24T01:00:00Z']);
    expect(bench.scheduler.schedules).toHaveLength(1);
  });

  it('a schedule does not fire while it is disabled, and does not make up for missed times', async () => {
    await using bench = await schedulerBench();
    const update = (State: 'ENABLED' | 'DISABLED') =>
      bench.client.send(
        new UpdateScheduleCommand(scheduleInput({ ScheduleExpression: 'cron(0 * * * ? *)', State })),
      );
    await create(bench.client, { ScheduleExpression: 'cron(0 * * * ? *)' });
    await bench.clock.advance(90 * minute);
    await update('DISABLED');
    await bench.clock.advance(2 * hour);
    await update('ENABLED');
    await bench.clock.advance(hour);
    expect(times(bench)).toEqual(['2026-11-23T13:00:00Z', '2026-11-23T16:00:00Z']);
  });

  it('a schedule follows only its new expression after an update', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, { ScheduleExpression: 'cron(0 13 * * ? *)' });
    await bench.client.send(
      new UpdateScheduleCommand(scheduleInput({ ScheduleExpression: 'cron(0 14 * * ? *)' })),
    );
    await bench.clock.advance(3 * hour);
    expect(times(bench)).toEqual(['2026-11-23T14:00:00Z']);
  });

  it('if an update does not change the rate of a schedule, the schedule stays due at the same times', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, { ScheduleExpression: 'rate(1 hour)' });
    await bench.clock.advance(30 * minute);
    await bench.client.send(
      new UpdateScheduleCommand(
        scheduleInput({ ScheduleExpression: 'rate(1 hour)', Description: 'renamed' }),
      ),
    );
    await bench.clock.advance(hour);
    expect(times(bench)).toEqual(['2026-11-23T12:00:00Z', '2026-11-23T13:00:00Z']);
  });

  it('a schedule fires within its flexible window', async () => {
    await using bench = await schedulerBench({ random: () => 0.5 });
    await create(bench.client, {
      ScheduleExpression: 'at(2026-11-23T13:00:00)',
      FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 30 },
      Target: target('{"due":"<aws.scheduler.scheduled-time>"}'),
    });
    await bench.clock.advance(2 * hour);
    expect(times(bench)).toEqual(['2026-11-23T13:15:00Z']);
    expect(bench.scheduler.deliveries[0]?.payload).toBe('{"due":"2026-11-23T13:00:00Z"}');
  });
});

describe('a schedule after its last invocation', () => {
  const once = {
    ScheduleExpression: 'at(2026-11-23T13:00:00)',
    ActionAfterCompletion: 'DELETE' as const,
  };

  it('an `at()` schedule with ActionAfterCompletion DELETE is removed after its invocation, and its name can be used again', async () => {
    await using bench = await schedulerBench({ completionDelayMs: 20_000 });
    await create(bench.client, once);
    await bench.clock.advance(hour + 19_000);
    expect(bench.scheduler.schedules).toHaveLength(1);
    await bench.clock.advance(1_000);
    expect(bench.scheduler.schedules).toEqual([]);
    await create(bench.client, once);
  });

  it('an `at()` schedule with ActionAfterCompletion DELETE is not removed while its delivery is still being retried', async () => {
    await using bench = await schedulerBench();
    bench.scheduler.script({ on: 'delivery', fail: { code: 'LAMBDA_UNAVAILABLE' } });
    await create(bench.client, once);
    await bench.clock.advance(hour + 10_000);
    expect(bench.scheduler.schedules).toHaveLength(1);
    await bench.clock.advance(minute);
    expect(bench.scheduler.schedules).toEqual([]);
  });

  it('an `at()` schedule with ActionAfterCompletion DELETE is not removed if it was disabled at its due time', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, { ...once, State: 'DISABLED' });
    await bench.clock.advance(day);
    expect(bench.scheduler.schedules).toHaveLength(1);
    expect(bench.scheduler.deliveries).toEqual([]);
  });

  it('a recurring schedule with ActionAfterCompletion DELETE is removed after its end date, and never if it has none', async () => {
    await using bench = await schedulerBench();
    const hourly = { ScheduleExpression: 'cron(0 * * * ? *)', ActionAfterCompletion: 'DELETE' as const };
    await create(bench.client, { ...hourly, Name: 'ends', EndDate: new Date('2026-11-23T14:00:00Z') });
    await create(bench.client, { ...hourly, Name: 'endless' });
    await bench.clock.advance(day);
    expect(bench.scheduler.schedules.map(({ Name }) => Name)).toEqual(['endless']);
  });
});

describe('a delivery', () => {
  it('a delivery replaces the four context attributes in the Input of the schedule with their values', async () => {
    await using bench = await invokedBench();
    await create(bench.client, {
      ScheduleExpression: 'at(2026-11-23T13:00:30)',
      Target: target(
        JSON.stringify({
          arn: '<aws.scheduler.schedule-arn>',
          due: '<aws.scheduler.scheduled-time>',
          id: '<aws.scheduler.execution-id>',
          attempt: '<aws.scheduler.attempt-number>',
        }),
      ),
    });
    await bench.clock.advance(2 * hour);
    expect(bench.invocations.map(({ payload }) => payload)).toEqual([
      {
        arn: 'arn:aws:scheduler:eu-central-1:123456789012:schedule/default/nightly',
        due: '2026-11-23T13:00:30Z',
        id: bench.scheduler.deliveries[0]?.executionId,
        attempt: '1',
      },
    ]);
  });

  it('a delivery of a schedule without Input sends the default scheduled event', async () => {
    await using bench = await invokedBench();
    await create(bench.client, { ScheduleExpression: 'at(2026-11-23T13:00:00)', Target: target() });
    await bench.clock.advance(2 * hour);
    expect(bench.invocations[0]?.payload).toMatchObject({
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      account: '123456789012',
      region: 'eu-central-1',
      time: '2026-11-23T13:00:00Z',
      resources: ['arn:aws:scheduler:eu-central-1:123456789012:schedule/default/nightly'],
      detail: '{}',
    });
  });

  it('a late delivery contains the time at which it was due', async () => {
    await using bench = await invokedBench();
    bench.scheduler.script({ on: 'delivery', lateMs: 59_000 });
    await create(bench.client, {
      ScheduleExpression: 'at(2026-11-23T13:00:00)',
      Target: target('{"due":"<aws.scheduler.scheduled-time>"}'),
    });
    await bench.clock.advance(2 * hour);
    expect(bench.invocations.map(({ at, payload }) => [iso(at), payload])).toEqual([
      ['2026-11-23T13:00:59Z', { due: '2026-11-23T13:00:00Z' }],
    ]);
  });

  it('a delivery can be duplicated by a scripted fault, and the duplicate has another execution id', async () => {
    await using bench = await invokedBench();
    bench.scheduler.script({ on: 'delivery', duplicates: 1 });
    await create(bench.client, {
      ScheduleExpression: 'at(2026-11-23T13:00:00)',
      ActionAfterCompletion: 'DELETE',
      Target: target('{"due":"<aws.scheduler.scheduled-time>","id":"<aws.scheduler.execution-id>"}'),
    });
    await bench.clock.advance(2 * hour);
    const payloads = bench.invocations.map(({ payload }) => payload as { due: string; id: string });
    expect(payloads.map(({ due }) => due)).toEqual(['2026-11-23T13:00:00Z', '2026-11-23T13:00:00Z']);
    expect(new Set(payloads.map(({ id }) => id)).size).toBe(2);
    expect(bench.scheduler.schedules).toEqual([]);
  });

  it('a failed delivery is retried with a higher attempt number and another execution id', async () => {
    await using bench = await invokedBench();
    bench.scheduler.script({ on: 'delivery', times: 2, fail: { code: 'LAMBDA_UNAVAILABLE' } });
    await create(bench.client, {
      ScheduleExpression: 'at(2026-11-23T13:00:00)',
      Target: target('{"attempt":"<aws.scheduler.attempt-number>"}'),
    });
    await bench.clock.advance(2 * hour);
    expect(bench.scheduler.deliveries.map(({ attempt, error }) => [attempt, error?.code])).toEqual([
      [1, 'LAMBDA_UNAVAILABLE'],
      [2, 'LAMBDA_UNAVAILABLE'],
      [3, undefined],
    ]);
    expect(new Set(bench.scheduler.deliveries.map(({ executionId }) => executionId)).size).toBe(3);
    expect(bench.invocations.map(({ payload }) => payload)).toEqual([{ attempt: '3' }]);
    expect(bench.scheduler.deadLetters).toEqual([]);
  });

  it.each([
    ['its retries', { MaximumRetryAttempts: 2 }, 'MaximumRetryAttempts', 3],
    ['its time', { MaximumEventAgeInSeconds: 60 }, 'MaximumEventAgeInSeconds', 3],
  ])(
    'a delivery that keeps failing until it has used up %s goes to the dead-letter queue',
    async (_what, RetryPolicy, condition, attempts) => {
      await using bench = await invokedBench();
      bench.scheduler.script({
        on: 'delivery',
        times: 1_000,
        fail: { code: 'AccessDeniedException', message: 'not allowed to invoke' },
      });
      await create(bench.client, {
        ScheduleExpression: 'at(2026-11-23T13:00:00)',
        Target: { ...target('{"a":1}'), RetryPolicy, DeadLetterConfig: { Arn: queueArn } },
      });
      await bench.clock.advance(2 * day);
      expect(bench.invocations).toEqual([]);
      expect(bench.scheduler.deliveries).toHaveLength(attempts);
      expect(bench.scheduler.deadLetters).toEqual([
        {
          queueArn,
          body: '{"a":1}',
          attributes: {
            SCHEDULE_ARN: 'arn:aws:scheduler:eu-central-1:123456789012:schedule/default/nightly',
            TARGET_ARN: functionArn,
            SCHEDULED_TIME: '2026-11-23T13:00:00Z',
            EXECUTION_ID: bench.scheduler.deliveries.at(-1)?.executionId,
            RETRY_ATTEMPTS: String(attempts - 1),
            ERROR_CODE: 'AccessDeniedException',
            ERROR_MESSAGE: 'not allowed to invoke',
            EXHAUSTED_RETRY_CONDITION: condition,
            IS_PAYLOAD_TRUNCATED: 'false',
          },
        },
      ]);
    },
  );

  it('a delivery to a target that is not a Lambda function fails without a retry', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, {
      ScheduleExpression: 'at(2026-11-23T13:00:00)',
      Target: { Arn: queueArn, RoleArn: roleArn, Input: 'text' },
    });
    await bench.clock.advance(day);
    expect(bench.scheduler.deliveries.map(({ error }) => error?.code)).toEqual(['UnsupportedTarget']);
  });
});

describe('a function behind the queue of Lambda', () => {
  const once = { ScheduleExpression: 'at(2026-11-23T13:00:00)' };
  const failing = (options: Partial<SchedulerOptions>) =>
    invokedBench({
      ...options,
      invoke: () => {
        throw new Error('the handler failed');
      },
    });

  it('a function that fails is retried after one minute and again two minutes later, with the same request id', async () => {
    await using bench = await failing({});
    await create(bench.client, once);
    await bench.clock.advance(day);
    expect(bench.invocations.map(({ at, run }) => [iso(at), run])).toEqual([
      ['2026-11-23T13:00:00Z', 1],
      ['2026-11-23T13:01:00Z', 2],
      ['2026-11-23T13:03:00Z', 3],
    ]);
    expect(new Set(bench.invocations.map(({ requestId }) => requestId)).size).toBe(1);
    expect(bench.scheduler.failedEvents.map(({ condition }) => condition)).toEqual(['RetriesExhausted']);
  });

  it('the Scheduler counts a delivery as successful if Lambda accepted the event, even if the function fails afterwards', async () => {
    await using bench = await failing({ lambda: { retries: 0 } });
    await create(bench.client, {
      ...once,
      ActionAfterCompletion: 'DELETE',
      Target: { ...target('{}'), DeadLetterConfig: { Arn: queueArn } },
    });
    await bench.clock.advance(day);
    expect(bench.invocations).toHaveLength(1);
    expect(bench.scheduler.deliveries.map(({ error }) => error)).toEqual([undefined]);
    expect(bench.scheduler.deadLetters).toEqual([]);
    expect(bench.scheduler.schedules).toEqual([]);
  });

  it('a function with a reserved concurrency of one processes events one after another', async () => {
    await using bench = await invokedBench({
      lambda: { concurrency: 1 },
      invoke: () => bench.clock.sleep(10 * minute),
    });
    await create(bench.client, { ...once, Name: 'first' });
    await create(bench.client, { ...once, Name: 'second' });
    await bench.clock.advance(hour + 5 * minute);
    expect([bench.invocations.length, bench.scheduler.running]).toEqual([1, 1]);
    await bench.clock.advance(hour);
    expect(bench.invocations).toHaveLength(2);
    const waited = (bench.invocations[1]?.at ?? 0) - (bench.invocations[0]?.at ?? 0);
    expect(waited).toBeGreaterThanOrEqual(10 * minute);
    expect(waited).toBeLessThanOrEqual(15 * minute);
  });

  it('an event that waits in the queue of Lambda for longer than the maximum event age is dropped', async () => {
    await using bench = await invokedBench({
      lambda: { concurrency: 1, maxEventAgeMs: 5 * minute },
      invoke: () => bench.clock.sleep(15 * minute),
    });
    await create(bench.client, { ...once, Name: 'first' });
    await create(bench.client, { ...once, Name: 'second' });
    await bench.clock.advance(day);
    expect(bench.invocations).toHaveLength(1);
    expect(bench.scheduler.failedEvents.map(({ condition }) => condition)).toEqual(['EventAgeExceeded']);
  });
});

describe('a Scheduler with a Lambda invoke address', () => {
  it('the Scheduler posts the payload to the invoke address as an asynchronous invocation, and retries a refused invocation', async () => {
    const { createServer } = await import('node:http');
    const received: { readonly type: unknown; readonly body: string }[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        received.push({
          type: request.headers['x-amz-invocation-type'],
          body: Buffer.concat(chunks).toString(),
        });
        response.writeHead(received.length === 1 ? 503 : 202).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    {
      await using bench = await schedulerBench({
        invokeUrl: `http://127.0.0.1:${port}/2015-03-31/functions/sweep/invocations`,
      });
      await create(bench.client, {
        ScheduleExpression: 'at(2026-11-23T13:00:00)',
        Target: target('{"n":1}'),
      });
      await bench.clock.advance(2 * hour);
      expect(bench.scheduler.deliveries.map(({ error }) => error?.code)).toEqual(['HTTP_503', undefined]);
    }
    server.close();
    expect(received).toEqual([
      { type: 'Event', body: '{"n":1}' },
      { type: 'Event', body: '{"n":1}' },
    ]);
  });
});
