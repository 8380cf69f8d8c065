/**
 * @module Tests that the function notifies about changes and problems, and that a notification never affects a sweep's
 * result.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../src/function/handler.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { awsEnvironment, startEvents, startSns, topicArn } from '../support/aws-messages.ts';
import { lambdaContext, linesOf } from '../support/lambda.ts';
import { type ScriptedServer, serve } from '../support/scripted-server.ts';
import { expectNoSecret } from '../support/secrets.ts';
import { busy, idle, type SweepSetup, startSetup } from '../support/sweep-setup.ts';

async function invoke(
  setup: SweepSetup,
  event: unknown,
  environment: Readonly<Record<string, string>>,
  remainingMs?: number,
) {
  const handler = createHandler({
    environment: { ELASTICSEARCH_URL: setup.server.url, ...environment },
    clock: setup.clock,
  });
  let report: SweepReport | undefined;
  let error: Error | undefined;
  const lines = await linesOf(async () => {
    try {
      report = (await handler(event, lambdaContext(setup.clock, remainingMs), {} as never)) as SweepReport;
    } catch (thrown) {
      error = thrown as Error;
    }
  });
  return { report, error, lines };
}

interface Seen {
  readonly kind: string;
  readonly detail: {
    readonly headline: string;
    readonly severity: string;
    readonly runbook: string;
    readonly lines: readonly string[];
    readonly [field: string]: unknown;
  };
}

/** A webhook with the messages that it received. */
async function startWebhook(status = 200): Promise<ScriptedServer & { readonly messages: () => Seen[] }> {
  // With this header, the retry after a 5xx answer comes at once.
  const server = await serve(({ raw }) => raw('ok', status, { 'retry-after': '0' }));
  return { ...server, messages: () => server.requests.map(({ body }) => JSON.parse(body) as Seen) };
}

const notices = (lines: readonly Record<string, unknown>[]) =>
  lines.filter(({ message }) => String(message).startsWith('notification'));

beforeEach(() => vi.unstubAllEnvs());

describe('a sweep that closed jobs', () => {
  it('the function sends one notification to each target, with the counts, the forced jobs and the location of the report', async () => {
    await using setup = await startSetup([
      ...idle(2),
      { jobId: 'broken', state: 'failed', lastData: '200h' },
      ...busy(8),
    ]);
    await using slack = await serve(({ raw }) => raw('ok'));
    await using teams = await serve(({ raw }) => raw('', 202));
    await using webhook = await startWebhook();
    await using sns = await startSns();
    await using bus = await startEvents();
    for (const [name, value] of Object.entries(awsEnvironment(sns.url, bus.url))) vi.stubEnv(name, value);
    const { report, lines } = await invoke(
      setup,
      {},
      {
        JOBSWEEP_NOTIFY_SLACK_URL: slack.url,
        JOBSWEEP_NOTIFY_TEAMS_URL: teams.url,
        JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url,
        JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: topicArn,
        JOBSWEEP_NOTIFY_EVENT_BUS: 'default',
      },
    );
    expect(report).toMatchObject({ status: 'done', counts: { closed: 2, forceClosed: 1 } });
    for (const { requests } of [slack, teams, webhook, sns, bus]) expect(requests).toHaveLength(1);
    const [seen] = webhook.messages();
    expect(seen).toMatchObject({
      kind: 'Jobsweep Sweep Finished',
      detail: {
        severity: 'info',
        headline: 'jobsweep, default: 3 jobs closed, 30 MB of model memory freed',
        sweepId: 'request-1',
        status: 'done',
        forced: ['broken'],
        counts: report?.counts,
        runbook: expect.stringMatching(/runbook\.md#a-job-was-forced$/),
      },
    });
    expect(seen?.detail.lines).toEqual([
      'Closed with force, which loses model changes since the last snapshot: broken',
      'Report: log group /aws/lambda/jobsweep-sweep, request id request-1',
      'Logs Insights: filter sweepId = "request-1"',
    ]);
    expect(JSON.parse(bus.entries[0]?.Detail ?? '')).toEqual(seen?.detail);
    expect(notices(lines)).toEqual([
      expect.objectContaining({
        message: 'notification sent',
        targets: ['sns', 'events', 'slack', 'teams', 'webhook'],
        notifyErrors: 0,
        function: 'jobsweep-sweep',
      }),
    ]);
  });

  it('if every notification fails, the function still returns its report, and logs each failure without the target’s address', async () => {
    await using setup = await startSetup([...idle(2), ...busy(8)]);
    await using broken = await startWebhook(500);
    const path = '/services/tokenSECRET3456';
    const { report, error, lines } = await invoke(
      setup,
      {},
      {
        JOBSWEEP_NOTIFY_SLACK_URL: broken.url + path,
        JOBSWEEP_NOTIFY_TEAMS_URL: broken.url + path,
      },
    );
    expect(error).toBeUndefined();
    expect(report).toMatchObject({ status: 'done', counts: { closed: 2 }, warnings: [] });
    expect(broken.requests).toHaveLength(4);
    const failed = notices(lines).filter(({ message }) => message === 'notification failed');
    expect(failed).toEqual(
      ['slack', 'teams'].map((target) =>
        expect.objectContaining({
          level: 'WARN',
          target,
          why: 'HTTP 500 ok',
          cluster: 'default',
          runbook: expect.stringMatching(/#alarm-notify-failed$/),
        }),
      ),
    );
    const metric = lines.find((line) => 'notifyErrors' in line);
    expect(metric).toMatchObject({
      notifyErrors: 2,
      service: 'jobsweep',
      function: 'jobsweep-sweep',
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'jobsweep',
            Dimensions: [['service', 'function']],
            Metrics: [{ Name: 'notifyErrors', Unit: 'Count' }],
          },
        ],
      },
    });
    expectNoSecret([report, lines], ['tokenSECRET3456']);
  });

  it('the function reads the notification targets from the cluster’s secret, and reads the secret only once', async () => {
    await using setup = await startSetup([...idle(2), ...busy(8)]);
    await using webhook = await startWebhook();
    await using secrets = await serve(({ raw }) =>
      raw(
        JSON.stringify({
          SecretString: JSON.stringify({
            ELASTICSEARCH_URL: setup.server.url,
            JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url,
          }),
        }),
        200,
        { 'content-type': 'application/x-amz-json-1.1' },
      ),
    );
    for (const [name, value] of Object.entries(awsEnvironment('', ''))) vi.stubEnv(name, value);
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', secrets.url);
    await invoke(setup, {}, { ELASTICSEARCH_URL: '', ELASTICSEARCH_SECRET: 'jobsweep/default' });
    expect(webhook.messages()).toHaveLength(1);
    expect(secrets.requests).toHaveLength(1);
  });

  it('the function sends no notification if only enough time is left to return the report', async () => {
    await using setup = await startSetup([...idle(2, { closeTakes: '10s' }), ...busy(8)]);
    await using webhook = await startWebhook();
    const { report, lines } = await invoke(
      setup,
      { close: { timeout: '100ms' } },
      { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url },
      3_000,
    );
    expect(report).toMatchObject({ status: 'partial' });
    expect(webhook.requests).toEqual([]);
    expect(notices(lines)).toContainEqual(
      expect.objectContaining({ target: 'all', why: 'no time was left' }),
    );
  });
});

describe('the notifications that the function sends by default', () => {
  it('by default, the function sends no notification for a dry run or for a sweep with nothing to do', async () => {
    await using setup = await startSetup([...busy(8)]);
    await using other = await startSetup([...idle(2), ...busy(8)], {}, { clock: setup.clock });
    await using webhook = await startWebhook();
    const environment = { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url };
    const { lines } = await invoke(setup, {}, environment);
    await invoke(other, { dryRun: true }, environment);
    expect(webhook.requests).toEqual([]);
    expect(notices(lines)).toEqual([]);
  });

  it('the notification about a refused sweep gives the reason, even if the sweep is a dry run', async () => {
    await using setup = await startSetup([...idle(6), ...busy(8)]);
    await using webhook = await startWebhook();
    const environment = { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url };
    for (const dryRun of [false, true])
      await invoke(setup, { dryRun, fuse: { maxJobs: 5, massIdle: false, maxShare: null } }, environment);
    const [refused, dry] = webhook.messages();
    expect(refused?.detail).toMatchObject({
      severity: 'warning',
      headline: 'jobsweep, default: sweep refused, nothing was closed',
      status: 'refused',
      fuse: { name: 'max_jobs' },
      runbook: expect.stringMatching(/#refused-max_jobs$/),
    });
    expect(refused?.detail.lines[0]).toContain('6 jobs would be closed, and 5 are allowed');
    expect(dry?.detail.headline).toBe('jobsweep, default: dry run refused, nothing was closed');
  });
});

describe('the setting of when to notify', () => {
  it.each([
    ['always', 'problems', 1],
    ['problems', 'always', 0],
    ['never', 'always', 0],
    ['changes', 'never', 1],
  ])(
    '`notify.when: %s` in the request takes precedence over JOBSWEEP_NOTIFY_WHEN=%s',
    async (when, other, count) => {
      await using setup = await startSetup([...idle(2), ...busy(8)]);
      await using webhook = await startWebhook();
      await invoke(
        setup,
        { notify: { when } },
        {
          JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url,
          JOBSWEEP_NOTIFY_WHEN: other,
        },
      );
      expect(webhook.requests).toHaveLength(count);
    },
  );

  it('a dry run sends a notification if `notify.when` is `always`, so that users can try the targets', async () => {
    await using setup = await startSetup([...idle(2), ...busy(8)]);
    await using webhook = await startWebhook();
    await invoke(
      setup,
      { dryRun: true, notify: { when: 'always' } },
      { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url },
    );
    expect(webhook.messages()[0]?.detail.headline).toBe('jobsweep, default: dry run, 2 jobs to close');
  });

  it('a payload cannot name a notification target', async () => {
    await using setup = await startSetup([...idle(2), ...busy(8)]);
    const { error } = await invoke(setup, { notify: { slack: 'https://hooks.example.org/x' } }, {});
    expect(error).toMatchObject({ name: 'InvalidRequestError' });
    expect(setup.server.requests).toEqual([]);
  });
});

describe('a sweep that ends without a report', () => {
  it('if a sweep ends without a report, the function sends the error as a notification and still throws it', async () => {
    await using setup = await startSetup([...busy(3)]);
    await using webhook = await startWebhook();
    const environment = { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url };
    const unreachable = await invoke(
      setup,
      { cluster: 'default' },
      {
        ...environment,
        ELASTICSEARCH_URL: 'http://127.0.0.1:9',
      },
    );
    expect(unreachable.error).toMatchObject({ name: 'ClusterUnreachableError' });
    const invalid = await invoke(setup, { idelFor: '48h' }, environment);
    expect(invalid.error).toMatchObject({ name: 'InvalidRequestError' });
    const [first, second] = webhook.messages();
    expect(first).toMatchObject({
      kind: 'Jobsweep Sweep Failed',
      detail: {
        severity: 'error',
        headline: 'jobsweep, default: the sweep failed, nothing was closed',
        cluster: { name: 'default' },
        error: { name: 'ClusterUnreachableError', exit: 5, message: unreachable.error?.message },
        runbook: expect.stringMatching(/#error-clusterunreachableerror$/),
      },
    });
    expect(first?.detail.lines.at(-1)).toBe('Logs Insights: filter function_request_id = "request-1"');
    expect(second?.detail).toMatchObject({
      headline: 'jobsweep: the sweep failed, nothing was closed',
      error: { name: 'InvalidRequestError', exit: 2 },
    });
  });

  it('the function throws the error of a failed sweep even if the notification fails, and sends none if `notify.when` is `never`', async () => {
    await using setup = await startSetup([...busy(3)]);
    await using webhook = await startWebhook(403);
    const environment = { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url, ELASTICSEARCH_URL: 'http://127.0.0.1:9' };
    const { error, lines } = await invoke(setup, {}, environment);
    expect(error).toMatchObject({ name: 'ClusterUnreachableError' });
    expect(lines).toContainEqual(expect.objectContaining({ message: 'sweep failed' }));
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'notification failed', target: 'webhook', why: 'HTTP 403 ok' }),
    );
    await invoke(setup, { notify: { when: 'never' } }, environment);
    expect(webhook.requests).toHaveLength(1);
  });
});
