import { PassThrough } from 'node:stream';
import {
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { describe, expect, it, vi } from 'vitest';
import {
  create,
  functionArn,
  queueArn,
  roleArn,
  type SchedulerBench,
  shown,
} from '../../support/scheduler.ts';
import { schedulesBench } from '../../support/schedules-command.ts';

/** A schedule with every field that an update could lose. */
const full = {
  Name: 'nightly',
  GroupName: 'sweeps',
  Description: 'every night',
  ScheduleExpression: 'cron(0 2 * * ? *)',
  ScheduleExpressionTimezone: 'Europe/Berlin',
  StartDate: new Date('2026-12-01T00:00:00Z'),
  EndDate: new Date('2027-12-01T00:00:00Z'),
  KmsKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/1234',
  ActionAfterCompletion: 'DELETE' as const,
  FlexibleTimeWindow: { Mode: 'FLEXIBLE' as const, MaximumWindowInMinutes: 15 },
  Target: {
    Arn: functionArn,
    RoleArn: roleArn,
    Input: '{"idleFor":"48h"}',
    RetryPolicy: { MaximumEventAgeInSeconds: 600, MaximumRetryAttempts: 2 },
    DeadLetterConfig: { Arn: queueArn },
    SqsParameters: { MessageGroupId: 'kept as it is' },
  },
};

async function groupBench(options: Parameters<typeof schedulesBench>[0] = {}) {
  const bench = await schedulesBench(options);
  await bench.client.send(new CreateScheduleGroupCommand({ Name: 'sweeps' }));
  return bench;
}

/** The schedule without the fields that every change modifies. */
async function kept(bench: SchedulerBench, name = 'nightly') {
  const { State, LastModificationDate: _moved, ...rest } = await shown(bench.client, name, 'sweeps');
  return { state: State, rest };
}

describe('`schedules pause` and `schedules resume`', () => {
  it('`schedules pause` and `schedules resume` change the state and keep every other field', async () => {
    await using bench = await groupBench();
    await create(bench.client, full);
    const before = await kept(bench);
    await bench.clock.advance(60_000);
    const paused = await bench.run(['pause', 'nightly']);
    expect([paused.exit, JSON.parse(paused.stdout)]).toEqual([
      0,
      { group: 'sweeps', results: [{ name: 'nightly', action: 'pause', outcome: 'done' }] },
    ]);
    expect(await kept(bench)).toEqual({ state: 'DISABLED', rest: before.rest });
    const resumed = await bench.run(['resume', 'nightly', '-o', 'table']);
    expect([resumed.exit, resumed.stdout]).toEqual([0, 'nightly: resumed\n']);
    expect(await kept(bench)).toEqual(before);
  });

  it('if `schedules pause` is stopped while a retry is pending, it reports the changes that it had made', async () => {
    await using bench = await groupBench();
    await create(bench.client, full);
    await create(bench.client, { ...full, Name: 'other' });
    bench.scheduler.script({
      on: 'UpdateSchedule',
      name: 'other',
      times: 100,
      error: { type: 'ConflictException' },
    });
    const stop = new AbortController();
    // stops the command while it waits for the conflict to end
    void bench.clock.sleep(700).then(() => stop.abort(new Error('stopped by SIGINT')));
    const { exit, stdout, stderr } = await bench.run(['pause', 'nightly', 'other'], { signal: stop.signal });
    expect({ exit, stderr }).toEqual({ exit: 3, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      results: [
        { name: 'nightly', outcome: 'done' },
        { name: 'other', outcome: 'failed' },
      ],
    });
    expect((await kept(bench)).state).toBe('DISABLED');
  });

  it('`schedules pause` and `schedules resume` send no request if nothing has to change', async () => {
    await using bench = await groupBench();
    await create(bench.client, full);
    const { exit, stdout } = await bench.run(['resume', 'nightly', '-o', 'table']);
    expect([exit, stdout]).toEqual([0, 'nightly: already resumed\n']);
    expect(bench.scheduler.requests.some(({ operation }) => operation === 'UpdateSchedule')).toBe(false);
  });

  it('`schedules pause` omits a past start date of a cron schedule, which the service would refuse', async () => {
    await using bench = await groupBench();
    await create(bench.client, full);
    await bench.clock.advance(30 * 24 * 3_600_000);
    const { exit } = await bench.run(['pause', 'nightly']);
    expect(exit).toBe(0);
    const after = await shown(bench.client, 'nightly', 'sweeps');
    expect(after.State).toBe('DISABLED');
    expect(after).not.toHaveProperty('StartDate');
  });

  it('`schedules pause` does not shift the due times of a rate schedule whose start date has passed', async () => {
    await using bench = await groupBench();
    await create(bench.client, {
      ...full,
      ScheduleExpression: 'rate(7 hours)',
      StartDate: new Date('2026-11-23T13:00:00Z'),
    });
    await bench.clock.advance(24 * 3_600_000);
    await bench.run(['pause', 'nightly']);
    await bench.run(['resume', 'nightly']);
    const before = bench.scheduler.deliveries.length;
    await bench.clock.advance(6 * 3_600_000);
    expect(bench.scheduler.deliveries.slice(before).map(({ scheduledTime }) => scheduledTime)).toEqual([
      '2026-11-24T17:00:00Z',
    ]);
  });

  it('`schedules pause` fails on an unknown name before it changes anything', async () => {
    await using bench = await groupBench();
    await create(bench.client, full);
    const { exit, stdout, stderr } = await bench.run(['pause', 'nightly', 'nightyl']);
    expect([exit, stdout]).toEqual([2, '']);
    expect(stderr).toContain('no schedule "nightyl" in group sweeps, which has nightly');
    expect((await kept(bench)).state).toBe('ENABLED');
  });

  it('`schedules pause` uses the schedule group given by --group', async () => {
    await using bench = await groupBench();
    await create(bench.client, { ...full, GroupName: 'default' });
    expect((await bench.run(['pause', 'nightly'])).exit).toBe(2);
    expect((await bench.run(['pause', 'nightly', '--group', 'default'])).exit).toBe(0);
    expect((await shown(bench.client, 'nightly')).State).toBe('DISABLED');
  });
});

describe('`schedules list`', () => {
  it('`schedules list` shows the next run of each schedule, and reads the group only once', async () => {
    await using bench = await groupBench({ paging: { size: 2, startEmpty: true } });
    await create(bench.client, {
      ...full,
      Name: 'nightly',
      Target: { ...full.Target, Input: '{"cluster":"logs"}' },
    });
    await create(bench.client, { GroupName: 'sweeps', Name: 'paused', State: 'DISABLED' });
    await create(bench.client, {
      GroupName: 'sweeps',
      Name: 'stack.hourly',
      ScheduleExpression: 'cron(0 * * * ? *)',
    });
    await create(bench.client, {
      GroupName: 'sweeps',
      Name: 'past',
      ScheduleExpression: 'at(2026-11-01T00:00:00)',
    });
    const { exit, stdout } = await bench.run(['list']);
    expect(exit).toBe(0);
    const listed = JSON.parse(stdout) as { name: string }[];
    expect(listed.map(({ name }) => name)).toEqual(['nightly', 'past', 'paused', 'stack.hourly']);
    expect(listed[0]).toEqual({
      name: 'nightly',
      state: 'enabled',
      owner: 'file',
      target: functionArn,
      expression: 'cron(0 2 * * ? *)',
      timezone: 'Europe/Berlin',
      nextRun: '2026-12-01T01:00:00.000Z',
      cluster: 'logs',
      description: 'every night',
    });
    expect(listed.slice(1)).toMatchObject([
      { state: 'enabled', nextRun: null, cluster: 'default' },
      { state: 'paused', nextRun: null },
      { owner: 'deployment', nextRun: '2026-11-23T13:00:00.000Z' },
    ]);
  });

  it('`schedules list` prints a table on a terminal', async () => {
    await using bench = await groupBench();
    await create(bench.client, full);
    const { stdout } = await bench.run(['list', '-o', 'table']);
    expect(stdout).toMatch(/^NAME +STATE +SCHEDULE +ZONE +NEXT RUN +CLUSTER +OF\n/);
    expect(stdout).toMatch(/\nnightly +enabled +cron\(0 2 \* \* \? \*\) +Europe\/Berlin +2026-12-01T01/);
    await bench.client.send(new DeleteScheduleCommand({ Name: 'nightly', GroupName: 'sweeps' }));
    expect((await bench.run(['list', '-o', 'table'])).stdout).toBe('no schedule in group sweeps\n');
  });

  it('`schedules list` supports every output format, and checks the output file before any request', async () => {
    await using bench = await groupBench();
    await create(bench.client, full);
    const lines = (await bench.run(['list', '-o', 'ndjson'])).stdout.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(['nightly']);
    const markdown = (await bench.run(['list', '-o', 'markdown'])).stdout;
    expect(markdown.split('\n')).toContain('| Name | State | Schedule | Zone | Next run | Cluster | Of |');
    const paused = await bench.run(['pause', 'nightly', '-o', 'markdown']);
    expect(paused.stdout).toContain('| nightly | pause | done |  |');
    const before = bench.scheduler.requests.length;
    const nowhere = await bench.run(['resume', 'nightly', '--output-file', '/no/such/folder/result.json']);
    expect([nowhere.exit, nowhere.stdout]).toEqual([2, '']);
    expect(bench.scheduler.requests).toHaveLength(before);
  });

  it('`schedules list` exits with 5 and a message if the group does not exist', async () => {
    await using bench = await schedulesBench();
    const { exit, stdout, stderr } = await bench.run(['list']);
    expect([exit, stdout]).toEqual([5, '']);
    expect(stderr).toContain('listing group sweeps failed: Schedule group sweeps does not exist.');
  });
});

describe('`schedules delete`', () => {
  it('`schedules delete` asks for confirmation, and deletes the named schedules', async () => {
    await using bench = await groupBench();
    await create(bench.client, full);
    await create(bench.client, { ...full, Name: 'stays' });
    const no = await bench.run(['delete', 'nightly'], { terminal: true, stdin: 'no\n' });
    expect(no.exit).toBe(4);
    expect(no.stderr).toContain('Delete nightly of group sweeps? [y/N]');
    expect(bench.scheduler.schedules).toHaveLength(2);
    expect((await bench.run(['delete', 'nightly'])).exit).toBe(2);
    const yes = await bench.run(['delete', 'nightly', '--yes']);
    expect([yes.exit, JSON.parse(yes.stdout)]).toEqual([
      0,
      { group: 'sweeps', results: [{ name: 'nightly', action: 'delete', outcome: 'done' }] },
    ]);
    expect(bench.scheduler.schedules.map(({ Name }) => Name)).toEqual(['stays']);
  });

  it('`schedules delete` succeeds if a schedule was deleted in the meantime, but never reports an unknown schedule as deleted', async () => {
    await using bench = await groupBench();
    await create(bench.client, full);
    bench.scheduler.script({ on: 'DeleteSchedule', error: { type: 'ResourceNotFoundException' } });
    expect((await bench.run(['delete', 'nightly', '--yes'])).exit).toBe(0);
    expect((await bench.run(['delete', 'other', '--yes'])).exit).toBe(2);
  });
});

describe('a schedule whose target is not the function', () => {
  const payrollArn = 'arn:aws:lambda:eu-central-1:123456789012:function:payroll';
  const queueTarget = { Arn: queueArn, RoleArn: roleArn, Input: '{}' };

  it.each<[string, string]>([
    ['pause', 'payroll'],
    ['resume', 'payroll'],
    ['delete', 'payroll'],
    ['pause', 'followup.default.0123456789.1'],
    ['delete', 'followup.default.0123456789.1'],
  ])(
    'if a schedule’s target is not the function, `schedules %s %s` is refused before anything is changed',
    async (action, name) => {
      await using bench = await groupBench();
      await create(bench.client, full);
      await create(bench.client, { ...full, Name: name, Target: { ...full.Target, Arn: payrollArn } });
      const yes = action === 'resume' ? [] : ['--yes'];
      const { exit, stdout, stderr } = await bench.run([action, 'nightly', name, ...yes]);
      expect([exit, stdout]).toEqual([2, '']);
      expect(stderr).toContain(
        `schedule "${name}" is not ours: it invokes ${payrollArn}; nothing was changed`,
      );
      expect(
        bench.scheduler.requests.filter(({ operation = '' }) => /^(Update|Delete)/.test(operation)),
      ).toEqual([]);
    },
  );

  it('a schedule whose target is not the function is listed as not ours, with its target', async () => {
    await using bench = await groupBench();
    await create(bench.client, full);
    await create(bench.client, { ...full, Name: 'stack.queue', Target: queueTarget });
    const { stdout } = await bench.run(['list']);
    expect(JSON.parse(stdout)).toMatchObject([
      { name: 'nightly', owner: 'file', target: functionArn },
      { name: 'stack.queue', owner: 'other', target: queueArn },
    ]);
    const table = await bench.run(['list', '-o', 'table']);
    expect(table.stdout).toContain(`not ours: ${queueArn}`);
  });

  it('a schedule counts as ours if it invokes any version or alias of the function', async () => {
    await using bench = await groupBench();
    await create(bench.client, { ...full, Target: { ...full.Target, Arn: `${functionArn}:live` } });
    expect((await bench.run(['pause', 'nightly'])).exit).toBe(0);
  });

  it('a schedule is not changed if its target changed after the listing', async () => {
    await using bench = await groupBench();
    await create(bench.client, full);
    const ask = async (text: string) => {
      if (!text.includes('[y/N]')) return;
      await bench.client.send(
        new UpdateScheduleCommand({ ...full, Target: { ...full.Target, Arn: payrollArn } }),
      );
      stdin.end('yes\n');
    };
    const stdin = new PassThrough();
    const { exit, stdout } = await bench.run(['delete', 'nightly', '-o', 'table'], {
      terminal: true,
      stdin,
      onOutput: (text) => void ask(text),
    });
    expect([exit, stdout]).toEqual([
      3,
      `nightly: not deleted: schedule nightly is not ours: it invokes ${payrollArn}\n`,
    ]);
    expect(bench.scheduler.schedules).toHaveLength(1);
  });

  it('if JOBSWEEP_FUNCTION_ARN is not set, no schedule can be recognized as ours, so nothing is changed', async () => {
    await using bench = await groupBench();
    await create(bench.client, full);
    const env = { JOBSWEEP_SCHEDULE_GROUP: 'sweeps' };
    for (const args of [
      ['pause', 'nightly'],
      ['resume', 'nightly'],
      ['delete', 'nightly', '--yes'],
    ]) {
      const { exit, stderr } = await bench.run(args, { env });
      expect(exit).toBe(2);
      expect(stderr).toContain('JOBSWEEP_FUNCTION_ARN is not set');
    }
    expect((await bench.run(['list'], { env })).exit).toBe(0);
  });
});

describe('a schedule from the deployment or from a sweep', () => {
  const followUp = 'followup.default.0123456789.1';

  it.each<[string, string]>([
    ['stack.nightly', 'stack.nightly belongs to the deployment: a later deployment may resume it'],
    [followUp, `${followUp} is a follow-up: without it, the jobs that its sweep left closing wait`],
  ])(
    'a schedule from the deployment or from a sweep is paused only after a confirmation that explains the consequence: %s',
    async (name, meaning) => {
      await using bench = await groupBench();
      await create(bench.client, { ...full, Name: name });
      const state = async () => (await kept(bench, name)).state;
      const silent = await bench.run(['pause', name]);
      expect(silent.exit).toBe(2);
      expect(silent.stderr).toContain('needs --yes');
      const no = await bench.run(['pause', name], { terminal: true, stdin: 'no\n' });
      expect(no.exit).toBe(4);
      expect(no.stderr).toContain(meaning);
      expect(no.stderr).toContain(`Pause ${name}? [y/N]`);
      expect(await state()).toBe('ENABLED');
      const yes = await bench.run(['pause', name, '--yes']);
      expect(yes.exit).toBe(0);
      expect(yes.stderr).toContain(meaning);
      expect(await state()).toBe('DISABLED');
    },
  );

  it('a schedule from the deployment is never deleted, because the stack could not be updated afterwards', async () => {
    await using bench = await groupBench();
    await create(bench.client, { ...full, Name: 'stack.nightly' });
    await create(bench.client, full);
    const { exit, stderr } = await bench.run(['delete', 'nightly', 'stack.nightly', '--yes']);
    expect(exit).toBe(2);
    expect(stderr).toContain('"stack.nightly" belongs to the deployment');
    expect(bench.scheduler.schedules).toHaveLength(2);
  });

  it('`schedules delete` deletes a follow-up, with a warning about the consequence', async () => {
    await using bench = await groupBench();
    await create(bench.client, { ...full, Name: followUp });
    const { exit, stderr } = await bench.run(['delete', followUp, '--yes']);
    expect(exit).toBe(0);
    expect(stderr).toContain(`${followUp} is a follow-up: without it`);
  });
});

describe('`schedules` commands with a missing setting', () => {
  it.each([
    [
      'no group',
      { JOBSWEEP_SCHEDULE_GROUP: ' ' },
      'group: expected one, got nothing; set it in the schedule file, or set JOBSWEEP_SCHEDULE_GROUP',
    ],
    ['no function', { JOBSWEEP_FUNCTION_ARN: undefined }, 'functionArn: expected one, got nothing'],
    ['no role', { JOBSWEEP_SCHEDULER_ROLE_ARN: '' }, 'roleArn: expected one, got nothing'],
    [
      'an invalid function',
      { JOBSWEEP_FUNCTION_ARN: 'sweep' },
      'JOBSWEEP_FUNCTION_ARN: expected the ARN of a Lambda function, got "sweep"',
    ],
    [
      'an invalid queue',
      { JOBSWEEP_DLQ_ARN: `${queueArn}.fifo` },
      'JOBSWEEP_DLQ_ARN: expected the ARN of an SQS queue that is not FIFO',
    ],
  ])(
    '`schedules plan` exits with 2 and a message for a missing or invalid setting: %s',
    async (_what, change, message) => {
      await using bench = await schedulesBench();
      const before = bench.scheduler.requests.length;
      const { exit, stderr } = await bench.withFile('schedules: []', ['plan'], {
        env: {
          JOBSWEEP_SCHEDULE_GROUP: 'sweeps',
          JOBSWEEP_FUNCTION_ARN: functionArn,
          JOBSWEEP_SCHEDULER_ROLE_ARN: roleArn,
          ...change,
        },
      });
      expect(exit).toBe(2);
      expect(stderr).toContain(message);
      expect(bench.scheduler.requests).toHaveLength(before);
    },
  );

  it.each([
    ['AWS_REGION', '', 'AWS_REGION: expected the region of the scheduler, such as "eu-central-1"; set it'],
    [
      'AWS_ENDPOINT_URL_SCHEDULER',
      'nonsense',
      'AWS_ENDPOINT_URL_SCHEDULER (or AWS_ENDPOINT_URL): expected an address',
    ],
  ])('`schedules list` exits with 2 if %s is %j', async (name, value, message) => {
    await using bench = await schedulesBench();
    vi.stubEnv(name, value);
    const { exit, stderr } = await bench.run(['list']);
    expect(exit).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('`schedules` commands with several missing settings', () => {
  const unset = { JOBSWEEP_SCHEDULE_GROUP: '', JOBSWEEP_FUNCTION_ARN: '', JOBSWEEP_SCHEDULER_ROLE_ARN: '' };
  const group = 'JOBSWEEP_SCHEDULE_GROUP is not set: set it, or name the group with --group';
  const ofFunction =
    'JOBSWEEP_FUNCTION_ARN is not set: only schedules that invoke that function may be changed';
  const region = 'AWS_REGION is not set: set it, unless your AWS profile names the region';

  it.each([
    [['list'], [group, region]],
    [
      ['pause', 'nightly', '--yes'],
      [group, ofFunction, region],
    ],
    [
      ['resume', 'nightly'],
      [group, ofFunction, region],
    ],
    [
      ['delete', 'nightly', '--yes'],
      [group, ofFunction, region],
    ],
    [
      ['delete', 'nightly', '--yes', '--group', 'sweeps'],
      [ofFunction, region],
    ],
  ])(
    '`jobsweep schedules` with the arguments %j names all missing settings at once',
    async (args, problems) => {
      await using bench = await schedulesBench();
      const { exit, stderr, stdout } = await bench.run(args, { env: unset });
      expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
      const lines = stderr
        .replace(/^jobsweep: /, '')
        .trimEnd()
        .split('\n');
      expect(lines).toEqual(problems.map((problem) => expect.stringContaining(problem)));
    },
  );

  it('`schedules plan` names all missing and invalid settings at once', async () => {
    await using bench = await schedulesBench();
    const env = { ...unset, JOBSWEEP_DLQ_ARN: 'queue' };
    const { exit, stderr } = await bench.withFile('schedules: []', ['plan'], { env });
    expect(exit).toBe(2);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'jobsweep: group: expected one, got nothing; set it in the schedule file, or set JOBSWEEP_SCHEDULE_GROUP',
      'functionArn: expected one, got nothing; set it in the schedule file, or set JOBSWEEP_FUNCTION_ARN',
      'roleArn: expected one, got nothing; set it in the schedule file, or set JOBSWEEP_SCHEDULER_ROLE_ARN',
      expect.stringContaining('JOBSWEEP_DLQ_ARN: expected the ARN of an SQS queue'),
      region,
    ]);
  });
});
