/** @module Secrets Manager, loaded only when a secret is named: most of a cold start would go into its client. */
import type { ReadSecret } from './settings.ts';

const waitMs = 5_000;

export const readSecret: ReadSecret = async (name) => {
  const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({
    requestHandler: { connectionTimeout: waitMs, requestTimeout: waitMs },
  });
  try {
    const { SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: name }));
    if (text === undefined) throw new Error('it holds bytes, not text');
    return text;
  } finally {
    client.destroy();
  }
};
