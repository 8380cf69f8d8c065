/** @module The types of `bench/results/cold-start.json` and `scale.json`, the results of the function benches. */

/** The contenders; the pages explain each one. */
export const contenders = ['empty', 'node', 'leanClient', 'client', 'asItComes', 'sweep'] as const;
export type Contender = (typeof contenders)[number];

export interface ColdStartResults {
  readonly node: string;
  /** Number of fresh processes for each figure. */
  readonly times: number;
  readonly loads: Readonly<Record<Contender, LoadFigures>>;
  /** Bytes of all the function's code, including the parts that only some sweeps load. */
  readonly allBytes: number;
  /** The packages that the function loads at its start, with their bytes, largest first. */
  readonly shares: readonly (readonly [from: string, bytes: number])[];
  /** Time from loading the bundle to the report of a plan with this many jobs. */
  readonly firstPlan: {
    readonly jobs: number;
    readonly asItComes: PlanFigures;
    readonly sweep: PlanFigures;
  };
}

/** The minimum of all runs, in milliseconds and bytes. */
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
  /** `NODE_OPTIONS` of the template. */
  readonly nodeOptions: string;
  /** Memory of the machine, in bytes. */
  readonly machine: number;
  readonly sizes: readonly SizeFigures[];
}

/** Medians unless noted, in milliseconds and bytes. */
export interface SizeFigures {
  readonly jobs: number;
  readonly cpuMs: number;
  readonly peak: number;
  readonly highestPeak: number;
  /** Peak memory minus the memory before the invocation. */
  readonly grown: number;
  /** Without the template's options. */
  readonly plain: PlanFigures;
}
