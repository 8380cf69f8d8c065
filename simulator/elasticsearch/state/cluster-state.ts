/** @module The state of the cluster: nodes, jobs, datafeeds, settings, and the maps to find them. */
import type { SimulatorClock } from '../../clock.ts';
import { ElasticsearchError } from '../errors.ts';
import { Random } from '../random.ts';
import { type Stack, stackFacts } from '../versions.ts';
import { type AssignmentLimits, memoryOf } from './assignment.ts';
import { DataStreams } from './data-stream-store.ts';
import type { Datafeed } from './datafeed.ts';
import { byCodeUnit, type Names } from './expressions.ts';
import { catchUp } from './feed-job.ts';
import { Indices } from './indices.ts';
import type { Job, JobState, JobTask } from './job.ts';
import type { MlNode } from './node.ts';
import type { Source } from './record-source.ts';
import { Settings } from './settings.ts';

export interface RunningTask {
  readonly action: string;
  readonly done: Promise<void>;
  completed: boolean;
}

export interface ClusterStateOptions {
  readonly clock: SimulatorClock;
  readonly stack: Stack;
  readonly seed: number;
  readonly name: string;
}

export class ClusterState {
  readonly clock: SimulatorClock;
  readonly stack: Stack;
  readonly random: Random;
  readonly name: string;
  readonly uuid: string;
  readonly nodes: MlNode[] = [];
  readonly settings: Settings;
  readonly indices = new Indices();
  readonly streams: DataStreams;
  readonly #jobs = new Map<string, Job>();
  readonly #datafeeds = new Map<string, Datafeed>();
  readonly #datafeedOfJob = new Map<string, Datafeed>();
  readonly #groups = new Map<string, Set<string>>();
  /** Jobs with a task but no node, in the order in which they began to wait. */
  readonly unassigned = new Set<string>();
  /** The tasks of deletes and resets, which clients can poll. */
  readonly tasks = new Map<string, RunningTask>();
  /** The results indices that are closed. */
  readonly closedResults = new Set<string>();
  /** Tries again to assign waiting jobs; see `relocation.ts`. */
  onCapacity: () => void = () => undefined;
  /** Called after cluster settings have changed. */
  onSettings: () => void = () => undefined;
  #looksAgain = false;
  upgradeMode = false;
  hasMaster = true;
  licensed = true;
  #masterLost = Promise.withResolvers<never>();
  /** The number of the latest allocation. A task that moves to another node gets a new number. */
  #allocation = 0;
  #sortedJobs: readonly string[] | undefined;
  #sortedDatafeeds: readonly string[] | undefined;

  constructor({ clock, stack, seed, name }: ClusterStateOptions) {
    this.clock = clock;
    this.stack = stack;
    this.random = new Random(seed);
    this.name = name;
    this.uuid = this.random.id(22, 'cluster');
    this.settings = new Settings(stack);
    this.streams = new DataStreams(stack, () => this.settings.text('stack.templates.enabled') !== 'false');
  }

  get major(): 7 | 8 | 9 {
    return stackFacts[this.stack].major;
  }

  get limits(): AssignmentLimits {
    return {
      maxOpenJobs: this.settings.integer('xpack.ml.max_open_jobs'),
      memoryPercent: this.settings.integer('xpack.ml.max_machine_memory_percent'),
    };
  }

  nextAllocation(): number {
    this.#allocation += 1;
    return this.#allocation;
  }

  /** @throws 403 if the licence excludes machine learning. Reading and closing need no licence. */
  requireLicense(): void {
    if (!this.licensed)
      throw new ElasticsearchError(403, {
        type: 'security_exception',
        reason: 'current license is non-compliant for [ml]',
        metadata: { 'license.expired.feature': 'ml' },
      });
  }

  /** The master leaves, and another one is elected after `outageMs`. Pending promises from `coordinated` reject. */
  changeMaster(outageMs = 3_000): void {
    this.hasMaster = false;
    const lost = this.#masterLost;
    this.#masterLost = Promise.withResolvers<never>();
    lost.promise.catch(() => undefined);
    lost.reject(new ElasticsearchError(503, { type: 'node_closed_exception', reason: 'node closed' }));
    this.clock.at(this.clock.now() + outageMs, () => {
      this.hasMaster = true;
    });
  }

  /** Waits for `work`, which the master coordinates. Rejects if the master leaves; `work` itself continues. */
  coordinated<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#masterLost.promise]);
  }

  /** A new task id, made of a node and a number. */
  nextTaskId(): string {
    return `${this.nodes[0]?.id ?? 'unknown'}:${10_000 + this.nextAllocation()}`;
  }

  /** @throws 503 while there is no master */
  requireMaster(): void {
    if (!this.hasMaster)
      throw new ElasticsearchError(503, { type: 'master_not_discovered_exception', reason: null });
  }

  // --- jobs

  get jobs(): ReadonlyMap<string, Job> {
    return this.#jobs;
  }

  addJob(job: Job): void {
    this.#jobs.set(job.id, job);
    this.#sortedJobs = undefined;
    this.#index(job);
  }

  removeJob(job: Job): void {
    this.#jobs.delete(job.id);
    this.unassigned.delete(job.id);
    this.#sortedJobs = undefined;
    this.#unindex(job);
  }

  /** Replaces a job's config and traits, and keeps the map of groups up to date. */
  reconfigure(job: Job, config: Job['config'], traits: Job['traits']): void {
    this.#unindex(job);
    job.config = config;
    job.traits = traits;
    this.#index(job);
  }

  get groups(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#groups;
  }

  /** The jobs that an expression can name. Jobs that are being deleted are visible only in reads of configs. */
  jobNames({ withDeleting = false } = {}): Names {
    if (withDeleting)
      return { ids: () => this.sortedJobs, has: (id) => this.#jobs.has(id), groups: () => this.#groups };
    const visible = (id: string) => this.#jobs.get(id)?.blocked?.reason !== 'delete';
    // Cached, because each of the dozens of patterns in an expression uses the names of possibly 10,000 jobs.
    let ids: readonly string[] | undefined;
    let groups: ReadonlyMap<string, ReadonlySet<string>> | undefined;
    return {
      ids: () => {
        ids ??= this.sortedJobs.filter(visible);
        return ids;
      },
      has: (id) => this.#jobs.has(id) && visible(id),
      groups: () => {
        groups ??= visibleGroups(this.#groups, visible);
        return groups;
      },
    };
  }

  get sortedJobs(): readonly string[] {
    this.#sortedJobs ??= [...this.#jobs.keys()].sort(byCodeUnit);
    return this.#sortedJobs;
  }

  #index(job: Job): void {
    for (const group of job.traits.groups) {
      const members = this.#groups.get(group) ?? new Set();
      this.#groups.set(group, members.add(job.id));
    }
  }

  #unindex(job: Job): void {
    for (const group of job.traits.groups) {
      const members = this.#groups.get(group);
      members?.delete(job.id);
      if (members?.size === 0) this.#groups.delete(group);
    }
  }

  // --- datafeeds

  get datafeeds(): ReadonlyMap<string, Datafeed> {
    return this.#datafeeds;
  }

  datafeedOf(jobId: string): Datafeed | undefined {
    return this.#datafeedOfJob.get(jobId);
  }

  addDatafeed(datafeed: Datafeed): void {
    this.#datafeeds.set(datafeed.id, datafeed);
    this.#datafeedOfJob.set(datafeed.jobId, datafeed);
    this.#sortedDatafeeds = undefined;
  }

  removeDatafeed(datafeed: Datafeed): void {
    this.#datafeeds.delete(datafeed.id);
    this.#datafeedOfJob.delete(datafeed.jobId);
    this.#sortedDatafeeds = undefined;
  }

  /** The source of a new datafeed with this config: the documents in the indices that the config names. */
  sourceOf(config: Datafeed['config'], { traits }: Job): Source {
    const indices = (config.indices as string[]).join(',');
    return this.indices.source(indices, traits.timeField, traits.analysisFields.length);
  }

  /** The first missing index among those that a datafeed requires. */
  missingIndex({ config, described }: Datafeed): string | undefined {
    const options = config.indices_options as { ignore_unavailable?: boolean } | undefined;
    if (described || options?.ignore_unavailable) return undefined;
    return this.indices.resolve((config.indices as string[]).join(',')).missing[0];
  }

  datafeedNames(): Names {
    return { ids: () => this.sortedDatafeeds, has: (id) => this.#datafeeds.has(id) };
  }

  get sortedDatafeeds(): readonly string[] {
    this.#sortedDatafeeds ??= [...this.#datafeeds.keys()].sort(byCodeUnit);
    return this.#sortedDatafeeds;
  }

  // --- shared by jobs and datafeeds

  /** Updates a job's counts with the data that its datafeed has read by now. */
  settle(job: Job): void {
    const datafeed = this.#datafeedOfJob.get(job.id);
    if (datafeed?.task) catchUp(datafeed, job, this.clock.now());
  }

  /** Assigns a task to `node`, or unassigns it if `node` is undefined. */
  place(job: Job, task: JobTask, node: MlNode | undefined): void {
    if (task.node) {
      task.node.memoryUsed -= task.node.jobs.get(job.id) ?? 0;
      task.node.jobs.delete(job.id);
    }
    task.node = node;
    if (node) {
      const memory = memoryOf(job);
      node.jobs.set(job.id, memory);
      node.memoryUsed += memory;
      this.unassigned.delete(job.id);
    } else {
      this.unassigned.add(job.id);
    }
  }

  /** Why a task has no node, as the stats explain it. */
  explanationOf(task: { readonly node: MlNode | undefined; readonly explanation: string }): string {
    return this.upgradeMode
      ? 'persistent task cannot be assigned while upgrade mode is enabled.'
      : task.explanation;
  }

  /** Called when a node has room again. Schedules a single reassignment, even if many tasks end together. */
  capacityFreed(): void {
    if (this.#looksAgain || this.unassigned.size === 0) return;
    this.#looksAgain = true;
    this.clock.at(this.clock.now() + 100, () => {
      this.#looksAgain = false;
      this.onCapacity();
    });
  }

  /** Records a change of state in the job's history. */
  record(job: Job, state: JobState, cause: string): void {
    job.history.push({ at: this.clock.now(), state, cause });
  }
}

function visibleGroups(
  groups: ReadonlyMap<string, ReadonlySet<string>>,
  visible: (id: string) => boolean,
): ReadonlyMap<string, ReadonlySet<string>> {
  const result = new Map<string, ReadonlySet<string>>();
  for (const [group, members] of groups) {
    const seen = new Set([...members].filter(visible));
    if (seen.size > 0) result.set(group, seen);
  }
  return result;
}
