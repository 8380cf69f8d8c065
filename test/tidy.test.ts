/**
 * @module Tests the project's own rules: which folder of code may import which, and limits that keep the code readable.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { parseAst } from 'vitest/node';

const root = path.join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const sources = globSync('{src,simulator,proof,bench,deploy,scripts}/**/*.{ts,cjs}', { cwd: root });
const tests = globSync('test/**/*.ts', { cwd: root });

/** The folder of code to which a file belongs, such as `src/sweep`, `simulator` or `proof`. */
const roomOf = (file: string) =>
  file
    .split('/')
    .slice(0, file.startsWith('src/') ? 2 : 1)
    .join('/');

/**
 * The folders (in `src/` or at the top level) that each folder may import, besides itself. All other imports are
 * forbidden, so dependencies point in one direction.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'src/base': [],
  'src/sweep': ['src/base'],
  'src/elasticsearch': ['src/base', 'src/sweep'],
  'src/scheduler': ['src/base', 'src/sweep'],
  'src/settings': ['src/base', 'src/sweep', 'src/elasticsearch', 'src/scheduler'],
  'src/notify': ['src/base', 'src/sweep', 'src/settings'],
  'src/function': [
    'src/base',
    'src/sweep',
    'src/elasticsearch',
    'src/scheduler',
    'src/settings',
    'src/notify',
  ],
  'src/cli': [
    'src/base',
    'src/sweep',
    'src/elasticsearch',
    'src/scheduler',
    'src/settings',
    'src/notify',
    'simulator',
  ],
  // The simulator judges the product, so it must not use the product's rules. It shares only clocks and text helpers.
  simulator: ['src/base'],
};

/** The packages that folders without network access may import. */
const purePackages: Readonly<Record<string, readonly string[]>> = {
  'src/base': ['fastest-levenshtein'],
  'src/sweep': ['zod', 'zod/mini', 'fastest-levenshtein'],
};

const importPattern =
  /^\s*(?:import|export)\s[^'";]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\(\s*'([^']+)'|\brequire\('([^']+)'\)/gm;

function importsOf(file: string): string[] {
  return [...read(file).matchAll(importPattern)].map((match) => match.slice(1).find(Boolean) ?? '');
}

/** The project's own files that a file imports, dynamic and type imports included. */
const graph = new Map(
  [...sources, ...tests].map((file) => [
    file,
    importsOf(file)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => path.join(path.dirname(file), specifier)),
  ]),
);

it('src has at most eight folders, and each of them has a rule for its imports', () => {
  const rooms = new Set(sources.filter((file) => file.startsWith('src/')).map(roomOf));
  rooms.delete('src/index.ts');
  expect([...rooms].filter((room) => !(room in mayImport))).toEqual([]);
  expect(rooms.size).toBeLessThanOrEqual(8);
});

it.each(Object.entries(mayImport))('the folder %s imports only from the layers below it', (room, allowed) => {
  const wrong = sources
    .filter((file) => roomOf(file) === room)
    .flatMap((file) => (graph.get(file) ?? []).map((target) => [file, target] as const))
    .filter(([, target]) => ![room, 'package.json', ...allowed].includes(roomOf(target)))
    .map(([file, target]) => `${file} imports ${target}`);
  expect(wrong).toEqual([]);
});

it.each(Object.entries(purePackages))(
  'the folder %s imports no SDK, and no Node module that uses the network or the clock',
  (room, allowed) => {
    const wrong = sources
      .filter((file) => roomOf(file) === room)
      .flatMap((file) => importsOf(file).map((specifier) => [file, specifier] as const))
      .filter(([, specifier]) => !specifier.startsWith('.') && !allowed.includes(specifier))
      .filter(
        ([file, specifier]) => !(file === 'src/base/system-clock.ts' && specifier === 'node:timers/promises'),
      )
      .filter(([, specifier]) => specifier !== 'node:crypto')
      .map(([file, specifier]) => `${file} imports ${specifier}`);
    expect(wrong).toEqual([]);
  },
);

it('src/sweep reads neither the environment nor the machine’s clock', () => {
  const wrong = sources
    .filter((file) => roomOf(file) === 'src/sweep')
    .filter((file) => /process\.env|Date\.now\(|new Date\(\)|setTimeout\(|Math\.random\(/.test(read(file)));
  expect(wrong).toEqual([]);
});

it('nothing that is deployed imports the simulator or the command', () => {
  const deployed = new Set<string>();
  const visit = (file: string) => {
    if (deployed.has(file)) return;
    deployed.add(file);
    graph.get(file)?.forEach(visit);
  };
  visit('src/function/handler.ts');
  expect(deployed.size).toBeGreaterThan(20);
  expect([...deployed].filter((file) => /^(simulator|proof|test|src\/cli)\//.test(file))).toEqual([]);
});

it('no file imports itself indirectly, through other files', () => {
  expect(circles()).toEqual([]);
});

/** Files that import each other, found by Tarjan's algorithm. */
function circles(): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): number => {
    const known = order.get(file);
    if (known !== undefined) return stack.includes(file) ? known : Number.POSITIVE_INFINITY;
    const mine = order.size;
    order.set(file, mine);
    lowest.set(file, mine);
    stack.push(file);
    for (const target of graph.get(file) ?? []) {
      if (!graph.has(target)) continue;
      const low = visit(target);
      const below =
        order.get(target) !== undefined && low === Number.POSITIVE_INFINITY
          ? low
          : Math.min(low, lowest.get(target) ?? low);
      lowest.set(file, Math.min(lowest.get(file) ?? mine, below));
    }
    if (lowest.get(file) === mine) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1) found.push(circle);
    }
    return lowest.get(file) ?? mine;
  };
  for (const file of graph.keys()) visit(file);
  return found;
}

const maxLines = 70;

interface Node {
  readonly type?: string;
  readonly start: number;
  readonly end: number;
  readonly body?: unknown;
}

it(`no function is longer than ${maxLines} lines`, () => {
  const long = sources
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const text = read(file);
      const lineAt = (position: number) => text.slice(0, position).split('\n').length;
      return functionsIn(parseAst(text, { lang: 'ts' })).flatMap(({ start, end }) => {
        const lines = lineAt(end) - lineAt(start) + 1;
        return lines > maxLines ? [`${file}:${lineAt(start)} has ${lines} lines`] : [];
      });
    });
  expect(long).toEqual([]);
});

function functionsIn(value: unknown): Node[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(functionsIn);
  const node = value as Node;
  const inside = Object.entries(node).flatMap(([key, child]) => (key === 'parent' ? [] : functionsIn(child)));
  return /Function/.test(node.type ?? '') && node.body ? [node, ...inside] : inside;
}

/**
 * The folder in which a file's name must be unique: a folder of `src`, a folder of the simulator, or else the file's
 * own folder.
 */
const layerOf = (file: string) =>
  file.startsWith('src/')
    ? roomOf(file)
    : file.startsWith('simulator/')
      ? file.split('/').slice(0, 2).join('/')
      : path.dirname(file);

it('no two files of a layer have the same name', () => {
  const seen = new Map<string, string>();
  const twice = sources
    .filter((file) => !/\/(index|main|worker)\.ts$/.test(file))
    .flatMap((file) => {
      const key = `${layerOf(file)}: ${path.basename(file)}`;
      const other = seen.get(key);
      seen.set(key, file);
      return other ? [`${other} and ${file}`] : [];
    });
  expect(twice).toEqual([]);
});

/** Words that need a subject before them. A title that begins with one is understood only with its `describe`. */
const needsSubject = new RegExp(
  `^(?:that|which|who|whose|of|is|are|was|were|has|have|had|does|do|may|must|can|gets?|says?|tells?|and|or|but|also|never|
  accepts?|asks|begins?|closes|contains|counts|ends|exists?|fails|finds|fits|forces|gives|judges|keeps|leaves|lets|makes|matches|notifies|prints|protects?|refuses?|
  rejects|reports|retries|returns|runs|sends|shows|starts|stops|stores|sweeps|takes|tries|uses|waits|warns|writes)\\s`.replaceAll(
    /\s{2,}/g,
    '',
  ),
);

it('every title of a test begins with its subject', () => {
  // after `it.each(rows)`, the call with the title follows a closing bracket
  const titled = /(?:\b(?:it|test|embedded)|\))\(\s*(['"`])((?:(?!\1).)+)\1\s*,/g;
  const wrong = [...tests, ...globSync('proof/**/*.test.ts', { cwd: root })].flatMap((file) =>
    [...read(file).matchAll(titled)]
      .filter(([, , title = '']) => needsSubject.test(title))
      .map(([, , title]) => `${file}: ${title}`),
  );
  expect(wrong).toEqual([]);
});

const pages = globSync(['*.md', '{docs,simulator,src,proof,bench,test,deploy,events}/**/*.md'], {
  cwd: root,
});
const written = [...sources, ...tests, ...pages, 'package.json', 'serverless.yml', 'vitest.config.ts'];

/** The comments of a source file; for any other file, its whole text. */
function proseOf(file: string): string {
  const text = read(file);
  return file.endsWith('.ts') || file.endsWith('.cjs')
    ? (text.match(/^\s*(?:\/\*\*|\*|\/\/).*$/gm) ?? []).join('\n')
    : text;
}

it('every path in a comment, a page or a script exists', () => {
  const named =
    /(?<![\w./@-])(?:src|simulator|proof|test|docs|bench|deploy|scripts|events|schemas)\/[\w./-]*[a-z]\.(?:ts|cjs|md|json|yml)\b/g;
  const wrong = written.flatMap((file) =>
    [...proseOf(file).matchAll(named)]
      .map(([name]) => name)
      .filter((name) => !existsSync(path.join(root, name)))
      .map((name) => `${file} names ${name}`),
  );
  expect(wrong).toEqual([]);
});

it('every link on a page leads to a file that exists', () => {
  const wrong = pages.flatMap((page) =>
    [
      ...read(page)
        .replaceAll(/`[^`\n]*`/g, '')
        .matchAll(/\]\(([^)\s#]+)(?:#[^)\s]*)?(?: "[^"]*")?\)/g),
    ]
      .map(([, target = '']) => target)
      .filter(
        (target) => !/^[a-z]+:/.test(target) && !existsSync(path.join(root, path.dirname(page), target)),
      )
      .map((target) => `${page} links to ${target}`),
  );
  expect(wrong).toEqual([]);
});

it('every section sign (§) refers to a page of docs/ and to a section that the page has', () => {
  const reference = /(?:docs\/)?([\w-]+\.md) §([\d.]*\d(?:(?:, | and | to )§[\d.]*\d)*)/g;
  const wrong = [...sources, ...tests]
    .filter((file) => file !== 'test/tidy.test.ts')
    .flatMap((file) => {
      const text = read(file);
      const rest = text.replace(reference, (_all, page: string, sections: string) => {
        const headings = existsSync(path.join(root, 'docs', page)) ? read(path.join('docs', page)) : '';
        return sections
          .split(/[^\d.]+/)
          .filter((number) => !new RegExp(`^#+ ${number.replaceAll('.', '\\.')}\\.? `, 'm').test(headings))
          .map((number) => `§${number} of ${page}`)
          .join(' ');
      });
      return [...rest.matchAll(/.{0,30}§.{0,20}/g)].map(([found]) => `${file}: ${found.trim()}`);
    });
  expect(wrong).toEqual([]);
});

it('the knip configuration turns no rule off, so knip also reports unused exports', () => {
  expect(JSON.parse(read('knip.json'))).not.toHaveProperty('rules');
});
