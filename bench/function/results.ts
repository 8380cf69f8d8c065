/** @module What the benches of the function have measured, as `bench/results/cold-start.json` and `scale.json` keep it. */

/** What is loaded, by name; the pages say what each is. */
export const contenders = ['empty', 'node', 'leanClient', 'client', 'asItComes', 'sweep'] as const;
export type Contender = (typeof contenders)[number];

export interface ColdStartResults {
  readonly node: string;
  /** Fresh processes for each figure. */
  readonly times: number;
  readonly loads: Readonly<Record<Contender, LoadFigures>>;
  /** Bytes of all of the function's code, with what some sweeps load later. */
  readonly allBytes: number;
  /** Of what the function loads when it starts, whose the bytes are, largest first. */
  readonly shares: readonly (readonly [from: string, bytes: number])[];
  /** From loading to the report of a plan of so many jobs. */
  readonly firstPlan: {
    readonly jobs: number;
    readonly asItComes: PlanFigures;
    readonly sweep: PlanFigures;
  };
}

/** The least of all times; milliseconds and bytes. */
export interface LoadFigures {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly rss: number;
  readonly bytes: number;
}

/** Medians; milliseconds and bytes. */
export interface PlanFigures {
  readonly cpuMs: number;
  readonly peak: number;
}

export interface ScaleResults {
  readonly node: string;
  /** Fresh processes for each number of jobs. */
  readonly times: number;
  /** `NODE_OPTIONS` of the template. */
  readonly nodeOptions: string;
  /** Memory of the machine, bytes. */
  readonly machine: number;
  readonly sizes: readonly SizeFigures[];
}

/** Medians, where nothing else is said; milliseconds and bytes. */
export interface SizeFigures {
  readonly jobs: number;
  readonly cpuMs: number;
  readonly peak: number;
  readonly highestPeak: number;
  /** Peak over what the process had before it was invoked. */
  readonly grown: number;
  /** Without the template's options. */
  readonly plain: PlanFigures;
}
