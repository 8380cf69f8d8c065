/** @module Implements `FollowUps` with one-time schedules in the project's schedule group. */
import type { Clock } from '../base/clock.ts';
import { SchedulerError } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import type { FollowUpArranged, FollowUpOrder, FollowUps } from '../sweep/ports.ts';
import { toPayload } from '../sweep/request/read-request.ts';
import type { FollowUpOf, RequestPayload } from '../sweep/request/request-schema.ts';
import { type ReadSchedule, type SchedulerApi, type SchedulerApiOptions, schedulerApi } from './api.ts';
import { SchedulerCallError } from './api-errors.ts';
import { readIfThere, readSchedules } from './read-schedules.ts';
import { bytesOf, fitJobs, fits, maxInputBytes, readFollowUp, toInput } from './schedule-input.ts';
import { followUpName, followUpPrefix, invokes } from './schedule-names.ts';

export interface FollowUpSettings {
  readonly group: string;
  /** The role that the Scheduler assumes to invoke the function. */
  readonly roleArn: string;
  /** The function to invoke, with a version or alias if wanted. */
  readonly functionArn: string;
  /** An SQS queue for the events of follow-ups that could not be delivered. */
  readonly dlqArn?: string | undefined;
  /** The customer-managed key that encrypts follow-ups; if undefined, the service uses its own key. */
  readonly kmsKeyArn?: string | undefined;
}

export interface FollowUpOptions extends SchedulerApiOptions {
  /**
   * The request's `followUpOf`: the follow-up that started this sweep. The service removes a schedule only some time
   * after it fires, so the schedule of that follow-up may still be listed, although its jobs no longer wait for it.
   */
  readonly running: Pick<FollowUpOf, 'sweepId' | 'round'> | undefined;
}

const minute = 60_000;
/**
 * The minimum time between now and the due time of a follow-up: the service fires within a minute of the due time, and
 * takes a while to register a schedule.
 */
const minAhead = 2 * minute;
/** Delivery is retried for an hour. After that, the next regular sweep handles the jobs. */
const retryPolicy = { MaximumEventAgeInSeconds: 3_600, MaximumRetryAttempts: 10 };

/**
 * Reads and creates the follow-ups of one sweep through EventBridge Scheduler. Disposing closes the connections. All
 * errors are SchedulerErrors.
 */
export function schedulerFollowUps(
  settings: FollowUpSettings,
  options: FollowUpOptions,
): FollowUps & AsyncDisposable {
  const api = schedulerApi(options);
  const { clock, running } = options;
  return {
    pending: (cluster, signal) => {
      const own = running && followUpName(cluster, running);
      return pendingJobs(api, clock, settings, cluster, own, signal);
    },
    arrange: (order, signal) => arrange(api, clock, settings, order, signal),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

async function pendingJobs(
  api: SchedulerApi,
  clock: Clock,
  { group, functionArn }: FollowUpSettings,
  cluster: string,
  own: string | undefined,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const listed = await api.listSchedules(group, signal, followUpPrefix(cluster));
  const names = listed
    // several functions may share a group, and may use the same name for different clusters
    .filter(
      ({ State, Name, Target }) => State !== 'DISABLED' && Name !== own && invokes(Target?.Arn, functionArn),
    )
    .map(({ Name }) => Name ?? '');
  const pending = new Set<string>();
  for (const schedule of (await readSchedules(api, group, names, signal)).values()) {
    const waiting = readFollowUp(schedule.Target?.Input);
    if (waiting?.cluster !== cluster || isStale(schedule, clock.now())) continue;
    for (const { jobId } of waiting.followUpOf.jobs) pending.add(jobId);
  }
  return pending;
}

/**
 * Whether a follow-up will never run. The service gives up on an event that is older than the retry policy allows. If
 * the schedule is still listed after that time, it was created too late, a user keeps it, or it fired and was not
 * removed.
 */
function isStale(schedule: ReadSchedule, now: number): boolean {
  const due = dueTime(schedule);
  if (due === undefined) return true;
  const { MaximumEventAgeInSeconds = 86_400 } = schedule.Target?.RetryPolicy ?? {};
  return now > due + MaximumEventAgeInSeconds * 1000 + minute;
}

/** The due time of a one-time schedule in UTC (every follow-up is one); undefined for any other schedule. */
function dueTime({ ScheduleExpression = '', ScheduleExpressionTimezone = 'UTC' }: ReadSchedule) {
  const local = /^at\((.{19})\)$/.exec(ScheduleExpression)?.[1];
  const due = Date.parse(`${local}Z`);
  return ScheduleExpressionTimezone !== 'UTC' || Number.isNaN(due) ? undefined : due;
}

async function arrange(
  api: SchedulerApi,
  clock: Clock,
  settings: FollowUpSettings,
  order: FollowUpOrder,
  signal: AbortSignal,
): Promise<FollowUpArranged> {
  const { chain, request } = order;
  const { followUpOf: _last, trigger: _spent, ...payload } = toPayload(request);
  const jobs = fitJobs(payload, chain, order.jobs);
  if (!fits(payload, chain, jobs) || (jobs.length === 0 && !chain.rest)) throw tooLarge(payload, order);
  // Schedule expressions have no fractions of a second. Rounding down could leave less than `minAhead`.
  const at = Math.ceil(Math.max(order.at, clock.now() + minAhead) / 1000) * 1000;
  const name = followUpName(request.cluster, chain);
  const wanted = { name, at, jobIds: jobs.map(({ jobId }) => jobId) };
  const schedule = {
    Name: name,
    GroupName: settings.group,
    Description: `jobsweep ${chain.rest ? 'continues with the rest and ' : ''}checks ${plural(jobs.length, 'job')} of cluster ${request.cluster} again, round ${chain.round}`,
    ScheduleExpression: `at(${new Date(at).toISOString().slice(0, 19)})`,
    ScheduleExpressionTimezone: 'UTC',
    State: 'ENABLED' as const,
    FlexibleTimeWindow: { Mode: 'OFF' as const },
    ActionAfterCompletion: 'DELETE' as const,
    ...(settings.kmsKeyArn === undefined ? {} : { KmsKeyArn: settings.kmsKeyArn }),
    Target: {
      Arn: settings.functionArn,
      RoleArn: settings.roleArn,
      Input: toInput({ ...payload, followUpOf: { ...chain, jobs } }),
      RetryPolicy: retryPolicy,
      ...(settings.dlqArn === undefined ? {} : { DeadLetterConfig: { Arn: settings.dlqArn } }),
    },
  };
  try {
    await api.createSchedule(schedule, signal);
    return wanted;
  } catch (error) {
    if (!(error instanceof SchedulerCallError)) throw error;
    if (error.kind !== 'conflict') {
      if (!error.mayBeDone) throw error;
      const made = await lookFor(name, api, settings.group, error, signal);
      return accept(made, wanted, order, settings, clock.now());
    }
  }
  const found = await readIfThere(api, settings.group, name, signal);
  if (!found) {
    // the schedule that conflicted has just been removed, or cannot be read yet; a second try may succeed
    await api.createSchedule(schedule, signal);
    return wanted;
  }
  return accept(found, wanted, order, settings, clock.now());
}

/**
 * Reads a schedule after the request to create it got no answer.
 * @throws {SchedulerError} if it does not exist or cannot be read.
 */
async function lookFor(
  name: string,
  api: SchedulerApi,
  group: string,
  error: SchedulerCallError,
  signal: AbortSignal,
): Promise<ReadSchedule> {
  let found: ReadSchedule | undefined;
  try {
    found = await readIfThere(api, group, name, signal);
  } catch {
    throw new SchedulerError(
      `${error.message}; it is unknown whether schedule ${name} of group ${group} was created: look for it`,
      { cause: error },
    );
  }
  if (!found)
    throw new SchedulerError(`${error.message}; schedule ${name} was not created`, { cause: error });
  return found;
}

/**
 * Accepts an existing schedule with the name of the wanted follow-up if it does what the order asks. Such a schedule
 * exists if an earlier answer was lost, or if the event of the sweep was delivered twice. Any other schedule is an
 * error, because the sweep would rely on a follow-up that never runs.
 */
function accept(
  found: ReadSchedule,
  wanted: FollowUpArranged,
  { chain, request }: FollowUpOrder,
  settings: FollowUpSettings,
  now: number,
): FollowUpArranged {
  const refuse = (why: string) =>
    new SchedulerError(
      `schedule ${wanted.name} of group ${settings.group} exists, but ${why}; delete it if it is not needed`,
    );
  const waiting = readFollowUp(found.Target?.Input);
  if (
    waiting?.cluster !== request.cluster ||
    waiting.followUpOf.sweepId !== chain.sweepId ||
    waiting.followUpOf.round !== chain.round
  )
    throw refuse('it is not a follow-up of this sweep');
  if (found.Target?.Arn !== settings.functionArn || found.Target.RoleArn !== settings.roleArn)
    throw refuse('it invokes another function or uses another role');
  if (found.State === 'DISABLED') throw refuse('it is paused');
  const at = dueTime(found);
  if (at === undefined || at <= now) throw refuse('its time is past');
  // two deliveries of one event lead to slightly different times; a schedule with a much later time is another
  // follow-up
  const tolerance = request.followUp === false ? minute : request.followUp.after;
  if (at > wanted.at + tolerance) throw refuse(`it runs only at ${new Date(at).toISOString()}`);
  const held = new Set(waiting.followUpOf.jobs.map(({ jobId }) => jobId));
  const jobIds = wanted.jobIds.filter((jobId) => held.has(jobId));
  if (chain.rest && !waiting.followUpOf.rest) throw refuse('it does not continue with the rest of the jobs');
  if (jobIds.length === 0 && !chain.rest) throw refuse('it contains none of these jobs');
  return { name: wanted.name, at, jobIds };
}

function tooLarge(payload: RequestPayload, { chain, jobs }: FollowUpOrder): SchedulerError {
  const bytes = bytesOf(
    toInput({ ...payload, followUpOf: { ...chain, jobs: jobs.slice(0, chain.rest ? 0 : 1) } }),
  );
  return new SchedulerError(
    `the request is too large for a follow-up: it takes ${bytes} bytes with ${chain.rest ? 'no' : 'one'} job, and a schedule holds at most ${maxInputBytes}; name fewer jobs in it, or use groups and wildcards`,
  );
}
