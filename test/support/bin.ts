/** @module Runs `jobsweep` as a separate process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const source = fileURLToPath(new URL('../../bin/jobsweep.js', import.meta.url));

export interface Running extends AsyncDisposable {
  /** Sends a signal to the process. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when standard output or standard error matches. Rejects if the process ends first. */
  shows(text: RegExp): Promise<RegExpExecArray>;
  /** Resolves when the process has ended. */
  readonly ended: Promise<Ended>;
}

export interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** The script to run; by default the one in this checkout. */
  readonly script?: string;
  readonly cwd?: string;
}

/** Starts `jobsweep` with the same Node as the tests, in a minimal environment. */
export function start(args: readonly string[], options: StartOptions = {}): Running {
  // without HOME, because the reports of one test would otherwise be the history of another
  const { PATH, TMPDIR, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [options.script ?? source, ...args], {
    cwd: options.cwd ?? root,
    env: { PATH, TMPDIR, NODE_COMPILE_CACHE, AWS_EC2_METADATA_DISABLED: 'true', ...options.env },
    stdio: 'pipe',
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  const look = () => {
    for (const watcher of watchers) watcher();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    look();
  });
  // a process that refuses its arguments may exit before its input is written
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin ?? '');
  const ended = once(child, 'close').then(
    ([exit]): Ended => ({ exit: exit as number | null, stdout, stderr }),
  );
  return {
    kill: (signal) => child.kill(signal),
    ended,
    shows: (text) => {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const watcher = () => {
        const found = text.exec(stdout) ?? text.exec(stderr);
        if (!found) return;
        watchers.delete(watcher);
        resolve(found);
      };
      watchers.add(watcher);
      watcher();
      void ended.then(() => reject(new Error(`ended before it showed ${text}: ${stdout}${stderr}`)));
      return promise;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs `jobsweep` and waits for its end. */
export const runBin = (args: readonly string[], options: StartOptions = {}): Promise<Ended> =>
  start(args, options).ended;
