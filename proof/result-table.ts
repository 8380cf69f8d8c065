/**
 * @module The result table: for each property, the number of cases that tried it, how many of them had faults, and the
 * result.
 */

import type { Coverage } from './coverage.ts';
import { properties } from './properties.ts';

export interface Row {
  readonly name: string;
  readonly tried: string;
  readonly withFaults: string;
  readonly result: 'passed' | 'FAILED' | 'not tried';
}

export const propertyRows = (coverage: Coverage): Row[] =>
  properties.map(({ name }) => {
    const { tried, withFaults, violated } = coverage.properties[name] ?? {
      tried: 0,
      withFaults: 0,
      violated: 0,
    };
    return {
      name,
      tried: String(tried),
      withFaults: String(withFaults),
      result: violated > 0 ? 'FAILED' : tried > 0 ? 'passed' : 'not tried',
    };
  });

export function tableOf(rows: readonly Row[]): string {
  const all = [{ name: 'property', tried: 'cases', withFaults: 'with faults', result: 'result' }, ...rows];
  const width = (key: keyof Row) => Math.max(...all.map((row) => row[key].length));
  const [name, tried, withFaults] = [width('name'), width('tried'), width('withFaults')];
  return all
    .map(
      (row) =>
        `${row.name.padEnd(name)}  ${row.tried.padStart(tried)}  ${row.withFaults.padStart(withFaults)}  ${row.result}`,
    )
    .join('\n');
}

/** The line after the table, such as `12 passed, 0 failed`. A property that was not tried counts as failed. */
export function closingLine(rows: readonly Row[]): string {
  const passed = rows.filter(({ result }) => result === 'passed').length;
  return `${passed} passed, ${rows.length - passed} failed`;
}
