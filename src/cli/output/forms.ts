/** @module Renders the result of a command in every output form. */
import { plainJson } from '../../base/text.ts';
import { json, type Renderings } from './output.ts';
import { type Sheet, sheetMarkdown } from './sheet.ts';

export interface Forms {
  /** The form for a terminal. */
  readonly text: () => string;
  /** The value of the JSON form. */
  readonly value: unknown;
  /** The lines of the ndjson form. By default the whole value is one line. */
  readonly each?: readonly unknown[];
  readonly sheet: () => Sheet;
}

export function inAllForms({ text, value, each = [value], sheet }: Forms): Renderings {
  return {
    table: text,
    json: () => json(value),
    ndjson: () => each.map((line) => `${plainJson(line)}\n`).join(''),
    markdown: () => sheetMarkdown(sheet()),
    html: async () => (await import('./html/sheet-page.ts')).sheetHtml(sheet()),
  };
}
