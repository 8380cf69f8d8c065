/**
 * @module Controls the cluster for a test or a script. Reads return the actual state, even where the API reports
 * something else. Changes take effect at once.
 */

import type { SimulatorClock } from '../clock.ts';
import { addFleetJob } from '../fleets/build.ts';
import type { Fleet, FleetJob, FleetNode } from '../fleets/schema.ts';
import { bytesOf, FleetError } from '../fleets/schema.ts';
import { ElasticsearchError } from './errors.ts';
import type { HandlerContext } from './handler-context.ts';
import { Security } from './security.ts';
import { ClusterState } from './state/cluster-state.ts';
import { takeArrival } from './state/counts.ts';
import { type DatafeedState, datafeedStateOf } from './state/datafeed.ts';
import { beginFeed, endFeed, scheduleEnd } from './state/datafeed-lifecycle.ts';
import { beginForecast } from './state/forecasting.ts';
import { IdleCloser } from './state/idle-closer.ts';
import { type Job, type JobState, type JobTask, type StateChange, stateOf } from './state/job.ts';
import { beginOpen, closeProcess, endTask, failTask, killTask } from './state/job-lifecycle.ts';
import { growModel } from './state/model.ts';
import { MlNode } from './state/node.ts';
import { type Rhythm, rhythm } from './state/record-source.ts';
import { reassign, removeNode, setUpgradeMode } from './state/relocation.ts';
import type { Stack } from './versions.ts';

/** The actual state of a job. Times are epoch milliseconds. */
export interface JobTruth {
  readonly jobId: string;
  readonly state: JobState;
  readonly groups: readonly string[];
  /** When the job's process started on its current node; undefined if the job has no process. */
  readonly openedAt: number | undefined;
  readonly node: string | undefined;
  readonly lastDataTime: number | undefined;
  readonly latestRecordTime: number | undefined;
  readonly modelBytes: number;
  readonly finishedTime: number | undefined;
  /** For a closed job: true if its process ended gracefully, false if it was killed. */
  readonly closedCleanly: boolean;
  readonly forced: boolean;
  readonly closedAt: number | undefined;
  readonly blocked: string | undefined;
  /** Forecasts that are scheduled or started. */
  readonly runningForecasts: number;
  readonly datafeed: { readonly datafeedId: string; readonly state: DatafeedState } | undefined;
  readonly stateHistory: readonly StateChange[];
}

/** Adds a part of a fleet with `add`. @throws {FleetError} with the part's path if the cluster refuses the part */
function part(path: FleetError['path'], add: () => unknown): void {
  try {
    add();
  } catch (error) {
    throw error instanceof ElasticsearchError ? new FleetError(path, error.reason) : error;
  }
}

const defaultNodes: readonly FleetNode[] = [{ name: 'ml-0' }, { name: 'ml-1' }, { name: 'ml-2' }];

export class SimulatedCluster implements HandlerContext {
  readonly cluster: ClusterState;
  readonly security: Security;
  readonly clock: SimulatorClock;

  constructor(clock: SimulatorClock, fleet: Fleet, stack: Stack, seed: number) {
    this.clock = clock;
    this.cluster = new ClusterState({ clock, stack, seed, name: fleet.clusterName ?? 'jobsweep-embedded' });
    this.cluster.onCapacity = () => reassign(this.cluster);
    const idleCloser = new IdleCloser(this.cluster);
    this.cluster.onSettings = () => idleCloser.reschedule();
    this.security = new Security(
      fleet.users?.map(({ roles = [], cluster = [], ...user }) => ({ ...user, roles, cluster })),
      fleet.apiKeys,
    );
    for (const [name, value] of Object.entries(fleet.settings ?? {}))
      part(['settings', name], () => this.cluster.settings.set('persistent', name, value));
    this.cluster.onSettings();
    for (const node of fleet.nodes ?? defaultNodes) this.addNode(node);
    for (const [index, job] of (fleet.jobs ?? []).entries())
      part(['jobs', index], () => addFleetJob(this.cluster, job));
    this.cluster.licensed = fleet.unlicensed !== true;
    if (fleet.upgradeMode) setUpgradeMode(this.cluster, true);
  }

  // --- reading the actual state

  /** The actual state of a job; undefined if it does not exist. */
  job(jobId: string): JobTruth | undefined {
    const job = this.cluster.jobs.get(jobId);
    if (!job) return undefined;
    this.cluster.settle(job);
    const datafeed = this.cluster.datafeedOf(jobId);
    return {
      jobId,
      state: stateOf(job),
      groups: job.traits.groups,
      openedAt: job.task?.process?.startedAt,
      node: job.task?.node?.name,
      lastDataTime: job.counts.lastData,
      latestRecordTime: job.counts.latestRecord,
      modelBytes: job.modelBytes,
      finishedTime: job.config.finished_time as number | undefined,
      closedCleanly: !job.task && job.ended === 'gracefully',
      forced: !job.task && job.ended === 'forced',
      closedAt: job.task ? undefined : job.endedAt,
      blocked: job.blocked?.reason,
      runningForecasts: job.forecasts.filter(({ state }) => state === 'scheduled' || state === 'started')
        .length,
      datafeed: datafeed && { datafeedId: datafeed.id, state: datafeedStateOf(datafeed) },
      stateHistory: job.history,
    };
  }

  get jobIds(): readonly string[] {
    return this.cluster.sortedJobs;
  }

  /** The actual state of every job, ordered by id. */
  jobs(): JobTruth[] {
    return this.jobIds.flatMap((id) => this.job(id) ?? []);
  }

  get nodeNames(): readonly string[] {
    return this.cluster.nodes.filter((node) => node.alive).map((node) => node.name);
  }

  // --- adding, changing and removing jobs

  /** Adds a job and its datafeed as a fleet file describes them. Replaces a job with the same id. */
  putJob(description: FleetJob): void {
    if (this.cluster.jobs.has(description.jobId)) this.removeJob(description.jobId);
    addFleetJob(this.cluster, description);
  }

  /** Deletes the job with force, as another user might: its config, task and datafeed are gone at once. */
  removeJob(jobId: string): void {
    const job = this.#job(jobId);
    const datafeed = this.cluster.datafeedOf(jobId);
    if (datafeed?.task) endFeed(datafeed, datafeed.task);
    if (datafeed) this.cluster.removeDatafeed(datafeed);
    if (job.task) killTask(this.cluster, job, job.task, 'deleted');
    this.cluster.removeJob(job);
  }

  /** The job's process dies. The task of the job's datafeed stays and does nothing. */
  failJob(jobId: string, reason = 'autodetect process stopped unexpectedly'): void {
    const job = this.#job(jobId);
    failTask(this.cluster, job, this.#task(job), reason);
  }

  /** Opens a closed job, as another user might. The job is `opened` as soon as its process has started. */
  openJob(jobId: string): void {
    const job = this.#job(jobId);
    if (!job.task) beginOpen(this.cluster, job);
  }

  /** Requests a graceful close, as another user might: the job is `closing` until its process has ended. */
  closeJob(jobId: string): void {
    const job = this.#job(jobId);
    // a failed job has no process to close gracefully
    if (!job.task || job.task.state === 'failed') return;
    this.stopDatafeed(jobId);
    if (job.task.node)
      void closeProcess(this.cluster, job, job.task, 'closed by someone else').catch(() => undefined);
    else endTask(this.cluster, job, job.task, 'unassigned', 'closed by someone else');
  }

  /** Closes the job with force, as another user might. The job is closed when this method returns. */
  forceCloseJob(jobId: string): void {
    const job = this.#job(jobId);
    this.stopDatafeed(jobId);
    if (job.task) killTask(this.cluster, job, job.task, 'force closed by someone else');
  }

  /** Sets how the job's closes behave from now on: they take `takes` milliseconds of work, never end, or fail. */
  setCloseDuration(
    jobId: string,
    takes: number | 'never' | { readonly fails: string; readonly after?: number },
  ): void {
    this.#job(jobId).closeTakes =
      typeof takes === 'object' ? { fails: takes.fails, after: takes.after ?? 1_000 } : takes;
  }

  /**
   * Sets how the job's openings behave from now on: they take `takes` milliseconds, never end, or lose the change of
   * state to `opened` (elastic/elasticsearch#126148).
   */
  setOpenDuration(jobId: string, takes: number | 'never' | 'lost'): void {
    this.#job(jobId).openTakes = takes;
  }

  blockJob(jobId: string, reason: 'delete' | 'reset' | 'revert' | undefined): void {
    const job = this.#job(jobId);
    job.blocked = reason && { reason, taskId: `${this.cluster.nodes[0]?.id ?? ''}:12345` };
  }

  // --- data

  /** The job gets data now: `records` records, with event times up to `latest` (default: now). */
  receiveData(jobId: string, { records = 1, latest = this.clock.now() } = {}): void {
    const job = this.#job(jobId);
    const now = this.clock.now();
    this.cluster.settle(job);
    const first = Math.min(latest, Math.max(job.counts.latestRecord ?? latest, latest - records * 1_000));
    const fields = records * job.traits.analysisFields.length;
    takeArrival(
      job.counts,
      { records, bytes: records * 60, fields, first, last: latest },
      job.traits.bucketSpan,
      now,
    );
    growModel(job, now);
  }

  /** Starts the job's datafeed now, if it is stopped. */
  startDatafeed(jobId: string, { start, end }: { start?: number; end?: number } = {}): void {
    const datafeed = this.cluster.datafeedOf(jobId);
    if (datafeed && !datafeed.task)
      beginFeed(this.cluster, datafeed, this.#job(jobId), { start: start ?? this.clock.now(), end });
  }

  /** Stops the job's datafeed at once, without the side effects of the stop API. */
  stopDatafeed(jobId: string): void {
    const datafeed = this.cluster.datafeedOf(jobId);
    if (!datafeed?.task) return;
    this.cluster.settle(this.#job(jobId));
    endFeed(datafeed, datafeed.task);
  }

  /** Sets the source of the job's datafeed to one record every `every` milliseconds, up to `until` if given. */
  setSource(jobId: string, source: Pick<Rhythm, 'every'> & Partial<Rhythm>): void {
    const job = this.#job(jobId);
    const datafeed = this.cluster.datafeedOf(jobId);
    if (!datafeed) throw new Error(`job ${jobId} has no datafeed`);
    this.cluster.settle(job);
    datafeed.source = rhythm({
      from: 0,
      bytesPerRecord: 60,
      fieldsPerRecord: job.traits.analysisFields.length,
      ...source,
    });
    if (datafeed.task) scheduleEnd(this.cluster, datafeed, job, datafeed.task);
  }

  setStopDuration(jobId: string, takes: number | 'never' | { readonly fails: string }): void {
    const datafeed = this.cluster.datafeedOf(jobId);
    if (!datafeed) throw new Error(`job ${jobId} has no datafeed`);
    datafeed.stopTakes = takes;
  }

  /**
   * Starts a forecast for one day. The job works on it for `takes` milliseconds; the default grows with the number of
   * buckets.
   */
  startForecast(jobId: string, { takes }: { takes?: number } = {}): void {
    const day = 86_400_000;
    beginForecast(this.cluster, this.#job(jobId), { duration: day, expiresIn: 14 * day, takes });
  }

  // --- nodes and the cluster

  addNode({
    name,
    memory = '64gb',
    processors = 16,
    closeCapacity = Math.max(1, processors / 2),
  }: FleetNode): void {
    if (this.cluster.nodes.some((node) => node.alive && node.name === name))
      throw new Error(`there is a node ${name} already`);
    const description = { name, memory: bytesOf(memory), processors, closeCapacity };
    this.cluster.nodes.push(
      new MlNode(description, this.cluster.nodes.length, this.clock, this.cluster.random, this.cluster.major),
    );
    reassign(this.cluster);
  }

  /** The node dies: its processes are gone now, and its tasks move to other nodes soon after. */
  crashNode(name: string): void {
    const node = this.cluster.nodes.find((candidate) => candidate.alive && candidate.name === name);
    if (!node) throw new Error(`there is no node ${name}`);
    removeNode(this.cluster, node);
  }

  /** The node shuts down cleanly: its jobs write snapshots and move to other nodes. */
  removeNode(name: string): void {
    for (const job of this.cluster.jobs.values()) {
      if (job.task?.node?.name !== name || job.counts.processed === 0) continue;
      this.cluster.settle(job);
      const now = this.clock.now();
      job.snapshots.push({
        id: String(Math.floor(now / 1_000)),
        at: now,
        latestRecord: job.counts.latestRecord,
      });
    }
    this.crashNode(name);
  }

  setUpgradeMode(enabled: boolean): void {
    setUpgradeMode(this.cluster, enabled);
  }

  /** While there is no master, changes to the cluster fail with 503 and running work continues. */
  setMaster(present: boolean): void {
    this.cluster.hasMaster = present;
  }

  /**
   * The master leaves and another is elected after `outageMs`. Close requests in flight are answered with an error,
   * but the closes continue.
   */
  changeMaster(outageMs = 3_000): void {
    this.cluster.changeMaster(outageMs);
  }

  /** Sets a persistent cluster setting; null restores its default. */
  setSetting(name: string, value: string | null): void {
    this.cluster.settings.set('persistent', name, value);
    reassign(this.cluster);
    this.cluster.onSettings();
  }

  #job(jobId: string): Job {
    const job = this.cluster.jobs.get(jobId);
    if (!job) throw new Error(`there is no job ${jobId} in the simulated cluster`);
    return job;
  }

  #task(job: Job): JobTask {
    if (!job.task) throw new Error(`job ${job.id} is closed`);
    return job.task;
  }
}
