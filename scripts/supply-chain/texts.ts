/** @module The page on the packages' licences, and the notices that are shipped with each product. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { table } from '../docs/markdown.ts';
import { type Product, root } from './bundles.ts';
import type { ShippedPackage } from './packages.ts';
import { requireNoText } from './rules.ts';

/** The number of packages for each licence, the most frequent first. */
export function licenceCounts(packages: readonly ShippedPackage[]): [licence: string, packages: number][] {
  const groups = Map.groupBy(packages, ({ licence }) => licence ?? 'unknown');
  return [...groups]
    .map(([licence, each]): [string, number] => [licence, each.length])
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

/** The text of `docs/licences.md`. */
export function licencesPage(packages: readonly ShippedPackage[]): string {
  const place = (each: ShippedPackage, product: Product) => {
    if (each.importedFor.includes(product)) return 'imported';
    return { within: 'yes', perhaps: 'perhaps', none: '' }[each.in[product] ?? 'none'];
  };
  const rows = packages.map((each) => [
    each.name,
    each.version,
    each.licence ?? '',
    place(each, 'function'),
    place(each, 'command'),
  ]);
  const counts = licenceCounts(packages).map(([licence, number]) => [licence, String(number)]);
  return [
    '<!-- Written by `npm run docs` from what the bundles hold. -->',
    '# Licences of what is deployed',
    `The deployed function and the published command are bundles. This page lists what esbuild put into them: the packages
that our code imports ([what they are for](packages.md)) and their dependencies. *Perhaps* means that a package depends
on another without importing it, so its authors may have built it in. The command carries the licence texts in
\`dist/THIRD-PARTY-LICENSES.txt\`. \`npm run supply-chain\` allows only the licences listed here and no install scripts.`,
    table(['licence', 'packages'], counts),
    `${table(['package', 'version', 'licence', 'function', 'command'], rows)}\n`,
  ].join('\n\n');
}

/**
 * The licence texts that are shipped with a product.
 * @throws if a package needs a licence text but has none
 */
export function notices(packages: readonly ShippedPackage[], product: Product): string {
  return packages
    .filter((each) => each.in[product] !== undefined)
    .map((each) => {
      const { name, version, licence } = each;
      const texts = textsOf(each);
      if (texts.length === 0 && !requireNoText.includes(licence ?? ''))
        throw new Error(`${name} is built in, and has no licence text to ship: ${licence}`);
      return `${name} ${version}: ${licence}\n\n${texts.join('\n\n')}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

const standardText = (file: string) => readFileSync(path.join(root, file), 'utf8').trim();

/**
 * The licence texts to ship for one package. If the package lacks the text of Apache-2.0, this is our copy of that
 * text. If the package has only a copyright notice for its MIT licence, the standard MIT text follows the notice.
 */
function textsOf({ licence, texts }: ShippedPackage): readonly string[] {
  if (licence === 'Apache-2.0' && texts.length === 0) return [standardText('LICENSE')];
  if (licence === 'MIT' && texts.length > 0 && !/permission is hereby granted/i.test(texts.join()))
    return [...texts, standardText('scripts/supply-chain/mit.txt')];
  return texts;
}
