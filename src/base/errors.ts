/**
 * @module The errors that end a sweep before it has a report. Each has its own name, which the function's caller sees,
 * a message that says what to do next, and an exit code from docs/contract.md §5.
 */

import type { ErrorExit } from './exit-codes.ts';

export abstract class JobsweepError extends Error {
  abstract readonly exitCode: ErrorExit;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** One problem with an input, worded so that a person can fix it. */
export interface Problem {
  /** The location in the input, such as `close.batch` or `jobs[2]`; empty for the whole input. */
  readonly field: string;
  readonly message: string;
  /** The location as a list of keys, for finding the line in a file. */
  readonly path: readonly (string | number)[];
}

/** The name of a field as messages show it, for example `close.batch` or `jobs[2]`. */
export function fieldName(path: Problem['path']): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`))
    .join('');
}

/**
 * Maximum number of problems reported for one input. Each problem may take a search for a similar name, and an
 * input with more problems is probably the wrong file.
 */
const maxProblems = 100;

/** The first `maxProblems` problems. If there are more, one further entry says so. */
export function firstProblems(all: Iterable<Problem>): Problem[] {
  const problems = [...Iterator.from(all).take(maxProblems + 1)];
  if (problems.length <= maxProblems) return problems;
  const more = { field: '', path: [], message: `and more: only the first ${maxProblems} problems are shown` };
  return [...problems.slice(0, maxProblems), more];
}

/** The payload is not a valid request. Nothing was sent to any cluster. */
export class InvalidRequestError extends JobsweepError {
  readonly exitCode = 2;
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], source = 'the request') {
    super(`${source} is not valid: ${problems.map((problem) => problem.message).join('; ')}`);
    this.problems = problems;
  }
}

/** A setting from the environment, a secret or the command line is missing or invalid. */
export class InvalidSettingError extends JobsweepError {
  readonly exitCode = 2;
}

/** The service that stores the cluster's settings does not answer. */
export class SecretUnreachableError extends JobsweepError {
  readonly exitCode = 5;
}

/** No job matches a name that must match one (`allowNoMatch: false`), or the requested job does not exist. */
export class NoSuchJobError extends JobsweepError {
  readonly exitCode = 2;
}

/** No answer from the cluster: wrong address, network, TLS, or a server that is down. */
export class ClusterUnreachableError extends JobsweepError {
  readonly exitCode = 5;
}

/** The server that answers is not an Elasticsearch with machine learning. */
export class NotElasticsearchError extends JobsweepError {
  readonly exitCode = 5;
}

/** The cluster refused the credentials (401), or they lack a privilege (403). */
export class AccessDeniedError extends JobsweepError {
  readonly exitCode = 5;
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * A part of the inventory could not be read or understood. A sweep with an incomplete inventory could close a busy job.
 */
export class UnreadableInventoryError extends JobsweepError {
  readonly exitCode = 5;
}

/** A read of given ids failed because of some of these ids. A read of the other ids can succeed. */
export class UnreadableEntriesError extends UnreadableInventoryError {
  /** The cluster's error for each unreadable job or datafeed, by its id. */
  readonly unreadable: ReadonlyMap<string, Error>;

  constructor(unreadable: ReadonlyMap<string, Error>) {
    super([...unreadable.values()].map(({ message }) => message).join(' '));
    this.unreadable = unreadable;
  }
}

/** This machine's clock differs so much from the cluster's that idle times are meaningless. */
export class WrongClockError extends JobsweepError {
  readonly exitCode = 5;
}

/** The sweep was interrupted before it had read any job, so there is nothing to report. */
export class StoppedError extends JobsweepError {
  readonly exitCode = 3;
}

/** The scheduler is unreachable or refused the request. */
export class SchedulerError extends JobsweepError {
  readonly exitCode = 5;
}

/** The roll call, which finds clusters that have not reported, failed: CloudWatch did not answer for all clusters. */
export class RollCallError extends JobsweepError {
  readonly exitCode = 5;
}
