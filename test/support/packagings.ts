/**
 * @module Global setup for the slow tests: a folder in which they share what they build, and a process of the framework
 * in which they package the service. Both take seconds, and several test files need the same results.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import type { TestProject } from 'vitest/node';
import { copyService, frameworkEnvironment } from './framework-command.ts';
import type { FrameworkRun } from './framework-process.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of `onceInRun`. */
    readonly sharedFolder: string;
    /** The address that takes a `FrameworkRun` and answers with the exit code. */
    readonly framework: string;
  }
}

export default async function setup({ provide, config }: TestProject) {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-run-'));
  const framework = sharedFramework(config.env);
  const server = createServer((request, response) => {
    void json(request)
      .then((run) => framework.run(run as FrameworkRun))
      .then(String, String)
      .then((exitCode) => response.end(exitCode));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  provide('sharedFolder', folder);
  provide('framework', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.close();
    await framework.end();
    await rm(folder, { recursive: true, force: true });
  };
}

/** The process of the framework, which starts with the first run. Runs take place one after another. */
function sharedFramework(settings: NodeJS.ProcessEnv) {
  let service: string | undefined;
  let child: ChildProcess | undefined;
  let answer = Promise.withResolvers<number>();
  let last: Promise<unknown> = Promise.resolve();

  async function start() {
    service ??= await copyService();
    const started = fork(path.join(import.meta.dirname, 'framework-process.ts'), {
      cwd: service,
      env: { ...frameworkEnvironment(service), ...settings },
      stdio: 'ignore',
    });
    started.on('message', (exitCode: number) => answer.resolve(exitCode));
    started.on('exit', () => {
      child = undefined;
      answer.resolve(1);
    });
    return started;
  }

  async function next(run: FrameworkRun) {
    child ??= await start();
    answer = Promise.withResolvers();
    child.send(run);
    return await answer.promise;
  }

  return {
    run(run: FrameworkRun): Promise<number> {
      const mine = last.then(() => next(run));
      last = mine.catch(() => undefined);
      return mine;
    },
    async end() {
      // the command catches other signals
      child?.kill('SIGKILL');
      if (service !== undefined) await rm(service, { recursive: true, force: true });
    },
  };
}
