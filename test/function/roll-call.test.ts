/** @module Tests the roll call of the function, with a simulated CloudWatch that has the metrics of real sweeps. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../src/function/handler.ts';
import { type CloudWatch, type CloudWatchOptions, startCloudWatch } from '../support/cloudwatch.ts';
import { lambdaContext, linesOf } from '../support/lambda.ts';
import { serve } from '../support/scripted-server.ts';
import { busy, type SweepSetup, startSetup } from '../support/sweep-setup.ts';

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const hour = 3_600_000;

async function monitored(options?: CloudWatchOptions): Promise<CloudWatch> {
  const cloudwatch = await startCloudWatch(options);
  vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH', cloudwatch.url);
  return cloudwatch;
}

async function invoke(
  { clock }: Pick<SweepSetup, 'clock'>,
  event: unknown,
  environment: Record<string, string> = {},
) {
  const handler = createHandler({ environment, clock });
  let result: unknown;
  let error: Error | undefined;
  const lines = await linesOf(async () => {
    try {
      result = await handler(event, lambdaContext(clock), {} as never);
    } catch (thrown) {
      error = thrown as Error;
    }
  });
  return { result, error, lines };
}

/** Lets the function sweep the cluster under this name, and passes its logged metrics to the simulated CloudWatch. */
async function sweepAs(cluster: string, setup: SweepSetup, cloudwatch: CloudWatch): Promise<void> {
  const { lines, error } = await invoke(setup, {}, { ELASTICSEARCH_URL: setup.server.url });
  expect(error).toBeUndefined();
  const named = lines.map((line) => ('_aws' in line ? { ...line, cluster } : line));
  cloudwatch.ingest(named, setup.clock.now());
}

describe('a roll call', () => {
  it('a roll call names the clusters that have not reported: in its result, a warning and two metrics', async () => {
    await using setup = await startSetup(busy(2));
    await using cloudwatch = await monitored();
    await sweepAs('logs', setup, cloudwatch);
    const { result, lines } = await invoke(setup, {
      rollCall: true,
      clusters: ['logs', 'metrics', 'search'],
      within: '6h',
    });
    const expected = {
      rollCall: true,
      at: new Date(setup.clock.now()).toISOString(),
      within: '6h',
      expected: 3,
      reported: 1,
      missing: ['metrics', 'search'],
    };
    expect(result).toEqual(expected);
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'WARN',
        message: 'roll call finished',
        ...expected,
        runbook: expect.stringMatching(/#alarm-roll-call$/),
      }),
    );
    cloudwatch.ingest(lines, setup.clock.now());
    const ofFunction = { service: 'jobsweep', function: 'jobsweep-sweep' };
    expect(cloudwatch.values('expectedClusters', ofFunction)).toEqual([3]);
    expect(cloudwatch.values('missingClusters', ofFunction)).toEqual([2]);
  });

  it('if all clusters have reported, a roll call logs one line and publishes zero', async () => {
    await using setup = await startSetup(busy(2));
    await using cloudwatch = await monitored();
    await sweepAs('logs', setup, cloudwatch);
    const { lines } = await invoke(setup, { rollCall: true, clusters: ['logs', 'logs'] });
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'INFO', message: 'roll call finished', expected: 1, missing: [] }),
    );
    cloudwatch.ingest(lines, setup.clock.now());
    expect(cloudwatch.values('missingClusters', { service: 'jobsweep', function: 'jobsweep-sweep' })).toEqual(
      [0],
    );
  });

  it('a roll call ignores a report that is older than `within`', async () => {
    await using setup = await startSetup(busy(2));
    await using cloudwatch = await monitored();
    await sweepAs('early', setup, cloudwatch);
    await setup.clock.advance(hour + 60_000);
    await sweepAs('late', setup, cloudwatch);
    await setup.clock.advance(hour);
    const { result } = await invoke(setup, { rollCall: true, clusters: ['early', 'late'], within: '1h' });
    expect(result).toMatchObject({ missing: ['early'] });
  });

  it('a roll call that starts late looks back from its scheduled time, not from its start', async () => {
    await using setup = await startSetup(busy(2));
    await using cloudwatch = await monitored();
    await sweepAs('logs', setup, cloudwatch);
    const scheduledTime = new Date(setup.clock.now() + hour).toISOString();
    await setup.clock.advance(3 * hour);
    const { result } = await invoke(setup, {
      rollCall: true,
      clusters: ['logs'],
      within: '1h',
      trigger: {
        scheduleArn: 'arn:aws:scheduler:eu-central-1:123456789012:schedule/g/roll-call',
        scheduledTime,
      },
    });
    expect(result).toMatchObject({ missing: [] });
  });

  it('a roll call of 1,000 clusters takes two queries, and reads all pages', async () => {
    await using setup = await startSetup(busy(2));
    await using cloudwatch = await monitored({ pageSize: 300 });
    await sweepAs('cluster-0', setup, cloudwatch);
    await sweepAs('cluster-499', setup, cloudwatch);
    await sweepAs('cluster-999', setup, cloudwatch);
    const clusters = Array.from({ length: 1_000 }, (_, index) => `cluster-${index}`);
    const { result } = await invoke(setup, { rollCall: true, clusters });
    expect(result).toMatchObject({ expected: 1_000, reported: 3 });
    const { missing } = result as { missing: string[] };
    expect(missing).toHaveLength(997);
    expect(missing).not.toEqual(expect.arrayContaining(['cluster-499']));
    // two batches of 500, each in two pages of 300
    expect(cloudwatch.requests).toHaveLength(4);
  });

  it.each<[string, CloudWatchOptions, RegExp]>([
    [
      'cannot read a metric',
      { status: 'InternalError' },
      /CloudWatch could not read the metrics of all clusters: InternalError/,
    ],
    [
      'denies access',
      { status: 'Forbidden' },
      /CloudWatch could not read the metrics of all clusters: Forbidden/,
    ],
  ])(
    'if CloudWatch %s, a roll call fails, because missing data then proves nothing',
    async (_what, options, message) => {
      await using setup = await startSetup(busy(1));
      await using _cloudwatch = await monitored(options);
      const { result, error, lines } = await invoke(setup, { rollCall: true, clusters: ['logs'] });
      expect(result).toBeUndefined();
      expect(error).toMatchObject({ name: 'RollCallError', message: expect.stringMatching(message) });
      expect(lines).toContainEqual(expect.objectContaining({ level: 'ERROR', message: 'roll call failed' }));
      expect(JSON.stringify(lines)).not.toContain('missingClusters');
    },
  );

  it('a roll call fails if CloudWatch cannot be reached, and the error says what to check', async () => {
    await using setup = await startSetup(busy(1));
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH', 'http://127.0.0.1:1');
    vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
    const { error } = await invoke(setup, { rollCall: true, clusters: ['logs'] });
    expect(error).toMatchObject({
      name: 'RollCallError',
      message: expect.stringMatching(
        /^CloudWatch did not say which clusters have reported \(.*ECONNREFUSED.*\)\. The function's role needs cloudwatch:GetMetricData\. .*com\.amazonaws\.eu-central-1\.monitoring/,
      ),
    });
  });

  it.each([
    [{ rollCall: false, clusters: ['logs'] }, 'rollCall: expected true, got false'],
    [{ rollCall: true }, 'clusters: expected a list of 1 to 1000 names of clusters, got nothing'],
    [{ rollCall: true, clusters: [] }, 'clusters: expected a list of 1 to 1000 names of clusters, got []'],
    [
      { rollCall: true, clusters: ['Logs'] },
      'clusters[0]: expected the name of a cluster: 1 to 40 of a-z, 0-9 and -, got "Logs"',
    ],
    [
      { rollCall: true, clusters: ['logs'], within: '5m' },
      'within: expected a duration from 15m to 14d, such as "26h", got "5m"',
    ],
    [
      { rollCall: true, clusters: ['logs'], whitin: '5h' },
      'whitin is an unknown field; did you mean within? (rollCall, clusters, within, trigger)',
    ],
    [
      { rollCall: true, clusters: ['logs'], idleFor: '48h' },
      'idleFor is an unknown field; the fields here are rollCall, clusters, within, trigger',
    ],
  ])('a roll call refuses %j and sends no request to CloudWatch', async (event, message) => {
    await using setup = await startSetup(busy(1));
    await using cloudwatch = await monitored();
    const { error } = await invoke(setup, event);
    expect(error).toMatchObject({
      name: 'InvalidRequestError',
      message: `the roll call is not valid: ${message}`,
    });
    expect(cloudwatch.requests).toEqual([]);
  });
});

describe('the notification of a roll call', () => {
  /** Runs a roll call with these settings of the function. `bodies` are the messages that a webhook received. */
  async function noticesOf(clusters: readonly string[], environment: Record<string, string> = {}) {
    await using setup = await startSetup(busy(1));
    await using cloudwatch = await monitored();
    await sweepAs('logs', setup, cloudwatch);
    await using webhook = await serve(({ raw }) => raw('ok'));
    const { result, error, lines } = await invoke(
      setup,
      { rollCall: true, clusters, within: '6h' },
      { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url, ...environment },
    );
    const bodies = webhook.requests.map(({ body }) => JSON.parse(body) as unknown);
    return { bodies, result, error, lines };
  }

  it('the notification of a roll call names the missing clusters', async () => {
    const { bodies } = await noticesOf(['logs', 'metrics', 'search']);
    expect(bodies).toEqual([
      expect.objectContaining({
        text: 'jobsweep: 2 of 3 clusters did not report',
        kind: 'Jobsweep Roll Call Finished',
        detail: expect.objectContaining({
          severity: 'error',
          missing: ['metrics', 'search'],
          lines: expect.arrayContaining(['No report of metrics, search']) as unknown,
        }) as unknown,
      }),
    ]);
  });

  it('the notification of a roll call names the first 50 missing clusters and counts the rest', async () => {
    const { bodies } = await noticesOf(Array.from({ length: 1_000 }, (_, index) => `cluster-${index}`));
    expect(JSON.stringify(bodies)).toContain('cluster-49 and 950 more');
  });

  it('a roll call sends no notification if all clusters reported, unless JOBSWEEP_NOTIFY_WHEN is always', async () => {
    expect((await noticesOf(['logs'])).bodies).toEqual([]);
    expect((await noticesOf(['logs'], { JOBSWEEP_NOTIFY_WHEN: 'always' })).bodies).toEqual([
      expect.objectContaining({ text: 'jobsweep: the cluster reported' }),
    ]);
    expect((await noticesOf(['metrics'], { JOBSWEEP_NOTIFY_WHEN: 'never' })).bodies).toEqual([]);
  });

  it('if a roll call fails, its notification says that it is unknown which clusters have reported', async () => {
    const { bodies, error } = await noticesOf([]);
    expect(error?.name).toBe('InvalidRequestError');
    expect(bodies).toEqual([
      expect.objectContaining({
        text: 'jobsweep: the roll call failed, so it is unknown which clusters have reported',
        kind: 'Jobsweep Roll Call Failed',
      }),
    ]);
  });

  it('a roll call returns its result even if its notification cannot be sent', async () => {
    // With this header, the retry comes at once.
    await using broken = await serve(({ raw }) => raw('', 503, { 'retry-after': '0' }));
    const { result, lines } = await noticesOf(['metrics'], { JOBSWEEP_NOTIFY_WEBHOOK_URL: broken.url });
    expect(broken.requests).toHaveLength(2);
    expect(result).toMatchObject({ missing: ['metrics'] });
    expect(lines).toContainEqual(expect.objectContaining({ message: 'notification failed' }));
  });
});

describe('the metric of clusters that need attention', () => {
  it('if a sweep fails without a report, the metric needsAttention is 1 for the cluster in the request', async () => {
    await using setup = await startSetup(busy(1));
    await using cloudwatch = await monitored();
    const failed = await invoke(setup, { cluster: 'metrics' });
    expect(failed.error?.message).toContain('ELASTICSEARCH_SECRET_PREFIX');
    cloudwatch.ingest(failed.lines, setup.clock.now());
    expect(cloudwatch.values('needsAttention', { service: 'jobsweep', cluster: 'metrics' })).toEqual([1]);
    // the metric of durations gets no value, because the cluster has not reported
    expect(cloudwatch.values('durationMs', { service: 'jobsweep', cluster: 'metrics' })).toEqual([]);
  });

  it('the metric needsAttention is 0 for a sweep with status `done`, and 1 for a refused sweep', async () => {
    await using setup = await startSetup(busy(1));
    await using cloudwatch = await monitored();
    const environment = { ELASTICSEARCH_URL: setup.server.url };
    const metric = { service: 'jobsweep', cluster: 'default' };
    cloudwatch.ingest((await invoke(setup, {}, environment)).lines, setup.clock.now());
    expect(cloudwatch.values('needsAttention', metric)).toEqual([0]);
    setup.server.cluster.setUpgradeMode(true);
    cloudwatch.ingest((await invoke(setup, {}, environment)).lines, setup.clock.now());
    expect(cloudwatch.values('needsAttention', metric)).toEqual([0, 1]);
  });

  it('the metric needsAttention is not published if the cluster’s name in the request is invalid', async () => {
    await using setup = await startSetup(busy(1));
    const { lines } = await invoke(setup, { cluster: 'No Such Name' });
    expect(JSON.stringify(lines)).not.toContain('needsAttention');
  });
});
