/**
 * @module Builds the files for `npm pack`: the command in one folder, without dependencies, and the licences of the
 * packages that it includes.
 */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { commandOptions, root } from './supply-chain/bundles.ts';
import { shippedPackages } from './supply-chain/packages.ts';
import { notices } from './supply-chain/texts.ts';

const out = path.join(root, commandOptions.outdir);
rmSync(out, { recursive: true, force: true });
await build({ ...commandOptions, absWorkingDir: root });
writeFileSync(path.join(out, 'THIRD-PARTY-LICENSES.txt'), notices(await shippedPackages()));
