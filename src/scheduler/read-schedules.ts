/** @module Reads schedules of which some may have been deleted after they were listed. */
import type { ReadSchedule, SchedulerApi } from './api.ts';
import { SchedulerCallError } from './api-errors.ts';

const readsAtOnce = 8;

/**
 * Reads the named schedules in full, because a listing contains little more than names. Deleted schedules are left out.
 */
export async function readSchedules(
  api: SchedulerApi,
  group: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadSchedule>> {
  const found = new Map<string, ReadSchedule>();
  for (let i = 0; i < names.length; i += readsAtOnce) {
    await Promise.all(
      names.slice(i, i + readsAtOnce).map(async (name) => {
        const schedule = await readIfThere(api, group, name, signal);
        if (schedule) found.set(name, schedule);
      }),
    );
  }
  return found;
}

/** The schedule; undefined if it does not exist or has been deleted. */
export async function readIfThere(
  api: SchedulerApi,
  group: string,
  name: string,
  signal: AbortSignal,
): Promise<ReadSchedule | undefined> {
  try {
    return await api.getSchedule(group, name, signal);
  } catch (error) {
    if (error instanceof SchedulerCallError && error.kind === 'missing') return undefined;
    throw error;
  }
}
