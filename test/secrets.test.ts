import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { secretReader } from '../src/secrets.ts';
import { findConnection } from '../src/settings.ts';
import { VirtualClock } from '../src/simulator/clock.ts';
import { type Exchange, type ScriptedServer, serve } from './support/scripted-server.ts';

const amz = { 'content-type': 'application/x-amz-json-1.1' };

/** Secrets Manager's wire protocol, as far as one read of a secret goes. */
async function secretsManager(
  respond: (exchange: Exchange) => void | Promise<void>,
): Promise<ScriptedServer> {
  const server = await serve(respond);
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', server.url);
  return server;
}

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
afterEach(() => vi.unstubAllEnvs());

describe('a secret', () => {
  it('is read by its name', async () => {
    await using server = await secretsManager(({ raw }) =>
      raw(JSON.stringify({ Name: 'es', SecretString: '{"ELASTICSEARCH_URL":"https://es:9200"}' }), 200, amz),
    );
    using clock = new VirtualClock();
    expect(await secretReader(clock)('clusters/es')).toBe('{"ELASTICSEARCH_URL":"https://es:9200"}');
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers['x-amz-target']).toBe('secretsmanager.GetSecretValue');
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({ SecretId: 'clusters/es' });
  });

  it.each<[string, (exchange: Exchange) => void, RegExp]>([
    [
      'does not exist',
      ({ raw }) =>
        raw(
          JSON.stringify({
            __type: 'ResourceNotFoundException',
            Message: "Secrets Manager can't find the specified secret.",
          }),
          400,
          amz,
        ),
      /the secret "es" cannot be read \(Secrets Manager can't find the specified secret\.\): check its name/,
    ],
    [
      'may not be read',
      ({ raw }) =>
        raw(JSON.stringify({ __type: 'AccessDeniedException', Message: 'not authorized' }), 400, amz),
      /the secret "es" cannot be read \(not authorized\): .*role/,
    ],
    [
      'holds bytes',
      ({ raw }) => raw(JSON.stringify({ Name: 'es', SecretBinary: 'aGFsbG8=' }), 200, amz),
      /the secret "es" cannot be read \(it holds bytes, not text\)/,
    ],
  ])('that %s is an invalid setting, and says so', async (_what, respond, message) => {
    await using _server = await secretsManager(respond);
    using clock = new VirtualClock();
    const found = findConnection({
      cluster: 'default',
      environment: { ELASTICSEARCH_SECRET: 'es' },
      readSecret: secretReader(clock),
    });
    await expect(found).rejects.toMatchObject({ name: 'InvalidSettingError', exitCode: 2 });
    await expect(found).rejects.toThrow(message);
  });

  it('is in no error when the answer that holds it is broken', async () => {
    await using _server = await secretsManager(({ raw }) =>
      raw('{"SecretString": "top-secret", oops', 200, amz),
    );
    using clock = new VirtualClock();
    const found = findConnection({
      cluster: 'default',
      environment: { ELASTICSEARCH_SECRET: 'es' },
      readSecret: secretReader(clock),
    });
    await expect(found).rejects.toThrow(/^the secret "es" cannot be read/);
    await expect(found).rejects.not.toThrow(/top-secret|oops/);
  });

  it('that never comes ends the wait after ten seconds', async () => {
    const asked = Promise.withResolvers<void>();
    await using _server = await secretsManager(() => asked.resolve());
    using clock = new VirtualClock();
    const reading = secretReader(clock)('es');
    await Promise.all([
      expect(reading).rejects.toThrow('no answer of Secrets Manager within 10 s'),
      asked.promise.then(() => clock.advance(10_000)),
    ]);
  });
});
