/** @module The cluster's own word on jobs, read for everyone at once: one request for all who ask at the same time. */
import type { JobId } from './job-id.ts';
import type { Cluster, JobStats } from './ports.ts';

/** Stats by job id. */
export type States = ReadonlyMap<string, JobStats>;

export const statesOf = (stats: readonly JobStats[]): States =>
  new Map(stats.map((stat) => [stat.jobId, stat]));

interface Told {
  /** Reads are numbered as they begin. */
  readonly read: number;
  /** Undefined: the job is gone. */
  readonly stats: JobStats | undefined;
}

export class StateReader {
  readonly #cluster: Pick<Cluster, 'jobStats'>;
  readonly #signal: AbortSignal;
  #waiting: { ids: Set<JobId>; answer: Promise<States> } | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #begun = 0;
  readonly #told = new Map<string, Told>();

  constructor(cluster: Pick<Cluster, 'jobStats'>, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#signal = signal;
  }

  /** What the newest read that asked for a job told of it; undefined when it told that it is gone, or there was none. */
  last(jobId: string): JobStats | undefined {
    return this.#told.get(jobId)?.stats;
  }

  /** Whether the newest read that asked for a job did not find it. */
  isGone(jobId: string): boolean {
    return this.#told.has(jobId) && this.last(jobId) === undefined;
  }

  /** The stats of `ids` as of after this call; an id that is missing from the answer no longer exists. */
  read(ids: readonly JobId[]): Promise<States> {
    if (!this.#waiting) {
      // Whoever asks while a read is on its way joins the next one: an older answer could predate their request.
      const joint: Set<JobId> = new Set();
      const answer = this.#running.then(() => {
        this.#waiting = undefined;
        return this.readNow([...joint], this.#signal);
      });
      this.#running = answer.catch(() => undefined);
      this.#waiting = { ids: joint, answer };
    }
    for (const id of ids) this.#waiting.ids.add(id);
    return this.#waiting.answer;
  }

  /** A read by itself, at once: for a look, whose parts are to be of one moment. */
  async readNow(ids: readonly JobId[], signal: AbortSignal): Promise<States> {
    this.#begun += 1;
    const read = this.#begun;
    const states = statesOf(await this.#cluster.jobStats(signal, ids));
    // an answer that was overtaken by that of a later read tells nothing new
    for (const id of ids) {
      // break: newest-reading
      // Stryker disable next-line EqualityOperator: no two reads have the same number
      if ((this.#told.get(id)?.read ?? 0) < read) this.#told.set(id, { read, stats: states.get(id) });
    }
    return states;
  }
}
