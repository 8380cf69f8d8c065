/**
 * @module A night of many clusters in simulated time: the command creates the schedules from the names of the secrets,
 * the simulated Scheduler spreads the sweeps over the time window, the real handler sweeps, and a roll call follows in
 * the morning.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { vi } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import type { Fleet } from '../../simulator/elasticsearch/index.ts';
import { startScheduler } from '../../simulator/scheduler/index.ts';
import { trackHttp } from '../../simulator/track-http.ts';
import type { createHandler } from '../../src/function/handler.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import type { RollCallResult } from '../../src/sweep/reporting/roll-call.ts';
import { startCloudWatch } from '../support/cloudwatch.ts';
import { startPool } from '../support/cluster-pool.ts';
import { lambdaContext } from '../support/lambda.ts';
import { runCommand } from '../support/run-command.ts';
import { functionArn, queueArn, roleArn } from '../support/scheduler.ts';
import { startSecretsManager } from '../support/secrets-manager.ts';

const minute = 60_000;
/** A Monday evening. The time window of the schedules begins at one o'clock. */
const evening = Date.parse('2026-11-23T20:00:00Z');
export const windowBegins = Date.parse('2026-11-24T01:00:00Z');
const file = `schedules:
  - {name: nightly, cron: "0 1 * * ? *", window: 4h, clusters: {secrets: jobsweep/*}, request: {idleFor: 48h}}
  - {name: roll-call, cron: "30 6 * * ? *", rollCall: {of: [nightly], within: 6h}}
`;

export interface FleetNight {
  readonly clusters: number;
  readonly nights: number;
  /** Maximum number of sweeps at the same time. */
  readonly concurrency: number;
  readonly createHandler: typeof createHandler;
  /** Called before each night. The first night has the number 0. */
  readonly before?: (
    night: number,
    world: { readonly secrets: Record<string, string>; passwords: Map<string, string> },
  ) => void;
}

export interface Swept {
  readonly night: number;
  readonly cluster: string;
  /** Minutes after the beginning of the time window. */
  readonly begun: number;
  readonly ended: number;
  readonly report?: SweepReport;
  readonly error?: Error;
  /** The states of the cluster's jobs after the sweep. */
  readonly states: readonly string[];
}

export interface NightResult {
  readonly swept: readonly Swept[];
  readonly rollCalls: readonly RollCallResult[];
  readonly needAttention: (cluster: string) => readonly number[];
  /** Megabytes of the heap after garbage collection: after a tenth of the sweeps, half of them, and all. */
  readonly heap: readonly number[];
  readonly mostAtOnce: number;
  readonly deadLetters: number;
  readonly dropped: number;
}

export const nameOf = (index: number) => `cluster-${String(index).padStart(4, '0')}`;
/** The cluster whose address refuses connections. */
export const unreachable = nameOf(3);
/** The cluster whose server accepts requests and never answers. */
export const mute = nameOf(5);
/** The cluster whose password changes between two nights. */
export const rotated = nameOf(7);

/** Two idle jobs, and a busy job that gets data until the end of all nights. */
const fleetOf = (password: string): Fleet => ({
  nodes: [{ name: 'ml-0' }],
  users: [{ username: 'jobsweep', password, cluster: ['manage_ml'] }],
  jobs: [
    { jobId: 'idle-a', lastData: '90h', closeTakes: '40s' },
    { jobId: 'idle-b', lastData: '70h', closeTakes: '90s' },
    { jobId: 'busy', lastData: '2026-12-24T00:00:00Z' },
  ],
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heapNow = () => {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

export async function fleetNight(options: FleetNight): Promise<NightResult> {
  const { clusters, nights, concurrency, createHandler: create } = options;
  using clock = new VirtualClock(evening);
  const passwords = new Map<string, string>();
  const waiting = new Map<string, () => void>();
  await using pool = await startPool({
    clock,
    fleetOf: (name) => (name === mute ? undefined : fleetOf(passwords.get(name) ?? 'first')),
  });
  const secretOf = (name: string, password = 'first') =>
    JSON.stringify({
      ELASTICSEARCH_URL: name === unreachable ? 'http://127.0.0.1:1' : pool.urlOf(name),
      ELASTICSEARCH_USERNAME: 'jobsweep',
      ELASTICSEARCH_PASSWORD: password,
    });
  const names = Array.from({ length: clusters }, (_, index) => nameOf(index));
  const stored = Object.fromEntries(names.map((name) => [`jobsweep/${name}`, secretOf(name)]));
  await using secrets = await startSecretsManager(stored, (name) => waiting.get(name)?.());
  await using cloudwatch = await startCloudWatch({
    only: ['durationMs', 'needsAttention', 'missingClusters'],
  });
  const environment = {
    ELASTICSEARCH_SECRET_PREFIX: 'jobsweep/',
    JOBSWEEP_SCHEDULE_GROUP: 'fleet',
    JOBSWEEP_SCHEDULER_ROLE_ARN: roleArn,
    JOBSWEEP_FUNCTION_ARN: functionArn,
    JOBSWEEP_DLQ_ARN: queueArn,
  };
  const handler = create({ environment, clock });
  const swept: Swept[] = [];
  const rollCalls: RollCallResult[] = [];
  const heap: number[] = [];
  let night = 0;
  let atOnce = 0;
  let mostAtOnce = 0;
  const measureAt = new Set([0.1, 0.5, 1].map((share) => Math.ceil(share * clusters * nights)));
  const invoke = async ({ payload, requestId }: { payload: unknown; requestId: string }) => {
    const { cluster = 'default', rollCall } = payload as { cluster?: string; rollCall?: boolean };
    const begun = minutesIntoWindow(clock.now(), night);
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    // the SDK reads its files in real time, so the clock stands still until the function requests the secret
    const release = clock.hold();
    waiting.set(`jobsweep/${cluster}`, release);
    const context = lambdaContext(clock, 15 * minute, requestId);
    try {
      const result = await handler(payload, context, {} as never);
      if (rollCall) rollCalls.push(result as RollCallResult);
      else
        swept.push({
          night,
          cluster,
          begun,
          ended: minutesIntoWindow(clock.now(), night),
          report: essence(result as SweepReport),
          states: statesOf(pool.cluster(cluster)),
        });
    } catch (error) {
      swept.push({
        night,
        cluster,
        begun,
        ended: minutesIntoWindow(clock.now(), night),
        error: error as Error,
        states: [],
      });
      throw error;
    } finally {
      release();
      waiting.delete(`jobsweep/${cluster}`);
      atOnce -= 1;
      pool.drop(cluster);
      if (measureAt.has(swept.length) && !rollCall) heap.push(heapNow());
    }
  };
  let seed = 1;
  await using scheduler = await startScheduler({
    clock,
    invoke,
    // no retries, as deployed
    lambda: { retries: 0, concurrency, maxEventAgeMs: 60 * minute },
    random: () => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed / 2_147_483_647;
    },
  });
  const variables = {
    AWS_ENDPOINT_URL_SCHEDULER: scheduler.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
    AWS_ENDPOINT_URL_CLOUDWATCH: cloudwatch.url,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDTEST',
    AWS_SECRET_ACCESS_KEY: 'not-a-secret',
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  using _tracking = trackHttp(clock);
  const output = takeMetrics((line) => cloudwatch.ingest([line], clock.now()));
  try {
    const applied = await runCommand(['schedules', 'apply', '-f', '-', '--yes'], {
      clock,
      env: environment,
      stdin: JSON.stringify(await yaml(file)),
    });
    if (applied.exit !== 0) throw new Error(applied.stderr);
    // loads in advance what the function loads on demand, because loading takes real time
    await warmUp(handler, clock);
    for (; night < nights; night += 1) {
      options.before?.(night, {
        passwords,
        secrets: new Proxy(stored, {
          set: (target, name: string, password: string) => {
            target[`jobsweep/${name}`] = secretOf(name, password);
            return true;
          },
        }),
      });
      await clock.advance(evening + night * 24 * 60 * minute + 12 * 60 * minute - clock.now());
    }
  } finally {
    output.restore();
    vi.unstubAllEnvs();
  }
  return {
    swept,
    rollCalls,
    needAttention: (cluster) => cloudwatch.values('needsAttention', { service: 'jobsweep', cluster }),
    heap,
    mostAtOnce,
    deadLetters: scheduler.deadLetters.length,
    dropped: scheduler.failedEvents.filter(({ condition }) => condition === 'EventAgeExceeded').length,
  };
}

const yaml = async (text: string) => (await import('yaml')).parse(text) as unknown;

const minutesIntoWindow = (now: number, night: number) =>
  (now - windowBegins - night * 24 * 60 * minute) / minute;

/** The parts of a report that the tests need. Keeping a thousand whole reports would hide a leak. */
const essence = ({ status, counts }: SweepReport) => ({ status, counts }) as SweepReport;

const statesOf = (cluster: { jobs(): { state: string }[] } | undefined) =>
  cluster?.jobs().map(({ state }) => state) ?? [];

async function warmUp(handler: ReturnType<typeof createHandler>, clock: VirtualClock): Promise<void> {
  const context = lambdaContext(clock, 15 * minute);
  await handler({ cluster: nameOf(0), dryRun: true }, context, {} as never);
  await handler({ rollCall: true, clusters: [nameOf(0)] }, context, {} as never);
  try {
    await handler({ cluster: 'no-such-cluster' }, context, {} as never);
  } catch {
    // this cluster has no secret
  }
}

/** Passes the metrics in the function's log lines to `take`, and suppresses the output. */
function takeMetrics(take: (line: Record<string, unknown>) => void) {
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    for (const line of String(text).split('\n'))
      if (line.startsWith('{') && line.includes('"_aws"')) take(JSON.parse(line) as Record<string, unknown>);
    return true;
  });
  return { restore: () => write.mockRestore() };
}
