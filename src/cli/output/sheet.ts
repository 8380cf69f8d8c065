/** @module A result as heading, sentences and tables: the source of the Markdown and HTML formats. */
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

/** A table with the columns of the terminal's table. */
export function sheetTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  title?: string,
): SheetTable {
  return {
    ...(title !== undefined && { title }),
    head: columns.map(({ title }) => title.charAt(0) + title.slice(1).toLowerCase()).map(withUnit),
    rows: rows.map((row) => columns.map((column) => column.value(row))),
  };
}

const withUnit = (title: string): string => title.replace(/^Gb\b/, 'GB');

/** Returns a text that ends with a line break. */
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
