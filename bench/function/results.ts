/** @module The types of `bench/results/cold-start.json` and `scale.json`, the results of the function benches. */

/** The bundles that the cold-start bench compares. `bench/results/cold-start.md` explains each of them. */
export const contenders = ['empty', 'node', 'leanClient', 'client', 'asItComes', 'sweep'] as const;
export type Contender = (typeof contenders)[number];

export interface ColdStartResults {
  readonly node: string;
  /** Number of fresh processes for each figure. */
  readonly times: number;
  readonly loads: Readonly<Record<Contender, LoadFigures>>;
  /** Bytes of all the function's code, including the parts that only some sweeps load. */
  readonly allBytes: number;
  /** The packages that the function loads when it starts, with their bytes, largest first. */
  readonly shares: readonly (readonly [from: string, bytes: number])[];
  /** The processor time and the peak memory of a fresh process that loads the bundle and plans `jobs` jobs. */
  readonly firstPlan: {
    readonly jobs: number;
    readonly asItComes: PlanFigures;
    readonly sweep: PlanFigures;
  };
}

/** The minima over all runs, in milliseconds and bytes. */
export interface LoadFigures {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly rss: number;
  readonly bytes: number;
}

/** Medians, in milliseconds and bytes. */
export interface PlanFigures {
  readonly cpuMs: number;
  readonly peak: number;
}

export interface ScaleResults {
  readonly node: string;
  /** Number of fresh processes for each number of jobs. */
  readonly times: number;
  /** `NODE_OPTIONS` from the template. */
  readonly nodeOptions: string;
  /** Memory of the machine, in bytes. */
  readonly machine: number;
  readonly sizes: readonly SizeFigures[];
}

/** Medians unless stated otherwise, in milliseconds and bytes. */
export interface SizeFigures {
  readonly jobs: number;
  readonly cpuMs: number;
  readonly peak: number;
  readonly highestPeak: number;
  /** Peak memory minus the memory before the handler was called. */
  readonly grown: number;
  /** The measurements without the template's options. */
  readonly plain: PlanFigures;
}
