/** @module Errors as Elasticsearch renders them: type, reason, status and causes, as a response body. */

/** The fields of an error. Its cause and its root cause have the same fields. */
export interface ErrorCause {
  readonly type: string;
  readonly reason: string | null;
  readonly caused_by?: ErrorCause | undefined;
  /** Response headers that belong to the error, such as those of a 401. */
  readonly header?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Extra fields that some errors have, for example `index` for a missing index. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

// The server reports the cause of an error as the root cause only if the error and its cause both have one of these
// types.
const digging = new Set([
  'x_content_parse_exception',
  'status_exception',
  'resource_not_found_exception',
  'resource_already_exists_exception',
  'parsing_exception',
  'parse_exception',
]);

export class ElasticsearchError extends Error {
  readonly status: number;
  readonly details: ErrorCause;

  constructor(status: number, cause: ErrorCause) {
    super(`${status} ${cause.type}: ${cause.reason}`);
    this.status = status;
    this.details = cause;
  }

  get type(): string {
    return this.details.type;
  }

  get reason(): string {
    return this.details.reason ?? '';
  }

  /** The response body. `trace` adds the `stack_trace` that `error_trace=true` requests. */
  body(trace = false): object {
    const own = render(this.details);
    const root = render({ ...rootOf(this.details), caused_by: undefined });
    const stack = trace ? { stack_trace: `${this.details.type}: ${this.details.reason}\n` } : {};
    return { error: { root_cause: [{ ...root, ...stack }], ...own, ...stack }, status: this.status };
  }
}

function rootOf(cause: ErrorCause): ErrorCause {
  const inner = cause.caused_by;
  return inner && digging.has(cause.type) && digging.has(inner.type) ? rootOf(inner) : cause;
}

function render({ type, reason, caused_by, header, metadata }: ErrorCause): object {
  return {
    type,
    reason,
    ...metadata,
    ...(caused_by && { caused_by: render(caused_by) }),
    ...(header && { header }),
  };
}

const error = (status: number, type: string) => (reason: string, caused_by?: ErrorCause) =>
  new ElasticsearchError(status, { type, reason, caused_by });

export const illegalArgument = error(400, 'illegal_argument_exception');
export const badRequest = error(400, 'status_exception');
export const validation = error(400, 'action_request_validation_exception');
export const alreadyExists = error(400, 'resource_already_exists_exception');
export const notFound = error(404, 'resource_not_found_exception');
export const timedOut = error(408, 'status_exception');
export const conflict = error(409, 'status_exception');
export const tooManyRequests = error(429, 'status_exception');
export const serverError = error(500, 'status_exception');
export const illegalState = error(500, 'illegal_state_exception');

export const noSuchJob = (ids: string) => notFound(`No known job with id '${ids}'`);
export const noSuchDatafeed = (ids: string) => notFound(`No datafeed with id [${ids}] exists`);
