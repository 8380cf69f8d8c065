/** @module One request as a handler sees it. A handler has two steps: it reads all parameters, then it acts. */

import type { HandlerContext } from '../handler-context.ts';
import type { Principal, Privilege } from '../security.ts';
import type { RequestBody } from './body.ts';
import type { Query } from './query.ts';

export interface Call {
  readonly context: HandlerContext;
  readonly method: string;
  /** The path as written in the request line, without the query. */
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: RequestBody;
  readonly principal: Principal | undefined;
  /** The Accept header; empty if missing. */
  readonly accept: string;
  /** The `compatible-with` version in the media types of the request, if any. */
  readonly compatibleWith: number | undefined;
  /** Waits for `answer`, and lets a virtual clock move while the request waits. */
  readonly wait: <T>(answer: Promise<T>) => Promise<T>;
  /** Adds a `Warning` header to the response. */
  readonly warn: (message: string) => void;
}

export interface Answer {
  readonly status?: number;
  /** Rendered without undefined fields, as JSON or, if the client requests it, as YAML. */
  readonly body?: unknown;
  /** Sent unchanged instead of `body`. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Reads the request and returns the function that carries it out. Errors in the request are reported before missing
 * privileges.
 */
export type Prepare = (call: Call) => () => Answer | Promise<Answer>;

export interface Route {
  /** The name of the API as clients spell it, for example `ml.close_job`. */
  readonly name: string;
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  /** The transport action, as named in a 403. */
  readonly action: string;
  readonly privilege: Privilege;
  readonly prepare: Prepare;
  /** The first major version that has this API. */
  readonly since?: 8 | 9;
}

/** Builds a route. */
export function route(
  name: string,
  methods: string,
  paths: string | readonly string[],
  [privilege, action]: readonly [Privilege, string],
  prepare: Prepare,
): Route {
  return {
    name,
    methods: methods.split(' '),
    paths: typeof paths === 'string' ? [paths] : paths,
    privilege,
    action,
    prepare,
  };
}
