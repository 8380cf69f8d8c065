/** @module What the generators of fleets, requests and troubles are made with. */
import * as fc from 'fast-check';
import { caseStart } from '../case.ts';

export const hour = 3_600_000;
/** The moment so many milliseconds after a case begins, in ISO form. */
export const iso = (ms: number) => new Date(caseStart + ms).toISOString();

/** A value most of the time, and one of the others now and then. */
export function mostly<T, U>(usual: T, weight: number, ...others: U[]): fc.Arbitrary<T | U> {
  return fc.oneof(
    { arbitrary: fc.constant(usual), weight },
    { arbitrary: fc.constantFrom(...others), weight: 1 },
  );
}

/** The fields that are there; the others are left out, as a payload leaves them. */
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
