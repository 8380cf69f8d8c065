/** @module What a check is given, and how it says what holds. */
import type { Observation, ObservedSweep } from '../observe.ts';
import type { Wanted } from '../reference.ts';

/** Says that something holds; `otherwise` tells what was seen instead. */
export type Claim = (holds: boolean, otherwise: () => string) => void;

/** One sweep of a run, with what its payload asks for by the contract. */
export interface Trial {
  readonly seen: ObservedSweep;
  readonly wanted: Wanted;
  readonly run: Observation;
  readonly claim: Claim;
}
