/** @module Markdown for the generated pages: tables, and generated regions in handwritten pages. */

/** The text of a table's cell, on one line and with escaped pipes. */
const cell = (text: string) => text.replaceAll('\n', ' ').replaceAll('|', '\\|');

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

export const code = (text: string | number) => `\`${text}\``;

/** A table of names and their meanings. */
export const meanings = (head: string, means: Readonly<Record<string, string>>): string =>
  table(
    [head, 'means'],
    Object.entries(means).map(([name, text]) => [code(name), text]),
  );

/**
 * Replaces the text between each `<!-- generated: NAME -->` and `<!-- /generated -->` of the page.
 * @throws if a region is missing from the page or from `regions`.
 */
export function filled(page: string, regions: Readonly<Record<string, string>>): string {
  const seen = new Set<string>();
  const text = page.replace(
    /(<!-- generated: ([^\n]+?) -->\n).*?(<!-- \/generated -->)/gs,
    (_all, begin: string, name: string, end: string) => {
      const content = regions[name];
      if (content === undefined)
        throw new Error(`the page has a generated region "${name}", which has no generator`);
      seen.add(name);
      return `${begin}\n${content}\n\n${end}`;
    },
  );
  const missing = Object.keys(regions).filter((name) => !seen.has(name));
  if (missing.length > 0) throw new Error(`the page has no generated region ${missing.join(', ')}`);
  return text;
}
