/** @module Follow-ups as one-time schedules of the project's own group: the `FollowUps` that a sweep asks for. */
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
  /** The function to wake, qualified if it should be. */
  readonly functionArn: string;
  /** An SQS queue for follow-ups that could not be delivered. */
  readonly dlqArn?: string | undefined;
}

export interface FollowUpOptions extends SchedulerApiOptions {
  /**
   * The request's `followUpOf`: the follow-up that this very sweep was woken by. The service removes a schedule some
   * time after it has fired, so that it may still be listed, and its jobs wait in it no longer.
   */
  readonly running: Pick<FollowUpOf, 'sweepId' | 'round'> | undefined;
}

const minute = 60_000;
/** The service fires within a minute of the time asked for, and takes a while to know a new schedule. */
const leastAhead = 2 * minute;
/** Worth an hour of trying: later than that, the next regular sweep is as good. */
const retryPolicy = { MaximumEventAgeInSeconds: 3_600, MaximumRetryAttempts: 10 };

/**
 * Follow-ups of one sweep through EventBridge Scheduler; its connections end with it. Everything that goes wrong is a
 * SchedulerError.
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
    // in a shared group, another function's follow-ups are about clusters of its own, and wake it alone
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
 * Whether a follow-up will not come any more. The service gives up when an event is older than the schedule's retry
 * policy allows; what is still listed after that was made too late, was kept by somebody, or fired without being
 * removed. Nobody waits for it.
 */
function isStale(schedule: ReadSchedule, now: number): boolean {
  const due = dueTime(schedule);
  if (due === undefined) return true;
  const { MaximumEventAgeInSeconds = 86_400 } = schedule.Target?.RetryPolicy ?? {};
  return now > due + MaximumEventAgeInSeconds * 1000 + minute;
}

/** The time of a one-time schedule in UTC, as all of ours are; undefined for any other. */
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
  // up to the second, because an expression has no fraction; never down, where two minutes would be less
  const at = Math.ceil(Math.max(order.at, clock.now() + leastAhead) / 1000) * 1000;
  const name = followUpName(request.cluster, chain);
  const wanted = { name, at, jobIds: jobs.map(({ jobId }) => jobId) };
  const schedule = {
    Name: name,
    GroupName: settings.group,
    Description: `jobsweep ${chain.rest ? 'goes on with the rest and ' : ''}looks again at ${plural(jobs.length, 'job')} of cluster ${request.cluster}, round ${chain.round}`,
    ScheduleExpression: `at(${new Date(at).toISOString().slice(0, 19)})`,
    ScheduleExpressionTimezone: 'UTC',
    State: 'ENABLED' as const,
    FlexibleTimeWindow: { Mode: 'OFF' as const },
    ActionAfterCompletion: 'DELETE' as const,
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
    // the one in the way has just been removed, or is not yet shown: a second try settles it
    await api.createSchedule(schedule, signal);
    return wanted;
  }
  return accept(found, wanted, order, settings, clock.now());
}

/** The schedule whose creation was not answered. @throws {SchedulerError} if it is not there, or may be. */
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
      `${error.message}; no answer says whether schedule ${name} of group ${group} was made: look for it`,
      { cause: error },
    );
  }
  if (!found) throw new SchedulerError(`${error.message}; schedule ${name} was not made`, { cause: error });
  return found;
}

/**
 * The name is taken: by this very order, when an earlier answer was lost or the event came twice, and then the job is
 * done. Anything else is an error, because the sweep would count on somebody who does not come.
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
      `schedule ${wanted.name} of group ${settings.group} exists, and ${why}; delete it if nobody needs it`,
    );
  const waiting = readFollowUp(found.Target?.Input);
  if (
    waiting?.cluster !== request.cluster ||
    waiting.followUpOf.sweepId !== chain.sweepId ||
    waiting.followUpOf.round !== chain.round
  )
    throw refuse('it is not a follow-up of this sweep');
  if (found.Target?.Arn !== settings.functionArn || found.Target.RoleArn !== settings.roleArn)
    throw refuse('it wakes another function, or with another role');
  if (found.State === 'DISABLED') throw refuse('it is paused');
  const at = dueTime(found);
  if (at === undefined || at <= now) throw refuse('its time is past');
  // two runs of one event ask for somewhat different times; much later is not what this one asked for
  const tolerance = request.followUp === false ? minute : request.followUp.after;
  if (at > wanted.at + tolerance) throw refuse(`it comes only at ${new Date(at).toISOString()}`);
  const held = new Set(waiting.followUpOf.jobs.map(({ jobId }) => jobId));
  const jobIds = wanted.jobIds.filter((jobId) => held.has(jobId));
  if (chain.rest && !waiting.followUpOf.rest) throw refuse('it does not go on with the rest of the jobs');
  if (jobIds.length === 0 && !chain.rest) throw refuse('it holds none of these jobs');
  return { name: wanted.name, at, jobIds };
}

function tooLarge(payload: RequestPayload, { chain, jobs }: FollowUpOrder): SchedulerError {
  const bytes = bytesOf(
    toInput({ ...payload, followUpOf: { ...chain, jobs: jobs.slice(0, chain.rest ? 0 : 1) } }),
  );
  return new SchedulerError(
    `the request is too large to come back with: ${bytes} bytes with ${chain.rest ? 'no' : 'one'} job, at most ${maxInputBytes} fit a schedule; name fewer jobs in it, or use groups and wildcards`,
  );
}
