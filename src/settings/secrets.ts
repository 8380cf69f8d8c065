/** @module Reads secrets from Secrets Manager. Its client is loaded only if a secret is named, because that is slow. */

import type { Clock } from '../base/clock.ts';
import { SecretUnreachableError } from '../base/errors.ts';
import { printable, quote } from '../base/text.ts';
import type { Environment, ReadSecret } from './find-connection.ts';

/** Limit for one secret including the client's retries, in milliseconds. Its `requestTimeout` alone only logs a warning. */
const maxReadMs = 10_000;

/**
 * Reads secrets, each within ten seconds and within `remainingMs`. The AWS SDK's own variables choose the region and
 * account, `environment` the proxy. Rejects with a SecretUnreachableError if Secrets Manager does not answer, otherwise
 * with its error.
 */
export function secretReader(clock: Clock, environment: Environment, remainingMs = maxReadMs): ReadSecret {
  return async (name) => {
    const [{ SecretsManagerClient, GetSecretValueCommand }, { awsAgents }, { wayToAws }] = await Promise.all([
      import('@aws-sdk/client-secrets-manager'),
      import('../base/way-out.ts'),
      import('../base/way-to-aws.ts'),
    ]);
    const client = new SecretsManagerClient({ requestHandler: awsAgents(environment) });
    const ms = Math.max(0, Math.min(maxReadMs, remainingMs));
    using limit = clock.limit(ms);
    try {
      const command = new GetSecretValueCommand({ SecretId: name });
      const { SecretString: text } = await client.send(command, { abortSignal: limit.signal });
      if (text === undefined) throw new Error('it contains bytes, not text');
      return text;
    } catch (error) {
      const why = limit.signal.aborted
        ? `no answer within ${Math.round(ms / 100) / 10} s`
        : whyUnreachable(error);
      if (why === undefined) throw error;
      const way = wayToAws('secretsmanager', environment, await client.config.region());
      throw new SecretUnreachableError(
        `the secret ${quote(name)} cannot be read: Secrets Manager cannot be reached (${why}); nothing was closed. ${way.adviceOn(why)}`,
      );
    } finally {
      client.destroy();
    }
  };
}

/** Reads each secret once. For one sweep only: a secret may change between two. */
export function readingOnce(read: ReadSecret): ReadSecret {
  const known = new Map<string, Promise<string>>();
  return (name) => {
    const text = known.get(name) ?? read(name);
    known.set(name, text);
    return text;
  };
}

/** Why the service is unreachable, by an error of the SDK; undefined for any other error. */
function whyUnreachable(error: unknown): string | undefined {
  const { code, $metadata } = error as {
    readonly code?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  if (status !== undefined) return status >= 500 || status === 407 ? `HTTP ${status}` : undefined;
  // Network errors have a code. If a host has several addresses, they have no message.
  if (typeof code !== 'string' || !(error instanceof Error)) return undefined;
  return printable(error.message.includes(code) ? error.message : `${code} ${error.message}`.trim());
}
