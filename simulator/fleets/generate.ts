/**
 * @module Large random fleets from a seed. As in real clusters, about a sixth of the open jobs are idle. Sizes and
 * closing times follow `closing-time.ts`, and every case that a sweep has to distinguish occurs.
 */
import { Random } from '../elasticsearch/random.ts';
import { closingTimes } from '../elasticsearch/state/closing-time.ts';
import type { Fleet, FleetJob } from './schema.ts';

export interface GenerateOptions {
  readonly jobs: number;
  readonly seed: number;
  /** Share of the open jobs that are idle; default 0.17. */
  readonly idle?: number;
}

const teams = ['web', 'payments', 'infra', 'security', 'search', 'mobile', 'data', 'ops'] as const;
const subjects = [
  'latency',
  'errors',
  'traffic',
  'volume',
  'logins',
  'queue',
  'cpu',
  'memory',
  'egress',
] as const;
/** The most jobs per node, well under `xpack.ml.max_open_jobs`. */
const jobsPerNode = 400;

/** A fleet of `jobs` jobs that is the same for the same seed. Times are given as ages. */
export function generateFleet({ jobs, seed, idle = 0.17 }: GenerateOptions): Fleet {
  const random = new Random(seed);
  const nodes = Math.max(3, Math.ceil(jobs / jobsPerNode));
  return {
    clusterName: `jobsweep-generated-${jobs}`,
    nodes: Array.from({ length: nodes }, (_, index) => ({
      name: `ml-${index}`,
      memory: '256gb',
      processors: 32,
    })),
    jobs: Array.from({ length: jobs }, (_, index) => generateJob(random, index, nodes, idle)),
  };
}

function generateJob(random: Random, index: number, nodes: number, idle: number): FleetJob {
  const draw = random.unit('kind', index);
  const team = random.pick(teams, 'team', index);
  const jobId = `${team}-${random.pick(subjects, 'subject', index)}-${String(index).padStart(5, '0')}`;
  const bytes = Math.round(
    closingTimes.medianBytes * Math.exp(closingTimes.bytesSigma * random.normal('bytes', index)),
  );
  const common = {
    jobId,
    groups: [team],
    node: `ml-${index % nodes}`,
    modelBytes: bytes,
    memoryLimit: Math.max(64 * 2 ** 20, bytes * 2),
  } satisfies FleetJob;
  const openedDays = random.integer(5, 300, 'opened', index);
  const opened = { ...common, openedAt: `${openedDays}d` } satisfies FleetJob;
  // one job in ten is closed; of the open jobs, the share `idle` has had no data for days
  if (draw < 0.1)
    return {
      ...common,
      state: 'closed',
      lastData: age(random, index, 10, 400),
      datafeed: { state: 'stopped' },
    };
  const rest = (draw - 0.1) / 0.9;
  if (rest < idle) return idleJob(random, index, opened, openedDays);
  const datafeed = {
    state: 'started',
    source: { every: `${random.integer(10, 120, 'every', index)}s` },
  } as const;
  return {
    ...opened,
    firstData: `${openedDays}d`,
    lastData: `${random.integer(30, 600, 'last', index)}s`,
    datafeed,
  };
}

/** An idle job. Most only stopped getting data; the others are special, for example failed, protected or never fed. */
function idleJob(random: Random, index: number, opened: FleetJob, openedDays: number): FleetJob {
  const last = age(random, index, 3, Math.max(4, openedDays));
  const kind = random.unit('idle kind', index);
  const plain: FleetJob = { ...opened, lastData: last, datafeed: { state: 'stopped' } };
  if (kind < 0.8) return plain;
  if (kind < 0.85) {
    const { modelBytes: _none, ...never } = opened;
    return never;
  }
  if (kind < 0.88) return { ...plain, state: 'failed', reason: 'autodetect process stopped unexpectedly' };
  if (kind < 0.91) return { ...plain, customSettings: { managed: true, created_by: 'ml-module' } };
  if (kind < 0.94) return { ...plain, customSettings: { jobsweep: { protect: true } } };
  if (kind < 0.97) return { ...plain, openedAt: '3h' };
  return { ...plain, datafeed: { state: 'started', source: { every: '60s', until: last } } };
}

/** A random age between `low` and `high` days, to the second, so that jobs do not all become idle at the same time. */
function age(random: Random, index: number, low: number, high: number): string {
  return `${Math.round(random.between(low, high, 'age', index) * 86_400)}s`;
}
