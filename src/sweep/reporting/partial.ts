/** @module Whether a sweep was only partly done: exit code 3 and the status `partial`. */
import type { Entry } from '../closing/ledger.ts';

/**
 * Whether any job failed, has an unknown outcome, or is unfinished and in no follow-up: exactly the cases of exit code
 * 3.
 */
export function isPartial(
  entries: readonly Pick<Entry, 'jobId' | 'outcome'>[],
  comingBackFor: ReadonlySet<string>,
  takesRest = false,
): boolean {
  return entries.some(({ jobId, outcome }) => {
    switch (outcome?.outcome) {
      case 'closing':
        return !comingBackFor.has(jobId);
      case 'not_attempted':
        if (outcome.because === 'time') return !takesRest && !comingBackFor.has(jobId);
        return outcome.because === 'limit' || outcome.because === 'signal';
      default:
        return outcome?.outcome === 'error' || outcome?.outcome === 'unknown';
    }
  });
}
