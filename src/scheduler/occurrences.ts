/**
 * @module Computes when a schedule is due, in the local time of its zone, daylight saving included. The calendar is
 * croner's. For local times that a zone skips or repeats, the Scheduler's rule applies, which differs from croner's.
 */
import { Cron, CronDate } from 'croner';
import type { Expression } from './expression.ts';

export interface Recurrence {
  readonly expression: Expression;
  /** An IANA name. */
  readonly timezone: string;
  /** The earliest time at which the schedule may be due, in epoch milliseconds. An `at` ignores this field. */
  readonly start?: number | undefined;
  /** The latest time at which the schedule may be due. */
  readonly end?: number | undefined;
  /** The time when the schedule was created, from which a `rate` without `start` counts. */
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

/** Whether `name` is a time zone, spelled as in the IANA database. An offset such as `+01:00` is not a time zone. */
export function isTimeZone(name: string): boolean {
  if (name.length > 50 || !/^[A-Za-z]/.test(name)) return false;
  try {
    const known = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
    // An alias resolves to an entirely different name. A name that differs only in letter case is a typo.
    return known === name || known.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}

function nextStep(first: number, every: number, after: number): number {
  return after < first ? first : first + (Math.floor((after - first) / every) + 1) * every;
}

/**
 * Matches the pattern against local times as if they were UTC, and converts each match to the zone. A local time that
 * does not exist that day is skipped; one that occurs twice counts once, the first time.
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

/** The local time that clocks in the zone show at `instant`, written as if it were UTC. */
function toLocal(instant: number, timezone: string): number {
  return new CronDate(new Date(instant), timezone).getDate(true).getTime();
}

/** The first time at which clocks in the zone show `local`; undefined if they skip it. */
function toInstant(local: number, timezone: string): number | undefined {
  const instant = shifted(local, timezone);
  return toLocal(instant, timezone) === local ? instant : undefined;
}

/** Whether the local time exists in the zone: clocks skip an hour when daylight saving begins. */
export const existsInZone = (local: string, timezone: string): boolean =>
  toInstant(Date.parse(`${local}Z`), timezone) !== undefined;

/**
 * The service does not document what happens to an `at` in a skipped hour. Like most calendars, this moves it past the
 * gap.
 */
function instantAfterGap(local: string, timezone: string): number {
  return shifted(Date.parse(`${local}Z`), timezone);
}

function shifted(local: number, timezone: string): number {
  return new CronDate(new Date(local).toISOString().slice(0, 19), timezone).getDate().getTime();
}
