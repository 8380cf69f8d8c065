/** @module The exit codes of the command, and what each means (docs/contract.md §5). */

/** The command's exit codes. For the codes 1, 2 and 5, the Lambda function throws an error. */
export const exitCodes = {
  0: 'everything is done or has a follow-up, or there was nothing to do',
  1: 'a bug or an unexpected error',
  2: 'the command, the request or a setting is invalid, a required name matches nothing, or the job does not exist; nothing was changed',
  3: 'partial: jobs with `error` or `unknown`, `not_attempted` for time, a limit or a signal, or still `closing` with no follow-up; `doctor` has findings',
  4: 'refused by a fuse, by upgrade mode or by the person who was asked; nothing was closed',
  5: 'the cluster or the scheduler is unreachable, cannot be read, is not the expected service, or refused the credentials',
} as const;

/** The exit codes of errors that end a sweep before it has a report. */
export type ErrorExit = 1 | 2 | 3 | 5;
