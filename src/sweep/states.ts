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
  #begun = 0;
  /** By job: what the newest read that asked for it told, nothing if it is gone, and the number of that read. */
  readonly #told = new Map<string, { readonly read: number; readonly stats: JobStats | undefined }>();

  constructor(cluster: Pick<Cluster, 'jobStats'>, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#signal = signal;
  }

  /** How many reads have begun. */
  get begun(): number {
    return this.#begun;
  }

  /** `stats` as the reads told them that began when `since` reads had; what those know to be gone is left out. */
  newest(stats: readonly JobStats[], since: number): readonly JobStats[] {
    return stats.flatMap((stat) => {
      const told = this.#told.get(stat.jobId);
      return told && told.read > since ? (told.stats ?? []) : stat;
    });
  }

  /** The stats of `ids` as of after this call; an id that is missing from the answer no longer exists. */
  read(ids: readonly JobId[]): Promise<States> {
    if (!this.#waiting) {
      // Whoever asks while a read is on its way joins the next one: an older answer could predate their request.
      const joint: Set<JobId> = new Set();
      const answer = this.#running.then(async () => {
        this.#waiting = undefined;
        this.#begun += 1;
        const read = this.#begun;
        const stats = await this.#cluster.jobStats(this.#signal, [...joint]);
        const states: States = new Map(stats.map((stat) => [stat.jobId, stat]));
        for (const id of joint) this.#told.set(id, { read, stats: states.get(id) });
        return states;
      });
      this.#running = answer.catch(() => undefined);
      this.#waiting = { ids: joint, answer };
    }
    for (const id of ids) this.#waiting.ids.add(id);
    return this.#waiting.answer;
  }
}
