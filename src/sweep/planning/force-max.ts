/**
 * @module The rule for `force.max`: how many jobs one sweep may force. A repeated request for the same job does not
 * count twice.
 */

export class ForceLimit<Job> {
  readonly #forced = new Set<Job>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** Whether the job may be forced. If so, it counts as forced from now on. */
  take(job: Job): boolean {
    // break: force-max
    if (!this.#forced.has(job) && this.#forced.size >= this.#max) return false;
    this.#forced.add(job);
    return true;
  }
}
