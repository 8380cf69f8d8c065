/** @module The notification about a roll call: which clusters have not reported. */
import { plural } from '../base/text.ts';
import type { RollCallResult } from '../sweep/reporting/roll-call.ts';
import type { NotifyWhen } from '../sweep/request/request-schema.ts';
import { code, cut, type Message } from './message.ts';

/** Maximum number of clusters that a message names. */
const maxNamed = 50;

/** The detail types of the events. */
const rollCallFinished = 'Jobsweep Roll Call Finished';
const rollCallFailed = 'Jobsweep Roll Call Failed';

/**
 * Whether to notify about a roll call: if `when` is `always`, or if a cluster has not reported and `when` is not
 * `never`.
 */
export const shouldNotifyOf = ({ missing }: RollCallResult, when: NotifyWhen): boolean =>
  when === 'always' || (when !== 'never' && missing.length > 0);

/** The message about a roll call. `where` has lines that say where the log is. */
export function rollCallMessage(result: RollCallResult, where: readonly string[]): Message {
  const { expected, reported, missing, within } = result;
  const more = missing.length > maxNamed ? ` and ${missing.length - maxNamed} more` : '';
  const named = missing.slice(0, maxNamed).map((cluster) => code(cluster));
  return {
    severity: missing.length > 0 ? 'error' : 'info',
    headline:
      missing.length > 0
        ? `jobsweep: ${missing.length} of ${plural(expected, 'cluster')} did not report`
        : `jobsweep: ${expected === 1 ? 'the cluster' : `all ${expected} clusters`} reported`,
    facts: [
      { name: 'Expected', value: String(expected) },
      { name: 'Reported', value: String(reported) },
      { name: 'Within', value: within },
    ],
    lines: [...(missing.length > 0 ? [`No report of ${named.join(', ')}${more}`] : []), ...where],
    anchor: 'alarm-roll-call',
    kind: rollCallFinished,
    thread: 'roll-call',
    detail: { ...result },
  };
}

/** The message about a roll call that failed because CloudWatch did not answer or the payload is invalid. */
export const rollCallFailure = (error: Error, where: readonly string[]): Message => ({
  severity: 'error',
  headline: 'jobsweep: the roll call failed, so it is unknown which clusters have reported',
  lines: [`${error.name}: ${code(error.message, 1_000)}`, ...where],
  anchor: 'alarm-roll-call',
  kind: rollCallFailed,
  thread: 'roll-call',
  detail: { error: { name: error.name, message: cut(error.message, 2_000) } },
});
