/**
 * @module The interface of a command. Each command exports a `Register`, which adds the command to the program and
 * wraps its function in `action`. The function returns the exit code. It throws errors, which `run` turns into messages
 * and exit codes.
 */
import type { Command } from 'commander';
import type { ExitCode, Io } from './io.ts';
import type { Paint } from './output/paint.ts';

export interface CommandContext {
  readonly io: Io;
  /** Wraps the function of a command for Commander, and keeps the exit code that the function returns. */
  readonly action: <A extends unknown[]>(
    run: (...args: A) => Promise<ExitCode>,
  ) => (...args: A) => Promise<void>;
  /** Returns the colours for an output. A function, because the colour options are known only when an action runs. */
  readonly paint: (output: 'stdout' | 'stderr') => Paint;
}

export type Register = (program: Command, context: CommandContext) => void;
