/**
 * @module The server's own idle closer in recent releases. Each night it closes jobs whose datafeed is stopped and
 * whose latest record is old, according to its event time alone (docs/elasticsearch.md §5).
 */
import type { ClusterState } from './cluster-state.ts';
import { closeProcess } from './job-lifecycle.ts';

const setting = 'xpack.ml.idle_job_auto_close_timeout';
const day = 86_400_000;

/** While `xpack.ml.idle_job_auto_close_timeout` is positive, runs each night between 01:00 and 01:30 UTC. */
export class IdleCloser {
  readonly #cluster: ClusterState;
  #cancel: (() => void) | undefined;

  constructor(cluster: ClusterState) {
    this.#cluster = cluster;
  }

  /** Must be called after settings have changed. */
  reschedule(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (!this.#cluster.settings.names.includes(setting)) return;
    if (this.#cluster.settings.milliseconds(setting) <= 0) return;
    const now = this.#cluster.clock.now();
    const offset = 3_600_000 + this.#cluster.random.integer(0, 1_800_000, 'nightly maintenance');
    const next = Math.floor((now - offset) / day) * day + day + offset;
    this.#cancel = this.#cluster.clock.at(next, () => {
      this.closeIdle();
      this.reschedule();
    });
  }

  closeIdle(): void {
    const { settings, clock, jobs, upgradeMode } = this.#cluster;
    if (upgradeMode) return;
    const oldest = clock.now() - settings.milliseconds(setting);
    for (const job of jobs.values()) {
      const { task } = job;
      const datafeed = this.#cluster.datafeedOf(job.id);
      if (task?.state !== 'opened' || !datafeed || datafeed.task) continue;
      const { latestRecord } = job.counts;
      if (latestRecord !== undefined && latestRecord < oldest)
        void closeProcess(this.#cluster, job, task, 'idle job auto close').catch(() => undefined);
    }
  }
}
