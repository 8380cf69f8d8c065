/**
 * @module Converts between instants and the local time of a time zone, daylight saving time (DST) included. For local
 * times that a zone skips or repeats, this module follows the Scheduler's rule, which differs from croner's.
 */
import { CronDate } from 'croner';

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

/** The local time that clocks in the zone show at `instant`, written as if it were UTC. */
export function toLocal(instant: number, timezone: string): number {
  return new CronDate(new Date(instant), timezone).getDate(true).getTime();
}

/** The first instant at which clocks in the zone show `local`; undefined if they skip that time. */
export function toInstant(local: number, timezone: string): number | undefined {
  const instant = shifted(local, timezone);
  return toLocal(instant, timezone) === local ? instant : undefined;
}

/** Whether the local time exists in the zone. It may not, because clocks skip an hour when daylight saving begins. */
export const existsInZone = (local: string, timezone: string): boolean =>
  toInstant(Date.parse(`${local}Z`), timezone) !== undefined;

/**
 * The service does not document what happens to an `at` in a skipped hour. Like most calendars, this function moves the
 * time past the gap.
 */
export function instantAfterGap(local: string, timezone: string): number {
  return shifted(Date.parse(`${local}Z`), timezone);
}

function shifted(local: number, timezone: string): number {
  return new CronDate(new Date(local).toISOString().slice(0, 19), timezone).getDate().getTime();
}
