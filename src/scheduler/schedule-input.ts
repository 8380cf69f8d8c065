/** @module The Input of our schedules: a request as JSON, with placeholders that the Scheduler replaces. */
// `zod/mini`, as in request-schema.ts: the full zod would slow each cold start
import * as z from 'zod/mini';
import type { FollowUpOf, RequestPayload } from '../sweep/request/request-schema.ts';
import type { RollCallPayload } from '../sweep/request/roll-call-request.ts';

/** The service's limit for an Input, in bytes of UTF-8. */
export const maxInputBytes = 256 * 1024;

/**
 * Placeholders that the Scheduler replaces when it invokes the function. It inserts the values without escaping them,
 * so each placeholder must be inside a JSON string.
 */
export const triggerAttributes = {
  scheduleArn: '<aws.scheduler.schedule-arn>',
  scheduledTime: '<aws.scheduler.scheduled-time>',
} as const;

/** The Input with `payload`. Its `trigger` says which schedule started the sweep, and for which time. */
export function toInput(payload: RequestPayload | RollCallPayload): string {
  return JSON.stringify({ ...payload, trigger: triggerAttributes });
}

export const bytesOf = (input: string) => Buffer.byteLength(input);

/** Whether a follow-up with these jobs fits into the Input. */
export const fits = (
  payload: RequestPayload,
  chain: Omit<FollowUpOf, 'jobs'>,
  jobs: FollowUpOf['jobs'],
): boolean => bytesOf(toInput({ ...payload, followUpOf: { ...chain, jobs } })) <= maxInputBytes;

/**
 * The first of `jobs`, as many as fit into the Input of a follow-up together with `payload` and `chain`; empty if
 * `payload` and `chain` alone are already too large.
 */
export function fitJobs(
  payload: RequestPayload,
  chain: Omit<FollowUpOf, 'jobs'>,
  jobs: FollowUpOf['jobs'],
): FollowUpOf['jobs'] {
  let room = maxInputBytes - bytesOf(toInput({ ...payload, followUpOf: { ...chain, jobs: [] } }));
  let count = 0;
  for (const job of jobs) {
    room -= bytesOf(JSON.stringify(job)) + (count === 0 ? 0 : 1); // plus one for the comma
    if (room < 0) break;
    count += 1;
  }
  return jobs.slice(0, count);
}

// The fields of a follow-up's Input that matter here. Other fields are ignored, because another version of this project
// may have written the Input.
const followUpInput = z.object({
  cluster: z._default(z.string(), 'default'),
  followUpOf: z.object({
    sweepId: z.string(),
    round: z.number(),
    rest: z.optional(z.boolean()),
    jobs: z.array(z.object({ jobId: z.string() })),
  }),
});

/** The cluster and the jobs that a follow-up's Input names. */
export type WaitingFollowUp = z.output<typeof followUpInput>;

/** Parses the Input of a follow-up; undefined if the text is not such an Input. */
export function readFollowUp(input: string | undefined): WaitingFollowUp | undefined {
  try {
    return followUpInput.safeParse(JSON.parse(input ?? '')).data;
  } catch {
    return undefined;
  }
}
