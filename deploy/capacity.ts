/** @module Warns, during packaging, if the sweeps in a window may take longer than the window. */

/** The sweeps that one schedule starts. */
export interface Start {
  /** The schedule's expression and time zone. Sweeps that start at the same time compete for concurrency. */
  readonly when: string;
  readonly windowMinutes: number | undefined;
  readonly sweeps: number;
}

/** The function's timeout in minutes, which is the longest that a sweep can take. */
const deadline = 15;

export interface Limits {
  /** How many sweeps can run at the same time; undefined if the function has no reserved concurrency. */
  readonly reservedConcurrency: number | undefined;
  /** How long an event may wait for its sweep to start, in seconds. */
  readonly maximumEventAge: number;
}

/**
 * Returns a warning for each time at which too many sweeps start. If each of these sweeps took the full timeout, the
 * last events would wait so long that they would be dropped.
 */
export function capacityWarnings(
  starts: readonly Start[],
  { reservedConcurrency: atOnce, maximumEventAge }: Limits,
): string[] {
  if (atOnce === undefined) return [];
  const moments = Map.groupBy(starts, ({ when }) => when);
  return [...moments].flatMap(([when, together]) => {
    const sweeps = together.reduce((sum, start) => sum + start.sweeps, 0);
    const window = Math.max(...together.map(({ windowMinutes = 0 }) => windowMinutes));
    // sweeps can start during the whole window, or for the maximum age of an event if the window is shorter
    const time = Math.max(window, Math.floor(maximumEventAge / 60));
    if (sweeps * deadline <= time * atOnce) return [];
    const needed = Math.ceil((sweeps * deadline) / time);
    return [
      `${when}: ${sweeps} clusters × ${deadline} min are ${hours(sweeps * deadline)} of sweeps at worst, ` +
        `but ${hours(time)} × ${atOnce} at once have room for ${hours(time * atOnce)}. ` +
        `Events that wait longer than ${hours(maximumEventAge / 60)} are dropped. Set reservedConcurrency to ${needed}, ` +
        `or a window of ${hours(Math.ceil((sweeps * deadline) / atOnce))}, or a mix of both. ` +
        'If your sweeps take less than 15 minutes, lower values are enough: see durationMs on the dashboard.',
    ];
  });
}

const hours = (minutes: number) =>
  minutes < 120 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 6) / 10} h`;
