/** @module Implements the Terraform functions that the module calls. */
type Values = readonly unknown[];

/** The keys and values of a list or a map, in Terraform's order. */
export function entriesOf(collection: unknown): [string | number, unknown][] {
  if (Array.isArray(collection)) return [...collection.entries()];
  if (typeof collection !== 'object' || collection === null)
    throw new Error(`not a collection: ${JSON.stringify(collection)}`);
  return Object.entries(collection).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Writes JSON like Terraform: sorted members, and `<`, `>` and `&` escaped (hashicorp/terraform#38733). */
const jsonencode = (value: unknown) =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(entriesOf(inner))
      : inner,
  ).replaceAll(/[<>&]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);

const flatten = (value: unknown): unknown[] =>
  (value as Values).flatMap((each) => (Array.isArray(each) ? flatten(each) : [each]));

/** Implements `format`, but only for `%s`. */
function format(text: unknown, ...values: Values): string {
  const rest = [...values];
  return String(text).replaceAll(/%(.)/g, (all, verb) => {
    if (verb !== 's') throw new Error(`format: ${all} is not known here`);
    return String(rest.shift());
  });
}

function regex(pattern: unknown, text: unknown): string {
  const found = new RegExp(String(pattern), 'u').exec(String(text));
  if (text === null || found === null) throw new Error(`${String(text)} does not match ${String(pattern)}`);
  return found[0];
}

function keysOf(value: unknown): unknown[] {
  if (Array.isArray(value)) throw new Error('keys of a list');
  return entriesOf(value).map(([key]) => key);
}

function coalesce(...values: Values): unknown {
  const found = values.find((value) => value !== null && value !== '');
  if (found === undefined) throw new Error('coalesce: no value');
  return found;
}

export const functions: Readonly<Record<string, (...values: never[]) => unknown>> = {
  alltrue: (values: Values) => values.every((value) => value === true),
  anytrue: (values: Values) => values.includes(true),
  coalesce,
  compact: (values: Values) => values.filter((value) => value !== null && value !== ''),
  concat: (...lists: Values[]) => lists.flat(),
  contains: (list: Values, value: unknown) => list.includes(value),
  distinct: (list: Values) => [...new Set(list)],
  filebase64sha256: (file: string) => `filebase64sha256(${file})`,
  filesha256: (file: string) => `filesha256(${file})`,
  flatten,
  floor: Math.floor,
  format,
  join: (separator: string, list: Values) => list.join(separator),
  jsondecode: (text: string) => JSON.parse(text) as unknown,
  jsonencode,
  keys: keysOf,
  length: (value: unknown) => entriesOf(value).length,
  lookup: (map: Readonly<Record<string, unknown>>, key: string, otherwise: unknown) => map[key] ?? otherwise,
  lower: (text: string) => text.toLowerCase(),
  merge: (...maps: object[]) => Object.assign({}, ...maps) as object,
  regex,
  setsubtract: (list: Values, less: Values) => list.filter((each) => !less.includes(each)),
  sort: (list: string[]) => [...list].sort(),
  startswith: (text: string, prefix: string) => text.startsWith(prefix),
  split: (separator: string, text: string) => text.split(separator),
  // represents a set as a sorted list without duplicates
  toset: (list: string[]) => [...new Set(list)].sort(),
  trimprefix: (text: string, prefix: string) => (text.startsWith(prefix) ? text.slice(prefix.length) : text),
  trimspace: (text: string) => text.trim(),
  values: (value: unknown) => entriesOf(value).map(([, each]) => each),
};
