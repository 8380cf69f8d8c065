/**
 * @module The bundles that the cold-start bench compares: the function, an empty handler, and parts of the function
 * alone.
 */
import path from 'node:path';
import type { Plugin } from 'esbuild';
import { type Bundle, bundle } from './bundle.ts';

const handler = 'export const handler = async () => {};';
const nodeAlone = `require('node:tls'); require('node:http'); require('node:https'); ${handler}`;
const clientAlone =
  "import { Client } from '@elastic/elasticsearch'; export const handler = async () => new Client({ node: 'http://localhost' });";
const leanClientAlone =
  "import { Client, HttpConnection } from '@elastic/elasticsearch'; export const handler = async () => new Client({ node: 'http://localhost', Connection: HttpConnection });";

/** Makes a bundle use undici, the client's default connection, instead of this project's connection. */
const overUndici: Plugin = {
  name: 'over-undici',
  setup: (build) =>
    build.onLoad({ filter: /[\\/]node-connection\.ts$/ }, ({ path: file }) => ({
      contents: "export { UndiciConnection as NodeConnection } from '@elastic/elasticsearch';",
      resolveDir: path.dirname(file),
    })),
};

export interface StartBundles {
  readonly empty: Bundle;
  /** Loads only Node's own modules for HTTPS. No client can start faster than this bundle. */
  readonly node: Bundle;
  /** The unmodified official client. */
  readonly client: Bundle;
  /**
   * The official client over Node's own HTTP, with only the parts that a sweep uses. No function with this client can
   * start faster than this bundle.
   */
  readonly leanClient: Bundle;
  /** The whole function with the unmodified client. */
  readonly asItComes: Bundle;
  readonly sweep: Bundle;
}

/** Bundles all contenders into subfolders of `folder`. */
export async function startBundles(folder: string): Promise<StartBundles> {
  const to = (name: string) => path.join(folder, name);
  return {
    empty: await bundle({ text: handler }, to('empty')),
    node: await bundle({ text: nodeAlone }, to('node')),
    client: await bundle({ text: clientAlone }, to('client'), { plugins: [] }),
    leanClient: await bundle({ text: leanClientAlone }, to('lean-client')),
    asItComes: await bundle('src/function/handler.ts', to('as-it-comes'), { plugins: [overUndici] }),
    sweep: await bundle('src/function/handler.ts', to('sweep')),
  };
}
