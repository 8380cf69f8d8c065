/** @module Builds the deployed and the published bundle, and returns esbuild's list of the files in each. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { deployedOptions } from '../../bench/function/bundle.ts';

export const root = path.join(import.meta.dirname, '../..');

/** The deployed function, or the command that `npm pack` ships. */
export type Product = 'function' | 'command';

const noDebug = createRequire(import.meta.url)('../../src/elasticsearch/client/no-debug.cjs') as Plugin;

/** The options for bundling the command and the library into `dist`. Their common code is in shared files. */
export const commandOptions = {
  entryPoints: { jobsweep: 'src/cli/main.ts', index: 'src/index.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  keepNames: true,
  metafile: true,
  mainFields: ['module', 'main'],
  plugins: [noDebug],
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
} satisfies BuildOptions;

/** The options for bundling the function, into the folder in which Lambda looks for the handler of serverless.yml. */
export const functionOptions = (): BuildOptions => ({
  ...deployedOptions(),
  entryPoints: { handler: 'src/function/handler.ts' },
  outdir: 'src/function',
  metafile: true,
});

/** Bundles both in memory, with the same options as the real builds. */
export async function metafiles(): Promise<Readonly<Record<Product, Metafile>>> {
  const account = async (options: BuildOptions) => {
    const { metafile } = await build({ ...options, absWorkingDir: root, metafile: true, write: false });
    if (metafile === undefined) throw new Error('esbuild gave no account of the bundle');
    return metafile;
  };
  return {
    function: await account(functionOptions()),
    command: await account(commandOptions),
  };
}
