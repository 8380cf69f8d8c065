/** @module What the function's start is measured beside: nothing at all, Node's own modules, the official client alone. */
import path from 'node:path';
import type { Plugin } from 'esbuild';
import { type Bundle, bundle } from './bundle.ts';

const handler = 'export const handler = async () => {};';
const nodeAlone = `require('node:tls'); require('node:http'); require('node:https'); ${handler}`;
const clientAlone =
  "import { Client } from '@elastic/elasticsearch'; export const handler = async () => new Client({ node: 'http://localhost' });";
const leanClientAlone =
  "import { Client, HttpConnection } from '@elastic/elasticsearch'; export const handler = async () => new Client({ node: 'http://localhost', Connection: HttpConnection });";

/** The client's default instead of what a sweep speaks over. */
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
  /** Node's own modules, without which nothing speaks HTTPS: no client starts sooner. */
  readonly node: Bundle;
  /** The official client as it comes. */
  readonly client: Bundle;
  /** The same over Node's own HTTP, without what a sweep does not use: the floor of a function that has it. */
  readonly leanClient: Bundle;
  /** The whole function with the client as it comes. */
  readonly asItComes: Bundle;
  readonly sweep: Bundle;
}

/** Bundles all of them into folders of `folder`. */
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
