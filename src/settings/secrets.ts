/**
 * @module Reads secrets from Secrets Manager, or from Parameter Store if a name begins with `ssm:`. An AWS client is
 * loaded only if a secret is configured, because loading is slow.
 */

import type { Clock } from '../base/clock.ts';
import { SecretUnreachableError } from '../base/errors.ts';
import { printable } from '../base/text.ts';
import type { AwsService } from '../base/way-to-aws.ts';
import type { Environment } from './environment.ts';
import { parameterMark, type ReadSecret, secretTitle } from './find-connection.ts';

/**
 * Time limit for one secret, including the AWS client's retries, in milliseconds. (The client's own `requestTimeout`
 * does not end a request, and only logs a warning.)
 */
const maxReadMs = 10_000;

/**
 * Returns a function that reads secrets, each within ten seconds and within `remainingMs`. The AWS SDK's own variables
 * choose the region and account, and `environment` chooses the proxy. If the service cannot be reached, the
 * function rejects with a SecretUnreachableError; any other error is passed on unchanged.
 */
export function secretReader(clock: Clock, environment: Environment, remainingMs = maxReadMs): ReadSecret {
  return async (name) => {
    const [{ awsAgents }, { wayToAws }] = await Promise.all([
      import('../base/way-out.ts'),
      import('../base/way-to-aws.ts'),
    ]);
    const open = name.startsWith(parameterMark) ? parameterStore : secretsManager;
    const store = await open({ requestHandler: awsAgents(environment) });
    const ms = Math.max(0, Math.min(maxReadMs, remainingMs));
    using limit = clock.limit(ms);
    try {
      return await store.read(name, limit.signal);
    } catch (error) {
      const why = limit.signal.aborted
        ? `no answer within ${Math.round(ms / 100) / 10} s`
        : whyUnreachable(error);
      if (why === undefined) throw error;
      const way = wayToAws(store.service, environment, await store.client.config.region());
      throw new SecretUnreachableError(
        `${secretTitle(name)} cannot be read: ${store.title} cannot be reached (${why}); nothing was closed. ${way.adviceOn(why)}`,
      );
    } finally {
      store.client.destroy();
    }
  };
}

/** A service that keeps secrets. */
interface Store {
  readonly title: string;
  readonly service: AwsService;
  readonly client: { readonly config: { region(): Promise<string> }; destroy(): void };
  readonly read: (name: string, signal: AbortSignal) => Promise<string>;
}
interface ClientOptions {
  readonly requestHandler: object;
}

async function secretsManager(options: ClientOptions): Promise<Store> {
  const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient(options);
  return {
    title: 'Secrets Manager',
    service: 'secretsmanager',
    client,
    read: async (name, abortSignal) => {
      const command = new GetSecretValueCommand({ SecretId: name });
      const { SecretString: text } = await client.send(command, { abortSignal });
      if (text === undefined) throw new Error('it contains bytes, not text');
      return text;
    },
  };
}

async function parameterStore(options: ClientOptions): Promise<Store> {
  const { SSMClient, GetParameterCommand } = await import('./parameter-store.ts');
  const client = new SSMClient(options);
  return {
    title: 'Parameter Store',
    service: 'ssm',
    client,
    read: async (name, abortSignal) => {
      const command = new GetParameterCommand({
        Name: name.slice(parameterMark.length),
        WithDecryption: true,
      });
      const { Parameter } = await client.send(command, { abortSignal });
      return Parameter?.Value ?? '';
    },
  };
}

/**
 * Returns a function that reads each secret only once. Use it for one sweep only: a secret may change before the next
 * sweep.
 */
export function readingOnce(read: ReadSecret): ReadSecret {
  const known = new Map<string, Promise<string>>();
  return (name) => {
    const text = known.get(name) ?? read(name);
    known.set(name, text);
    return text;
  };
}

/** Why the service is unreachable, according to the SDK's error; undefined for any other error. */
function whyUnreachable(error: unknown): string | undefined {
  const { code, $metadata } = error as {
    readonly code?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  if (status !== undefined) return status >= 500 || status === 407 ? `HTTP ${status}` : undefined;
  // Network errors have a code. Their message is empty if the host has several addresses.
  if (typeof code !== 'string' || !(error instanceof Error)) return undefined;
  return printable(error.message.includes(code) ? error.message : `${code} ${error.message}`.trim());
}
