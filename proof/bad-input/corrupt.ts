/**
 * @module Corrupts valid documents. Each kind of corruption removes, adds or changes one thing. A case combines up to
 * three corruptions.
 */
import * as fc from 'fast-check';
import { hostileTexts } from './hostile-samples.ts';
import { changeAt, isObject, type Json, type Path, pathsIn, sizeOf, valueAt } from './json.ts';

/** One corruption as plain data, so that a failing case can be shrunk and shown. */
export interface Corruption {
  readonly kind: CorruptionKind;
  /** Selects the location in the document; taken modulo the number of locations. */
  readonly at: number;
  /** Selects the replacement value; taken modulo the number of values. */
  readonly pick: number;
}

const numbers: readonly number[] = [
  -1,
  -0,
  1,
  0.5,
  1.000_000_000_1,
  1e21,
  1e300,
  -1e300,
  2 ** 31,
  2 ** 53,
  5e-324,
  Number.MAX_VALUE,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

const numericTexts = [
  'NaN',
  'Infinity',
  '1e3',
  '0x10',
  '٤٨',
  '1_000',
  '-0',
  '48',
  'null',
  'true',
  'undefined',
  '999999999999d',
  // durations that only some fields allow
  '1ms',
  '31m',
];

/** Keys that every object or list has, or that would change an object's prototype. */
export const objectKeys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'length'];

const otherTypes: readonly Json[] = [null, true, false, 0, 7, 'x', [], {}, [null], { a: 1 }, [[]], ['x', 1]];

/** Nesting depths. The last depth overflows the stack of a recursive parser. */
const depths = [2, 40, 900, 6_000];

function nested(depth: number, asObject: boolean): Json {
  let value: Json = 0;
  for (let level = 0; level < depth; level += 1) value = asObject ? { a: value } : [value];
  return value;
}

/**
 * The maximum number of values after a `many` corruption. Without a limit, several of them would fill the machine's
 * memory.
 */
const maxPlaces = 40_000;

const pickFrom = <T>(list: readonly T[], pick: number): T => list[pick % list.length] as T;

type Change = (value: Json, pick: number, document: Json) => Json | undefined;

const kinds = {
  delete: () => undefined,
  nothing: () => null,
  type: (_value, pick) => pickFrom(otherTypes, pick),
  number: (_value, pick) => pickFrom(numbers, pick),
  numeric_text: (_value, pick) => pickFrom(numericTexts, pick),
  text: (_value, pick) => pickFrom(hostileTexts, pick),
  empty: (value) => (Array.isArray(value) ? [] : isObject(value) ? {} : ''),
  deep: (_value, pick) => nested(pickFrom(depths, pick), pick % 2 === 0),
  /** Renames a field. */
  key: (value, pick) => {
    if (!isObject(value)) return [value];
    const entries = Object.entries(value);
    const renamed = entries[pick % Math.max(1, entries.length)]?.[0];
    const to = pickFrom([...objectKeys, ...hostileTexts, renamed?.toUpperCase() ?? 'X'], pick);
    return Object.fromEntries(entries.map(([key, item]) => [key === renamed ? to : key, item]));
  },
  /** Adds an unknown field. */
  unknown: (value, pick) =>
    isObject(value)
      ? Object.fromEntries([
          ...Object.entries(value),
          [pickFrom([...objectKeys, ...hostileTexts], pick), pickFrom(otherTypes, pick)],
        ])
      : { value },
  /** Repeats a list or a text. */
  duplicate: (value) =>
    Array.isArray(value) ? [...value, ...value] : typeof value === 'string' ? value + value : [value, value],
  /** Replaces the value with another value from the document. */
  swap: (_value, pick, document) => {
    const paths = pathsIn(document).slice(1);
    return paths.length === 0 ? null : (valueAt(document, paths[pick % paths.length] as Path) ?? null);
  },
  many: (value, pick) => {
    const count = Math.min(
      pickFrom([50, 1_000, 20_000], pick),
      Math.ceil(maxPlaces / sizeOf(value, maxPlaces)),
    );
    if (!isObject(value)) return Array.from({ length: count }, () => value);
    const more = Array.from({ length: count }, (_, index) => [`more-${index}`, pick] as const);
    return Object.fromEntries([...Object.entries(value), ...more]);
  },
} as const satisfies Record<string, Change>;

export type CorruptionKind = keyof typeof kinds;
export const corruptionKinds = Object.keys(kinds) as CorruptionKind[];

/** The document after all corruptions have been applied in order; null if the whole document was deleted. */
export function corrupt(document: Json, corruptions: readonly Corruption[]): Json {
  return corruptions.reduce<Json>((value, { kind, at, pick }) => {
    const paths = pathsIn(value);
    const path = paths[at % paths.length] as Path;
    const change: Change = kinds[kind];
    return changeAt(value, path, (inner) => change(inner, pick, value)) ?? null;
  }, document);
}

/** The document with the value at `path` corrupted. */
export const corruptAt = (document: Json, path: Path, { kind, pick }: Omit<Corruption, 'at'>): Json =>
  changeAt(document, path, (inner) => (kinds[kind] as Change)(inner, pick, document)) ?? null;

/** Up to three corruptions; shrinking reduces their number. */
export const anyCorruptions = (
  only: readonly CorruptionKind[] = corruptionKinds,
): fc.Arbitrary<Corruption[]> =>
  fc.array(fc.record({ kind: fc.constantFrom(...only), at: fc.nat(5_000), pick: fc.nat(5_000) }), {
    maxLength: 3,
  });
