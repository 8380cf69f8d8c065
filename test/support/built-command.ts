/** @module The command as `npm pack` ships it. It starts in a fraction of the time that the sources take. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build, type Metafile } from 'esbuild';
import { commandOptions } from '../../scripts/supply-chain/bundles.ts';
import { root, source } from './bin.ts';
import { onceInRun } from './once-in-run.ts';

export interface BuiltCommand {
  /** The path of `bin/jobsweep.js`, beside `dist` and `package.json`. */
  readonly script: string;
  /** The folder of the bundles. */
  readonly dist: string;
  readonly metafile: Metafile;
}

/** Builds the command, once in each test run. */
export async function builtCommand(): Promise<BuiltCommand> {
  const folder = await onceInRun('command', async (to) => {
    const outdir = path.join(to, 'dist');
    const { metafile } = await build({ ...commandOptions, absWorkingDir: root, outdir });
    await writeFile(path.join(to, 'metafile.json'), JSON.stringify(metafile));
    await mkdir(path.join(to, 'bin'));
    await cp(source, path.join(to, 'bin/jobsweep.js'));
    await cp(path.join(root, 'package.json'), path.join(to, 'package.json'));
  });
  return {
    script: path.join(folder, 'bin/jobsweep.js'),
    dist: path.join(folder, 'dist'),
    metafile: JSON.parse(await readFile(path.join(folder, 'metafile.json'), 'utf8')) as Metafile,
  };
}
