/** @module This project's own supply chain, read from its files. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './bundles.ts';
import { shippedPackages } from './packages.ts';
import type { SupplyChain } from './rules.ts';

const read = (name: string) => readFileSync(path.join(root, name), 'utf8');

/** The packages that the README's section has rows for: the function's, then under a heading the command's. */
export function readmeRows(readme: string): SupplyChain['rows'] {
  const [, section = ''] = readme.split('\n## What the function is made of\n');
  const [ofFunction = '', ofCommand = ''] = (section.split('\n## ')[0] ?? '').split('\n### ');
  const names = (text: string) =>
    [...text.matchAll(/^\| (`.+?) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(.+?)`/g)].map(([, name = '']) => name),
    );
  return { function: names(ofFunction), command: names(ofCommand) };
}

export async function projectSupplyChain(): Promise<SupplyChain> {
  return {
    packages: await shippedPackages(),
    manifest: JSON.parse(read('package.json')) as SupplyChain['manifest'],
    lock: (JSON.parse(read('package-lock.json')) as { packages: SupplyChain['lock'] }).packages,
    rows: readmeRows(read('README.md')),
  };
}
