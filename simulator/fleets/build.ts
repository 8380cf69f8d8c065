/** @module Builds the cluster's jobs, tasks and datafeeds from a fleet. */

import { ordered } from '../elasticsearch/config/field-order.ts';
import { traitsOf } from '../elasticsearch/config/job-config.ts';
import type { ClusterState } from '../elasticsearch/state/cluster-state.ts';
import { noCounts } from '../elasticsearch/state/counts.ts';
import type { CloseBehaviour, Job, JobConfig, JobTask } from '../elasticsearch/state/job.ts';
import { awaitingNode, closeProcess, startProcess } from '../elasticsearch/state/job-lifecycle.ts';
import type { MlNode } from '../elasticsearch/state/node.ts';
import { stackFacts } from '../elasticsearch/versions.ts';
import { drawPast, type Past } from '../past/life.ts';
import { addFleetDatafeed } from './build-datafeed.ts';
import { bytesOf, durationMs, type FleetJob, type Moment, momentAt } from './schema.ts';

const day = 86_400_000;

/** Adds one job in the described state, with its datafeed. @throws if its node does not exist */
export function addFleetJob(cluster: ClusterState, description: FleetJob): Job {
  const now = cluster.clock.now();
  const at = (moment: Moment | undefined) => (moment === undefined ? undefined : momentAt(moment, now));
  const state = description.state ?? 'opened';
  const lastData = at(description.lastData);
  const openedAt = at(description.openedAt) ?? Math.min(now - 30 * day, lastData ?? now);
  const created =
    at(description.created) ?? Math.min(openedAt, at(description.firstData) ?? openedAt) - 600_000;
  const config = fleetConfig(cluster, description, created);
  const modelBytes = bytesOf(description.modelBytes ?? (lastData === undefined ? 0 : '12mb'));
  const job: Job = {
    id: description.jobId,
    config,
    traits: traitsOf(config),
    task: undefined,
    counts: noCounts(),
    modelBytes,
    peakModelBytes: Math.round(modelBytes * 1.05),
    bytesExceeded: 0,
    memoryStatus: 'ok',
    modelLogTime: lastData,
    forecasts: [],
    snapshots: [],
    blocked: description.blocked && {
      reason: description.blocked,
      taskId: `${cluster.nodes[0]?.id ?? ''}:12345`,
    },
    ended: undefined,
    endedAt: undefined,
    openings: state === 'closed' && lastData === undefined ? 0 : 1,
    past: pastOf(cluster, description, { created, openedAt, lastData, state, now, modelBytes }),
    openTakes: openBehaviour(description.openTakes),
    closeTakes: closeBehaviour(description.closeTakes),
    history: [],
  };
  if (lastData !== undefined) {
    const first = at(description.firstData) ?? Math.min(created, lastData - day);
    fillCounts(job, {
      first,
      lastData,
      latest: at(description.latestRecord) ?? lastData - 60_000,
      records: description.records,
    });
  }
  if (description.forecast)
    job.forecasts.push({
      id: cluster.random.id(20, 'forecast', job.id),
      state: description.forecast,
      startedAt: now - 60_000,
      memoryBytes: 2 ** 20,
      records: 100,
      processingMs: 500,
      expires: now + 14 * day,
    });
  cluster.addJob(job);
  if (state === 'closed') {
    const finished =
      at(description.finishedAt) ?? (lastData === undefined ? undefined : lastData + 3_600_000);
    if (finished !== undefined) job.config = ordered({ ...job.config, finished_time: finished });
    job.history.push({ at: finished ?? created, state: 'closed', cause: 'fleet' });
  } else {
    addTask(cluster, job, description, openedAt);
  }
  if (description.datafeed) addFleetDatafeed(cluster, job, description.datafeed);
  return job;
}

interface Moments {
  readonly created: number;
  readonly openedAt: number;
  readonly lastData: number | undefined;
  readonly state: NonNullable<FleetJob['state']>;
  readonly now: number;
  readonly modelBytes: number;
}

/** The job's past, which is generated on first use and ends in the state that the fleet describes. */
function pastOf(
  cluster: ClusterState,
  { jobId, past, datafeed, bucketSpan, finishedAt, node }: FleetJob,
  { created, openedAt, lastData, state, now, modelBytes }: Moments,
): (() => Past) | undefined {
  if (!past) return undefined;
  const isClosed = state === 'closed';
  const nodes = cluster.nodes.map(({ name }) => name);
  const closedAt = finishedAt === undefined ? (lastData ?? created) + 3_600_000 : momentAt(finishedAt, now);
  let drawn: Past | undefined;
  return () => {
    drawn ??= drawPast({
      jobId,
      seed: past.seed ?? cluster.random.seed,
      asOf: now,
      days: 90,
      ...(past.habit && { habit: past.habit }),
      present: {
        createdAt: created,
        openedAt: isClosed ? undefined : openedAt,
        lastData,
        closedAt: isClosed ? closedAt : undefined,
        datafeed: datafeed && (datafeed.state === 'started' ? 'started' : 'stopped'),
        bytes: modelBytes,
        bucketSpan: durationMs(bucketSpan ?? '15m'),
        nodes: typeof node === 'string' ? [node, ...nodes.filter((name) => name !== node)] : nodes,
        comesBack: past.comesBack,
      },
    });
    return drawn;
  };
}

function fleetConfig(cluster: ClusterState, description: FleetJob, created: number): JobConfig {
  const { jobId, groups, customSettings, config: given = {} } = description;
  const bucketSpan = description.bucketSpan ?? '15m';
  return {
    job_id: jobId,
    job_type: 'anomaly_detector',
    job_version: stackFacts[cluster.stack].number,
    ...(groups && groups.length > 0 && { groups }),
    ...(description.description !== undefined && { description: description.description }),
    create_time: created,
    analysis_config: {
      bucket_span: bucketSpan,
      detectors: [
        {
          detector_description: 'mean(latency) by service',
          function: 'mean',
          field_name: 'latency',
          by_field_name: 'service',
          detector_index: 0,
        },
      ],
      influencers: ['service'],
      model_prune_window: '30d',
    },
    analysis_limits: {
      model_memory_limit: `${Math.max(1, Math.round(bytesOf(description.memoryLimit ?? '64mb') / 2 ** 20))}mb`,
      categorization_examples_limit: 4,
    },
    data_description: { time_field: '@timestamp', time_format: 'epoch_ms' },
    model_snapshot_retention_days: 10,
    daily_model_snapshot_retention_after_days: 1,
    ...(customSettings && { custom_settings: customSettings }),
    results_index_name: 'shared',
    allow_lazy_open: false,
    ...(given as Omit<typeof given, 'job_id'>),
  };
}

interface Fed {
  readonly first: number;
  readonly lastData: number;
  readonly latest: number;
  readonly records: number | undefined;
}

function fillCounts(job: Job, { first: givenFirst, lastData, latest, records: given }: Fed): void {
  const { counts, traits } = job;
  // after a backfill, the latest record can be older than the default time of the first record
  const first = Math.min(givenFirst, latest);
  const span = latest - first;
  const records = given ?? Math.max(1, Math.floor(span / 60_000));
  counts.input = records;
  counts.processed = records;
  counts.inputFields = records * traits.analysisFields.length;
  counts.inputBytes = records * 60;
  counts.buckets = Math.floor(span / traits.bucketSpan);
  counts.earliestRecord = first;
  counts.latestRecord = latest;
  counts.lastData = lastData;
  counts.logTime = lastData;
  job.snapshots.push({ id: String(Math.floor(lastData / 1_000)), at: lastData, latestRecord: latest });
}

function addTask(cluster: ClusterState, job: Job, description: FleetJob, openedAt: number): void {
  const state = description.state ?? 'opened';
  const running = description.node !== null;
  const node = running ? fleetNode(cluster, description) : undefined;
  const process =
    node && (state === 'opened' || state === 'closing') ? { node, startedAt: openedAt } : undefined;
  const task: JobTask = {
    allocation: cluster.nextAllocation(),
    node: undefined,
    state: state === 'opening' || state === 'failed' ? state : 'opened',
    ...(state === 'failed' && { reason: description.reason ?? 'autodetect process stopped unexpectedly' }),
    explanation: description.assignmentExplanation ?? (node || state !== 'opening' ? '' : awaitingNode),
    process,
    onChange: new Set(),
  };
  job.task = task;
  job.history.push({ at: openedAt, state: task.state, cause: 'fleet' });
  cluster.place(job, task, node);
  // the fleet describes a job that stays without a node, so keep it from being assigned
  if (!running) cluster.unassigned.delete(job.id);
  if (state === 'opening' && node) startProcess(cluster, job, task, node);
  // if the write of `opened` was lost, the process may already have been running for a long time
  if (task.process && job.openTakes === 'lost') task.process = { ...task.process, startedAt: openedAt };
  if (state === 'closing') void closeProcess(cluster, job, task, 'fleet').catch(() => undefined);
}

function fleetNode(cluster: ClusterState, { jobId, node: name }: FleetJob): MlNode {
  const alive = cluster.nodes.filter((node) => node.alive);
  const node =
    name === undefined || name === null
      ? alive[cluster.random.integer(0, alive.length - 1, 'node', jobId)]
      : alive.find((candidate) => candidate.name === name);
  if (!node)
    throw new Error(
      `job ${jobId}: there is no node ${JSON.stringify(name)}; the nodes are ${alive.map((n) => n.name).join(', ')}`,
    );
  return node;
}

function openBehaviour(given: FleetJob['openTakes']): Job['openTakes'] {
  return given === undefined || given === 'never' || given === 'lost' ? given : durationMs(given);
}

export function closeBehaviour(given: FleetJob['closeTakes']): CloseBehaviour | undefined {
  if (given === undefined || given === 'never') return given;
  if (typeof given === 'string') return durationMs(given);
  return { fails: given.fails, after: durationMs(given.after ?? '1s') };
}
