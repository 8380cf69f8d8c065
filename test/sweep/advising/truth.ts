/**
 * @module A second implementation of `jobsweep advise`: computes the true numbers, as the contract defines them, from a
 * past that is completely known. Replays the sweeps one by one and shares no code with the estimator.
 */
import type { TruePast } from '../../../simulator/past/life.ts';

export interface TrueNumbers {
  closes: number;
  wrongCloses: number;
  gbHours: number;
}

export interface TruthQuestion {
  readonly idleFor: number;
  /** Oldest first. */
  readonly sweeps: readonly number[];
  readonly knownFrom: number;
  /** Whether a job that is closing counts as open. */
  readonly closingIsOpen: boolean;
  readonly bytes: readonly { readonly at: number; readonly bytes: number }[];
}

export function trueNumbers(
  past: TruePast,
  { idleFor, sweeps, knownFrom, closingIsOpen, bytes }: TruthQuestion,
): TrueNumbers {
  const numbers: TrueNumbers = { closes: 0, wrongCloses: 0, gbHours: 0 };
  const asOf = sweeps.at(-1) ?? 0;
  /** In the replay, the job is closed until this moment. */
  let closedUntil = Number.NEGATIVE_INFINITY;
  for (const sweep of sweeps) {
    if (sweep < knownFrom || sweep < closedUntil) continue;
    const stay = past.stays.find(({ from, to, closed }) => {
      const end = (closingIsOpen ? closed : to) ?? Number.POSITIVE_INFINITY;
      return from <= sweep && sweep < end;
    });
    // A job without a process is still opening, and no sweep closes it.
    if (!stay || !past.starts.some((start) => start >= stay.from && start <= sweep)) continue;
    const last = (moments: readonly number[]) =>
      moments.findLast((moment) => moment <= sweep) ?? Number.NEGATIVE_INFINITY;
    const activity = Math.max(last(past.data), last(past.starts));
    if (sweep - activity < idleFor) continue;
    const end = (closingIsOpen ? stay.closed : stay.to) ?? Number.POSITIVE_INFINITY;
    const next = past.data.find((moment) => moment > sweep) ?? Number.POSITIVE_INFINITY;
    numbers.closes += 1;
    const isWrong = next < end && next <= asOf;
    if (isWrong) numbers.wrongCloses += 1;
    const until = Math.min(next, end, asOf);
    const nearest = bytes.toSorted((a, b) => Math.abs(a.at - sweep) - Math.abs(b.at - sweep))[0]?.bytes ?? 0;
    numbers.gbHours += (nearest / 1e9) * ((until - sweep) / 3_600_000);
    closedUntil = isWrong ? next : end;
  }
  return numbers;
}
