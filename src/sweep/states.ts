/** @module The cluster's own word on jobs, read for everyone at once: one request for all who ask at the same time. */
import type { JobId } from './job-id.ts';
import type { Cluster, JobStats } from './ports.ts';

/** Stats by job id. */
export type States = ReadonlyMap<string, JobStats>;

export class StateReader {
  readonly #cluster: Pick<Cluster, 'jobStats'>;
  readonly #signal: AbortSignal;
  #waiting: { ids: Set<JobId>; answer: Promise<States> } | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(cluster: Pick<Cluster, 'jobStats'>, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#signal = signal;
  }

  /** The stats of `ids` as of after this call; an id that is missing from the answer no longer exists. */
  read(ids: readonly JobId[]): Promise<States> {
    if (!this.#waiting) {
      // Whoever asks while a read is on its way joins the next one: an older answer could predate their request.
      const joint: Set<JobId> = new Set();
      const answer = this.#running.then(async () => {
        this.#waiting = undefined;
        const stats = await this.#cluster.jobStats(this.#signal, [...joint]);
        return new Map(stats.map((stat) => [stat.jobId, stat]));
      });
      this.#running = answer.catch(() => undefined);
      this.#waiting = { ids: joint, answer };
    }
    for (const id of ids) this.#waiting.ids.add(id);
    return this.#waiting.answer;
  }
}
