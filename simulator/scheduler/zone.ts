/** @module Local times of a time zone, from Node's zone data. Local times are written as if they were UTC. */

const day = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();
/** A cache of accepted zones, because the check takes longer than the rest of a request. */
const accepted = new Set<string>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-u-ca-iso8601', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, format);
  return format;
}

/** Whether the service accepts the zone: an IANA name in its exact case, not an offset such as `+01:00`. */
export function isZone(name: string): boolean {
  if (accepted.has(name)) return true;
  if (!/^[A-Z]/.test(name) || name.length > 50) return false;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    const differsInCapitalsOnly = timeZone !== name && timeZone.toLowerCase() === name.toLowerCase();
    if (!differsInCapitalsOnly) accepted.add(name);
    return !differsInCapitalsOnly;
  } catch {
    return false;
  }
}

/** The local time of the zone at `instant`. */
export function localTime(instant: number, zone: string): number {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatOf(zone).formatToParts(instant)) parts[type] = Number(value);
  const { year = 0, month = 1, day: date = 1, hour = 0, minute = 0, second = 0 } = parts;
  return (
    Date.UTC(year, month - 1, date, hour, minute, second) + (instant - Math.floor(instant / 1000) * 1000)
  );
}

/** The first instant at which the zone's clocks show `local`; undefined if the zone skips that local time. */
export function firstInstant(local: number, zone: string): number | undefined {
  const candidates = [offsetAt(local - day, zone), offsetAt(local + day, zone)].map(
    (offset) => local - offset,
  );
  return candidates.filter((instant) => localTime(instant, zone) === local).sort((a, b) => a - b)[0];
}

/**
 * Like `firstInstant`, but if the zone skips `local`, applies the offset from before the skipped hour. The result is
 * then after the skipped hour.
 */
export const instantPastGap = (local: number, zone: string): number =>
  firstInstant(local, zone) ?? local - offsetAt(local - day, zone);

const offsetAt = (instant: number, zone: string) => localTime(instant, zone) - instant;
