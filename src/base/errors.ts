/**
 * @module The errors that end a sweep before it has a report. Each has a name of its own (the function throws it by
 * that name), a sentence that says what to do next, and the exit code of docs/contract.md §5.
 */

/** `1` a bug, `2` invalid input, `3` told to stop, `5` the cluster or the scheduler cannot be used. */
export type ErrorExit = 1 | 2 | 3 | 5;

export abstract class JobsweepError extends Error {
  abstract readonly exitCode: ErrorExit;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** One thing that is wrong with an input, in the words that a person needs to mend it. */
export interface Problem {
  /** Where in the input, as `close.batch` or `jobs[2]`; empty for the input as a whole. */
  readonly field: string;
  readonly message: string;
  /** The same place as keys, for finding its line in a file. */
  readonly path: readonly (string | number)[];
}

/** So many are told of one input: more is no typo but another kind of file, and each costs a search for what was meant. */
const mostProblems = 100;

/** The first of the problems, and a last one that says so when there are more. */
export function firstProblems(all: Iterable<Problem>): Problem[] {
  const problems = [...Iterator.from(all).take(mostProblems + 1)];
  if (problems.length <= mostProblems) return problems;
  const more = { field: '', path: [], message: `and more: only the first ${mostProblems} problems are told` };
  return [...problems.slice(0, mostProblems), more];
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

/** A setting of the environment, of a secret or of the command line is missing or not valid. */
export class InvalidSettingError extends JobsweepError {
  readonly exitCode = 2;
}

/** No answer from where the cluster's settings are kept: the network between, or the service itself. */
export class SecretUnreachableError extends JobsweepError {
  readonly exitCode = 5;
}

/** A name that must match a job matches none (`allowNoMatch: false`), or the job asked for does not exist. */
export class NoSuchJobError extends JobsweepError {
  readonly exitCode = 2;
}

/** No answer from the cluster: wrong address, network, TLS, or a server that is down. */
export class ClusterUnreachableError extends JobsweepError {
  readonly exitCode = 5;
}

/** What answers is not an Elasticsearch that has machine learning. */
export class NotElasticsearchError extends JobsweepError {
  readonly exitCode = 5;
}

/** The cluster refused the credentials (401) or what they may do (403). */
export class AccessDeniedError extends JobsweepError {
  readonly exitCode = 5;
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A part of the inventory could not be read or understood; a sweep on half of it could close a busy job. */
export class UnreadableInventoryError extends JobsweepError {
  readonly exitCode = 5;
}

/** A read by ids fails for some of them by themselves, and not for the others. Nothing is known of any of them. */
export class UnreadableEntriesError extends UnreadableInventoryError {
  /** By the id of the job or datafeed, what the cluster answered. */
  readonly unreadable: ReadonlyMap<string, Error>;

  constructor(unreadable: ReadonlyMap<string, Error>) {
    super([...unreadable.values()].map(({ message }) => message).join(' '));
    this.unreadable = unreadable;
  }
}

/** This machine's clock is too far from the cluster's for idle times to mean anything. */
export class WrongClockError extends JobsweepError {
  readonly exitCode = 5;
}

/** The sweep was told to stop before it knew any job: there is nothing that a report could say. */
export class StoppedError extends JobsweepError {
  readonly exitCode = 3;
}

/** The scheduler could not be reached, or refused. */
export class SchedulerError extends JobsweepError {
  readonly exitCode = 5;
}
