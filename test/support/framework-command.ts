/** @module The command of the Serverless Framework, on a copy of the service. */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';

const root = path.join(import.meta.dirname, '../..');

const execute = promisify(execFile);

const parts = [
  'src',
  'simulator',
  'deploy',
  'scripts',
  'bin',
  'events',
  'package.json',
  'serverless.yml',
  'LICENSE',
  'tsconfig.json',
];

/** A copy of the service in a separate folder, because the framework works in the folder in which it starts. */
export async function copyService(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-service-'));
  // takes 0.2 s of processor time, and the function `cp` of Node takes 0.5 s
  await execute('cp', ['-r', ...parts, folder], { cwd: root });
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  return folder;
}

/** The environment in which the framework has neither network nor credentials. */
export function frameworkEnvironment(folder: string) {
  const { AWS_PROFILE: _none, ...environment } = process.env;
  return {
    ...environment,
    // the framework leaves a temporary folder behind, which is deleted with the copy
    TMPDIR: folder,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_REGION: 'eu-central-1',
  };
}

/** What the process of the framework receives for one run. */
export interface FrameworkRun {
  readonly args: readonly string[];
  /** The environment variables of this run. */
  readonly settings: Readonly<Record<string, string>>;
}

/** What the process of the framework writes to both of its outputs after each run. */
export const endOfOutput = '\0';

export interface FrameworkOutput {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The error of a command that failed: its output. */
export const failure = (
  args: readonly string[],
  { stdout, stderr }: Pick<FrameworkOutput, 'stdout' | 'stderr'>,
) => new Error(`sls ${args.join(' ')} failed:\n${stdout}\n${stderr}`);

/**
 * Runs `npx sls ARGS` in a copy of the service, without network or credentials. All runs share one process. They take
 * place one after another.
 */
export class Framework implements AsyncDisposable {
  readonly #settings: NodeJS.ProcessEnv;
  #service: string | undefined;
  #process: ChildProcess | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(settings: NodeJS.ProcessEnv = {}) {
    this.#settings = settings;
  }

  run(args: readonly string[], settings: FrameworkRun['settings'] = {}): Promise<FrameworkOutput> {
    const output = this.#last.then(() => this.#next({ args, settings }));
    this.#last = output.catch(() => undefined);
    return output;
  }

  async #next(run: FrameworkRun): Promise<FrameworkOutput> {
    this.#process ??= await this.#start();
    const child = this.#process;
    // the process ends during a run if the framework calls process.exit
    const exitCode = Promise.race([once(child, 'message'), once(child, 'exit')]);
    child.send(run);
    const [stdout, stderr] = await Promise.all([outputOf(child.stdout), outputOf(child.stderr)]);
    return { exitCode: Number((await exitCode)[0] ?? 1), stdout, stderr };
  }

  async #start() {
    this.#service ??= await copyService();
    const child = fork(path.join(import.meta.dirname, 'framework-process.ts'), {
      cwd: this.#service,
      env: { ...frameworkEnvironment(this.#service), ...this.#settings },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    // each run waits for the end of the process
    child.setMaxListeners(0);
    child.once('exit', () => {
      this.#process = undefined;
    });
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // the command catches other signals
    this.#process?.kill('SIGKILL');
    if (this.#service !== undefined) await rm(this.#service, { recursive: true, force: true });
  }
}

/** The text that the stream delivers until the end of a run. */
function outputOf(stream: Readable | null): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  const take = (part: string) => {
    text += part;
    if (text.endsWith(endOfOutput)) finish();
  };
  const finish = () => {
    stream?.off('data', take).off('end', finish);
    resolve(text.replace(endOfOutput, ''));
  };
  stream?.setEncoding('utf8').on('data', take).once('end', finish);
  return promise;
}

/** Runs `npx sls ARGS` in a process of its own. If the command fails, rejects with its output. */
export async function serverless(
  folder: string,
  args: readonly string[],
  settings: FrameworkRun['settings'] = {},
): Promise<Pick<FrameworkOutput, 'stdout' | 'stderr'>> {
  const command = path.join(root, 'node_modules/serverless/bin/serverless.js');
  return await execute(process.execPath, [command, ...args], {
    cwd: folder,
    maxBuffer: 64 * 2 ** 20,
    env: { ...frameworkEnvironment(folder), ...settings },
  }).catch((output: FrameworkOutput) => {
    throw failure(args, output);
  });
}
