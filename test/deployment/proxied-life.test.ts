/**
 * @module A deployment that reaches the network only through a proxy that inspects TLS: the command applies a schedule,
 * the Scheduler fires it, and the packaged function sweeps and runs two follow-ups. Uses real processes, which call the
 * AWS services by their real host names.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CreateScheduleGroupCommand } from '@aws-sdk/client-scheduler';
import { beforeAll, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { type FleetJob, startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import { startScheduler } from '../../simulator/scheduler/index.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { runBin } from '../support/bin.ts';
import { builtCommand } from '../support/built-command.ts';
import { type Packaged, packageService } from '../support/packaged.ts';
import { startProxy } from '../support/proxy.ts';
import { functionArn, queueArn, roleArn, sdkClient } from '../support/scheduler.ts';
import { startSecretsManager } from '../support/secrets-manager.ts';
import { type InvocationEnd, startFunction } from './runtime-api.ts';

let packaged: Packaged;
let script: string;
beforeAll(async () => {
  [packaged, { script }] = await Promise.all([packageService(['--stage', 'prod']), builtCommand()]);
}, 120_000);

const minute = 60_000;
const authority = fileURLToPath(new URL('../support/tls/inspecting-proxy.pem', import.meta.url));
const password = 'pass-word/of#proxy';
const credentials = `function:${password}`;
const user = { username: 'sweeper', password: 'the-password', cluster: ['manage_ml', 'monitor'] };

const busy: readonly FleetJob[] = Array.from({ length: 6 }, (_, i) => ({
  jobId: `busy-${i}`,
  lastData: '1m',
}));
const idle: readonly FleetJob[] = ['idle-1', 'idle-2'].map((jobId) => ({
  jobId,
  lastData: '5d',
  closeTakes: '10ms',
}));
const slow: FleetJob = {
  jobId: 'slow',
  lastData: '9d',
  state: 'closing',
  askedToClose: '1m',
  closeTakes: '6h',
};

/** Starts the proxy, and the services on ports that only the proxy knows. */
async function network(invoke: (payload: string) => Promise<void>) {
  await using stack = new AsyncDisposableStack();
  const clock = stack.use(new VirtualClock(Date.now()));
  const elasticsearch = stack.use(
    await startElasticsearch({ clock, fleet: { users: [user], jobs: [...busy, ...idle, slow] } }),
  );
  const secrets = stack.use(
    await startSecretsManager({
      'jobsweep/default': JSON.stringify({
        ELASTICSEARCH_URL: 'https://es.example.test:9200',
        ELASTICSEARCH_USERNAME: user.username,
        ELASTICSEARCH_PASSWORD: user.password,
        ELASTICSEARCH_CA_CERT: readFileSync(authority, 'utf8'),
      }),
    }),
  );
  const schedulerClock = stack.use(new VirtualClock(Date.now()));
  const scheduler = stack.use(
    await startScheduler({
      clock: schedulerClock,
      // the function has its own clock, so according to the Scheduler's clock a follow-up may already be overdue
      pastAt: 'at_once',
      invoke: async ({ payload }) => await invoke(JSON.stringify(payload)),
    }),
  );
  const client = sdkClient(scheduler.url);
  for (const Name of ['jobsweep', 'jobsweep-follow-ups'])
    await client.send(new CreateScheduleGroupCommand({ Name }));
  client.destroy();
  const target = (url: string) => ({ port: Number(new URL(url).port), inspected: true }) as const;
  const proxy = stack.use(
    await startProxy({
      auth: credentials,
      targets: {
        'es.example.test:9200': target(elasticsearch.url),
        'secretsmanager.eu-central-1.amazonaws.com:443': target(secrets.url),
        'scheduler.eu-central-1.amazonaws.com:443': target(scheduler.url),
      },
    }),
  );
  const owned = stack.move();
  return {
    clock,
    elasticsearch,
    schedulerClock,
    scheduler,
    proxy,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

it('a function that reaches the network only through a proxy sweeps on schedule, and then runs two follow-ups', async () => {
  const ends: InvocationEnd[] = [];
  const invoked = Promise.withResolvers<(payload: string) => Promise<void>>();
  await using setup = await network(async (payload) => await (await invoked.promise)(payload));
  const { clock, elasticsearch, proxy, scheduler, schedulerClock } = setup;
  const environment = {
    HTTPS_PROXY: proxy.url.replace('://', `://function:${encodeURIComponent(password)}@`),
    NODE_EXTRA_CA_CERTS: authority,
    AWS_REGION: 'eu-central-1',
    JOBSWEEP_SCHEDULE_GROUP: 'jobsweep-follow-ups',
    JOBSWEEP_SCHEDULER_ROLE_ARN: roleArn,
    JOBSWEEP_FUNCTION_ARN: functionArn,
    JOBSWEEP_DLQ_ARN: queueArn,
  };
  const properties = packaged.template.Resources.SweepLambdaFunction?.Properties;
  await using running = await startFunction({
    task: packaged.task,
    handler: String(properties?.Handler),
    functionArn,
    environment: { ...environment, ELASTICSEARCH_SECRET: 'jobsweep/default' },
  });
  invoked.resolve(async (payload) => {
    ends.push(await running.invoke(payload));
  });
  /** Advances the Scheduler's clock to `when`, and returns the report of the invocation that follows. */
  const reportAt = async (when: number): Promise<SweepReport> => {
    const before = ends.length;
    await schedulerClock.advance(Math.max(0, when - schedulerClock.now()));
    await vi.waitFor(() => expect(ends).toHaveLength(before + 1), { timeout: 30_000, interval: 20 });
    expect(ends.at(-1)?.error).toBeUndefined();
    return ends.at(-1)?.result as SweepReport;
  };

  const due = new Date(schedulerClock.now() + 5 * minute);
  const applied = await runBin(['schedules', 'apply', '-f', '-', '--yes'], {
    script,
    env: { ...environment, AWS_ACCESS_KEY_ID: 'AKIDTEST', AWS_SECRET_ACCESS_KEY: 'not-a-secret' },
    stdin: JSON.stringify({
      group: 'jobsweep',
      schedules: [
        {
          name: 'once',
          at: due.toISOString().slice(0, 19),
          timezone: 'UTC',
          request: { close: { timeout: '200ms' }, followUp: { after: '15m' } },
        },
      ],
    }),
  });
  expect(applied).toMatchObject({ exit: 0 });
  expect(scheduler.schedules.map(({ Name }) => Name)).toEqual([expect.stringContaining('once')]);

  const swept = await reportAt(due.getTime() + minute);
  expect(swept).toMatchObject({
    status: 'done',
    counts: { idle: 2, closed: 2, closing: 1, kept: 6, errors: 0 },
    followUp: { round: 1, jobs: 1 },
  });
  const first = await reportAt(Date.parse(swept.followUp?.at ?? ''));
  expect(first).toMatchObject({
    followUpOf: { sweepId: swept.sweepId, round: 1 },
    counts: { listed: 1, closing: 1 },
    followUp: { round: 2, jobs: 1 },
  });
  await clock.advance(6 * 60 * minute);
  expect(elasticsearch.cluster.job('slow')?.state).toBe('closed');
  const second = await reportAt(Date.parse(first.followUp?.at ?? ''));
  expect(second).toMatchObject({
    followUpOf: { sweepId: swept.sweepId, round: 2 },
    status: 'done',
    counts: { listed: 1, closed: 1 },
    followUp: null,
  });

  expect([scheduler.deadLetters, scheduler.failedEvents]).toEqual([[], []]);
  expect([...new Set(proxy.asked)].sort()).toEqual([
    'es.example.test:9200',
    'scheduler.eu-central-1.amazonaws.com:443',
    'secretsmanager.eu-central-1.amazonaws.com:443',
  ]);
  expect(proxy.requests.every((request) => request.startsWith('CONNECT '))).toBe(true);

  // without the proxy, the function reaches no service
  await proxy[Symbol.asyncDispose]();
  const { error } = await running.invoke('{"dryRun": true}');
  expect(error).toMatchObject({
    errorType: 'SecretUnreachableError',
    errorMessage: expect.stringContaining(`The request goes through the proxy ${proxy.url}`) as string,
  });
  for (const secret of [password, encodeURIComponent(password), Buffer.from(credentials).toString('base64')])
    expect(running.output() + JSON.stringify(ends) + applied.stdout + applied.stderr).not.toContain(secret);
}, 120_000);
