/** @module This project's own supply chain, read from its files. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Metafiles, metafiles, root } from './bundles.ts';
import { shippedPackages } from './packages.ts';
import type { SupplyChain } from './rules.ts';

const read = (name: string) => readFileSync(path.join(root, name), 'utf8');

/**
 * The packages in the two tables of `docs/packages.md`: those of the function, and those that only the command needs.
 */
export function packageRows(page: string): SupplyChain['rows'] {
  const [, ofFunction = '', ofCommand = ''] = page.split('\n## ');
  const names = (text: string) =>
    [...text.matchAll(/^\| (`.+?) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(.+?)`/g)].map(([, name = '']) => name),
    );
  return { function: names(ofFunction), command: names(ofCommand) };
}

/** `built` lists the files in the bundles; by default, this function builds the bundles. */
export async function projectSupplyChain(built?: Metafiles): Promise<SupplyChain> {
  return {
    packages: shippedPackages(built ?? (await metafiles())),
    manifest: JSON.parse(read('package.json')) as SupplyChain['manifest'],
    lock: (JSON.parse(read('package-lock.json')) as { packages: SupplyChain['lock'] }).packages,
    rows: packageRows(read('docs/packages.md')),
  };
}
