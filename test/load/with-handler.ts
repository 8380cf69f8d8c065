/** @module The deployed bundle in a temporary folder, for the load tests. */
import { bundle } from '../../bench/function/bundle.ts';
import { newFolder } from '../support/folder.ts';

/** Bundles the function, calls `run` with the path of the bundle, and then removes the bundle. */
export async function withHandler<T>(run: (handler: string) => Promise<T>): Promise<T> {
  await using folder = await newFolder();
  const { file } = await bundle('src/function/handler.ts', folder.path);
  return await run(file);
}
