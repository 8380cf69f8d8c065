/**
 * @module Changing schedules: what a plan asks for, pausing, resuming, deleting. An update replaces a schedule whole,
 * so each one is read again right before, and sent with everything that it has.
 */
import type { Clock } from '../base/clock.ts';
import { SchedulerError } from '../base/errors.ts';
import type { ReadSchedule, ScheduleOrder, SchedulerApi } from './api.ts';
import { SchedulerCallError } from './api-errors.ts';
import { orderOf, withFreshStart } from './definition.ts';
import { readIfThere } from './read-schedules.ts';
import { invokes, notOurs } from './schedule-names.ts';
import { type Change, changedMeanwhile } from './schedule-plan.ts';

export interface Room {
  readonly api: SchedulerApi;
  readonly clock: Clock;
  readonly group: string;
  readonly signal: AbortSignal;
}

/** A room in which schedules are changed: only those that invoke this function. */
export interface OwnRoom extends Room {
  readonly functionArn: string;
}

/** Carries out one change of a plan. @throws {SchedulerError} */
export async function carryOut(change: Change, room: OwnRoom): Promise<void> {
  switch (change.action) {
    case 'none':
      return;
    case 'blocked':
      throw new SchedulerError(change.note);
    case 'create':
      return await create(change.order, room);
    case 'update': {
      await replace(change.name, room, (found) => {
        if (found.LastModificationDate?.getTime() !== change.seen?.getTime())
          throw changedMeanwhile(change.name);
        return change.order;
      });
      return;
    }
    case 'delete': {
      return await remove(change.name, room, (found) => {
        if (found.LastModificationDate?.getTime() !== change.seen?.getTime())
          throw changedMeanwhile(change.name);
      });
    }
  }
}

async function create(order: ScheduleOrder, { api, clock, signal }: Room): Promise<void> {
  try {
    await api.createSchedule(withFreshStart(order, clock.now()), signal);
  } catch (error) {
    if (error instanceof SchedulerCallError && error.kind === 'conflict')
      throw new SchedulerError(
        `schedule ${order.Name} was made by someone else meanwhile: look at it and plan again`,
        { cause: error },
      );
    if (error instanceof SchedulerCallError && error.mayBeDone)
      throw new SchedulerCallError(
        {
          kind: error.kind,
          message: `${error.message}; schedule ${order.Name} may have been made all the same: plan again`,
          mayBeDone: true,
        },
        { cause: error },
      );
    throw error;
  }
}

/** Pauses or resumes a schedule, every other field kept. Resolves with false when there was nothing to do. */
export async function setState(name: string, state: 'ENABLED' | 'DISABLED', room: OwnRoom): Promise<boolean> {
  return await replace(name, room, (found) =>
    (found.State ?? 'ENABLED') === state ? undefined : { ...orderOf(found), State: state },
  );
}

/** Deletes a schedule that `check` does not refuse by throwing; one that is gone already is fine. */
export async function remove(
  name: string,
  { api, clock, group, signal, functionArn }: OwnRoom,
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

/** Its target may have been changed since it was listed. */
function mustInvoke({ Target }: ReadSchedule, name: string, functionArn: string): void {
  if (!invokes(Target?.Arn, functionArn))
    throw new SchedulerError(`schedule ${name} is ${notOurs(Target?.Arn)}`);
}

/**
 * Reads a schedule, lets `change` make of it what it should be, and sends that. Undefined from `change`: nothing to
 * do, and false is the answer. After a conflict the schedule is read and changed anew.
 */
async function replace(
  name: string,
  { api, clock, group, signal, functionArn }: OwnRoom,
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
 * Sends the start as it is, and only if the service refuses it for its age another that means the same: whether an
 * update checks it is not documented.
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

// The service answers 409 while it is still writing a schedule: a few seconds in public reports.
const conflictWaits = [500, 1_000, 2_000, 4_000];

async function whileInConflict<T>(clock: Clock, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  for (const wait of conflictWaits) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof SchedulerCallError) || error.kind !== 'conflict') throw error;
      // told to stop: the conflict is what is known of this schedule, and what was changed before is told with it
      await clock.sleep(wait, signal).catch(() => {
        throw error;
      });
    }
  }
  return await act();
}
