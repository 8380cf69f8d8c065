/** @module Secrets Manager, loaded only when a secret is named: most of a cold start would go into its client. */

import type { Clock } from '../base/clock.ts';
import { SecretUnreachableError } from '../base/errors.ts';
import { systemClock } from '../base/system-clock.ts';
import { printable, quote } from '../base/text.ts';
import type { ReadSecret } from './find-connection.ts';

/** For one secret, with the client's own tries, in milliseconds. Its `requestTimeout` alone only logs a warning. */
const longest = 10_000;

/**
 * Reads secrets, each within ten seconds and within `remainingMs`. The AWS SDK's own variables say where they are.
 * Rejects with a SecretUnreachableError when Secrets Manager does not answer, else with what it answers.
 */
export function secretReader(clock: Clock, remainingMs = longest): ReadSecret {
  return async (name) => {
    const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
    const client = new SecretsManagerClient({});
    const ms = Math.max(0, Math.min(longest, remainingMs));
    using limit = clock.limit(ms);
    try {
      const command = new GetSecretValueCommand({ SecretId: name });
      const { SecretString: text } = await client.send(command, { abortSignal: limit.signal });
      if (text === undefined) throw new Error('it holds bytes, not text');
      return text;
    } catch (error) {
      const why = limit.signal.aborted
        ? `no answer within ${Math.round(ms / 100) / 10} s`
        : whyUnreachable(error);
      if (why === undefined) throw error;
      const endpoint = `com.amazonaws.${await client.config.region()}.secretsmanager`;
      throw new SecretUnreachableError(
        `the secret ${quote(name)} cannot be read: Secrets Manager cannot be reached (${why}); nothing was closed. Check the network: a function in a VPC needs a NAT gateway or the interface endpoint ${endpoint}, and a security group that lets port 443 out; elsewhere, check AWS_REGION and the proxy.`,
      );
    } finally {
      client.destroy();
    }
  };
}

/** Of what the SDK throws, what says that no answer of the service came; undefined for everything else. */
function whyUnreachable(error: unknown): string | undefined {
  const { code, $metadata } = error as {
    readonly code?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  if (status !== undefined) return status >= 500 ? `HTTP ${status}` : undefined;
  // the network's errors have a code, and with several addresses of one host no message
  if (typeof code !== 'string' || !(error instanceof Error)) return undefined;
  return printable(error.message.includes(code) ? error.message : `${code} ${error.message}`.trim());
}

export const readSecret: ReadSecret = secretReader(systemClock);
