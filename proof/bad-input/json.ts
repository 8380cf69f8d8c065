/**
 * @module Helpers for the JSON values in bad input, which may have keys such as `__proto__`, and numbers that
 * JSON.stringify cannot write.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };
export type Path = readonly (string | number)[];

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The maximum depth of a location to corrupt, because a value may be nested thousands of levels deep. */
const maxDepth = 12;

/** The maximum number of locations to choose from. */
const maxPlaces = 2_000;

/** The first `maxPlaces` locations in a value, beginning with the value itself. */
export const pathsIn = (value: Json): Path[] => [...allPaths(value).take(maxPlaces)];

function* allPaths(value: Json, path: Path = []): Generator<Path> {
  yield path;
  if (path.length === maxDepth || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* allPaths(item, [...path, index]);
  else for (const [key, item] of Object.entries(value)) yield* allPaths(item, [...path, key]);
}

/** The number of values in a value, including itself. Counting stops at `max`. */
export function sizeOf(value: Json, max: number): number {
  const todo: Json[] = [value];
  let size = 0;
  for (let next = todo.pop(); next !== undefined && size < max; next = todo.pop()) {
    size += 1;
    if (typeof next === 'object' && next !== null) todo.push(...(Object.values(next) as Json[]));
  }
  return size;
}

export function valueAt(value: Json | undefined, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((inner, key) => {
    if (Array.isArray(inner)) return inner[Number(key)];
    return isObject(inner) && Object.hasOwn(inner, key) ? inner[String(key)] : undefined;
  }, value);
}

/**
 * A copy of `value` with `change` applied at `path`. If `change` returns undefined, removes the entry at `path`. Keeps
 * the order of the keys.
 */
export function changeAt(
  value: Json,
  [key, ...rest]: Path,
  change: (value: Json) => Json | undefined,
): Json | undefined {
  if (key === undefined) return change(value);
  if (Array.isArray(value))
    return value.flatMap((item, index) => (index === key ? listed(changeAt(item, rest, change)) : [item]));
  if (!isObject(value)) return value;
  // uses entries, because assigning to the key `__proto__` would create no key
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) => {
      if (name !== key) return [[name, item] as const];
      const changed = changeAt(item, rest, change);
      return changed === undefined ? [] : [[name, changed] as const];
    }),
  );
}

const listed = (value: Json | undefined): readonly Json[] => (value === undefined ? [] : [value]);

/** The JSON text of a value. Infinity is written as `1e999`, which is valid JSON. */
export function jsonText(value: Json): string {
  try {
    const odd: string[] = [];
    const text = JSON.stringify(value, (_key, inner: unknown) => {
      if (typeof inner !== 'number' || (Number.isFinite(inner) && !Object.is(inner, -0))) return inner;
      odd.push(scalarText(inner));
      return oddNumber;
    });
    return odd.length === 0 ? text : text.replaceAll(JSON.stringify(oddNumber), () => odd.shift() ?? '0');
  } catch (error) {
    if (error instanceof RangeError) return deepText(value);
    throw error;
  }
}

/** A placeholder in the JSON text, which is replaced with the number later. */
const oddNumber = '\u0000 a number that JSON.stringify cannot write';

/** The JSON text of a value that is nested too deep for JSON.stringify. */
function deepText(value: Json): string {
  const parts: string[] = [];
  const todo: (string | { readonly value: Json })[] = [{ value }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (typeof next === 'string') parts.push(next);
    else if (Array.isArray(next.value)) {
      parts.push('[');
      todo.push(']');
      for (const [index, item] of [...next.value.entries()].reverse())
        todo.push({ value: item }, ...(index > 0 ? [','] : []));
    } else if (isObject(next.value)) {
      parts.push('{');
      todo.push('}');
      for (const [index, [key, item]] of [...Object.entries(next.value).entries()].reverse())
        todo.push({ value: item }, `${JSON.stringify(key)}:`, ...(index > 0 ? [','] : []));
    } else parts.push(scalarText(next.value));
  }
  return parts.join('');
}

function scalarText(value: Json): string {
  if (typeof value !== 'number') return JSON.stringify(value);
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? JSON.stringify(value) : value > 0 ? '1e999' : '-1e999';
}

/** Decodes a file: as UTF-8 or, if it begins with a UTF-16 byte order mark, as UTF-16, which PowerShell writes. */
export function decoded(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex');
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

/** JSON with comments, in which a blank replaces each comment. */
export const withoutComments = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|\/\/[^\n\r]*|\/\*.*?\*\//gs, (part) => (part.startsWith('"') ? part : ' '));
