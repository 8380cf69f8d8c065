/** @module Builds the deployed and the published bundle, and returns esbuild's list of the files in each. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';

export const root = path.join(import.meta.dirname, '../..');

/** The deployed function, or the command that `npm pack` ships. */
export type Product = 'function' | 'command';

const require = createRequire(import.meta.url);
const noDebug = require('../../src/elasticsearch/client/no-debug.cjs') as Plugin;
const leanClient = require('../../src/elasticsearch/client/lean-client.cjs') as Plugin[];

/** The options for bundling the command and the library into `dist`. Code that both of them use is in shared files. */
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

/** The options for bundling the function; the caller adds the entries and the folder. */
export const deployedOptions: BuildOptions = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minify: true,
  // Keeps the class names of errors, which the log and the function's caller show.
  keepNames: true,
  // Splits the bundle, so that the clients for Secrets Manager and the Scheduler are loaded only by sweeps that need
  // them.
  splitting: true,
  mainFields: ['module', 'main'],
  outExtension: { '.js': '.mjs' },
  // The lean client contains only the parts of the official client that a sweep uses. The AWS SDK is bundled as well,
  // because the runtime's copy is not faster and changes without notice.
  plugins: leanClient,
  banner: commandOptions.banner,
};

/**
 * The options for bundling the function into the folder in which Lambda looks for the handler that serverless.yml
 * names.
 */
export const functionOptions = {
  ...deployedOptions,
  entryPoints: { handler: 'src/function/handler.ts' },
  outdir: 'src/function',
  metafile: true,
} satisfies BuildOptions;

/** The files in each bundle, as esbuild lists them. */
export type Metafiles = Readonly<Record<Product, Metafile>>;

/** Builds a bundle in memory, with the same options as the real build. */
export async function metafileOf(product: Product): Promise<Metafile> {
  const options = product === 'function' ? functionOptions : commandOptions;
  return (await build({ ...options, absWorkingDir: root, write: false })).metafile;
}

/** Builds both bundles in memory. */
export async function metafiles(): Promise<Metafiles> {
  return { function: await metafileOf('function'), command: await metafileOf('command') };
}
