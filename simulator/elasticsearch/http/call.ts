/** @module One request as a handler sees it, and what a handler is: parameters are read first, all of them, then it acts. */

import type { World } from '../handler-context.ts';
import type { Principal, Privilege } from '../security.ts';
import type { RequestBody } from './body.ts';
import type { Query } from './query.ts';

export interface Call {
  readonly world: World;
  readonly method: string;
  /** The path as it stood in the request line, without the query. */
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: RequestBody;
  readonly principal: Principal | undefined;
  /** The Accept header; empty when there is none. */
  readonly accept: string;
  /** The major version that the request's media types ask to be compatible with, if any. */
  readonly compatibleWith: number | undefined;
  /** Awaits something that only time can bring, and lets a clock under test know. */
  readonly wait: <T>(answer: Promise<T>) => Promise<T>;
  /** Adds a `Warning` header to the response. */
  readonly warn: (message: string) => void;
}

export interface Answer {
  readonly status?: number;
  /** Rendered as JSON, or YAML if asked for; fields that are undefined are left out. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Reads the request, and returns what carries it out. What it throws comes before any question of privilege. */
export type Prepare = (call: Call) => () => Answer | Promise<Answer>;

export interface Route {
  /** The name of the API, as the clients spell it: `ml.close_job`. */
  readonly name: string;
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  /** The transport action, as it stands in a 403. */
  readonly action: string;
  readonly privilege: Privilege;
  readonly prepare: Prepare;
  /** The first major version that has it. */
  readonly since?: 8 | 9;
}

/** Shortens the many tables of routes. */
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
