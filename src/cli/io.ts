/** @module The environment of a command, as parameters, so that tests can run commands in the test's process. */
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../base/clock.ts';

export interface Output extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The columns of a terminal; undefined if unknown. (In a container a terminal may report 0.) */
export const widthOf = ({ columns }: Output): number | undefined => columns || undefined;

export interface Input extends Readable {
  readonly isTTY?: boolean;
}

export interface Io {
  /** Only the result goes here. */
  readonly stdout: Output;
  /** Progress, questions, warnings and errors. */
  readonly stderr: Output;
  readonly stdin: Input;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Aborts when the user (SIGINT) or the system (SIGTERM) asks the command to end. */
  readonly signal: AbortSignal;
}

/** The exit code; see `exitCodes` in `base/exit-codes.ts`. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5;
