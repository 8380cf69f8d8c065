/** @module The Input of our schedules: a request as JSON, with the attributes that the Scheduler fills in. */
// as in request.ts: the whole edition here would make every cold start load more of what both share
import * as z from 'zod/mini';
import type { FollowUpOf, RequestPayload } from '../sweep/request/request-schema.ts';

/** The most bytes of an Input: 256 KB, in UTF-8. */
export const maxInputBytes = 256 * 1024;

/** Replaced by the Scheduler as plain text when it invokes, hence always inside quotes. */
export const triggerAttributes = {
  scheduleArn: '<aws.scheduler.schedule-arn>',
  scheduledTime: '<aws.scheduler.scheduled-time>',
} as const;

/** The Input that asks for `payload`, and tells the sweep which schedule woke it for which time. */
export function toInput(payload: RequestPayload): string {
  return JSON.stringify({ ...payload, trigger: triggerAttributes });
}

export const bytesOf = (input: string) => Buffer.byteLength(input);

/** Whether a follow-up with these jobs fits the Input. */
export const fits = (
  payload: RequestPayload,
  chain: Omit<FollowUpOf, 'jobs'>,
  jobs: FollowUpOf['jobs'],
): boolean => bytesOf(toInput({ ...payload, followUpOf: { ...chain, jobs } })) <= maxInputBytes;

/**
 * As many of `jobs`, from the first on, as fit the Input of a follow-up beside the rest of `payload`; none when the
 * rest alone is too large.
 */
export function fitJobs(
  payload: RequestPayload,
  chain: Omit<FollowUpOf, 'jobs'>,
  jobs: FollowUpOf['jobs'],
): FollowUpOf['jobs'] {
  let room = maxInputBytes - bytesOf(toInput({ ...payload, followUpOf: { ...chain, jobs: [] } }));
  let count = 0;
  for (const job of jobs) {
    room -= bytesOf(JSON.stringify(job)) + (count === 0 ? 0 : 1); // and a comma
    if (room < 0) break;
    count += 1;
  }
  return jobs.slice(0, count);
}

// Read leniently: another version of this project may have written it, and what matters is who waits for whom.
const followUpInput = z.object({
  cluster: z._default(z.string(), 'default'),
  followUpOf: z.object({
    sweepId: z.string(),
    round: z.number(),
    rest: z.optional(z.boolean()),
    jobs: z.array(z.object({ jobId: z.string() })),
  }),
});

/** What a follow-up's Input says about whom it waits for. */
export type WaitingFollowUp = z.output<typeof followUpInput>;

/** Reads the Input of a follow-up; undefined when it is none. */
export function readFollowUp(input: string | undefined): WaitingFollowUp | undefined {
  try {
    return followUpInput.safeParse(JSON.parse(input ?? '')).data;
  } catch {
    return undefined;
  }
}
