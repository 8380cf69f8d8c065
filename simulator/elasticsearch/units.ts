/** @module Time values and byte sizes as Elasticsearch reads and prints them (docs/elasticsearch.md §6.4). */
import { illegalArgument } from './errors.ts';

const timeUnits = [
  ['nanos', 1e-6],
  ['micros', 1e-3],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
] as const;

/**
 * Converts a time value such as `30m` to milliseconds. The value `-1`, which has no unit, stays -1.
 * @throws 400 with the server's message, in which `name` is the setting
 */
export function parseTimeValue(text: string, name: string): number {
  const trimmed = text.trim();
  const lower = trimmed.toLowerCase();
  for (const [unit, factor] of timeUnits) {
    // an upper-case M would mean months and is refused
    if (unit === 'm' ? !trimmed.endsWith('m') : !lower.endsWith(unit)) continue;
    return wholeNumber(text, lower.slice(0, -unit.length).trim(), name) * factor;
  }
  if (/^-0*1$/.test(lower)) return -1;
  if (/^0+$/.test(lower)) return 0;
  throw illegalArgument(
    `failed to parse setting [${name}] with value [${text}] as a time value: unit is missing or unrecognized`,
  );
}

function wholeNumber(text: string, digits: string, name: string): number {
  if (/^[+-]?\d+$/.test(digits)) {
    const value = Number.parseInt(digits, 10);
    if (value >= -1) return value;
    throw illegalArgument(
      `failed to parse setting [${name}] with value [${text}] as a time value: negative durations are not supported`,
    );
  }
  if (/^[+-]?(\d+\.?\d*|\.\d+)$/.test(digits))
    throw illegalArgument(`failed to parse [${text}], fractional time values are not supported`);
  throw illegalArgument(`failed to parse [${text}]`);
}

/** A duration as messages print it: in the largest unit that fits, with at most one decimal. */
export function printTimeValue(ms: number): string {
  if (ms < 0) return String(ms);
  if (ms === 0) return '0s';
  for (const [unit, factor] of [...timeUnits].reverse()) {
    if (ms < factor) continue;
    const tenths = Math.trunc((ms / factor) * 10) / 10;
    return `${tenths}${unit}`;
  }
  return `${ms}ms`;
}

const byteUnits = [
  ['pb', 2 ** 50],
  ['tb', 2 ** 40],
  ['gb', 2 ** 30],
  ['mb', 2 ** 20],
  ['kb', 2 ** 10],
  ['p', 2 ** 50],
  ['t', 2 ** 40],
  ['g', 2 ** 30],
  ['m', 2 ** 20],
  ['k', 2 ** 10],
  ['b', 1],
] as const;

/** A size such as `64mb` in bytes. @throws 400 with the server's message */
export function parseByteSize(text: string, name: string): number {
  const lower = text.trim().toLowerCase();
  for (const [unit, factor] of byteUnits) {
    if (!lower.endsWith(unit)) continue;
    const digits = lower.slice(0, -unit.length).trim();
    if (!/^[+-]?\d+(\.\d+)?$/.test(digits)) break;
    return Math.trunc(Number(digits) * factor);
  }
  if (lower === '-1' || lower === '0') return Number(lower);
  throw illegalArgument(
    `failed to parse setting [${name}] with value [${text}] as a size in bytes: unit is missing or unrecognized`,
  );
}

/** A size as `human=true` prints it, for example `1.5gb`. */
export function printByteSize(bytes: number): string {
  for (const [unit, factor] of byteUnits.slice(0, 5))
    if (bytes >= factor) return `${Math.trunc((bytes / factor) * 10) / 10}${unit}`;
  return `${bytes}b`;
}

/** A size in the largest unit that divides it, for example `2764mb` or `1gb`. */
export function exactByteSize(bytes: number): string {
  for (const [unit, factor] of byteUnits.slice(0, 5))
    if (bytes > 0 && bytes % factor === 0) return `${bytes / factor}${unit}`;
  return `${bytes}b`;
}
