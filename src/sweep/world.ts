/** @module Everything that a running sweep shares: the cluster, the time, the limits, and who watches. */
import type { Budget } from './budget.ts';
import type { Clock } from './clock.ts';
import type { Observer } from './closing/ledger.ts';
import type { Cluster } from './ports.ts';
import type { SweepRequest } from './request.ts';
import type { Judge } from './verdict.ts';

export interface Closing {
  readonly request: SweepRequest;
  readonly judge: Judge;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly budget: Budget;
  /** Aborts when work must end: the budget is used up, or somebody wants the sweep to stop. */
  readonly ending: AbortSignal;
  readonly observer: Observer;
}
