/** @module Bundles the function as it is deployed. */
import path from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { deployedOptions, root } from '../../scripts/supply-chain/bundles.ts';

export interface Bundle {
  /** The path of the bundle's entry file. */
  readonly file: string;
  /** Bytes of the entry file and its static imports. */
  readonly loadedBytes: number;
  /** Bytes of all files, including those that only some sweeps load. */
  readonly bytes: number;
  /** The packages that make up `loadedBytes`, each with its bytes, largest first. */
  readonly shares: readonly (readonly [from: string, bytes: number])[];
}

/**
 * Bundles `entry` into `folder`. `entry` is a path in the repository or the text of a module. `changes` overrides the
 * options of the deployed bundle.
 */
export async function bundle(
  entry: string | { readonly text: string },
  folder: string,
  changes: BuildOptions = {},
): Promise<Bundle> {
  const source: BuildOptions =
    typeof entry === 'string'
      ? { entryPoints: { handler: path.join(root, entry) } }
      : { stdin: { contents: entry.text, resolveDir: root, sourcefile: 'handler.js' } };
  const { metafile } = await build({
    ...deployedOptions,
    ...source,
    entryNames: 'handler',
    absWorkingDir: root,
    outdir: folder,
    metafile: true,
    ...changes,
  });
  const outputs = metafile?.outputs ?? {};
  const first = Object.keys(outputs).find((file) => path.basename(file) === 'handler.mjs');
  if (first === undefined) throw new Error('the bundle has no handler.mjs');
  const loaded = new Set([first]);
  for (const file of loaded) {
    for (const { path: imported, kind, external } of outputs[file]?.imports ?? [])
      if (kind === 'import-statement' && !external) loaded.add(imported);
  }
  const shares = new Map<string, number>();
  for (const file of loaded) {
    for (const [input, { bytesInOutput }] of Object.entries(outputs[file]?.inputs ?? {}))
      shares.set(ownerOf(input), (shares.get(ownerOf(input)) ?? 0) + bytesInOutput);
  }
  const sizeOf = (files: Iterable<string>) =>
    [...files].reduce((sum, file) => sum + (outputs[file]?.bytes ?? 0), 0);
  return {
    file: path.join(root, first),
    loadedBytes: sizeOf(loaded),
    bytes: sizeOf(Object.keys(outputs)),
    shares: [...shares].sort(([, a], [, b]) => b - a),
  };
}

/** The package to which an input belongs; `jobsweep` for this project's files. */
function ownerOf(input: string): string {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? 'jobsweep';
}
