/** @module The result of a load test. The test has passed if it found no problems. */
export interface LoadResult {
  /** How many cases were tested, for example jobs or sweeps. */
  readonly cases: number;
  /** The measured values, in human-readable form. */
  readonly measured: string;
  readonly problems: readonly string[];
}

/** Collects problems, but keeps only the first ones: thousands of the same kind add no information. */
export class Problems {
  readonly found: string[] = [];
  #more = 0;

  expect(holds: boolean, otherwise: string): void {
    if (holds) return;
    if (this.found.length < 20) this.found.push(otherwise);
    else this.#more += 1;
  }

  get all(): readonly string[] {
    return this.#more > 0 ? [...this.found, `and ${this.#more} more`] : this.found;
  }
}
