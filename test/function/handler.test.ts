import { describe, expect, it } from 'vitest';
import { createHandler } from '../../src/function/handler.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { lambdaContext, linesOf } from '../support/lambda.ts';
import { runCommand } from '../support/run-command.ts';
import { busy, idle, type SweepSetup, startSetup } from '../support/sweep-setup.ts';

const key = 'c2VjcmV0LWtleS1pZDpzZWNyZXQta2V5';

async function invoke(setup: SweepSetup, event: unknown, environment: Record<string, string> = {}) {
  const handler = createHandler({
    environment: { ELASTICSEARCH_URL: setup.server.url, ...environment },
    clock: setup.clock,
  });
  let report: SweepReport | undefined;
  let error: Error | undefined;
  const lines = await linesOf(async () => {
    try {
      report = (await handler(event, lambdaContext(setup.clock), {} as never)) as SweepReport;
    } catch (thrown) {
      error = thrown as Error;
    }
  });
  return { report, error, lines };
}

describe('the function', () => {
  it('if the cluster asks for a wait, the function waits and logs why, or fails at once if the wait is too long', async () => {
    await using setup = await startSetup([...busy(3)]);
    const later = (seconds: number) =>
      setup.server.faults.add({
        api: 'ml.get_job_stats',
        status: 429,
        type: 'circuit_breaking_exception',
        reason: 'Data too large',
        headers: { 'retry-after': String(seconds) },
      });
    later(40);
    const waited = await invoke(setup, {});
    expect(waited.report?.status).toBe('done');
    expect(waited.lines).toContainEqual(
      expect.objectContaining({
        message: 'sweep waits',
        sweepId: 'request-1',
        notice: 'the cluster answers HTTP 429 (Data too large); trying again in 40s',
      }),
    );

    later(900);
    const began = setup.clock.now();
    const { error } = await invoke(setup, {});
    expect(error).toMatchObject({
      name: 'UnreadableInventoryError',
      message: expect.stringMatching(
        /HTTP 429 circuit_breaking_exception: Data too large\), and asks to wait 15m; nothing was closed\. Try again after that\./,
      ),
    });
    expect(setup.clock.now() - began).toBeLessThan(1_000);
  });

  it('the function returns the report, and logs one line for the sweep and one for each job that it acted on', async () => {
    await using setup = await startSetup([
      ...idle(2),
      ...busy(5),
      { jobId: 'apps', customSettings: { managed: true } },
    ]);
    const { report, lines } = await invoke(setup, {});
    expect(report).toMatchObject({ sweepId: 'request-1', status: 'done', counts: { closed: 2, kept: 6 } });
    const swept = lines.filter(({ message }) => message === 'job swept');
    expect(new Set(swept.map(({ jobId }) => jobId))).toEqual(new Set(['idle-0', 'idle-1']));
    expect(swept[0]).toMatchObject({
      sweepId: 'request-1',
      cluster: report?.cluster,
      outcome: 'closed',
      reason: 'idle',
      attempts: 1,
    });
    const [finished] = lines.filter(({ message }) => message === 'sweep finished');
    expect(finished).toMatchObject({
      status: 'done',
      counts: report?.counts,
      kept: report?.kept,
    });
  });

  it('the function logs no line that CloudWatch would cut, however many warnings there are', async () => {
    const unreadable = { jobsweep: { protekt: true } };
    await using setup = await startSetup(
      Array.from({ length: 2_000 }, (_, index) => ({
        jobId: `job-with-a-long-name-${index}`,
        lastData: '9d',
        customSettings: unreadable,
      })),
    );
    const { report, lines } = await invoke(setup, { dryRun: true });
    expect(report?.warnings).toHaveLength(2_000);
    const [finished] = lines.filter(({ message }) => message === 'sweep finished');
    expect(finished).toMatchObject({ counts: { kept: 2_000 }, kept: { protected: 2_000 } });
    const { warnings } = finished as unknown as SweepReport;
    expect(warnings.at(-1)).toMatch(/^\d+ more warnings left out/);
    for (const line of lines) expect(Buffer.byteLength(JSON.stringify(line))).toBeLessThan(256 * 1024);
  });

  it('the function publishes every count as a metric, including zeros', async () => {
    await using setup = await startSetup([...busy(3)]);
    const { report, lines } = await invoke(setup, {});
    const metrics = lines.find((line) => '_aws' in line);
    expect(metrics).toMatchObject({
      cluster: 'default',
      refused: 0,
      partial: 0,
      freedBytes: 0,
      ...report?.counts,
    });
    expect(JSON.stringify(metrics?._aws)).toContain('"Namespace":"jobsweep"');
  });

  it('two deliveries of an event have the same sweep id; if an event has unreplaced placeholders, its sweep id is the id of the invocation', async () => {
    await using setup = await startSetup([...busy(3)]);
    const trigger = {
      scheduleArn: 'arn:aws:scheduler:eu-central-1:123456789012:schedule/jobsweep/nightly',
      scheduledTime: '2026-11-23T02:00:00Z',
    };
    const [first, second] = [await invoke(setup, { trigger }), await invoke(setup, { trigger })];
    expect(first.report?.sweepId).toMatch(/^sweep-[0-9a-f]{32}$/);
    expect(second.report?.sweepId).toBe(first.report?.sweepId);
    const copied = {
      scheduleArn: '<aws.scheduler.schedule-arn>',
      scheduledTime: '<aws.scheduler.scheduled-time>',
    };
    expect((await invoke(setup, { trigger: copied })).report?.sweepId).toBe('request-1');
  });

  it('if the request has an unknown field, the function throws InvalidRequestError and sends no request to the cluster', async () => {
    await using setup = await startSetup([...idle(2), ...busy(5)]);
    const { error, lines } = await invoke(setup, { idelFor: '48h' });
    expect(error).toMatchObject({
      name: 'InvalidRequestError',
      message: expect.stringContaining('did you mean idleFor?'),
    });
    expect(lines).toContainEqual(expect.objectContaining({ level: 'ERROR', message: 'sweep failed' }));
    expect(setup.server.requests).toEqual([]);
  });

  it('the function logs the sweep id and the cluster of a sweep that failed, as far as they are known', async () => {
    await using setup = await startSetup([]);
    const failed = async (event: object) =>
      (await invoke(setup, event)).lines.find(({ message }) => message === 'sweep failed');
    const trigger = {
      scheduleArn: 'arn:aws:scheduler:eu-central-1:123456789012:schedule/jobsweep/nightly',
      scheduledTime: '2026-11-23T02:00:00Z',
    };
    expect(await failed({ cluster: 'prod', trigger })).toMatchObject({
      sweepId: expect.stringMatching(/^sweep-[0-9a-f]{32}$/),
      cluster: { name: 'prod' },
    });
    const invalid = await failed({ cluster: 'prod', idelFor: '48h' });
    expect(invalid).toMatchObject({ cluster: { name: 'prod' } });
    expect(invalid).not.toHaveProperty('sweepId');
    expect(await failed({ cluster: 7 })).not.toHaveProperty('cluster');
  });

  it('the function refuses to run if no cluster is configured, or if the request names a cluster without settings', async () => {
    await using setup = await startSetup([]);
    expect((await invoke(setup, {}, { ELASTICSEARCH_URL: '' })).error).toMatchObject({
      name: 'InvalidSettingError',
    });
    expect((await invoke(setup, { cluster: 'prod' })).error).toMatchObject({
      name: 'InvalidSettingError',
      message: expect.stringContaining('ELASTICSEARCH_SECRET_PREFIX'),
    });
  });

  it.each([
    ['JOBSWEEP_SCHEDULE_GROUP', 'a group', 'expected the name of a schedule group'],
    ['JOBSWEEP_SCHEDULER_ROLE_ARN', 'role/jobsweep', 'expected the ARN of an IAM role, got "role/jobsweep"'],
    ['JOBSWEEP_FUNCTION_ARN', 'sweep', 'expected the ARN of a Lambda function, got "sweep"'],
    ['JOBSWEEP_DLQ_ARN', 'a.fifo', 'expected the ARN of an SQS queue that is not FIFO'],
    ['JOBSWEEP_KMS_KEY_ARN', 'alias/sweeps', 'expected the ARN of a KMS key, got "alias/sweeps"'],
  ])(
    'the function refuses an invalid value of %s with the message that the command prints, before it sends any request',
    async (name, value, words) => {
      await using setup = await startSetup([...idle(2), ...busy(5)]);
      const valid = {
        JOBSWEEP_SCHEDULE_GROUP: 'sweeps',
        JOBSWEEP_SCHEDULER_ROLE_ARN: 'arn:aws:iam::123456789012:role/jobsweep',
      };
      const { error } = await invoke(setup, {}, { ...valid, [name]: value });
      expect(error).toMatchObject({ name: 'InvalidSettingError', exitCode: 2 });
      expect(error?.message).toMatch(`${name}: ${words}`);
      expect(setup.server.requests).toEqual([]);
      const command = await runCommand(['sweep', '--yes'], {
        env: { ELASTICSEARCH_URL: setup.server.url, ...valid, [name]: value },
        clock: setup.clock,
      });
      expect(command).toMatchObject({ exit: 2, stderr: `jobsweep: ${error?.message}\n` });
      expect(setup.closes()).toEqual([]);
    },
  );

  it('the function logs no character that could manipulate a terminal', async () => {
    await using setup = await startSetup([...idle(1), ...busy(5)]);
    const { error, lines } = await invoke(setup, { '\u009b31m\u202e': 1, cluster: '\u2028' });
    expect(error).toMatchObject({ name: 'InvalidRequestError' });
    expect(JSON.stringify(lines)).toContain('31m');
    expect(JSON.stringify(lines)).toMatch(/^[^\p{Cf}\p{Zl}\u007f-\u009f]*$/u);
  });

  it('the function shows no credential in anything that it writes or throws', async () => {
    const user = { username: 'sweeper', password: 'the-password', cluster: ['manage_ml'] };
    await using setup = await startSetup([...idle(2), ...busy(5)], { users: [user] });
    for (const environment of [
      { ELASTICSEARCH_USERNAME: 'sweeper', ELASTICSEARCH_PASSWORD: 'the-password' },
      { ELASTICSEARCH_USERNAME: 'sweeper', ELASTICSEARCH_PASSWORD: 'the-wrong-password' },
      { ELASTICSEARCH_API_KEY: key },
    ]) {
      const { report, error, lines } = await invoke(setup, { dryRun: true }, environment);
      const everything = JSON.stringify([report, lines]) + String(error?.stack) + JSON.stringify(error);
      for (const secret of ['the-password', 'the-wrong-password', key])
        expect(everything).not.toContain(secret);
    }
  });

  it('if the key lacks the privilege to close jobs, a dry run of the function warns, and a sweep fails before any close', async () => {
    const user = { username: 'reader', password: 'the-password', cluster: ['monitor_ml'] };
    await using setup = await startSetup([...idle(2), ...busy(5)], { users: [user] });
    const environment = { ELASTICSEARCH_USERNAME: 'reader', ELASTICSEARCH_PASSWORD: 'the-password' };
    const plan = await invoke(setup, { dryRun: true }, environment);
    expect(plan.report?.warnings.join()).toContain('manage_ml');
    const { error } = await invoke(setup, {}, environment);
    expect(error).toMatchObject({
      name: 'AccessDeniedError',
      message: expect.stringContaining('nothing was closed'),
    });
    expect(setup.closes()).toEqual([]);
  });
});
