/** @module Tables of the `_cat` APIs: as text with aligned columns, or as rows of strings in JSON. */
import { illegalArgument } from '../errors.ts';
import { wildcard } from '../state/expressions.ts';
import { printTimeValue } from '../units.ts';
import type { Answer, Call } from './call.ts';

type Value = string | number | undefined;

export interface Column<T> {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
  /** Whether the column is shown by default. */
  readonly shown?: boolean;
  readonly kind?: 'text' | 'number' | 'bytes' | 'milliseconds';
  readonly value: (row: T) => Value;
}

/** Reads the parameters that every table accepts. Returns the function that renders the rows. */
export function table<T>(call: Call, columns: readonly Column<T>[]): (rows: readonly T[]) => Answer {
  const { query } = call;
  const headers = query.flag('v', false);
  const help = query.flag('help', false);
  const format = query.text('format') ?? formatOf(call);
  const bytes = query.text('bytes');
  const time = query.text('time');
  const order = sorting(query.text('s'), columns);
  const chosen = choose(query.text('h'), columns);
  query.ignore('local', 'master_timeout', 'ts');
  return (rows) => {
    if (help) return { text: helpText(columns) };
    const sorted = order.length > 0 ? [...rows].sort((a, b) => compareBy(order, a, b)) : rows;
    const units = { bytes, time };
    if (format !== 'text')
      return {
        body: sorted.map((row) =>
          Object.fromEntries(chosen.map(({ label, column }) => [label, cell(column, row, units) ?? null])),
        ),
      };
    const lines = sorted.map((row) => chosen.map(({ column }) => cell(column, row, units) ?? ''));
    const top = headers ? [chosen.map(({ label }) => label)] : [];
    return {
      text: align(
        [...top, ...lines],
        chosen.map(({ column }) => column.kind !== undefined && column.kind !== 'text'),
      ),
    };
  };
}

function formatOf({ accept }: Call): string {
  return /json/.test(accept) ? 'json' : /yaml/.test(accept) ? 'yaml' : 'text';
}

interface Chosen<T> {
  /** The column as the caller wrote it, which may be an alias. */
  readonly label: string;
  readonly column: Column<T>;
}

function choose<T>(given: string | undefined, columns: readonly Column<T>[]): Chosen<T>[] {
  if (given === undefined)
    return columns.filter(({ shown }) => shown).map((column) => ({ label: column.name, column }));
  return given.split(',').flatMap((part) => {
    const name = part.trim();
    if (name.includes('*')) {
      const matches = wildcard(name);
      return columns
        .filter((column) => matches(column.name))
        .map((column) => ({ label: column.name, column }));
    }
    const column = find(columns, name);
    return column ? [{ label: name, column }] : [];
  });
}

function find<T>(columns: readonly Column<T>[], name: string): Column<T> | undefined {
  return columns.find((column) => column.name === name || column.aliases.includes(name));
}

interface Order<T> {
  readonly column: Column<T>;
  readonly descending: boolean;
}

function sorting<T>(given: string | undefined, columns: readonly Column<T>[]): Order<T>[] {
  if (given === undefined || given === '') return [];
  return given.split(',').map((part) => {
    const [name = '', direction] = part.trim().split(':');
    const column = find(columns, name);
    if (!column) throw illegalArgument(`Unable to sort by unknown sort key \`${name}\``);
    return { column, descending: direction === 'desc' };
  });
}

function compareBy<T>(order: readonly Order<T>[], a: T, b: T): number {
  for (const { column, descending } of order) {
    const [x, y] = [column.value(a), column.value(b)];
    // missing values sort first
    const result = x === y ? 0 : x === undefined ? -1 : y === undefined ? 1 : x < y ? -1 : 1;
    if (result !== 0) return descending ? -result : result;
  }
  return 0;
}

function cell<T>(
  column: Column<T>,
  row: T,
  { bytes, time }: { readonly bytes: string | undefined; readonly time: string | undefined },
): string | undefined {
  const value = column.value(row);
  if (value === undefined || typeof value === 'string') return value;
  if (column.kind === 'bytes') return printBytes(value, bytes);
  if (column.kind === 'milliseconds') return printTime(value, time);
  return String(value);
}

const byteUnits: Record<string, number> = {
  b: 1,
  kb: 2 ** 10,
  mb: 2 ** 20,
  gb: 2 ** 30,
  tb: 2 ** 40,
  pb: 2 ** 50,
};

function printBytes(value: number, unit: string | undefined): string {
  if (unit !== undefined) return String(Math.floor(value / (byteUnits[unit] ?? 1)));
  const best = Object.entries(byteUnits).findLast(([, factor]) => value >= factor) ?? ['b', 1];
  return `${Math.trunc((value / best[1]) * 10) / 10}${best[0]}`;
}

const timeUnits: Record<string, number> = {
  nanos: 1e-6,
  micros: 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 3.6e6,
  d: 8.64e7,
};

function printTime(value: number, unit: string | undefined): string {
  return unit === undefined ? printTimeValue(value) : String(Math.floor(value / (timeUnits[unit] ?? 1)));
}

/** Aligns numbers right and text left, without trailing blanks. */
function align(lines: readonly (readonly string[])[], right: readonly boolean[]): string {
  const widths = right.map((_right, index) => Math.max(0, ...lines.map((line) => line[index]?.length ?? 0)));
  const cell = (text: string, index: number) => {
    const width = widths[index] ?? 0;
    if (right[index]) return text.padStart(width);
    return index === right.length - 1 ? text : text.padEnd(width);
  };
  return lines.map((line) => `${line.map(cell).join(' ')}\n`).join('');
}

function helpText<T>(columns: readonly Column<T>[]): string {
  const rows = columns.map(({ name, aliases, description }) => [name, aliases.join(','), description]);
  const widths = [0, 1, 2].map((index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map((row) => `${row.map((text, index) => text.padEnd(widths[index] ?? 0)).join(' | ')} \n`)
    .join('');
}
