/**
 * @module Computes when a schedule is due. Croner computes the dates; local-time.ts decides how daylight saving time
 * shifts them.
 */
import { Cron } from 'croner';
import type { Expression } from './expression.ts';
import { instantAfterGap, toInstant, toLocal } from './local-time.ts';

export interface Recurrence {
  readonly expression: Expression;
  /** The time zone's IANA name. */
  readonly timezone: string;
  /** The earliest time at which the schedule may be due, in epoch milliseconds. An `at` ignores this field. */
  readonly start?: number | undefined;
  /** The latest time at which the schedule may be due, in epoch milliseconds. An `at` ignores this field. */
  readonly end?: number | undefined;
  /** The time when the schedule was created, in epoch milliseconds. A `rate` without `start` counts from it. */
  readonly anchor: number;
}

/** The first time after `after` at which the schedule is due; undefined if there is none. */
export function nextDue(schedule: Recurrence, after: number): number | undefined {
  const { expression, start, end = Number.POSITIVE_INFINITY } = schedule;
  if (expression.kind === 'at') {
    const due = instantAfterGap(expression.local, schedule.timezone);
    return due > after ? due : undefined;
  }
  // the service fires on or after the start, so a due time equal to the start counts
  const from = start === undefined ? after : Math.max(after, start - 1);
  const due =
    expression.kind === 'rate'
      ? nextStep(start ?? schedule.anchor, expression.everyMs, from)
      : nextMatch(expression.pattern, schedule.timezone, from);
  return due !== undefined && due <= end ? due : undefined;
}

function nextStep(first: number, every: number, after: number): number {
  return after < first ? first : first + (Math.floor((after - first) / every) + 1) * every;
}

/**
 * Matches the pattern against local times as if they were UTC, and converts each match to the zone. A local time that
 * does not exist that day is skipped; a local time that occurs twice counts only the first time.
 */
function nextMatch(pattern: string, timezone: string, after: number): number | undefined {
  const cron = new Cron(pattern, { timezone: 'UTC', mode: '7-part', alternativeWeekdays: true });
  let local: Date | null = new Date(toLocal(after, timezone));
  for (;;) {
    local = cron.nextRun(local);
    if (!local) return undefined;
    const due = toInstant(local.getTime(), timezone);
    if (due !== undefined && due > after) return due;
  }
}
