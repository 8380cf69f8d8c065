/** @module The message and the exit code of a failed command. */
import { JobsweepError } from '../base/errors.ts';
import { printable } from '../base/text.ts';
import { errorAnchor, runbookLink } from '../sweep/reporting/runbook.ts';
import type { ExitCode } from './io.ts';

export interface Failure {
  readonly type: string;
  readonly reason: string;
  readonly exit: ExitCode;
  /** The section of the runbook about this failure; absent if the command was only stopped. */
  readonly runbook?: string;
}

export function failureOf(error: unknown, signal: AbortSignal): Failure {
  if (signal.aborted) {
    // An error means that nothing was changed: after its first close request, a sweep always ends with a report.
    const { reason } = signal as { reason: unknown };
    const stopped = reason instanceof Error ? reason.message : 'stopped';
    return { type: 'StoppedError', reason: `${stopped}; nothing was changed`, exit: 3 };
  }
  if (error instanceof JobsweepError)
    return withRunbook({ type: error.name, reason: error.message, exit: error.exitCode });
  const detail = error instanceof Error ? error.stack : String(error);
  return withRunbook({
    type: 'UnexpectedError',
    reason: `unexpected error, please report it: ${detail}`,
    exit: 1,
  });
}

const withRunbook = (failure: Failure): Failure => ({
  ...failure,
  runbook: runbookLink(errorAnchor(failure.type, failure.exit)),
});

/** The lines for standard error. Invalid input (exit code 2) needs no runbook link: its message says what to do. */
export const failureLines = ({ reason, runbook, exit }: Failure): string[] => [
  ...reason.split('\n').map(printable),
  ...(runbook === undefined || exit === 2 ? [] : [`what to do: ${runbook}`]),
];
