/** @module What the function's start is measured beside: nothing at all, and the official client alone. */
import path from 'node:path';
import { type Bundle, bundle } from './bundle.ts';

const emptyHandler = 'export const handler = async () => {};';
const clientAlone =
  "import { Client } from '@elastic/elasticsearch'; export const handler = async () => new Client({ node: 'http://localhost' });";

export interface StartBundles {
  readonly empty: Bundle;
  /** The official client as it comes: the least that a function with it has to load. */
  readonly client: Bundle;
  /** The same, without what a sweep does not use of it. */
  readonly leanClient: Bundle;
  readonly sweep: Bundle;
}

/** Bundles all of them into folders of `folder`. */
export async function startBundles(folder: string): Promise<StartBundles> {
  const to = (name: string) => path.join(folder, name);
  return {
    empty: await bundle({ text: emptyHandler }, to('empty')),
    client: await bundle({ text: clientAlone }, to('client'), { plugins: [] }),
    leanClient: await bundle({ text: clientAlone }, to('lean-client')),
    sweep: await bundle('src/handler.ts', to('sweep')),
  };
}
