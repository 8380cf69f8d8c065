/**
 * @module The default fleet of the embedded cluster: about forty jobs of a few teams on three nodes. More than a third
 * of the jobs are idle, compared with about a sixth in real clusters, so that a demonstration has something to show.
 */
import type { Fleet, FleetJob } from './schema.ts';

interface Team {
  readonly group: string;
  readonly busy: readonly string[];
}

const teams: readonly Team[] = [
  { group: 'web', busy: ['web-latency', 'web-errors', 'web-traffic', 'web-logins'] },
  { group: 'payments', busy: ['payments-declines', 'payments-amounts', 'payments-latency'] },
  { group: 'infra', busy: ['infra-cpu', 'infra-disk', 'infra-network', 'infra-dns'] },
  { group: 'security', busy: ['security-rare-process', 'security-auth-failures', 'security-egress'] },
];

/** A fleet whose times count back from `now`, in epoch milliseconds. */
export function defaultFleet(now: number): Fleet {
  const day = 86_400_000;
  return {
    clusterName: 'jobsweep-embedded',
    nodes: [
      { name: 'ml-0', memory: '64gb', processors: 16 },
      { name: 'ml-1', memory: '64gb', processors: 16 },
      { name: 'ml-2', memory: '64gb', processors: 16 },
    ],
    jobs: [
      ...teams.flatMap(busyJobs),
      ...idleJobs(),
      ...peculiarJobs(new Date(now + 90 * day).toISOString().slice(0, 10)),
      ...closedJobs(),
    ],
  };
}

/** Jobs whose real-time datafeeds never run out of data. */
function busyJobs({ group, busy }: Team): FleetJob[] {
  return busy.map((jobId, index) => ({
    jobId,
    groups: [group],
    bucketSpan: '15m',
    openedAt: `${20 + index * 9}d`,
    firstData: `${60 + index * 20}d`,
    lastData: `${2 + index}m`,
    modelBytes: `${18 + index * 11}mb`,
    memoryLimit: '256mb',
    node: `ml-${index % 3}`,
    datafeed: { state: 'started', source: { every: `${15 + 10 * index}s` } },
    past: { habit: 'live' },
  }));
}

/** Jobs that were opened weeks ago and whose datafeeds are stopped. No two got their last data at the same time. */
function idleJobs(): FleetJob[] {
  const idle: readonly (readonly [
    jobId: string,
    group: string,
    silent: string,
    opened: string,
    size: string,
  ])[] = [
    ['web-checkout-beta', 'web', '3d', '40d', '22mb'],
    ['web-campaign-spring', 'web', '131d', '160d', '9mb'],
    ['web-search-terms', 'web', '19d', '75d', '310mb'],
    ['payments-fraud-poc', 'payments', '45d', '52d', '64mb'],
    ['payments-refunds-v1', 'payments', '9d', '88d', '37mb'],
    ['infra-old-dc-power', 'infra', '62d', '200d', '14mb'],
    ['infra-k8s-staging', 'infra', '6d', '33d', '120mb'],
    ['security-vpn-2025', 'security', '27d', '95d', '48mb'],
    ['security-printer-logs', 'security', '80d', '81d', '3mb'],
  ];
  return idle.map(([jobId, group, silent, opened, size], index) => ({
    jobId,
    groups: [group],
    openedAt: opened,
    lastData: silent,
    modelBytes: size,
    memoryLimit: '512mb',
    node: `ml-${index % 3}`,
    datafeed: { state: 'stopped' },
    past: { habit: index % 3 === 0 ? 'bursts' : 'live' },
  }));
}

/** One job for each case that a sweep has to distinguish. */
function peculiarJobs(protectUntil: string): FleetJob[] {
  return [...misleadingJobs, ...failedAndNeverFedJobs, ...keptJobs(protectUntil)];
}

const misleadingJobs: readonly FleetJob[] = [
  {
    jobId: 'web-sessions-archive',
    past: { habit: 'live' },
    groups: ['web', 'archive'],
    description: 'A big model: its close takes about four minutes',
    openedAt: '70d',
    lastData: '12d',
    modelBytes: '2048mb',
    memoryLimit: '4096mb',
    node: 'ml-1',
    closeTakes: '4m',
    datafeed: { state: 'stopped' },
  },
  {
    jobId: 'infra-backfill-2024',
    groups: ['infra', 'archive'],
    description: 'Reads last year’s records: old event time, fresh data',
    openedAt: '5h',
    firstData: '5h',
    lastData: '1m',
    latestRecord: '420d',
    modelBytes: '85mb',
    node: 'ml-2',
    datafeed: {
      state: 'started',
      source: { every: '60s' },
      lookback: { from: '420d', end: '60d', rate: 600 },
    },
  },
  {
    jobId: 'payments-reopened',
    past: { habit: 'live', comesBack: 3 },
    groups: ['payments'],
    description: 'Opened again two hours ago; its last data is older than that',
    created: '200d',
    openedAt: '2h',
    lastData: '51d',
    modelBytes: '40mb',
    node: 'ml-0',
    datafeed: { state: 'stopped' },
  },
];

const failedAndNeverFedJobs: readonly FleetJob[] = [
  {
    jobId: 'security-new-sensor',
    past: { habit: 'live' },
    groups: ['security'],
    description: 'Opened this morning, waiting for its first data',
    openedAt: '4h',
    node: 'ml-1',
    datafeed: { state: 'started' },
  },
  {
    jobId: 'infra-never-used',
    past: { habit: 'live' },
    groups: ['infra'],
    description: 'Opened in a workshop, never fed',
    openedAt: '23d',
    node: 'ml-2',
  },
  {
    jobId: 'payments-crashed',
    past: { habit: 'live' },
    groups: ['payments'],
    state: 'failed',
    reason: 'autodetect process stopped unexpectedly: Fatal error: bad_alloc',
    openedAt: '34d',
    lastData: '16d',
    modelBytes: '500mb',
    memoryLimit: '512mb',
    node: 'ml-0',
    datafeed: { state: 'stopped' },
  },
];

/** Jobs that a sweep must keep, each for a different reason. */
function keptJobs(protectUntil: string): FleetJob[] {
  return [
    {
      jobId: 'apm-transactions-production',
      groups: ['apm'],
      description: 'Managed by one of Elastic’s apps',
      customSettings: { managed: true, created_by: 'ml-module-apm-transaction' },
      openedAt: '58d',
      lastData: '31d',
      modelBytes: '28mb',
      node: 'ml-1',
      datafeed: { state: 'stopped' },
    },
    {
      jobId: 'payments-quarter-end',
      groups: ['payments'],
      description: 'Idle between quarters, and its team wants it open',
      customSettings: { jobsweep: { protect: true } },
      openedAt: '110d',
      lastData: '54d',
      modelBytes: '33mb',
      node: 'ml-2',
      datafeed: { state: 'stopped' },
    },
    {
      jobId: 'infra-migration',
      groups: ['infra'],
      description: 'Protected until the migration is over',
      customSettings: { jobsweep: { protectUntil } },
      openedAt: '21d',
      lastData: '4d',
      modelBytes: '11mb',
      node: 'ml-0',
      datafeed: { state: 'stopped' },
    },
    {
      jobId: 'web-dried-up',
      past: { habit: 'live' },
      groups: ['web'],
      description: 'Its datafeed runs, its index has had no new documents for a week',
      openedAt: '48d',
      lastData: '7d',
      modelBytes: '26mb',
      node: 'ml-0',
      datafeed: { state: 'started', source: { every: '30s', until: '7d' } },
    },
    {
      jobId: 'web-capacity-plan',
      groups: ['web'],
      description: 'Nothing new to learn from, and a forecast is being made',
      openedAt: '29d',
      lastData: '8d',
      modelBytes: '30mb',
      node: 'ml-2',
      forecast: 'started',
      datafeed: { state: 'stopped' },
    },
  ];
}

function closedJobs(): FleetJob[] {
  const closed: readonly (readonly [jobId: string, group: string, last: string])[] = [
    ['web-campaign-autumn', 'web', '170d'],
    ['infra-old-dc-cooling', 'infra', '64d'],
    ['payments-2024', 'payments', '330d'],
    ['security-pilot', 'security', '90d'],
  ];
  return closed.map(([jobId, group, lastData]) => ({
    jobId,
    groups: [group],
    state: 'closed',
    openedAt: lastData,
    lastData,
    modelBytes: '20mb',
    datafeed: { state: 'stopped' },
    past: { habit: 'live' },
  }));
}
