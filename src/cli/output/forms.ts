/** @module Every output form of a result that is a sheet. */
import { plainJson } from '../../base/text.ts';
import { json, type Renderings } from './output.ts';
import { type Sheet, sheetMarkdown } from './sheet.ts';

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
    html: async () => (await import('./html/sheet-page.ts')).sheetHtml(sheet()),
  };
}
