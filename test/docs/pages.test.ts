import { existsSync, globSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { fieldRows } from '../../scripts/docs/fields.ts';
import { figureRegions, figures } from '../../scripts/docs/figures.ts';
import { filled, table } from '../../scripts/docs/markdown.ts';
import { reference } from '../../scripts/docs/reference.ts';
import { logLines } from '../../scripts/docs/report.ts';
import { root } from '../support/bin.ts';
import { anchors, links, page } from '../support/markdown.ts';

const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root });

describe('links in the documentation', () => {
  it.each(pages)('each link in %s leads to an existing file and heading', (name) => {
    for (const { file, anchor } of links(page(name))) {
      const target = file === '' ? name : join(dirname(name), file);
      expect(existsSync(join(root, target)), `${name} links to ${target}`).toBe(true);
      if (anchor !== undefined) expect(anchors(page(target)), target).toContain(anchor);
    }
  });

  it('each link title on the page of promises is the title of a test in the linked file', () => {
    const titled = links(page('docs/promises.md')).filter(({ title }) => title !== undefined);
    expect(titled.length).toBeGreaterThan(10);
    for (const { file, title } of titled) expect(page(join('docs', file))).toContain(`'${title}'`);
  });
});

describe('the page of promises', () => {
  it('each promise on the page of promises has a link to a test', () => {
    const promises = [...page('docs/promises.md').matchAll(/^\d+\. .+$/gm)].map(([line]) => line);
    expect(promises.length).toBeGreaterThan(10);
    for (const promise of promises)
      expect(
        links(promise).some(({ file }) => file.startsWith('../test/')),
        promise,
      ).toBe(true);
  });
});

it('each row of behaviour.md links to a file that relies on the behaviour in that row', () => {
  const rows = page('docs/behaviour.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| what |'));
  expect(rows.length).toBeGreaterThan(40);
  for (const row of rows) {
    const files = links(row).map(({ file }) => join(root, 'docs', file));
    expect(
      files.some((file) => existsSync(file) && statSync(file).isFile()),
      row,
    ).toBe(true);
  }
});

describe('the reference', () => {
  it('docs/reference.md and the tables in docs/figures.md match the text that the code generates', async () => {
    expect(await reference()).toBe(page('docs/reference.md'));
    expect(filled(page('docs/figures.md'), figureRegions)).toBe(page('docs/figures.md'));
  });

  it('the pages and charts of the benches match the results of the benches', () => {
    for (const [name, text] of Object.entries(figures)) expect(text, name).toBe(page(name));
  });

  it('the reference lists exactly the log lines that the function writes', () => {
    const written = globSync('src/function/*.ts', { cwd: root }).flatMap((name) =>
      [...page(name).matchAll(/\bwrite\(([^{]*)\{/g)].flatMap(([, texts = '']) =>
        [...texts.matchAll(/'([a-z ]+ [a-z ]+)'/g)].map(([, text]) => text),
      ),
    );
    expect(new Set(Object.keys(logLines))).toEqual(new Set(['sweep finished', ...written]));
  });
});

describe('a generated table', () => {
  it('a generated table has a row for each field of the schema, with its default, its allowed values and its meaning', () => {
    const schema = z.strictObject({
      colour: z
        .enum(['red', 'blue'], { error: 'red or blue' })
        .default('red')
        .meta({ description: 'Its colour.' }),
      size: z.union(
        [z.literal(false), z.strictObject({ width: z.int({ error: 'a whole number' }).default(3) })],
        { error: 'false, or an object' },
      ),
    });
    const probe = (path: readonly string[], value: unknown) => ({
      size: false,
      ...(path.reduceRight((inner, key) => ({ [key]: inner }), value) as object),
    });
    expect(fieldRows({ schema, probe })).toEqual([
      ['`colour`', '`"red"`', 'red or blue', 'Its colour.'],
      ['`size`', '', 'false, or an object', ''],
      ['`size.width`', '`3`', 'a whole number', ''],
    ]);
  });

  it('a generated table has each cell on one line, with escaped pipes', () => {
    expect(table(['a'], [['x|y\nz']])).toBe('| a |\n|---|\n| x\\|y z |');
  });

  it('a generated region of a page gets its new text, and a region without a generator, or a generator without a region, is an error', () => {
    const text = 'a\n<!-- generated: t -->\nold\n<!-- /generated -->\nb';
    expect(filled(text, { t: 'new' })).toBe('a\n<!-- generated: t -->\n\nnew\n\n<!-- /generated -->\nb');
    expect(() => filled(text, {})).toThrow('a generated region "t"');
    expect(() => filled('a', { t: 'new' })).toThrow('no generated region t');
  });
});
