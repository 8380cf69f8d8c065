/** @module Formats numbers and times for people. */

const steps = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A span of milliseconds in its two largest units, such as `3 d 4 h`; `0 s` if it is shorter than a second. */
export function span(ms: number): string {
  const first = steps.findIndex(([, size]) => ms >= size);
  if (first < 0) return '0 s';
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, size] of steps.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(' ');
}

/** A size with at most three digits, such as `1.4 MB`. As in Elasticsearch, the units are powers of 1,024. */
export function bytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  // 1,023.6 KB would round to four digits
  while (Math.round(value) >= 1_000 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const digits = unit > 0 && Math.round(value * 10) < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** An ISO date-time in a readable form: `2026-11-23 12:00:05 UTC`. */
export function moment(iso: string | number): string {
  return `${new Date(iso).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
