/** @module Secrets Manager, loaded only when a secret is named: most of a cold start would go into its client. */
import { systemClock } from './clock.ts';
import type { ReadSecret } from './settings.ts';
import type { Clock } from './sweep/clock.ts';

/** For one secret, with the client's own tries, in milliseconds. Its `requestTimeout` alone only logs a warning. */
const longest = 10_000;

/** Reads secrets within a time limit. Where they are is told by the AWS SDK's own variables. */
export function secretReader(clock: Clock): ReadSecret {
  return async (name) => {
    const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
    const client = new SecretsManagerClient({});
    using limit = clock.limit(longest);
    try {
      const command = new GetSecretValueCommand({ SecretId: name });
      const { SecretString: text } = await client.send(command, { abortSignal: limit.signal });
      if (text === undefined) throw new Error('it holds bytes, not text');
      return text;
    } catch (error) {
      throw limit.signal.aborted
        ? new Error(`no answer of Secrets Manager within ${longest / 1000} s`)
        : error;
    } finally {
      client.destroy();
    }
  };
}

export const readSecret: ReadSecret = secretReader(systemClock);
