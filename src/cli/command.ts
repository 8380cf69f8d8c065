/**
 * @module The interface of a command: each command exports a `Register`, which adds its command to the
 * program and hands the exit code to `done`. Errors are thrown; `run` turns them into messages and exit codes.
 */
import type { Command } from 'commander';
import type { ExitCode, Io } from './io.ts';
import type { Paint } from './output/paint.ts';

export interface CommandContext {
  readonly io: Io;
  /** Wraps an action and keeps its exit code. */
  readonly action: <A extends unknown[]>(
    run: (...args: A) => Promise<ExitCode>,
  ) => (...args: A) => Promise<void>;
  /** The paint for an output. A function, because the options that it depends on are known only when an action runs. */
  readonly paint: (output: 'stdout' | 'stderr') => Paint;
}

export type Register = (program: Command, context: CommandContext) => void;
