/** @module Helpers for the generators. */
import * as fc from 'fast-check';
import { caseStart } from '../case.ts';

export const hour = 3_600_000;
/** The time `ms` milliseconds after the start of a case, as an ISO 8601 text. */
export const iso = (ms: number) => new Date(caseStart + ms).toISOString();

/** Usually the first value, sometimes one of the others. */
export function mostly<T, U>(usual: T, weight: number, ...others: U[]): fc.Arbitrary<T | U> {
  return fc.oneof(
    { arbitrary: fc.constant(usual), weight },
    { arbitrary: fc.constantFrom(...others), weight: 1 },
  );
}

/** An object with the fields in `keys` and a random subset of the other fields. */
export const present = <T extends object>(
  fields: { [K in keyof T]: fc.Arbitrary<T[K]> },
  keys: (keyof T)[] = [],
) => fc.record(fields, { requiredKeys: keys }) as fc.Arbitrary<Partial<T>>;

export function mostlyAbsent<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ arbitrary: fc.constant(undefined), weight: 4 }, { arbitrary: value, weight: 1 });
}

export function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? 'null');
}
