/** @module The table of the proof: property, cases tried, faults met, result. */

import type { Tally } from './coverage.ts';
import { properties } from './properties.ts';

export interface Row {
  readonly name: string;
  readonly tried: string;
  readonly troubled: string;
  readonly result: 'passed' | 'FAILED' | 'not tried';
}

export const propertyRows = (tally: Tally): Row[] =>
  properties.map(({ name }) => {
    const { tried, troubled, violated } = tally.properties[name] ?? { tried: 0, troubled: 0, violated: 0 };
    return {
      name,
      tried: String(tried),
      troubled: String(troubled),
      result: violated > 0 ? 'FAILED' : tried > 0 ? 'passed' : 'not tried',
    };
  });

export function tableOf(rows: readonly Row[]): string {
  const all = [{ name: 'property', tried: 'cases', troubled: 'with faults', result: 'result' }, ...rows];
  const width = (key: keyof Row) => Math.max(...all.map((row) => row[key].length));
  const [name, tried, troubled] = [width('name'), width('tried'), width('troubled')];
  return all
    .map(
      (row) =>
        `${row.name.padEnd(name)}  ${row.tried.padStart(tried)}  ${row.troubled.padStart(troubled)}  ${row.result}`,
    )
    .join('\n');
}

/** `12 passed, 0 failed`: what was not tried has not passed. */
export function closingLine(rows: readonly Row[]): string {
  const passed = rows.filter(({ result }) => result === 'passed').length;
  return `${passed} passed, ${rows.length - passed} failed`;
}
