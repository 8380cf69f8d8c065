/**
 * @module When a schedule falls due: local times of a zone, daylight saving included. The calendar is croner's; the
 * rule for local times that a zone skips or repeats is the Scheduler's own and differs from croner's.
 */
import { Cron, CronDate } from 'croner';
import type { Expression } from './expression.ts';

export interface Recurrence {
  readonly expression: Expression;
  /** An IANA name. */
  readonly timezone: string;
  /** The first moment at which it may fall due, epoch milliseconds; `at` takes no notice. */
  readonly start?: number | undefined;
  /** The last one. */
  readonly end?: number | undefined;
  /** What a `rate` without `start` counts from: when the schedule was made. */
  readonly anchor: number;
}

/** The first moment later than `after` at which the schedule falls due; undefined when there is none. */
export function nextDue(schedule: Recurrence, after: number): number | undefined {
  const { expression, start, end = Number.POSITIVE_INFINITY } = schedule;
  if (expression.kind === 'at') {
    const due = instantAfterGap(expression.local, schedule.timezone);
    return due > after ? due : undefined;
  }
  // "on or after" the start, so a start on the minute itself counts
  const from = start === undefined ? after : Math.max(after, start - 1);
  const due =
    expression.kind === 'rate'
      ? nextStep(start ?? schedule.anchor, expression.everyMs, from)
      : nextMatch(expression.pattern, schedule.timezone, from);
  return due !== undefined && due <= end ? due : undefined;
}

/** Whether `name` is a time zone of the IANA database in its own spelling; offsets such as `+01:00` are not. */
export function isTimeZone(name: string): boolean {
  if (name.length > 50 || !/^[A-Za-z]/.test(name)) return false;
  try {
    const known = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
    // An alias resolves to another name altogether; the same name in other capitals is a slip.
    return known === name || known.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}

function nextStep(first: number, every: number, after: number): number {
  return after < first ? first : first + (Math.floor((after - first) / every) + 1) * every;
}

/**
 * The pattern is matched against local times as if they were UTC; each match is then looked up in the zone. One that
 * does not exist that day is skipped, one that comes twice counts once, at the first.
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

/** The local time that clocks of the zone show at `instant`, written as if it were UTC. */
function toLocal(instant: number, timezone: string): number {
  return new CronDate(new Date(instant), timezone).getDate(true).getTime();
}

/** The first moment at which clocks of the zone show `local`; undefined when they skip it. */
function toInstant(local: number, timezone: string): number | undefined {
  const instant = shifted(local, timezone);
  return toLocal(instant, timezone) === local ? instant : undefined;
}

/** Whether clocks of the zone ever show that local time: they skip an hour when daylight saving begins. */
export const existsInZone = (local: string, timezone: string): boolean =>
  toInstant(Date.parse(`${local}Z`), timezone) !== undefined;

/** What the service does with an `at` in a gap is not documented; like most calendars, this moves it past the gap. */
function instantAfterGap(local: string, timezone: string): number {
  return shifted(Date.parse(`${local}Z`), timezone);
}

function shifted(local: number, timezone: string): number {
  return new CronDate(new Date(local).toISOString().slice(0, 19), timezone).getDate().getTime();
}
