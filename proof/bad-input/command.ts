/** @module Runs the command in simulated time, and checks how the command ends on bad input. */
import { writeFile } from 'node:fs/promises';
import {
  type EmbeddedElasticsearch,
  type Fleet,
  startElasticsearch,
  trackHttp,
  VirtualClock,
} from '../../simulator/index.ts';
import { type Folder, newFolder } from '../../test/support/folder.ts';
import { type CommandOptions, type CommandResult, runCommand } from '../../test/support/run-command.ts';
import { isPlain } from './output-checks.ts';

/** Runs the command in simulated time, with a folder for its files and with environment variables. */
export class Bench implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly folder: Folder;
  /** Resources that are disposed with the bench, in reverse order. */
  readonly stack = new AsyncDisposableStack();
  /** Environment variables of the command. */
  readonly env: Record<string, string> = {};

  constructor(folder: Folder) {
    this.folder = this.stack.use(folder);
    this.stack.use(this.clock);
    this.stack.use(trackHttp(this.clock));
  }

  run(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(args, { clock: this.clock, ...options, env: { ...this.env, ...options.env } });
  }

  /** Writes a file in the folder and returns its path. */
  async write(name: string, content: string | Buffer): Promise<string> {
    const path = this.folder.at(name);
    await writeFile(path, content);
    return path;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stack.disposeAsync();
  }
}

export const openBench = async (): Promise<Bench> => new Bench(await newFolder());

/** A bench with an embedded cluster, whose URL is in the environment. */
export type ClusterBench = Bench & { readonly server: EmbeddedElasticsearch };

export async function openClusterBench(fleet: Fleet): Promise<ClusterBench> {
  const bench = await openBench();
  const server = bench.stack.use(await startElasticsearch({ clock: bench.clock, fleet }));
  bench.env.ELASTICSEARCH_URL = server.url;
  return Object.assign(bench, { server });
}

/**
 * Returns the problems that no bad input may cause: the exit code for a bug, a stack trace, a result in addition to an
 * error, an error without our prefix, or very long or unprintable text on standard error.
 */
export function endedBadly({ exit, stdout, stderr }: CommandResult): string[] {
  const isError = exit === 2 || exit === 5;
  return [
    ...(exit === 1 ? [`it ended as a bug: ${stderr.slice(0, 1_000)}`] : []),
    ...(exit !== 1 && /^ +at .*:\d+:\d+\)?$/m.test(stderr)
      ? [`a stack on standard error: ${stderr.slice(0, 800)}`]
      : []),
    ...(isError && stdout !== '' ? [`a result in addition to the error: ${stdout.slice(0, 200)}`] : []),
    ...(isError && !stderr.startsWith('jobsweep: ') ? [`not our message: ${stderr.slice(0, 200)}`] : []),
    ...(stderr.length > 60_000 ? [`${stderr.length} characters on standard error`] : []),
    ...stderr
      .split('\n')
      .filter((line) => !isPlain(line))
      .slice(0, 3)
      .map((line) => `standard error is not plain: ${JSON.stringify(line.slice(0, 300))}`),
  ];
}
