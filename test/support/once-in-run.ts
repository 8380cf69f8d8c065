/** @module Shares the results of expensive work among the files of one test run, which run in several processes. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { inject, vi } from 'vitest';

/**
 * Returns a folder with the result of `make`. In each test run, only the first call with `name` runs `make`. The other
 * calls wait for the result, which tests must not change, because they share it. If `make` fails, every call throws the
 * error of `make`.
 */
export async function onceInRun(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = path.join(inject('sharedFolder'), name);
  const ready = path.join(folder, 'ready');
  const isFirst = await mkdir(folder).then(
    () => true,
    () => false,
  );
  if (isFirst) {
    const failure = await make(folder).then(
      () => '',
      (error: Error) => error.message,
    );
    await writeFile(`${ready}.part`, failure);
    await rename(`${ready}.part`, ready);
  }
  const failure = await vi.waitFor(() => readFile(ready, 'utf8'), { timeout: 110_000, interval: 100 });
  if (failure !== '') throw new Error(failure);
  return folder;
}
