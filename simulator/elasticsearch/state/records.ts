/** @module Posted records: JSON objects one after another, with or without line breaks or an enclosing list. */
import { malformed } from '../http/body.ts';

export type JsonRecord = Record<string, unknown>;

/** The records of an upload. @throws 400 at the first invalid record */
export function parseRecords(text: string): JsonRecord[] {
  const records: JsonRecord[] = [];
  for (const part of parts(text)) {
    let value: unknown;
    try {
      value = JSON.parse(part);
    } catch (error) {
      throw malformed(part, error);
    }
    for (const entry of Array.isArray(value) ? (value as unknown[]) : [value])
      if (typeof entry === 'object' && entry !== null) records.push(entry as JsonRecord);
  }
  return records;
}

/** Splits concatenated JSON values. One value per line is the common, fast case. */
function* parts(text: string): Generator<string> {
  let depth = 0;
  let start = -1;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (quoted) {
      if (character === '\\') index += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') {
      quoted = true;
    } else if (character === '{' || character === '[') {
      if (depth === 0) start = index;
      depth += 1;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth === 0) {
        yield text.slice(start, index + 1);
        start = -1;
      }
    } else if (depth === 0 && !/[\s,]/.test(character ?? '')) {
      throw malformed(text, new Error(`position ${index}`));
    }
  }
  if (start >= 0) throw malformed(text, new Error(`position ${text.length}`));
}

/** A record's time, given in its job's format, in epoch milliseconds; undefined if invalid. */
export function recordTime(value: unknown, format: string): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  if (format === 'epoch' || format === 'epoch_ms') {
    const number = Number(value);
    if (value === '' || !Number.isFinite(number)) return undefined;
    return format === 'epoch' ? Math.round(number * 1_000) : number;
  }
  const time = parsePattern(String(value), format);
  return Number.isNaN(time) ? undefined : time;
}

const units: Record<string, string> = {
  y: '(?<y>\\d{4})',
  u: '(?<y>\\d{4})',
  M: '(?<M>\\d{1,2})',
  d: '(?<d>\\d{1,2})',
  H: '(?<H>\\d{1,2})',
  m: '(?<m>\\d{1,2})',
  s: '(?<s>\\d{1,2})',
  S: '(?<S>\\d{1,9})',
  X: '(?<X>Z|[+-]\\d{2}:?\\d{0,2})',
  Z: '(?<X>Z|[+-]\\d{2}:?\\d{2})',
  x: '(?<X>[+-]\\d{2}:?\\d{0,2})',
  V: '(?<X>Z|UTC)',
};

/** Parses a date by a pattern such as `yyyy-MM-dd HH:mm:ssX`. A date without a zone is in UTC. */
function parsePattern(text: string, pattern: string): number {
  let expression = '';
  for (const [, quoted, letters, other] of pattern.matchAll(/'([^']*)'|([a-zA-Z])\2*|([^a-zA-Z'])/g)) {
    if (quoted !== undefined) expression += quoted === '' ? "'" : escaped(quoted);
    else if (letters !== undefined) expression += units[letters] ?? '.+?';
    else expression += escaped(other ?? '');
  }
  let found: RegExpExecArray | null;
  try {
    found = new RegExp(`^${expression}$`).exec(text);
  } catch {
    return Number.NaN; // the pattern repeats a unit
  }
  if (!found?.groups) return Number.NaN;
  const { y, M = '1', d = '1', H = '0', m = '0', s = '0', S = '0', X } = found.groups;
  const utc = Date.UTC(
    Number(y),
    Number(M) - 1,
    Number(d),
    Number(H),
    Number(m),
    Number(s),
    Number(`0.${S}`) * 1_000,
  );
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(X ?? '') ?? [];
  const offset =
    sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return utc - offset;
}

const escaped = (text: string) => text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
