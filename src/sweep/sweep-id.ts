/** @module The name of one sweep. */
import { createHash } from 'node:crypto';
import type { SweepRequest } from './request/request-schema.ts';

/**
 * The same for every delivery of one event: a schedule and its due time name a sweep, as deliveries are at least once
 * and the Scheduler's execution id differs between them. A hand-made copy of a schedule's payload still holds the
 * placeholders, which name nothing, so that falls back to the invocation's own id.
 */
export function sweepIdOf(trigger: SweepRequest['trigger'], requestId: string): string {
  if (!trigger || trigger.scheduledTime.startsWith('<') || trigger.scheduleArn.startsWith('<'))
    return requestId;
  const digest = createHash('sha256')
    .update(`${trigger.scheduleArn}\n${trigger.scheduledTime}`)
    .digest('hex');
  return `sweep-${digest.slice(0, 32)}`;
}
