/** @module The deployed function as a zip archive with its licences. The same commit gives the same bytes. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { functionOptions, root } from '../supply-chain/bundles.ts';
import { type ShippedPackage, shippedPackages } from '../supply-chain/packages.ts';
import { notices } from '../supply-chain/texts.ts';
import { archive } from './archive.ts';

export interface FunctionZip {
  readonly zip: Uint8Array;
  readonly packages: readonly ShippedPackage[];
}

export async function functionZip(): Promise<FunctionZip> {
  const { outputFiles, metafile } = await build({ ...functionOptions, absWorkingDir: root, write: false });
  const packages = shippedPackages({ function: metafile });
  const files = new Map<string, Uint8Array>(
    outputFiles.map((file) => [path.relative(root, file.path).replaceAll(path.sep, '/'), file.contents]),
  );
  files.set('LICENSE', readFileSync(path.join(root, 'LICENSE')));
  files.set('THIRD-PARTY-LICENSES.txt', Buffer.from(notices(packages, 'function')));
  return { zip: archive(files), packages };
}
