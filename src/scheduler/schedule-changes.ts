/**
 * @module Changes schedules: carries out the changes of a plan, and pauses, resumes or deletes a schedule. An update
 * replaces the whole schedule, so each schedule is read again right before its update, and all of its fields are sent.
 */
import type { Clock } from '../base/clock.ts';
import { SchedulerError } from '../base/errors.ts';
import type { ReadSchedule, ScheduleOrder, SchedulerApi } from './api.ts';
import { SchedulerCallError } from './api-errors.ts';
import { orderOf, withFreshStart } from './definition.ts';
import { readIfThere } from './read-schedules.ts';
import { invokes, notOurs } from './schedule-names.ts';
import { type Change, changedMeanwhile } from './schedule-plan.ts';

export interface SchedulesContext {
  readonly api: SchedulerApi;
  readonly clock: Clock;
  readonly group: string;
  readonly signal: AbortSignal;
}

/** What a change needs. Only schedules that invoke the function `functionArn` may be changed. */
export interface OwnSchedulesContext extends SchedulesContext {
  readonly functionArn: string;
}

/** Carries out one change of a plan. @throws {SchedulerError} */
export async function carryOut(change: Change, context: OwnSchedulesContext): Promise<void> {
  switch (change.action) {
    case 'none':
      return;
    case 'blocked':
      throw new SchedulerError(change.note);
    case 'create':
      return await create(change.order, context);
    case 'update': {
      await replace(change.name, context, (found) => {
        if (found.LastModificationDate?.getTime() !== change.seen?.getTime())
          throw changedMeanwhile(change.name);
        return change.order;
      });
      return;
    }
    case 'delete': {
      return await remove(change.name, context, (found) => {
        if (found.LastModificationDate?.getTime() !== change.seen?.getTime())
          throw changedMeanwhile(change.name);
      });
    }
  }
}

async function create(order: ScheduleOrder, { api, clock, signal }: SchedulesContext): Promise<void> {
  try {
    await api.createSchedule(withFreshStart(order, clock.now()), signal);
  } catch (error) {
    if (error instanceof SchedulerCallError && error.kind === 'conflict')
      throw new SchedulerError(
        `schedule ${order.Name} was created by someone else meanwhile: check it and plan again`,
        { cause: error },
      );
    if (error instanceof SchedulerCallError && error.mayBeDone)
      throw new SchedulerCallError(
        {
          kind: error.kind,
          message: `${error.message}; schedule ${order.Name} may have been created nevertheless: plan again`,
          mayBeDone: true,
        },
        { cause: error },
      );
    throw error;
  }
}

/**
 * Pauses or resumes a schedule and keeps all other fields. Resolves to false if the schedule already had that state.
 */
export async function setState(
  name: string,
  state: 'ENABLED' | 'DISABLED',
  context: OwnSchedulesContext,
): Promise<boolean> {
  return await replace(name, context, (found) =>
    (found.State ?? 'ENABLED') === state ? undefined : { ...orderOf(found), State: state },
  );
}

/** Deletes a schedule unless `check` throws. If the schedule no longer exists, that is not an error. */
export async function remove(
  name: string,
  { api, clock, group, signal, functionArn }: OwnSchedulesContext,
  check: (found: ReadSchedule) => void = () => undefined,
): Promise<void> {
  await whileInConflict(clock, signal, async () => {
    const found = await readIfThere(api, group, name, signal);
    if (!found) return;
    mustInvoke(found, name, functionArn);
    check(found);
    try {
      await api.deleteSchedule(group, name, signal);
    } catch (error) {
      if (!(error instanceof SchedulerCallError) || error.kind !== 'missing') throw error;
    }
  });
}

/** Throws unless the schedule invokes the function. The target may have changed since the listing. */
function mustInvoke({ Target }: ReadSchedule, name: string, functionArn: string): void {
  if (!invokes(Target?.Arn, functionArn))
    throw new SchedulerError(`schedule ${name} is ${notOurs(Target?.Arn)}`);
}

/**
 * Reads a schedule, applies `change` to it and sends the result. If `change` returns undefined, nothing is sent, and
 * the function resolves to false. After a conflict, the schedule is read and changed again.
 */
async function replace(
  name: string,
  { api, clock, group, signal, functionArn }: OwnSchedulesContext,
  change: (found: ReadSchedule) => ScheduleOrder | undefined,
): Promise<boolean> {
  return await whileInConflict(clock, signal, async () => {
    const found = await api.getSchedule(group, name, signal);
    mustInvoke(found, name, functionArn);
    const order = change(found);
    if (!order) return false;
    await update({ ...order, Name: name, GroupName: group }, api, clock, signal);
    return true;
  });
}

/**
 * Sends an update with the start unchanged. If the service refuses a start that is too old, sends the update again with
 * an equivalent start. The documentation does not say whether the service checks the start of an update.
 */
async function update(
  order: ScheduleOrder,
  api: SchedulerApi,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  try {
    await api.updateSchedule(order, signal);
  } catch (error) {
    const fresh = withFreshStart(order, clock.now());
    const aged =
      error instanceof SchedulerCallError && error.kind === 'invalid' && /StartDate/i.test(error.message);
    if (!aged || fresh === order) throw error;
    await api.updateSchedule(fresh, signal);
  }
}

// The service answers 409 while it is still writing a schedule. According to public reports, this takes a few seconds.
const conflictWaits = [500, 1_000, 2_000, 4_000];

async function whileInConflict<T>(clock: Clock, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  for (const wait of conflictWaits) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof SchedulerCallError) || error.kind !== 'conflict') throw error;
      // if the wait is aborted, throws the error of the conflict, which is the last known fact about the schedule
      await clock.sleep(wait, signal).catch(() => {
        throw error;
      });
    }
  }
  return await act();
}
