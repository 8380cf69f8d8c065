/** @module Finds rounds of a chain that are missing from the input of `reopen`: the jobs that they closed would stay closed. */
import { printable } from '../../base/text.ts';
import type { PastSweep } from '../input/past-sweeps.ts';

/** Warnings about the missing rounds of the chosen sweeps; `all` are the sweeps of the whole source. */
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
