/**
 * @module Global setup for the slow tests: a folder for the results that they share, and a process of the framework in
 * which they package the service. Building and packaging take seconds, and several test files need the same results.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import type { TestProject } from 'vitest/node';
import { Framework, type FrameworkRun } from './framework-command.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of `onceInRun`. */
    readonly sharedFolder: string;
    /** The address that takes a `FrameworkRun` and answers with a `FrameworkOutput`. */
    readonly framework: string;
  }
}

export default async function setup({ provide, config }: TestProject) {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-run-'));
  const framework = new Framework(config.env);
  const server = createServer((request, response) => {
    void json(request)
      .then((body) => {
        const { args, settings } = body as FrameworkRun;
        return framework.run(args, settings);
      })
      .catch((error: Error) => ({ exitCode: 1, stdout: '', stderr: String(error) }))
      .then((output) => response.end(JSON.stringify(output)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  provide('sharedFolder', folder);
  provide('framework', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.close();
    await framework[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
}
