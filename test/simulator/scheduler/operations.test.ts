import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  DeleteScheduleGroupCommand,
  GetScheduleGroupCommand,
  ListScheduleGroupsCommand,
  ListSchedulesCommand,
  type ListSchedulesCommandInput,
  ListTagsForResourceCommand,
  paginateListSchedules,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { describe, expect, it } from 'vitest';
import {
  create,
  functionArn,
  queueArn,
  refusal,
  roleArn,
  scheduleInput,
  schedulerBench,
  sdkClient,
  shown,
} from '../../support/scheduler.ts';

describe('a schedule', () => {
  it('a schedule is returned with the defaults of the service, and without unset fields that have no default', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, { Target: { Arn: functionArn, RoleArn: roleArn } });
    expect(await shown(bench.client, 'nightly')).toEqual({
      Arn: 'arn:aws:scheduler:eu-central-1:123456789012:schedule/default/nightly',
      Name: 'nightly',
      GroupName: 'default',
      ScheduleExpression: 'cron(0 2 * * ? *)',
      ScheduleExpressionTimezone: 'UTC',
      State: 'ENABLED',
      ActionAfterCompletion: 'NONE',
      FlexibleTimeWindow: { Mode: 'OFF' },
      CreationDate: new Date('2026-11-23T12:00:00Z'),
      LastModificationDate: new Date('2026-11-23T12:00:00Z'),
      Target: {
        Arn: functionArn,
        RoleArn: roleArn,
        RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
      },
    });
  });

  it('a schedule is returned with all fields that were set', async () => {
    await using bench = await schedulerBench();
    await bench.client.send(new CreateScheduleGroupCommand({ Name: 'sweeps' }));
    const given = scheduleInput({
      GroupName: 'sweeps',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      StartDate: new Date('2026-12-01T00:00:00.250Z'),
      EndDate: new Date('2027-12-01T00:00:00Z'),
      Description: 'every night',
      State: 'DISABLED',
      KmsKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/1234',
      ActionAfterCompletion: 'DELETE',
      FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 15 },
      Target: {
        Arn: functionArn,
        RoleArn: roleArn,
        Input: '{"idleFor":"48h"}',
        RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 },
        DeadLetterConfig: { Arn: queueArn },
      },
    });
    await bench.client.send(new CreateScheduleCommand(given));
    expect(await shown(bench.client, 'nightly', 'sweeps')).toMatchObject(given);
  });

  it('an update replaces a schedule as a whole: missing fields return to their defaults, and only the creation date stays', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, {
      Description: 'paused for the holidays',
      State: 'DISABLED',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      Target: { Arn: functionArn, RoleArn: roleArn, Input: '{"dryRun":true}' },
    });
    await bench.clock.advance(60_000);
    await bench.client.send(
      new UpdateScheduleCommand(scheduleInput({ Target: { Arn: functionArn, RoleArn: roleArn } })),
    );
    const after = await shown(bench.client, 'nightly');
    expect(after).toMatchObject({
      State: 'ENABLED',
      ScheduleExpressionTimezone: 'UTC',
      CreationDate: new Date('2026-11-23T12:00:00Z'),
      LastModificationDate: new Date('2026-11-23T12:01:00Z'),
    });
    expect(after).not.toHaveProperty('Description');
    expect(after.Target).not.toHaveProperty('Input');
  });

  it('the name of a schedule is unique within its group, and a request finds the schedule only in its group', async () => {
    await using bench = await schedulerBench();
    await bench.client.send(new CreateScheduleGroupCommand({ Name: 'other' }));
    await create(bench.client);
    expect(await refusal(create(bench.client))).toBe(
      '409 ConflictException: Schedule nightly already exists.',
    );
    await create(bench.client, { GroupName: 'other', Description: 'a namesake' });
    expect((await shown(bench.client, 'nightly', 'other')).Description).toBe('a namesake');
    await bench.client.send(new DeleteScheduleCommand({ Name: 'nightly' }));
    expect(await refusal(shown(bench.client, 'nightly'))).toBe(
      '404 ResourceNotFoundException: Schedule nightly does not exist.',
    );
    expect((await shown(bench.client, 'nightly', 'other')).Name).toBe('nightly');
  });

  it('a schedule that does not exist cannot be updated or deleted', async () => {
    await using bench = await schedulerBench();
    expect(await refusal(bench.client.send(new UpdateScheduleCommand(scheduleInput())))).toMatch(/^404 /);
    expect(await refusal(bench.client.send(new DeleteScheduleCommand({ Name: 'nightly' })))).toMatch(/^404 /);
    expect(bench.scheduler.schedules).toEqual([]);
  });

  it('a schedule cannot be created in an unknown group, or if the quota of schedules is used up', async () => {
    await using bench = await schedulerBench({ quota: 1 });
    expect(await refusal(create(bench.client, { GroupName: 'nowhere' }))).toMatch(
      /^404 ResourceNotFoundException/,
    );
    await create(bench.client);
    expect(await refusal(create(bench.client, { Name: 'second' }))).toMatch(
      /^402 ServiceQuotaExceededException/,
    );
  });

  it('a schedule with an `at()` time in the past never fires by default, but fires at once with the option at_once', async () => {
    await using never = await schedulerBench();
    await create(never.client, { ScheduleExpression: 'at(2022-12-31T23:59:59)' });
    await never.clock.advance(3_600_000);
    expect(never.scheduler.deliveries).toEqual([]);

    await using atOnce = await schedulerBench({ pastAt: 'at_once' });
    await create(atOnce.client, { ScheduleExpression: 'at(2022-12-31T23:59:59)' });
    await atOnce.clock.advance(0);
    expect(atOnce.scheduler.deliveries).toHaveLength(1);
  });
});

describe('a schedule with an invalid field', () => {
  it.each([
    [
      'a name that is too long',
      { Name: 'n'.repeat(65) },
      `1 validation error detected: Value '${'n'.repeat(65)}' at 'name' failed to satisfy constraint: Member must have length less than or equal to 64`,
    ],
    [
      'a name with a blank',
      { Name: 'a b' },
      "1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$",
    ],
    [
      'no target',
      { Target: undefined },
      "1 validation error detected: Value at 'target' failed to satisfy constraint: Member must not be null",
    ],
    [
      'no flexible time window',
      { FlexibleTimeWindow: undefined },
      "Value at 'flexibleTimeWindow' failed to satisfy constraint: Member must not be null",
    ],
    [
      'a retry policy out of range',
      {
        Target: {
          Arn: functionArn,
          RoleArn: roleArn,
          RetryPolicy: { MaximumEventAgeInSeconds: 59, MaximumRetryAttempts: 186 },
        },
      },
      "2 validation errors detected: Value '59' at 'target.retryPolicy.maximumEventAgeInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 60; Value '186' at 'target.retryPolicy.maximumRetryAttempts'",
    ],
    [
      'an unknown state',
      { State: 'PAUSED' as never },
      "Value 'PAUSED' at 'state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]",
    ],
    [
      'a dead-letter queue that is not a queue',
      { Target: { Arn: functionArn, RoleArn: roleArn, DeadLetterConfig: { Arn: 'arn:aws:sns:x:1:y' } } },
      "at 'target.deadLetterConfig.arn' failed to satisfy constraint",
    ],
    [
      'a FIFO queue as dead-letter queue',
      { Target: { Arn: functionArn, RoleArn: roleArn, DeadLetterConfig: { Arn: `${queueArn}.fifo` } } },
      "at 'target.deadLetterConfig.arn' failed to satisfy constraint",
    ],
    ['a bad expression', { ScheduleExpression: 'rate(10)' }, 'Invalid Schedule Expression rate(10).'],
    [
      'an unknown time zone',
      { ScheduleExpressionTimezone: 'Mars/Olympus' },
      'Invalid Schedule Expression Timezone Mars/Olympus.',
    ],
    [
      'a flexible time window without minutes',
      { FlexibleTimeWindow: { Mode: 'FLEXIBLE' as const } },
      'MaximumWindowInMinutes must be specified exactly when the Mode is FLEXIBLE.',
    ],
    [
      'minutes without a flexible time window',
      { FlexibleTimeWindow: { Mode: 'OFF' as const, MaximumWindowInMinutes: 5 } },
      'MaximumWindowInMinutes must be specified exactly when the Mode is FLEXIBLE.',
    ],
    [
      'a start too far in the past',
      { StartDate: new Date('2026-11-23T11:54:59Z') },
      'The StartDate you specify cannot be earlier than 5 minutes ago.',
    ],
    ['an end in the past', { EndDate: new Date('2026-11-23T11:59:59Z') }, 'EndDate'],
    [
      'an end before the start',
      { StartDate: new Date('2026-12-02T00:00:00Z'), EndDate: new Date('2026-12-01T00:00:00Z') },
      'EndDate',
    ],
    [
      'an Input that is not JSON, for a function',
      { Target: { Arn: functionArn, RoleArn: roleArn, Input: '{"n": <aws.scheduler.attempt-number>}' } },
      'well-formed JSON',
    ],
    [
      'an Input that is too large',
      { Target: { Arn: functionArn, RoleArn: roleArn, Input: `"${'x'.repeat(262_143)}"` } },
      '256 KB',
    ],
  ])('a schedule with %s is refused with 400', async (_what, given, message) => {
    await using bench = await schedulerBench();
    const text = await refusal(create(bench.client, given));
    expect(text).toMatch(/^400 ValidationException: /);
    expect(text).toContain(message);
    expect(bench.scheduler.schedules).toEqual([]);
  });

  it('a schedule may have an Input of exactly 256 KB and a start five minutes ago', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, {
      StartDate: new Date('2026-11-23T11:55:00Z'),
      Target: { Arn: functionArn, RoleArn: roleArn, Input: `"${'x'.repeat(262_142)}"` },
    });
    expect(bench.scheduler.schedules).toHaveLength(1);
  });
});

describe('a list of schedules', () => {
  it('a list of schedules contains only a summary of each schedule', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, { Description: 'not in a listing' });
    const { Schedules } = await bench.client.send(new ListSchedulesCommand({}));
    expect(Schedules).toEqual([
      {
        Arn: 'arn:aws:scheduler:eu-central-1:123456789012:schedule/default/nightly',
        Name: 'nightly',
        GroupName: 'default',
        State: 'ENABLED',
        CreationDate: new Date('2026-11-23T12:00:00Z'),
        LastModificationDate: new Date('2026-11-23T12:00:00Z'),
        Target: { Arn: functionArn },
      },
    ]);
  });

  it('a list of schedules covers all groups unless the request names a group, and can be filtered by name prefix and state', async () => {
    await using bench = await schedulerBench();
    const { client } = bench;
    await client.send(new CreateScheduleGroupCommand({ Name: 'sweeps' }));
    await create(client, { Name: 'a-1' });
    await create(client, { Name: 'a-2', GroupName: 'sweeps' });
    await create(client, { Name: 'b-1', GroupName: 'sweeps', State: 'DISABLED' });
    const names = async (input: ListSchedulesCommandInput) =>
      (await client.send(new ListSchedulesCommand(input))).Schedules?.map(({ Name }) => Name);
    expect(await names({})).toEqual(['a-1', 'a-2', 'b-1']);
    expect(await names({ GroupName: 'sweeps' })).toEqual(['a-2', 'b-1']);
    expect(await names({ NamePrefix: 'a-' })).toEqual(['a-1', 'a-2']);
    expect(await names({ State: 'DISABLED' })).toEqual(['b-1']);
    expect(await refusal(names({ GroupName: 'nowhere' }))).toMatch(/^404 /);
    expect(await refusal(names({ MaxResults: 101 }))).toMatch(/^400 /);
  });

  it('the pages of a list of schedules do not shift when a schedule is deleted, even after an empty first page', async () => {
    await using bench = await schedulerBench({ paging: { size: 2, startEmpty: true } });
    const { client } = bench;
    for (const Name of ['a', 'b', 'c', 'd', 'e']) await create(client, { Name });
    const pages: (string | undefined)[][] = [];
    for await (const { Schedules = [] } of paginateListSchedules({ client }, {})) {
      pages.push(Schedules.map(({ Name }) => Name));
      if (pages.length === 2) await client.send(new DeleteScheduleCommand({ Name: 'a' }));
    }
    expect(pages).toEqual([[], ['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('a list of schedules is refused if its page token is made up or comes from a list with another filter', async () => {
    await using bench = await schedulerBench({ paging: { size: 1 } });
    const { client } = bench;
    for (const Name of ['a', 'b']) await create(client, { Name });
    const { NextToken = '' } = await client.send(new ListSchedulesCommand({}));
    expect(await refusal(client.send(new ListSchedulesCommand({ NextToken: 'made-up' })))).toMatch(/^400 /);
    expect(await refusal(client.send(new ListSchedulesCommand({ NextToken, NamePrefix: 'a' })))).toMatch(
      /^400 /,
    );
  });
});

describe('a schedule group', () => {
  it('the schedule group `default` always exists and cannot be deleted', async () => {
    await using bench = await schedulerBench();
    const { ScheduleGroups } = await bench.client.send(new ListScheduleGroupsCommand({}));
    expect(ScheduleGroups?.map(({ Name, State }) => [Name, State])).toEqual([['default', 'ACTIVE']]);
    expect(await refusal(bench.client.send(new DeleteScheduleGroupCommand({ Name: 'default' })))).toMatch(
      /^400 /,
    );
  });

  it('a schedule group is deleted with its schedules after a delay, during which the schedules may still fire', async () => {
    await using bench = await schedulerBench({ groupDeletionMs: 90_000 });
    const { client, clock, scheduler } = bench;
    await client.send(new CreateScheduleGroupCommand({ Name: 'sweeps' }));
    await create(client, { GroupName: 'sweeps', ScheduleExpression: 'at(2026-11-23T12:01:00)' });
    await create(client, { GroupName: 'sweeps', Name: 'later' });
    await client.send(new DeleteScheduleGroupCommand({ Name: 'sweeps' }));
    const { State } = await client.send(new GetScheduleGroupCommand({ Name: 'sweeps' }));
    expect(State).toBe('DELETING');
    expect(await refusal(create(client, { GroupName: 'sweeps', Name: 'too-late' }))).toMatch(/^409 /);
    await clock.advance(60_000);
    expect(scheduler.deliveries.map(({ name }) => name)).toEqual(['nightly']);
    await clock.advance(30_000);
    expect(scheduler.schedules).toEqual([]);
    expect(await refusal(client.send(new GetScheduleGroupCommand({ Name: 'sweeps' })))).toMatch(/^404 /);
    await client.send(new CreateScheduleGroupCommand({ Name: 'sweeps' }));
  });

  it('a schedule group can have tags, but a schedule cannot', async () => {
    await using bench = await schedulerBench();
    const { client } = bench;
    const { ScheduleGroupArn } = await client.send(
      new CreateScheduleGroupCommand({ Name: 'sweeps', Tags: [{ Key: 'team', Value: 'search' }] }),
    );
    const ResourceArn = ScheduleGroupArn ?? '';
    await client.send(
      new TagResourceCommand({
        ResourceArn,
        Tags: [
          { Key: 'stage', Value: 'prod' },
          { Key: 'team', Value: 'ml' },
        ],
      }),
    );
    const tags = async () => (await client.send(new ListTagsForResourceCommand({ ResourceArn }))).Tags;
    expect(await tags()).toEqual([
      { Key: 'team', Value: 'ml' },
      { Key: 'stage', Value: 'prod' },
    ]);
    await client.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['team', 'never-there'] }));
    expect(await tags()).toEqual([{ Key: 'stage', Value: 'prod' }]);
    const { ScheduleArn } = await create(client);
    expect(await refusal(client.send(new ListTagsForResourceCommand({ ResourceArn: ScheduleArn })))).toMatch(
      /^400 /,
    );
  });

  it('a schedule group cannot be created if a group with its name exists', async () => {
    await using bench = await schedulerBench();
    const make = () => bench.client.send(new CreateScheduleGroupCommand({ Name: 'sweeps' }));
    await make();
    expect(await refusal(make())).toMatch(/^409 ConflictException/);
  });
});

describe('a client token', () => {
  it('a repeated request with the same client token is answered like the first, and creates nothing', async () => {
    await using bench = await schedulerBench();
    const first = await create(bench.client, { ClientToken: 'once' });
    const second = await create(bench.client, { ClientToken: 'once' });
    expect(second.ScheduleArn).toBe(first.ScheduleArn);
    expect(bench.scheduler.schedules).toHaveLength(1);
  });

  it('a client token does not make a request with other fields count as a repetition', async () => {
    await using bench = await schedulerBench();
    await create(bench.client, { ClientToken: 'once' });
    expect(await refusal(create(bench.client, { ClientToken: 'once', Description: 'other' }))).toMatch(
      /^409 /,
    );
  });

  it('a client token lets the AWS SDK safely repeat a create request whose answer was lost', async () => {
    await using bench = await schedulerBench();
    bench.scheduler.script({ on: 'CreateSchedule', cut: 'after' });
    const retrying = sdkClient(bench.scheduler.url, 3);
    await create(retrying);
    retrying.destroy();
    expect(bench.scheduler.requests.filter(({ operation }) => operation === 'CreateSchedule')).toHaveLength(
      2,
    );
    expect(bench.scheduler.schedules).toHaveLength(1);
  });
});

describe('a scripted fault', () => {
  it('a scripted fault answers with an error instead of carrying out the operation, as many times as the script says', async () => {
    await using bench = await schedulerBench();
    bench.scheduler.script(
      { on: 'any', error: { type: 'ThrottlingException', message: 'Rate exceeded' }, times: 2 },
      { on: 'CreateSchedule', skip: 1, error: { type: 'AccessDeniedException' } },
    );
    expect(await refusal(create(bench.client))).toBe('429 ThrottlingException: Rate exceeded');
    expect(await refusal(create(bench.client))).toBe('429 ThrottlingException: Rate exceeded');
    await create(bench.client);
    expect(await refusal(create(bench.client, { Name: 'second' }))).toMatch(/^403 AccessDeniedException/);
    await create(bench.client, { Name: 'second' });
    expect(bench.scheduler.requests.map(({ status }) => status)).toEqual(
      expect.arrayContaining([429, 429, 200, 403, 200]),
    );
  });

  it('a scripted fault breaks the connection before or after the operation is carried out', async () => {
    await using bench = await schedulerBench();
    bench.scheduler.script(
      { on: 'CreateSchedule', name: 'never', cut: 'before' },
      { on: 'CreateSchedule', name: /^done/, cut: 'after' },
    );
    await expect(create(bench.client, { Name: 'never' })).rejects.toThrow(/socket hang up|ECONNRESET/);
    await expect(create(bench.client, { Name: 'done-1' })).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(bench.scheduler.schedules.map(({ Name }) => Name)).toEqual(['done-1']);
  });

  it('a scripted fault delays an answer on the simulated clock', async () => {
    await using bench = await schedulerBench();
    bench.scheduler.script({ on: 'CreateSchedule', delayMs: 45_000 });
    await create(bench.client);
    expect(bench.clock.now()).toBe(Date.parse('2026-11-23T12:00:45Z'));
  });

  it('a scripted fault answers with an HTML page, as a gateway would', async () => {
    await using bench = await schedulerBench();
    bench.scheduler.script({ on: 'any', page: { status: 502, body: '<html>Bad Gateway</html>' } });
    expect(await refusal(create(bench.client))).toMatch(/^502 SyntaxError/);
  });

  it('a scripted fault can be removed before it occurs', async () => {
    await using bench = await schedulerBench();
    bench.scheduler.script({ on: 'any', error: { type: 'InternalServerException' } });
    bench.scheduler.unscript();
    await create(bench.client);
    expect(bench.scheduler.schedules).toHaveLength(1);
  });
});
