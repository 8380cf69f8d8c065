/** @module Renders the result of a command in every output format. */
import { plainJson } from '../../base/text.ts';
import { json, type Renderings } from './output.ts';
import { type Sheet, sheetMarkdown } from './sheet.ts';

export interface Forms {
  /** The text for a terminal. */
  readonly text: () => string;
  /** The value for the JSON format. */
  readonly value: unknown;
  /** The value of each line in the ndjson format. By default, the only line is `value`. */
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
