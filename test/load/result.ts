/** @module What a load test comes to: it has passed when it met no problem. */
export interface LoadResult {
  /** Jobs, sweeps or worlds that were tried. */
  readonly cases: number;
  /** The figures, for people. */
  readonly measured: string;
  readonly problems: readonly string[];
}

/** Problems as they are met, the first few of them: ten thousand of a kind tell no more. */
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
