/** @module Markdown for the generated pages: tables, and regions of pages that are otherwise written by hand. */

/** One cell: on one line, and without the sign that would end it. */
const cell = (text: string) => text.replaceAll('\n', ' ').replaceAll('|', '\\|');

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

export const code = (text: string | number) => `\`${text}\``;

/** A table of names and what each means. */
export const meanings = (head: string, means: Readonly<Record<string, string>>): string =>
  table(
    [head, 'means'],
    Object.entries(means).map(([name, text]) => [code(name), text]),
  );

/**
 * `page` with what stands between `<!-- generated: NAME -->` and `<!-- /generated -->` replaced.
 * @throws when the page has no such region, or one that `regions` does not know.
 */
export function filled(page: string, regions: Readonly<Record<string, string>>): string {
  const seen = new Set<string>();
  const text = page.replace(
    /(<!-- generated: ([^\n]+?) -->\n).*?(<!-- \/generated -->)/gs,
    (_all, begin: string, name: string, end: string) => {
      const content = regions[name];
      if (content === undefined)
        throw new Error(`the page has a generated region "${name}", which nobody writes`);
      seen.add(name);
      return `${begin}\n${content}\n\n${end}`;
    },
  );
  const missing = Object.keys(regions).filter((name) => !seen.has(name));
  if (missing.length > 0) throw new Error(`the page has no generated region ${missing.join(', ')}`);
  return text;
}
