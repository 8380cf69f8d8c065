import { PassThrough } from 'node:stream';
import { CreateScheduleGroupCommand, UpdateScheduleCommand } from '@aws-sdk/client-scheduler';
import { describe, expect, it } from 'vitest';
import {
  create,
  functionArn,
  queueArn,
  roleArn,
  type SchedulerBench,
  scheduleInput,
  shown,
} from '../../support/scheduler.ts';
import { schedulesBench } from '../../support/schedules-command.ts';

const nightly = `
schedules:
  - name: nightly
    description: every night, the idle jobs
    cron: "0 2 * * ? *"
    timezone: Europe/Berlin
    start: 2026-12-01T00:00:00+01:00
    end: 2027-12-01T00:00:00+01:00
    window: 15m
    request:
      cluster: logs
      idleFor: 36h
      force: {max: 3}
    retry: {maxAge: 30m, attempts: 3}
  - name: twice-a-day
    rate: 12 hours
    state: paused
    deadLetterArn: null
    request: {}
`;

const calls = ({ scheduler }: SchedulerBench, operation: string) =>
  scheduler.requests.filter((request) => request.operation === operation).length;
const writes = (bench: SchedulerBench) =>
  ['CreateSchedule', 'UpdateSchedule', 'DeleteSchedule', 'CreateScheduleGroup'].reduce(
    (sum, operation) => sum + calls(bench, operation),
    0,
  );

interface Planned {
  readonly createGroup: boolean;
  readonly changes: readonly { readonly name: string; readonly action: string; readonly note?: string }[];
}
const changes = (stdout: string) => (JSON.parse(stdout) as Planned).changes;

describe('`schedules apply`', () => {
  it('`schedules apply` creates the group and every schedule with all fields', async () => {
    await using bench = await schedulesBench();
    const { exit, stdout } = await bench.withFile(nightly, ['apply', '--yes']);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      group: 'sweeps',
      results: [
        { name: 'nightly', action: 'create', outcome: 'done' },
        { name: 'twice-a-day', action: 'create', outcome: 'done' },
      ],
    });
    expect(await shown(bench.client, 'nightly', 'sweeps')).toEqual({
      Arn: 'arn:aws:scheduler:eu-central-1:123456789012:schedule/sweeps/nightly',
      Name: 'nightly',
      GroupName: 'sweeps',
      Description: 'every night, the idle jobs',
      ScheduleExpression: 'cron(0 2 * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      StartDate: new Date('2026-11-30T23:00:00Z'),
      EndDate: new Date('2027-11-30T23:00:00Z'),
      State: 'ENABLED',
      ActionAfterCompletion: 'NONE',
      FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 15 },
      CreationDate: new Date('2026-11-23T12:00:00Z'),
      LastModificationDate: new Date('2026-11-23T12:00:00Z'),
      Target: {
        Arn: functionArn,
        RoleArn: roleArn,
        DeadLetterConfig: { Arn: queueArn },
        RetryPolicy: { MaximumEventAgeInSeconds: 1_800, MaximumRetryAttempts: 3 },
        Input: JSON.stringify({
          cluster: 'logs',
          idleFor: '36h',
          force: { max: 3 },
          trigger: {
            scheduleArn: '<aws.scheduler.schedule-arn>',
            scheduledTime: '<aws.scheduler.scheduled-time>',
          },
        }),
      },
    });
    const other = await shown(bench.client, 'twice-a-day', 'sweeps');
    expect(other).toMatchObject({
      ScheduleExpression: 'rate(12 hours)',
      State: 'DISABLED',
      FlexibleTimeWindow: { Mode: 'OFF' },
    });
    expect(other.Target).not.toHaveProperty('DeadLetterConfig');
  });

  it('`schedules apply` encrypts schedules with the key JOBSWEEP_KMS_KEY_ARN, unless they name a key of their own', async () => {
    await using bench = await schedulesBench();
    const key = (id: string) => `arn:aws:kms:eu-central-1:123456789012:key/${id}`;
    const file = `
schedules:
  - { name: shared, cron: "0 2 * * ? *", request: {} }
  - { name: own, cron: "0 2 * * ? *", request: {}, kmsKeyArn: "${key('own')}" }
`;
    const env = {
      JOBSWEEP_SCHEDULE_GROUP: 'sweeps',
      JOBSWEEP_FUNCTION_ARN: functionArn,
      JOBSWEEP_SCHEDULER_ROLE_ARN: roleArn,
      JOBSWEEP_KMS_KEY_ARN: key('shared'),
    };
    const { exit } = await bench.withFile(file, ['apply', '--yes'], { env });
    expect(exit).toBe(0);
    expect((await shown(bench.client, 'shared', 'sweeps')).KmsKeyArn).toBe(key('shared'));
    expect((await shown(bench.client, 'own', 'sweeps')).KmsKeyArn).toBe(key('own'));
  });

  it('after `schedules apply`, neither `schedules plan` nor a second `schedules apply` finds anything to change', async () => {
    await using bench = await schedulesBench();
    await bench.withFile(nightly, ['apply', '--yes']);
    const before = writes(bench);
    const { exit, stdout } = await bench.withFile(nightly, ['plan']);
    expect(exit).toBe(0);
    expect(changes(stdout)).toEqual([
      { name: 'nightly', action: 'none' },
      { name: 'twice-a-day', action: 'none' },
    ]);
    const again = await bench.withFile(nightly, ['apply', '--yes']);
    expect(again.exit).toBe(0);
    expect(writes(bench)).toBe(before);
  });

  it('`schedules apply` sends all fields even if only one was edited, and keeps the creation date', async () => {
    await using bench = await schedulesBench();
    await bench.withFile(nightly, ['apply', '--yes']);
    const before = await shown(bench.client, 'nightly', 'sweeps');
    await bench.clock.advance(60_000);
    await bench.withFile(nightly.replace('idleFor: 36h', 'idleFor: 3d'), ['apply', '--yes']);
    const { Target, LastModificationDate, ...after } = await shown(bench.client, 'nightly', 'sweeps');
    const { Target: oldTarget, LastModificationDate: _then, ...unchanged } = before;
    expect(after).toEqual(unchanged);
    expect(LastModificationDate).toEqual(new Date('2026-11-23T12:01:00Z'));
    expect(Target).toEqual({ ...oldTarget, Input: oldTarget?.Input?.replace('36h', '3d') });
  });

  it('`schedules apply` asks for confirmation on a terminal; unless the user answers yes, it changes nothing and exits with 4', async () => {
    await using bench = await schedulesBench();
    const no = await bench.withFile(nightly, ['apply'], { terminal: true, stdin: 'n\n' });
    expect(no.exit).toBe(4);
    expect(no.stderr).toContain('+ nightly: cron(0 2 * * ? *) Europe/Berlin');
    expect(no.stderr).toContain('Apply this? [y/N]');
    expect(no.stdout).toBe('');
    const gone = await bench.withFile(nightly, ['apply'], { terminal: true, stdin: '' });
    expect(gone.exit).toBe(4);
    expect(writes(bench)).toBe(0);
    const yes = await bench.withFile(nightly, ['apply'], { terminal: true, stdin: 'yes\n' });
    expect(yes.exit).toBe(0);
    expect(yes.stdout).toContain('nightly: created');
    expect(bench.scheduler.schedules).toHaveLength(2);
  });

  it('`schedules apply` fails without a terminal and without --yes, before any request', async () => {
    await using bench = await schedulesBench();
    const before = bench.scheduler.requests.length;
    const { exit, stdout, stderr } = await bench.withFile(nightly, ['apply']);
    expect([exit, stdout]).toEqual([2, '']);
    expect(stderr).toContain('needs --yes');
    expect(bench.scheduler.requests).toHaveLength(before);
  });

  it('`schedules apply` needs --prune to delete schedules that are missing from the file, and never deletes schedules of other owners', async () => {
    await using bench = await schedulesBench();
    const { client } = bench;
    await bench.withFile(nightly, ['apply', '--yes']);
    await client.send(new CreateScheduleGroupCommand({ Name: 'elsewhere' }));
    await create(client, { Name: 'old', GroupName: 'sweeps' });
    await create(client, { Name: 'followup.default.0123456789.1', GroupName: 'sweeps' });
    await create(client, { Name: 'stack.nightly', GroupName: 'sweeps' });
    await create(client, { Name: 'stranger', GroupName: 'elsewhere' });
    const plain = await bench.withFile(nightly, ['apply', '--yes']);
    expect(plain.exit).toBe(0);
    expect(calls(bench, 'DeleteSchedule')).toBe(0);
    const plan = await bench.withFile(nightly, ['plan', '--prune']);
    expect(changes(plan.stdout).filter(({ name }) => !['nightly', 'twice-a-day'].includes(name))).toEqual([
      { name: 'old', action: 'delete' },
      { name: 'stack.nightly', action: 'none', note: 'belongs to the deployment' },
    ]);
    await bench.withFile(nightly, ['apply', '--prune', '--yes']);
    expect(bench.scheduler.schedules.map(({ Name }) => Name)).toEqual([
      'stranger',
      'followup.default.0123456789.1',
      'nightly',
      'stack.nightly',
      'twice-a-day',
    ]);
  });

  it('`schedules apply` accepts YAML anchors in fields whose name begins with x-, and merge keys', async () => {
    await using bench = await schedulesBench();
    const text = `
x-defaults: &defaults
  timezone: Europe/Berlin
  request: &request {idleFor: 36h, cluster: logs}
schedules:
  - {name: nightly, cron: "0 2 * * ? *", <<: *defaults}
  - name: weekly
    rate: 7 days
    <<: *defaults
    request: {<<: *request, idleFor: 7d}
`;
    const { exit, stderr } = await bench.withFile(text, ['apply', '--yes']);
    expect({ exit, stderr }).toMatchObject({ exit: 0 });
    const request = async (name: string) =>
      JSON.parse((await shown(bench.client, name, 'sweeps')).Target?.Input ?? '') as object;
    expect(await request('nightly')).toMatchObject({ idleFor: '36h', cluster: 'logs' });
    expect(await request('weekly')).toMatchObject({ idleFor: '7d', cluster: 'logs' });
    expect((await shown(bench.client, 'weekly', 'sweeps')).ScheduleExpressionTimezone).toBe('Europe/Berlin');
  });

  it('`schedules apply` accepts an `at()` expression in the hour that is repeated when summer time ends', async () => {
    await using bench = await schedulesBench();
    const text = `schedules: [{name: once, at: "2027-10-31T02:30:00", timezone: Europe/Berlin, request: {}}]`;
    expect((await bench.withFile(text, ['apply', '--yes'])).exit).toBe(0);
  });

  it('if `schedules apply` is stopped, it reports the request in flight as unknown and the remaining requests as not attempted', async () => {
    await using bench = await schedulesBench();
    await bench.client.send(new CreateScheduleGroupCommand({ Name: 'sweeps' }));
    bench.scheduler.script({ on: 'CreateSchedule', name: 'nightly', delayMs: 5_000 });
    const stop = new AbortController();
    const { exit, stdout } = await bench.withFile(nightly, ['apply', '--yes'], {
      signal: stop.signal,
      // stops the command a second after it has shown the plan, when the first request is in flight
      onOutput: (text) => {
        if (text.includes('to create'))
          void bench.clock.sleep(1_000).then(() => stop.abort(new Error('stopped by SIGINT')));
      },
    });
    expect(exit).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      results: [
        {
          name: 'nightly',
          action: 'create',
          outcome: 'unknown',
          error: expect.stringContaining('SIGINT') as string,
        },
        { name: 'twice-a-day', action: 'create', outcome: 'not_attempted' },
      ],
    });
  });

  it('`schedules apply` never changes a schedule that invokes another function, and shows its target', async () => {
    await using bench = await schedulesBench();
    const { client } = bench;
    await client.send(new CreateScheduleGroupCommand({ Name: 'sweeps' }));
    const payroll = { Arn: 'arn:aws:lambda:eu-central-1:123456789012:function:payroll', RoleArn: roleArn };
    const queue = { Arn: queueArn, RoleArn: roleArn };
    await create(client, { Name: 'payroll', GroupName: 'sweeps', Target: payroll });
    await create(client, { Name: 'followup.other.1', GroupName: 'sweeps', Target: payroll });
    await create(client, { Name: 'nightly', GroupName: 'sweeps', Target: queue });
    const before = [...bench.scheduler.schedules];
    const plan = await bench.withFile(nightly, ['plan', '--prune']);
    expect(plan.exit).toBe(0);
    expect(changes(plan.stdout)).toEqual([
      {
        name: 'nightly',
        action: 'blocked',
        note: `not ours: it invokes ${queueArn}; choose another name, or set functionArn to that function`,
      },
      { name: 'twice-a-day', action: 'create' },
      { name: 'followup.other.1', action: 'none', note: `not ours: it invokes ${payroll.Arn}` },
      { name: 'payroll', action: 'none', note: `not ours: it invokes ${payroll.Arn}` },
    ]);
    const text = await bench.withFile(nightly, ['plan', '--prune', '-o', 'table']);
    expect(text.stdout).toContain(`! nightly: not ours: it invokes ${queueArn}`);
    expect(text.stdout).toContain('2 unchanged, 1 not possible');
    const applied = await bench.withFile(nightly, ['apply', '--prune', '--yes']);
    expect(applied.exit).toBe(3);
    expect(JSON.parse(applied.stdout)).toMatchObject({
      results: [
        { name: 'nightly', action: 'blocked', outcome: 'failed' },
        { name: 'twice-a-day', action: 'create', outcome: 'done' },
        { name: 'followup.other.1', action: 'none', outcome: 'unchanged' },
        { name: 'payroll', action: 'none', outcome: 'unchanged' },
      ],
    });
    expect(bench.scheduler.schedules.filter(({ Name }) => Name !== 'twice-a-day')).toEqual(before);
  });

  it('`schedules apply` does not resume a schedule that was paused by hand, unless the file sets its state', async () => {
    await using bench = await schedulesBench();
    await bench.withFile(nightly, ['apply', '--yes']);
    await bench.run(['pause', 'nightly']);
    const { stdout } = await bench.withFile(nightly, ['plan']);
    expect(changes(stdout)[0]).toEqual({ name: 'nightly', action: 'none', note: 'paused by hand' });
    await bench.withFile(nightly.replace('36h', '3d'), ['apply', '--yes']);
    expect((await shown(bench.client, 'nightly', 'sweeps')).State).toBe('DISABLED');
    await bench.withFile(nightly.replace('window:', 'state: enabled\n    window:'), ['apply', '--yes']);
    expect((await shown(bench.client, 'nightly', 'sweeps')).State).toBe('ENABLED');
  });

  it('`schedules apply` continues after a refused schedule, reports it and exits with 3', async () => {
    await using bench = await schedulesBench();
    bench.scheduler.script({
      on: 'CreateSchedule',
      name: 'nightly',
      error: { type: 'ServiceQuotaExceededException', message: 'Too many schedules.' },
    });
    const { exit, stdout } = await bench.withFile(nightly, ['apply', '--yes']);
    expect(exit).toBe(3);
    const { results } = JSON.parse(stdout) as {
      results: { name: string; outcome: string; error?: string }[];
    };
    expect(results.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['nightly', 'failed'],
      ['twice-a-day', 'done'],
    ]);
    expect(results[0]?.error).toContain('Too many schedules.; delete schedules that have fired');
  });

  it('`schedules apply` stops after the first request to an unreachable scheduler, and exits with 5', async () => {
    await using bench = await schedulesBench();
    await bench.withFile('schedules: []', ['apply', '--yes']);
    bench.scheduler.script({ on: 'CreateSchedule', times: 100, cut: 'before' });
    const { exit, stdout } = await bench.withFile(nightly, ['apply', '--yes']);
    expect(exit).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({
      results: [{ outcome: 'failed' }, { outcome: 'not_attempted' }],
    });
    expect(calls(bench, 'CreateSchedule')).toBe(4);
  });

  it.each([
    ['throttled', { error: { type: 'ThrottlingException' } }],
    ['in conflict with a write that is not finished', { error: { type: 'ConflictException' } }],
  ])('`schedules apply` succeeds even if an update is %s at first', async (_what, fault) => {
    await using bench = await schedulesBench();
    await bench.withFile(nightly, ['apply', '--yes']);
    bench.scheduler.script({ on: 'UpdateSchedule', times: 3, ...fault });
    const { exit } = await bench.withFile(nightly.replace('36h', '3d'), ['apply', '--yes']);
    expect(exit).toBe(0);
    expect((await shown(bench.client, 'nightly', 'sweeps')).Target?.Input).toContain('3d');
  });

  it('`schedules apply` does not overwrite a change that another user makes between the plan and the confirmation', async () => {
    await using bench = await schedulesBench();
    await bench.withFile(nightly, ['apply', '--yes']);
    await bench.clock.advance(1_000);
    const before = await shown(bench.client, 'nightly', 'sweeps');
    // another user edits the schedule between the plan and the confirmation
    const typed = new PassThrough();
    const { exit, stdout } = await bench.withFile(nightly.replace('36h', '3d'), ['apply'], {
      terminal: true,
      stdin: typed,
      onOutput: async (text) => {
        if (!text.includes('Apply this?')) return;
        await bench.client.send(
          new UpdateScheduleCommand({ ...scheduleInput(), ...before, Description: 'edited by hand' }),
        );
        typed.end('y\n');
      },
    });
    expect(stdout).toContain('was changed by someone else meanwhile');
    expect(exit).toBe(3);
    expect((await shown(bench.client, 'nightly', 'sweeps')).Description).toBe('edited by hand');
  });

  it('`schedules apply` drops the past start date of a cron schedule, and moves the past start date of a rate schedule to its next run; a later plan shows no change', async () => {
    await using bench = await schedulesBench();
    const past = `
schedules:
  - {name: c, cron: "0 2 * * ? *", start: 2026-01-01T00:00:00Z, request: {}}
  - {name: r, rate: 7 hours, start: 2026-11-20T05:00:00Z, request: {}}
`;
    const { exit } = await bench.withFile(past, ['apply', '--yes']);
    expect(exit).toBe(0);
    expect(await shown(bench.client, 'c', 'sweeps')).not.toHaveProperty('StartDate');
    // the next run of a rate of 7 hours: 12 intervals after the start date in the file
    expect((await shown(bench.client, 'r', 'sweeps')).StartDate).toEqual(new Date('2026-11-23T17:00:00Z'));
    for (const wait of [0, 3_600_000, 48 * 3_600_000]) {
      await bench.clock.advance(wait);
      const { stdout } = await bench.withFile(past, ['plan']);
      expect(changes(stdout).map(({ action }) => action)).toEqual(['none', 'none']);
    }
  });

  it('`schedules apply` does not shift the due times when it updates a rate schedule whose start date has passed', async () => {
    await using bench = await schedulesBench();
    const rate = 'schedules: [{name: r, rate: 7 hours, start: 2026-11-23T13:00:00Z, request: {}}]';
    await bench.withFile(rate, ['apply', '--yes']);
    await bench.clock.advance(24 * 3_600_000);
    const { exit } = await bench.withFile(rate.replace('{}', '{idleFor: 5d}'), ['apply', '--yes']);
    expect(exit).toBe(0);
    expect((await shown(bench.client, 'r', 'sweeps')).StartDate).toEqual(new Date('2026-11-24T17:00:00Z'));
  });

  it('`schedules apply` does not change a schedule that never runs again because its `at()` or end date has passed', async () => {
    await using bench = await schedulesBench();
    const over = `
schedules:
  - {name: once, at: 2026-11-23T12:30:00, timezone: Europe/Berlin, request: {}}
  - {name: ended, cron: "0 2 * * ? *", end: 2026-11-23T00:00:00Z, request: {}}
  - {name: to-come, at: 2026-11-23T13:30:00, timezone: Europe/Berlin, request: {}, afterCompletion: delete}
`;
    const { stdout } = await bench.withFile(over, ['plan']);
    expect(changes(stdout)).toEqual([
      { name: 'once', action: 'none', note: 'its time is past: not changed' },
      { name: 'ended', action: 'none', note: 'it never runs again: not changed' },
      { name: 'to-come', action: 'create' },
    ]);
    await bench.withFile(over, ['apply', '--yes']);
    expect(bench.scheduler.schedules.map(({ Name }) => Name)).toEqual(['to-come']);
  });

  it('schedules created by `schedules apply` deliver their payload when they are due, with the schedule’s ARN and the due time in it', async () => {
    const payloads: unknown[] = [];
    await using bench = await schedulesBench({ invoke: ({ payload }) => payloads.push(payload) });
    const hourly = 'schedules: [{name: hourly, cron: "0 * * * ? *", request: {dryRun: true}}]';
    await bench.withFile(hourly, ['apply', '--yes']);
    await bench.clock.advance(3_600_000);
    expect(payloads).toEqual([
      {
        dryRun: true,
        trigger: {
          scheduleArn: 'arn:aws:scheduler:eu-central-1:123456789012:schedule/sweeps/hourly',
          scheduledTime: '2026-11-23T13:00:00Z',
        },
      },
    ]);
  });
});

describe('`schedules plan`', () => {
  it('`schedules plan` announces a missing group, and creates nothing', async () => {
    await using bench = await schedulesBench();
    const { exit, stdout } = await bench.withFile(nightly, ['plan']);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      group: 'sweeps',
      createGroup: true,
      changes: [
        { name: 'nightly', action: 'create' },
        { name: 'twice-a-day', action: 'create' },
      ],
    });
    expect(writes(bench)).toBe(0);
  });

  it.each([
    ['idleFor: 36h', 'idleFor: 3d', { field: 'request.idleFor', from: '36h', to: '3d' }],
    ['force: {max: 3}', 'force: {max: 4}', { field: 'request.force.max', from: 3, to: 4 }],
    [
      'cluster: logs',
      'jobs: ["a", "b"]\n      cluster: logs',
      { field: 'request.jobs', from: null, to: ['a', 'b'] },
    ],
    [
      'description: every night, the idle jobs\n',
      '\n',
      { field: 'description', from: 'every night, the idle jobs', to: null },
    ],
    ['"0 2 * * ? *"', '"0 3 * * ? *"', { field: 'cron', from: '0 2 * * ? *', to: '0 3 * * ? *' }],
    ['Europe/Berlin', 'Europe/Paris', { field: 'timezone', from: 'Europe/Berlin', to: 'Europe/Paris' }],
    ['window: 15m', 'window: 1h', { field: 'window', from: '15m', to: '1h' }],
    ['maxAge: 30m', 'maxAge: 2h', { field: 'retry.maxAge', from: '30m', to: '2h' }],
    ['attempts: 3', 'attempts: 0', { field: 'retry.attempts', from: 3, to: 0 }],
    ['window: 15m', 'window: 15m\n    state: paused', { field: 'state', from: 'enabled', to: 'paused' }],
    [
      'window: 15m',
      'window: 15m\n    afterCompletion: delete',
      { field: 'afterCompletion', from: 'keep', to: 'delete' },
    ],
    [
      'window: 15m',
      'window: 15m\n    deadLetterArn: null',
      { field: 'deadLetterArn', from: queueArn, to: null },
    ],
    [
      'start: 2026-12-01T00:00:00+01:00',
      'start: 2026-12-02T00:00:00+01:00',
      { field: 'start', from: '2026-11-30T23:00:00.000Z', to: '2026-12-01T23:00:00.000Z' },
    ],
    ['end: 2027-12-01T00:00:00+01:00\n', '\n', { field: 'end', from: '2027-11-30T23:00:00.000Z', to: null }],
  ])(
    'after an edit of %j to %j in the schedule file, `schedules plan` shows only the edited field',
    async (from, to, difference) => {
      await using bench = await schedulesBench();
      await bench.withFile(nightly, ['apply', '--yes']);
      const { stdout } = await bench.withFile(nightly.replace(from, to), ['plan']);
      expect(changes(stdout)).toEqual([
        { name: 'nightly', action: 'update', differences: [difference] },
        { name: 'twice-a-day', action: 'none' },
      ]);
    },
  );

  it('`schedules plan` prints the changes as lines on a terminal', async () => {
    await using bench = await schedulesBench();
    await bench.withFile(nightly, ['apply', '--yes']);
    const edited = nightly.replace('36h', '3d').replace('twice-a-day', 'thrice-a-day');
    const { stdout } = await bench.withFile(edited, ['plan', '--prune', '-o', 'table']);
    expect(stdout).toBe(`~ nightly
    request.idleFor: "36h" → "3d"
+ thrice-a-day: rate(12 hours) UTC
- twice-a-day
group sweeps: 1 to create, 1 to update, 1 to delete, 0 unchanged
`);
  });

  it('`schedules plan` prints its changes in the formats ndjson and Markdown', async () => {
    await using bench = await schedulesBench();
    await bench.withFile(nightly, ['apply', '--yes']);
    const edited = nightly.replace('36h', '3d');
    const lines = (await bench.withFile(edited, ['plan', '-o', 'ndjson'])).stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        name: 'nightly',
        action: 'update',
        differences: [{ field: 'request.idleFor', from: '36h', to: '3d' }],
      },
      { name: 'twice-a-day', action: 'none' },
    ]);
    const { stdout } = await bench.withFile(edited, ['plan', '-o', 'markdown']);
    expect(stdout).toContain('| nightly | update | request.idleFor: "36h" → "3d" |');
  });

  it('`schedules plan` shows changes that others made to fields that the schedule file does not set', async () => {
    await using bench = await schedulesBench();
    await bench.withFile('schedules: [{name: n, cron: "0 2 * * ? *", request: {}}]', ['apply', '--yes']);
    const found = await shown(bench.client, 'n', 'sweeps');
    await bench.client.send(
      new UpdateScheduleCommand({
        ...scheduleInput(),
        ...found,
        Description: 'by hand',
        Target: { Arn: functionArn, RoleArn: roleArn, Input: '{}', SqsParameters: { MessageGroupId: 'x' } },
      }),
    );
    const { stdout } = await bench.withFile('schedules: [{name: n, cron: "0 2 * * ? *", request: {}}]', [
      'plan',
    ]);
    const [change] = changes(stdout) as readonly { differences?: { field: string }[] }[];
    expect(change?.differences?.map(({ field }) => field).sort()).toEqual([
      'deadLetterArn',
      'description',
      'request.trigger',
      'retry.attempts',
      'retry.maxAge',
      'target.SqsParameters',
    ]);
  });

  it('`schedules plan` reads a group of any size page by page', async () => {
    await using bench = await schedulesBench({ paging: { size: 3, startEmpty: true } });
    const many = `schedules:\n${Array.from(
      { length: 10 },
      (_, i) => `  - {name: s-${i}, cron: "${i} 2 * * ? *", request: {}}`,
    ).join('\n')}\n`;
    await bench.withFile(many, ['apply', '--yes']);
    const { stdout } = await bench.withFile(many.replace('"4 2', '"5 2'), ['plan']);
    expect(
      changes(stdout)
        .filter(({ action }) => action !== 'none')
        .map(({ name }) => name),
    ).toEqual(['s-4']);
  });

  it('`schedules plan` exits with 5 if the scheduler cannot be read', async () => {
    await using bench = await schedulesBench();
    bench.scheduler.script({ on: 'any', times: 100, error: { type: 'AccessDeniedException' } });
    const { exit, stdout, stderr } = await bench.withFile(nightly, ['plan']);
    expect([exit, stdout]).toEqual([5, '']);
    expect(stderr).toContain('access denied (403)');
  });
});
