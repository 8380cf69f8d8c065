/** @module The packages of docs/licences.md, which `npm run check` compares with the bundles. */
import type { Product } from '../../scripts/supply-chain/bundles.ts';
import { page } from './markdown.ts';

export interface ListedPackage {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly isImported: boolean;
}

/** The packages that the page lists for one product. Building the bundle only for this list would take seconds. */
export function listedPackages(product: Product): ListedPackage[] {
  const rows = [
    ...page('docs/licences.md').matchAll(/^\| (\S+) \| (\d\S*) \| (\S+) \| (\w*) \| (\w*) \|$/gm),
  ];
  return rows.flatMap(([, name = '', version = '', licence = '', ofFunction, ofCommand]) => {
    const place = product === 'function' ? ofFunction : ofCommand;
    return place === '' ? [] : [{ name, version, licence, isImported: place === 'imported' }];
  });
}
