/** @module Reading schedules that may be gone by the time they are read. */
import type { ReadSchedule, SchedulerApi } from './api.ts';
import { SchedulerCallError } from './api-errors.ts';

const readsAtOnce = 8;

/** The named schedules in full: a listing shows little more than their names. Those that are gone are left out. */
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

/** The schedule, or undefined when there is none of that name (any more). */
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
