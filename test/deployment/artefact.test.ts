import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateScheduleGroupCommand } from '@aws-sdk/client-scheduler';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaledClock } from '../../simulator/clock.ts';
import {
  defaultFleet,
  type EmbeddedElasticsearch,
  type FleetJob,
  startElasticsearch,
} from '../../simulator/elasticsearch/index.ts';
import { startScheduler } from '../../simulator/scheduler/index.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { startEvents, startSns, topicArn } from '../support/aws-messages.ts';
import { sized } from '../support/nightly.ts';
import { type Packaged, packageService } from '../support/packaged.ts';
import { sdkClient } from '../support/scheduler.ts';
import { serve } from '../support/scripted-server.ts';
import { startSecretsManager } from '../support/secrets-manager.ts';
import { expectSweepOf } from './event-sweeps.ts';
import { type RunningFunction, startFunction } from './runtime-api.ts';

const accountId = '123456789012';
const region = 'eu-central-1';

/** Variables that turn on the debugging output of libraries, all set at once. */
const debugging = {
  DEBUG: '*',
  DEBUG_DEPTH: '10',
  DEBUG_SHOW_HIDDEN: 'true',
  POWERTOOLS_DEV: 'true',
  POWERTOOLS_LOG_LEVEL: 'TRACE',
  POWERTOOLS_LOGGER_LOG_EVENT: 'true',
  AWS_LAMBDA_LOG_LEVEL: 'TRACE',
  LOG_LEVEL: 'TRACE',
  OTEL_ELASTICSEARCH_CAPTURE_SEARCH_QUERY: 'true',
};

/** Resolves a value of the template like CloudFormation, for the few intrinsic functions that the template uses. */
function resolved(packaged: Packaged, value: unknown): string {
  if (typeof value === 'string') return value;
  const {
    Ref,
    'Fn::GetAtt': getAtt,
    'Fn::Sub': sub,
  } = value as {
    readonly Ref?: string;
    readonly 'Fn::GetAtt'?: readonly [string, string];
    readonly 'Fn::Sub'?: string;
  };
  if (Ref !== undefined) return String(packaged.template.Resources[Ref]?.Properties.Name);
  if (sub !== undefined)
    return sub
      .replaceAll(`\${AWS::Partition}`, 'aws')
      .replaceAll(`\${AWS::Region}`, region)
      .replaceAll(`\${AWS::AccountId}`, accountId);
  const [id = '', attribute] = getAtt ?? [];
  if (attribute !== 'Arn') throw new Error(`cannot resolve ${JSON.stringify(value)}`);
  const type = packaged.template.Resources[id]?.Type;
  if (type === 'AWS::IAM::Role') return `arn:aws:iam::${accountId}:role/${id}`;
  if (type === 'AWS::SQS::Queue') return `arn:aws:sqs:${region}:${accountId}:${id}`;
  throw new Error(`cannot resolve ${JSON.stringify(value)}`);
}

const busy: readonly FleetJob[] = Array.from({ length: 6 }, (_, i) => ({
  jobId: `busy-${i}`,
  lastData: '1m',
}));
const idle: readonly FleetJob[] = [
  { jobId: 'idle-1', lastData: '5d', closeTakes: '100ms' },
  { jobId: 'idle-2', lastData: '6d', closeTakes: '100ms' },
];
const user = { username: 'sweeper', password: 'the-password', cluster: ['manage_ml', 'monitor'] };
// the function runs in real time, so its closes get a short timeout
const quick = { close: { timeout: '500ms' } };
/**
 * A function timeout (milliseconds) that lets the function try an unreachable cluster three times, in 1.5 seconds, and
 * then notify. A fourth try would follow two seconds later.
 */
const timeForThreeTries = 5_000;

let packaged: Packaged;
beforeAll(async () => {
  packaged = await packageService(['--stage', 'prod']);
}, 120_000);

const propertiesOf = (id: string): object => packaged.template.Resources[id]?.Properties ?? {};

const handlerName = () => (propertiesOf('SweepLambdaFunction') as { readonly Handler: string }).Handler;

const settingsOf = (cluster: EmbeddedElasticsearch) =>
  JSON.stringify({
    ELASTICSEARCH_URL: cluster.url,
    ELASTICSEARCH_USERNAME: user.username,
    ELASTICSEARCH_PASSWORD: user.password,
  });

/**
 * Starts the services that the function needs. Returns them with a method `cold`, which starts a cold function with the
 * template's environment.
 */
async function account(jobs: readonly FleetJob[]) {
  await using stack = new AsyncDisposableStack();
  const clock = scaledClock();
  const elasticsearch = stack.use(
    await startElasticsearch({ clock, fleet: { users: [user], jobs: [...jobs] } }),
  );
  const logs = stack.use(await startElasticsearch({ clock, fleet: { users: [user], jobs: [...busy] } }));
  const scheduler = stack.use(await startScheduler({ clock }));
  const secrets = stack.use(
    await startSecretsManager({
      'jobsweep/default': settingsOf(elasticsearch),
      'jobsweep/logs': settingsOf(logs),
      'jobsweep/broken': JSON.stringify({ ELASTICSEARCH_URL: 'http://127.0.0.1:9' }),
    }),
  );
  const client = sdkClient(scheduler.url);
  await client.send(new CreateScheduleGroupCommand({ Name: 'jobsweep-prod' }));
  client.destroy();
  const { Environment } = propertiesOf('SweepLambdaFunction') as {
    readonly Environment: { readonly Variables: Readonly<Record<string, unknown>> };
  };
  const environment: Record<string, string> = {
    ...Object.fromEntries(
      Object.entries(Environment.Variables).map(([name, value]) => [name, resolved(packaged, value)]),
    ),
    // the simulated services, in place of the AWS endpoints
    AWS_ENDPOINT_URL_SCHEDULER: scheduler.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
  };
  const services = stack.move();
  return {
    elasticsearch,
    scheduler,
    secrets,
    environment,
    cold: (change: Readonly<Record<string, string>> = {}, timeoutMs = 15 * 60_000) =>
      startFunction({
        task: packaged.task,
        handler: handlerName(),
        functionArn: environment.JOBSWEEP_FUNCTION_ARN ?? '',
        environment: { ...environment, ...change },
        timeoutMs,
      }),
    [Symbol.asyncDispose]: () => services.disposeAsync(),
  };
}

async function invoke(running: RunningFunction, payload: unknown, timeoutMs?: number) {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const end = await running.invoke(text, timeoutMs);
  return { ...end, report: end.result as SweepReport };
}

const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/**
 * The lines that Lambda sends to CloudWatch when the function's log format is JSON and its log level is `configured`.
 * A line without a known level, or without an RFC 3339 timestamp, counts as INFO (AWS Lambda guide, "Log-level filtering").
 */
function passedByLambda(running: RunningFunction, configured = 'TRACE') {
  return running.lines().filter(({ level, timestamp }) => {
    const isStamped = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(String(timestamp));
    const known = isStamped ? levels.indexOf(String(level).toUpperCase()) : -1;
    return (known === -1 ? levels.indexOf('INFO') : known) >= levels.indexOf(configured);
  });
}

/** The payload of a schedule in the template, with its placeholders filled in, as the Scheduler does. */
function delivered(input: string): string {
  return input
    .replace(
      '<aws.scheduler.schedule-arn>',
      `arn:aws:scheduler:${region}:${accountId}:schedule/g/stack.nightly`,
    )
    .replace('<aws.scheduler.scheduled-time>', '2026-11-24T02:00:00Z');
}

const events = readdirSync(new URL('../../events', import.meta.url));

/** An address that leads to one cluster after another, because a running function keeps the address of its cluster. */
async function changingCluster() {
  let target = '';
  const server = createServer((request, response) => {
    const { method, headers, url = '' } = request;
    const onward = httpRequest(new URL(url, target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    changeTo: (url: string) => {
      target = url;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

describe('the deployed artefact with each payload of events/', () => {
  const stack = new AsyncDisposableStack();
  let running: RunningFunction;
  let address: Awaited<ReturnType<typeof changingCluster>>;
  beforeAll(async () => {
    address = stack.use(await changingCluster());
    running = stack.use(
      await startFunction({
        task: packaged.task,
        handler: handlerName(),
        functionArn: `arn:aws:lambda:${region}:${accountId}:function:jobsweep`,
        environment: { AWS_REGION: region, ELASTICSEARCH_URL: address.url },
      }),
    );
  });
  afterAll(() => stack.disposeAsync());

  it.each(events)('the deployed artefact sweeps the realistic fleet with events/%s', async (event) => {
    // the clock runs at 1,000 times real time, so that four minutes of closing pass in a quarter of a second
    const clock = scaledClock(1_000);
    await using elasticsearch = await startElasticsearch({ clock, fleet: defaultFleet(clock.now()) });
    address.changeTo(elasticsearch.url);
    const payload = await readFile(new URL(`../../events/${event}`, import.meta.url), 'utf8');
    const { error, report } = await invoke(running, payload);
    expect(error).toBeUndefined();
    expectSweepOf(event, report);
  });
});

describe('the deployed artefact, cold, with the template’s environment', () => {
  it.each(
    sized<(readonly [string, string | undefined])[]>({
      push: [['while closes are in flight', 'ml.close_job']],
      nightly: [
        ['before the plan', 'ml.get_jobs'],
        ['while closes are in flight', 'ml.close_job'],
        ['before the invocation', undefined],
      ],
    }),
  )(
    'the deployed artefact returns its report even if the reader of its log disappears %s',
    async (_stage, api) => {
      await using setup = await account([...busy, ...idle]);
      await using running = await setup.cold();
      await running.initMs;
      if (api === undefined) running.closeLog();
      else setup.elasticsearch.faults.afterRequest(1, () => running.closeLog(), api);
      const { error, report } = await invoke(running, quick);
      expect(error).toBeUndefined();
      expect(report.counts).toMatchObject({ idle: 2, closed: 2 });
      // the function still runs: it serves the next invocation as well
      expect((await invoke(running, quick)).report.counts).toMatchObject({ idle: 0, closed: 0 });
    },
  );

  it('the deployed artefact notifies a topic, a bus and a webhook, but only if a sweep changed something', async () => {
    await using setup = await account([...busy, ...idle]);
    await using sns = await startSns();
    await using bus = await startEvents();
    await using slack = await serve(({ raw }) => raw('ok'));
    await using running = await setup.cold({
      AWS_ENDPOINT_URL_SNS: sns.url,
      AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url,
      JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: topicArn,
      JOBSWEEP_NOTIFY_EVENT_BUS: 'default',
      JOBSWEEP_NOTIFY_SLACK_URL: slack.url,
    });
    const { error, report } = await invoke(running, quick);
    expect(error).toBeUndefined();
    expect(report.counts).toMatchObject({ closed: 2 });
    for (const { requests } of [sns, bus, slack]) expect(requests).toHaveLength(1);
    expect(JSON.parse(bus.entries[0]?.Detail ?? '')).toMatchObject({ status: 'done', counts: report.counts });
    expect(running.lines()).toContainEqual(
      expect.objectContaining({
        message: 'notification sent',
        targets: ['sns', 'events', 'slack'],
        notifyErrors: 0,
      }),
    );
    // the second sweep changes nothing, so it sends no notification
    await invoke(running, quick);
    expect(slack.requests).toHaveLength(1);
  });

  it('the deployed artefact stores its report in a separate cluster if one is configured', async () => {
    await using setup = await account([...busy, ...idle]);
    await using reports = await startElasticsearch({ clock: scaledClock() });
    await using running = await setup.cold({
      JOBSWEEP_REPORTS_NAMESPACE: 'prod',
      JOBSWEEP_REPORTS_URL: reports.url,
    });
    const { error, report } = await invoke(running, quick);
    expect(error).toBeUndefined();
    expect(running.lines().filter(({ message }) => message === 'report not stored')).toEqual([]);
    const [sweep] = reports.cluster.cluster.streams.hits('logs-jobsweep.sweep-prod');
    expect(sweep?.source).toMatchObject({
      event: { provider: 'function' },
      jobsweep: { sweep: { id: report.sweepId, counts: { closed: 2 }, job_documents: 8, whole: true } },
    });
    expect(reports.cluster.cluster.streams.hits('logs-jobsweep.job-prod')).toHaveLength(8);
  });

  it('the deployed artefact logs nothing until its schedule fires, and then sweeps with the connection from its secret', async () => {
    await using setup = await account([...busy, ...idle]);
    await using running = await setup.cold();
    await running.initMs;
    expect(running.output()).toBe('');
    const { Target } = propertiesOf('ScheduleNightly') as { Target: { Input: string } };
    const { error, report } = await invoke(running, delivered(Target.Input));
    expect(error).toBeUndefined();
    expect(report).toMatchObject({
      sweepId: expect.stringMatching(/^sweep-[0-9a-f]{32}$/) as string,
      status: 'done',
      dryRun: false,
      counts: { open: 8, idle: 2, closed: 2, kept: 6 },
    });
    expect(setup.secrets.asked).toEqual(['jobsweep/default']);
    const lines = running.lines();
    expect(lines.filter(({ message }) => message === 'job swept')).toHaveLength(2);
    expect(lines.find(({ message }) => message === 'sweep finished')).toMatchObject({ cold_start: true });
    expect(lines.find((line) => '_aws' in line)).toMatchObject({ closed: 2, partial: 0, cluster: 'default' });
    expect(running.output()).not.toContain(user.password);
  });

  it('the deployed artefact schedules a follow-up, and runs it when the schedule delivers its payload', async () => {
    // the job is already closing, so the function sends no close request whose answer would take real time
    const stuck: FleetJob = {
      jobId: 'stuck',
      lastData: '9d',
      state: 'closing',
      askedToClose: '5m',
      closeTakes: 'never',
    };
    const briefly = { close: { timeout: '100ms' }, force: { stuckFor: '30m' } };
    await using setup = await account([...busy, stuck]);
    await using running = await setup.cold();
    const { report } = await invoke(running, briefly);
    expect(report).toMatchObject({ status: 'done', counts: { closing: 1 }, followUp: { round: 1, jobs: 1 } });
    const [schedule] = setup.scheduler.schedules;
    expect(schedule).toMatchObject({
      Name: report.followUp?.name,
      GroupName: 'jobsweep-prod',
      ActionAfterCompletion: 'DELETE',
      Target: {
        Arn: setup.environment.JOBSWEEP_FUNCTION_ARN,
        RoleArn: setup.environment.JOBSWEEP_SCHEDULER_ROLE_ARN,
        DeadLetterConfig: { Arn: setup.environment.JOBSWEEP_DLQ_ARN },
      },
    });
    const followUp = await invoke(running, delivered(schedule?.Target.Input ?? ''));
    expect(followUp.report).toMatchObject({
      followUpOf: { sweepId: report.sweepId, round: 1 },
      counts: { listed: 1, closing: 1 },
      followUp: { round: 2, jobs: 1 },
    });
  });

  it('the deployed artefact refuses to run if no cluster is configured', async () => {
    await using setup = await account(busy);
    await using running = await setup.cold({ ELASTICSEARCH_SECRET: '', ELASTICSEARCH_SECRET_PREFIX: '' });
    const { error } = await invoke(running, {});
    expect(error).toMatchObject({
      errorType: 'InvalidSettingError',
      errorMessage: expect.stringContaining('no cluster is configured') as string,
    });
  });

  const loggers = [
    { POWERTOOLS_LOG_LEVEL: 'WARN' },
    { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_LOGGER_LOG_EVENT: 'true' },
    { LOG_LEVEL: 'ERROR' },
    { POWERTOOLS_DEV: 'true' },
    {
      POWERTOOLS_METRICS_DISABLED: 'true',
      POWERTOOLS_SERVICE_NAME: 'other',
      POWERTOOLS_METRICS_NAMESPACE: 'other',
    },
  ];
  const lambdas = [
    { AWS_LAMBDA_LOG_LEVEL: 'WARN', AWS_LAMBDA_LOG_FORMAT: 'JSON' },
    { AWS_LAMBDA_LOG_LEVEL: 'FATAL', AWS_LAMBDA_LOG_FORMAT: 'JSON' },
  ];

  // On a push, one function has the variables of all libraries at once. Another one has Lambda's own variables, which
  // would take precedence over those of the libraries.
  it.each<Readonly<Record<string, string>>>(
    sized<Readonly<Record<string, string>>[]>({
      push: [Object.assign({}, ...loggers) as Record<string, string>, ...lambdas.slice(1)],
      nightly: [...loggers, ...lambdas],
    }),
  )('the deployed artefact writes every log line and metric in the environment %j', async (environment) => {
    await using setup = await account([...busy, ...idle]);
    await using running = await setup.cold(environment);
    const { report } = await invoke(running, {});
    expect(report).toMatchObject({ status: 'done', counts: { closed: 2 } });
    await invoke(running, { idelFor: '48h' });
    const lines = passedByLambda(running, environment.AWS_LAMBDA_LOG_LEVEL);
    expect(lines.map(({ message }) => message).filter((message) => typeof message === 'string')).toEqual([
      'job swept',
      'job swept',
      'sweep finished',
      'sweep failed',
    ]);
    expect(lines.filter((line) => '_aws' in line)).toEqual([
      expect.objectContaining({ service: 'jobsweep', cluster: 'default', closed: 2, needsAttention: 0 }),
      expect.objectContaining({ service: 'jobsweep', cluster: 'default', needsAttention: 1 }),
    ]);
  });

  it.each([
    ['refuses the connection', 'ECONNREFUSED'],
    ['never answers', 'no answer within'],
  ])(
    'if Secrets Manager %s, the deployed artefact ends before its deadline and reports a network problem',
    async (what, why) => {
      await using setup = await account(busy);
      await using silent = await serve(() => undefined);
      const url = what === 'never answers' ? silent.url : 'http://127.0.0.1:1';
      await using running = await setup.cold({ AWS_ENDPOINT_URL_SECRETS_MANAGER: url }, 1_500);
      const { error } = await invoke(running, {});
      expect(error).toMatchObject({
        errorType: 'SecretUnreachableError',
        errorMessage: expect.stringMatching(/cannot be reached .*interface endpoint/) as string,
      });
      expect(error?.errorMessage).toContain(why);
      expect(running.lines().find(({ level }) => level === 'ERROR')).toMatchObject({
        message: 'sweep failed',
      });
    },
  );

  it('the deployed artefact shows no credential, even with every debugging variable set', async () => {
    await using setup = await account([...busy, ...idle]);
    await using running = await setup.cold(debugging);
    expect((await invoke(running, {})).report).toMatchObject({ status: 'done' });
    const broken = await invoke(running, { cluster: 'broken' }, timeForThreeTries);
    expect(broken.error).toMatchObject({ errorType: 'ClusterUnreachableError' });
    const encoded = Buffer.from(`${user.username}:${user.password}`).toString('base64');
    for (const secret of [user.password, encoded, 'not-a-secret', 'not-a-token'])
      expect(running.output()).not.toContain(secret);
  });
});

// These tests use only dry runs and clusters without idle jobs, so one warm function can serve them in any order.
describe('the deployed artefact, warm', () => {
  const stack = new AsyncDisposableStack();
  let setup: Awaited<ReturnType<typeof account>>;
  let running: RunningFunction;
  beforeAll(async () => {
    setup = stack.use(await account(busy));
    running = stack.use(await setup.cold());
  });
  afterAll(() => stack.disposeAsync());

  it('the deployed artefact runs one sweep after another for payloads that a user sends with `aws lambda invoke`', async () => {
    const first = await invoke(running, '{"dryRun": true, "idleFor": "90d"}');
    expect(first.report).toMatchObject({ status: 'done', dryRun: true, counts: { idle: 0 } });
    const second = await invoke(running, {});
    expect(second.report).toMatchObject({ status: 'done', dryRun: false });
    expect(second.report.sweepId).not.toBe(first.report.sweepId);
  });

  it('the deployed artefact only plans, and adds a warning, if its schedule has no Input', async () => {
    const { report } = await invoke(running, {
      version: '0',
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      time: '2026-11-24T02:00:00Z',
      resources: [`arn:aws:scheduler:${region}:${accountId}:schedule/g/stack.nightly`],
      detail: '{}',
    });
    expect(report).toMatchObject({ dryRun: true, counts: { closed: 0 } });
    expect(report.warnings.join()).toContain('no Input');
  });

  it('the deployed artefact fails with InvalidRequestError if the payload is invalid, and sends nothing to the cluster', async () => {
    const before = setup.elasticsearch.requests.length;
    const logged = running.lines().length;
    const { error } = await invoke(running, { idelFor: '48h' });
    expect(error).toMatchObject({
      errorType: 'InvalidRequestError',
      errorMessage: expect.stringContaining('did you mean idleFor?') as string,
    });
    expect(setup.elasticsearch.requests).toHaveLength(before);
    const errors = running
      .lines()
      .slice(logged)
      .filter(({ level }) => level === 'ERROR');
    expect(errors).toMatchObject([{ message: 'sweep failed' }]);
    // the same instance serves the next event normally
    expect((await invoke(running, { dryRun: true })).report).toMatchObject({ status: 'done' });
  });

  it('the deployed artefact sweeps each cluster independently: a problem with one cluster does not affect another cluster', async () => {
    const broken = await invoke(running, { cluster: 'broken', dryRun: true }, timeForThreeTries);
    expect(broken.error).toMatchObject({ errorType: 'ClusterUnreachableError' });
    const { report } = await invoke(running, { cluster: 'logs', dryRun: true });
    expect(report).toMatchObject({ cluster: { name: 'logs' }, counts: { open: 6, idle: 0 } });
    const unknown = await invoke(running, { cluster: 'nobody', dryRun: true });
    expect(unknown.error).toMatchObject({
      errorType: 'InvalidSettingError',
      errorMessage: expect.stringContaining('"jobsweep/nobody" (cluster "nobody") cannot be read') as string,
    });
    // after each failure the function also reads the secret of the cluster `default`, which may name webhooks to notify
    const forClusters = setup.secrets.asked.filter((name) => name !== 'jobsweep/default');
    expect(forClusters.slice(-3)).toEqual(['jobsweep/broken', 'jobsweep/logs', 'jobsweep/nobody']);
  });
});
