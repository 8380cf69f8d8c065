/**
 * @module How the commands hang together: each file in `commands/` exports a `Register`, which adds its command to the
 * program and hands the exit code to `done`. Errors are thrown; `run` turns them into messages and exit codes.
 */
import type { Command } from 'commander';
import type { ExitCode, Io } from './io.ts';
import type { Paint } from './output/paint.ts';

export interface CommandContext {
  readonly io: Io;
  /** Wraps an action: awaits it and keeps its exit code. */
  readonly action: <A extends unknown[]>(
    run: (...args: A) => Promise<ExitCode>,
  ) => (...args: A) => Promise<void>;
  /** The paint of an output; only when an action runs are the options known that decide it. */
  readonly paint: (output: 'stdout' | 'stderr') => Paint;
}

export type Register = (program: Command, context: CommandContext) => void;
