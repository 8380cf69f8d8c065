/** @module esbuild's list of the files in the function's bundle, which is built in memory once in each test run. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Metafile } from 'esbuild';
import { metafileOf } from '../../scripts/supply-chain/bundles.ts';
import { onceInRun } from './once-in-run.ts';

export async function functionMetafile(): Promise<Metafile> {
  const folder = await onceInRun('function-metafile', async (to) => {
    await writeFile(path.join(to, 'metafile.json'), JSON.stringify(await metafileOf('function')));
  });
  return JSON.parse(await readFile(path.join(folder, 'metafile.json'), 'utf8')) as Metafile;
}
