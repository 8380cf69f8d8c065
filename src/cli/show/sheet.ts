/** @module A result as a heading, sentences and tables: what a command shows in every form but its own text. */
import { plainJson } from '../../sweep/text.ts';
import { json, type Renderings } from '../output.ts';
import { markdownTable, markdownText } from './markdown.ts';
import type { Column } from './table.ts';

export interface SheetTable {
  readonly title?: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Sheet {
  readonly title: string;
  readonly lines: readonly string[];
  readonly tables: readonly SheetTable[];
}

export interface Forms {
  /** The form for a terminal. */
  readonly text: () => string;
  /** What the JSON form holds. */
  readonly value: unknown;
  /** What the ndjson form has a line for each of; the whole as one line when left out. */
  readonly each?: readonly unknown[];
  readonly sheet: () => Sheet;
}

/** All forms of a result that is a sheet. */
export function inAllForms({ text, value, each = [value], sheet }: Forms): Renderings {
  return {
    table: text,
    json: () => json(value),
    ndjson: () => each.map((line) => `${plainJson(line)}\n`).join(''),
    markdown: () => sheetMarkdown(sheet()),
    html: async () => (await import('./html/sheet.ts')).sheetHtml(sheet()),
  };
}

/** Rows as the columns of a terminal's table show them. */
export function sheetTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  title?: string,
): SheetTable {
  return {
    ...(title !== undefined && { title }),
    head: columns.map((column) => column.title.charAt(0) + column.title.slice(1).toLowerCase()),
    rows: rows.map((row) => columns.map((column) => column.value(row))),
  };
}

/** Ends with a line end. */
export function sheetMarkdown({ title, lines, tables }: Sheet): string {
  return [
    `## ${markdownText(title)}`,
    ...(lines.length > 0 ? ['', ...lines.map((line) => `- ${markdownText(line.trim())}`)] : []),
    ...tables
      .filter(({ rows }) => rows.length > 0)
      .flatMap(({ title: name, head, rows }) => [
        ...(name === undefined ? [] : ['', `### ${markdownText(name)}`]),
        '',
        markdownTable(head, rows),
      ]),
    '',
  ].join('\n');
}
