/**
 * @module Warns if the file given to `reopen` lacks a sweep of the chain (a sweep and its follow-ups): the jobs that
 * the missing sweep closed would stay closed.
 */
import { printable } from '../../base/text.ts';
import type { PastSweep } from '../input/past-sweeps.ts';

/** The warnings. `chosen` are the sweeps to undo; `all` are all sweeps in the file. */
export function missingRounds(chosen: readonly PastSweep[], all: readonly PastSweep[]): string[] {
  const warnings = chosen.flatMap(({ chain, sweepId, restIn, cluster }) => {
    const inChain = all.filter((sweep) => sweep.chain === chain && sweep.cluster.id === cluster.id);
    return [
      ...(inChain.some((sweep) => sweep.sweepId === chain)
        ? []
        : [
            `${printable(sweepId)} is a follow-up of the sweep ${printable(chain)}, which this file does not have: jobs that it closed stay closed. Add its log lines`,
          ]),
      ...(restIn === undefined || inChain.some(({ round }) => round === restIn.round)
        ? []
        : [
            `the sweep continues with the rest of the jobs in follow-up ${restIn.round} at ${restIn.at}, which this file does not have: jobs that it closed stay closed. Add its log lines`,
          ]),
    ];
  });
  return [...new Set(warnings)];
}
