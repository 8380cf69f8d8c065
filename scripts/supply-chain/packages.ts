/** @module Finds the installed packages that the bundles contain. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Metafile } from 'esbuild';
import { type Metafiles, type Product, root } from './bundles.ts';

/**
 * `within` means that the bundle contains the package. `perhaps` means that nothing in the bundle imports the package,
 * but another package in the bundle depends on it and may contain a copy of it.
 */
export type Presence = 'within' | 'perhaps';

export interface ShippedPackage {
  readonly name: string;
  readonly version: string;
  /** The licence in the package's package.json; undefined if there is none. */
  readonly licence: string | undefined;
  /**
   * The folders in which the package is installed, as in the lock file: `node_modules/…`. One version can be in several
   * folders.
   */
  readonly folders: readonly string[];
  /** The bundles that contain the package. */
  readonly in: Readonly<Partial<Record<Product, Presence>>>;
  /** The bundles in which our own files import the package. */
  readonly importedFor: readonly Product[];
  /** The package's licence, notice and copyright files. If there are none, the copyright notice from its README. */
  readonly texts: readonly string[];
  /** The scripts that npm runs on installation: their names, or `binding.gyp`. */
  readonly installScripts: readonly string[];
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: unknown;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export const installHooks = ['preinstall', 'install', 'postinstall'];

const manifestOf = (folder: string) =>
  JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as Manifest;

/** The folder of the package to which an input of a bundle belongs; undefined for our own files. */
const ownerOf = (input: string) =>
  /(?:^|[:/])(node_modules\/(?:.+\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];

/** The packages of one bundle, by folder. */
export interface Contents {
  /** Packages that have a file in the bundle. */
  readonly within: ReadonlySet<string>;
  /** Packages that our own files import. */
  readonly imported: ReadonlySet<string>;
  /** Packages that a package in the bundle depends on but does not import. */
  readonly perhaps: ReadonlySet<string>;
}

/**
 * Reads esbuild's list of files. That list does not show a package that another package has bundled into its own file:
 * d3-delaunay, for example, contains delaunator. So if a package depends on another package without importing it, that
 * other package counts as `perhaps`.
 */
export function contents(
  { inputs }: Metafile,
  dependenciesOf: (folder: string) => readonly string[],
): Contents {
  const imports = new Map<string, Set<string>>();
  const imported = new Set<string>();
  for (const [input, { imports: each }] of Object.entries(inputs)) {
    const owner = ownerOf(input);
    const targets = each.flatMap(({ path: target, external }) => (external ? [] : (ownerOf(target) ?? [])));
    // The name of a module that a plugin adds begins with a namespace and a colon. The imports of such modules do not
    // count as imports by our own files.
    if (owner === undefined) for (const target of input.includes(':') ? [] : targets) imported.add(target);
    else imports.set(owner, (imports.get(owner) ?? new Set()).union(new Set(targets)));
  }
  const within = new Set(imports.keys());
  const perhaps = new Set<string>();
  const notImported = (folder: string) =>
    dependenciesOf(folder).filter((each) => !imports.get(folder)?.has(each) && !within.has(each));
  for (const folder of within) for (const each of notImported(folder)) perhaps.add(each);
  // adds the dependencies of dependencies, too: the loop also visits the entries that it adds to the set
  for (const folder of perhaps) for (const each of notImported(folder)) perhaps.add(each);
  return { within, imported, perhaps };
}

/** The folders of a package's dependencies, found as Node finds them. */
function dependenciesOf(folder: string): string[] {
  const parts = `/${folder}`.split('/node_modules/');
  // the package's own node_modules first, then those of the packages that contain it, then the project's
  const bases = parts.map((_, depth) =>
    parts
      .slice(0, parts.length - depth)
      .join('/node_modules/')
      .slice(1),
  );
  return Object.keys(manifestOf(folder).dependencies ?? {}).flatMap((name) => {
    const places = bases.map((base) => path.posix.join(base, 'node_modules', name));
    return places.find((place) => existsSync(path.join(root, place, 'package.json'))) ?? [];
  });
}

/** All packages in the given bundles, sorted by name and version. */
export function shippedPackages(bundles: Partial<Metafiles>): ShippedPackage[] {
  const found = Object.entries(bundles).map(
    ([product, metafile]) => [product as Product, contents(metafile, dependenciesOf)] as const,
  );
  const all = new Set(found.flatMap(([, { within, perhaps }]) => [...within, ...perhaps]));
  const copies = Map.groupBy(all, (folder) => {
    const { name, version } = manifestOf(folder);
    return `${name} ${version}`;
  });
  return [...copies.keys()].sort().map((id) => {
    const folders = (copies.get(id) ?? []).sort();
    const isIn = (of: ReadonlySet<string>) => folders.some((folder) => of.has(folder));
    return {
      ...installed(folders[0] ?? ''),
      folders,
      in: Object.fromEntries(
        found.flatMap(([product, { within, perhaps }]): [Product, Presence][] => {
          if (isIn(within)) return [[product, 'within']];
          return isIn(perhaps) ? [[product, 'perhaps']] : [];
        }),
      ),
      importedFor: found.flatMap(([product, { imported }]) => (isIn(imported) ? [product] : [])),
    };
  });
}

/** Reads the name, version, licence, licence texts and install scripts of the package in a folder. */
function installed(folder: string) {
  const { name, version, license, scripts = {} } = manifestOf(folder);
  const files = readdirSync(path.join(root, folder), { withFileTypes: true }).filter((each) => each.isFile());
  const named = (form: RegExp) => files.map((file) => file.name).filter((file) => form.test(file));
  const read = (file: string) => readFileSync(path.join(root, folder, file), 'utf8').trim();
  const texts = named(/^(licen[cs]e|copying|copyright|notice)/i).map(read);
  const readme = named(/^readme/i)
    .map(read)
    .join('\n');
  return {
    name,
    version,
    licence: typeof license === 'string' ? license : undefined,
    texts: texts.length > 0 ? texts : (readme.match(/^.*copyright (?:\(c\)|©).*$/im) ?? []).slice(0, 1),
    installScripts: [...installHooks.filter((hook) => hook in scripts), ...named(/^binding\.gyp$/)],
  };
}
