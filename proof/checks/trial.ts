/** @module The input of a check, and the function with which the check makes claims. */
import type { Observation, ObservedSweep } from '../observe.ts';
import type { Wanted } from '../reference.ts';

/** Claims that a condition holds. `otherwise` describes the violation. */
export type Claim = (holds: boolean, otherwise: () => string) => void;

/** One sweep in a run, and its request with the defaults that the contract defines. */
export interface Trial {
  readonly seen: ObservedSweep;
  readonly wanted: Wanted;
  readonly run: Observation;
  readonly claim: Claim;
}
