/** @module The id of a sweep. */
import { createHash } from 'node:crypto';
import type { SweepRequest } from './request/request-schema.ts';

/**
 * Returns the same id for every delivery of one event. EventBridge delivers at least once, with a different execution id
 * each time, so the schedule and its due time identify the sweep. If a person invokes the function with a copy of a
 * schedule's payload, `trigger` contains EventBridge's placeholders, and the sweep gets the invocation's own id.
 */
export function sweepIdOf(trigger: SweepRequest['trigger'], requestId: string): string {
  if (!trigger || trigger.scheduledTime.startsWith('<') || trigger.scheduleArn.startsWith('<'))
    return requestId;
  const digest = createHash('sha256')
    .update(`${trigger.scheduleArn}\n${trigger.scheduledTime}`)
    .digest('hex');
  return `sweep-${digest.slice(0, 32)}`;
}
