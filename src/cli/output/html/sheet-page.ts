/** @module A sheet (sentences and tables, without charts) as an HTML page. */
import type { Sheet, SheetTable } from '../sheet.ts';
import { html, type Markup } from './markup.ts';
import { pageText } from './page.ts';

export function sheetHtml({ title, lines, tables }: Sheet): string {
  const [first = '', ...more] = lines;
  const main = html`${list(more)}${tables.map(tableSection)}`;
  return pageText({ title, subtitle: first, main, footer: '' });
}

/** Several sheets as one page, each under a heading. */
export function sheetsHtml(title: string, sheets: readonly Sheet[]): string {
  const main = html`${sheets.map(
    (sheet, number) =>
      html`<h2>${sheet.title}</h2>\n${list(sheet.lines)}${sheet.tables.map((table, index) => tableSection(table, `${number}-${index}`))}`,
  )}`;
  return pageText({ title, subtitle: '', main, footer: '' });
}

const list = (lines: readonly string[]): Markup | undefined =>
  lines.length > 0 ? html`<ul>${lines.map((line) => html`<li>${line.trim()}</li>\n`)}</ul>\n` : undefined;

export function tableSection({ title, head, rows }: SheetTable, index: number | string): Markup | undefined {
  if (rows.length === 0) return undefined;
  const id = `table-${index}`;
  const heading = title === undefined ? undefined : html`<h2 id="${id}">${title}</h2>\n`;
  const name = title ?? `Table ${index}`;
  return html`<section>
${heading}<div class="scroll" tabindex="0" role="region" aria-label="${name}"><table>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody>
</table></div>
</section>
`;
}
