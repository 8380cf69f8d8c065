/**
 * @module Builds the folder that `npm pack` ships: the command and the library with their dependencies bundled in,
 * their types, and the licences of the bundled packages.
 */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { writeDeclarations } from './build/declarations.ts';
import { commandOptions, root } from './supply-chain/bundles.ts';
import { shippedPackages } from './supply-chain/packages.ts';
import { notices } from './supply-chain/texts.ts';

const out = path.join(root, commandOptions.outdir);
rmSync(out, { recursive: true, force: true });
const { metafile } = await build({ ...commandOptions, absWorkingDir: root });
writeDeclarations(root, path.join(out, 'types'));
writeFileSync(
  path.join(out, 'THIRD-PARTY-LICENSES.txt'),
  notices(shippedPackages({ command: metafile }), 'command'),
);
