/** @module Reads the secrets of one invocation. The sweep and its notification often need the same secret. */
import type { Context } from 'aws-lambda';
import { systemClock } from '../base/system-clock.ts';
import type { Environment } from '../settings/environment.ts';
import type { ReadSecret } from '../settings/find-connection.ts';
import { readingOnce, secretReader } from '../settings/secrets.ts';

const readers = new WeakMap<Context, ReadSecret>();

/** Returns a function that reads each secret only once in an invocation. */
export function secretsOf(environment: Environment, context: Context): ReadSecret {
  let reader = readers.get(context);
  if (!reader) {
    // Uses the system clock, because secrets are read over the real network. One second is kept to report an error.
    reader = readingOnce(secretReader(systemClock, environment, context.getRemainingTimeInMillis() - 1_000));
    readers.set(context, reader);
  }
  return reader;
}
