/** @module The message and the exit code of a failed command. */
import { JobsweepError } from '../base/errors.ts';
import type { ExitCode } from './io.ts';

export interface Failure {
  readonly type: string;
  readonly reason: string;
  readonly exit: ExitCode;
}

export function failureOf(error: unknown, signal: AbortSignal): Failure {
  if (signal.aborted) {
    // After the first close request, a sweep ends with a report and not with an error. So nothing was changed yet.
    const { reason } = signal as { reason: unknown };
    const stopped = reason instanceof Error ? reason.message : 'stopped';
    return { type: 'StoppedError', reason: `${stopped}; nothing was changed`, exit: 3 };
  }
  if (error instanceof JobsweepError)
    return { type: error.name, reason: error.message, exit: error.exitCode };
  const detail = error instanceof Error ? error.stack : String(error);
  return { type: 'UnexpectedError', reason: `unexpected error, please report it: ${detail}`, exit: 1 };
}
