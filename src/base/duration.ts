/** @module Durations as people write them in a request: `90s`, `48h`; see docs/contract.md §1. */

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Accepts fewer formats than Elasticsearch, in which some durations have a special meaning, for example `-1`. */
export const durationPattern = /^[1-9][0-9]*(ms|s|m|h|d)$/;

/** Milliseconds of a duration such as `48h`; undefined if it is invalid or too long to count exactly. */
export function parseDuration(text: string): number | undefined {
  const unit = durationPattern.exec(text)?.[1] as keyof typeof units | undefined;
  const ms = unit && Number.parseInt(text, 10) * units[unit];
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** The duration in its largest whole unit: 5400000 is `90m`. Takes a positive integer. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const)
    if (ms % units[unit] === 0) return `${ms / units[unit]}${unit}`;
  return `${ms}ms`;
}

/** An idle time as people write it. Below a week, whole hours are not converted to days: `48h`, not `2d`. */
export function formatIdleTime(ms: number): string {
  return ms % units.h === 0 && ms < 7 * units.d ? `${ms / units.h}h` : formatDuration(ms);
}
