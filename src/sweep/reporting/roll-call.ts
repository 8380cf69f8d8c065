/** @module The result of a roll call: which of the expected clusters have not reported. */
import { formatDuration } from '../../base/duration.ts';
import type { RollCall } from '../request/roll-call-request.ts';

/** What a roll call returns and logs. */
export interface RollCallResult {
  readonly rollCall: true;
  /** The time of the roll call, an ISO date-time. */
  readonly at: string;
  /** The maximum age of a report that counts, such as `26h`. */
  readonly within: string;
  readonly expected: number;
  readonly reported: number;
  /** The clusters that have not reported, in the order of the request. */
  readonly missing: readonly string[];
}

/** `now` in epoch milliseconds. */
export function rollCallResult(
  { clusters, withinMs }: RollCall,
  reported: ReadonlySet<string>,
  now: number,
): RollCallResult {
  const missing = clusters.filter((cluster) => !reported.has(cluster));
  return {
    rollCall: true,
    at: new Date(now).toISOString(),
    within: formatDuration(withinMs),
    expected: clusters.length,
    reported: clusters.length - missing.length,
    missing,
  };
}
