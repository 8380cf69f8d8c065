import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { findConnection } from '../../src/settings/find-connection.ts';
import { secretReader } from '../../src/settings/secrets.ts';
import { type Exchange, type ScriptedServer, serve } from '../support/scripted-server.ts';

const amz = { 'content-type': 'application/x-amz-json-1.1' };

/** Starts a server that answers with `respond`, and makes the SDK use the server as Secrets Manager. */
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

/** The message for a secret whose service does not answer. */
const unreachable = (why: string) =>
  new RegExp(
    `^the secret "es" cannot be read: Secrets Manager cannot be reached \\(${why}\\); nothing was closed\\. .*NAT gateway.*com\\.amazonaws\\.eu-central-1\\.secretsmanager.*security group`,
  );

const find = (clock: VirtualClock, remainingMs?: number) =>
  findConnection({
    cluster: 'default',
    environment: { ELASTICSEARCH_SECRET: 'es' },
    readSecret: secretReader(clock, {}, remainingMs),
  });

describe('a secret', () => {
  it('a secret is read by its name', async () => {
    await using server = await secretsManager(({ raw }) =>
      raw(JSON.stringify({ Name: 'es', SecretString: '{"ELASTICSEARCH_URL":"https://es:9200"}' }), 200, amz),
    );
    using clock = new VirtualClock();
    expect(await secretReader(clock, {})('clusters/es')).toBe('{"ELASTICSEARCH_URL":"https://es:9200"}');
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
      /the secret "es" cannot be read \(it contains bytes, not text\)/,
    ],
  ])('a secret that %s is reported as an invalid setting', async (_what, respond, message) => {
    await using _server = await secretsManager(respond);
    using clock = new VirtualClock();
    const found = findConnection({
      cluster: 'default',
      environment: { ELASTICSEARCH_SECRET: 'es' },
      readSecret: secretReader(clock, {}),
    });
    await expect(found).rejects.toMatchObject({ name: 'InvalidSettingError', exitCode: 2 });
    await expect(found).rejects.toThrow(message);
  });

  it('a secret does not appear in the error if the answer of Secrets Manager cannot be parsed', async () => {
    await using _server = await secretsManager(({ raw }) =>
      raw('{"SecretString": "top-secret", oops', 200, amz),
    );
    using clock = new VirtualClock();
    const found = findConnection({
      cluster: 'default',
      environment: { ELASTICSEARCH_SECRET: 'es' },
      readSecret: secretReader(clock, {}),
    });
    await expect(found).rejects.toThrow(/^the secret "es" cannot be read/);
    await expect(found).rejects.not.toThrow(/top-secret|oops/);
  });

  it('the wait for a secret ends after ten seconds without an answer', async () => {
    const requested = Promise.withResolvers<void>();
    await using _server = await secretsManager(() => requested.resolve());
    using clock = new VirtualClock();
    const reading = secretReader(clock, {})('es');
    await Promise.all([
      expect(reading).rejects.toMatchObject({
        name: 'SecretUnreachableError',
        exitCode: 5,
        message: expect.stringMatching(unreachable('no answer within 10 s')),
      }),
      requested.promise.then(() => clock.advance(10_000)),
    ]);
  });

  it.each<[string, string, string]>([
    ['refuses the connection', 'http://127.0.0.1:1', 'connect ECONNREFUSED 127\\.0\\.0\\.1:1'],
    [
      'has a host name that does not exist',
      'http://nowhere.invalid',
      '.*(ENOTFOUND|EAI_AGAIN) nowhere\\.invalid',
    ],
  ])(
    'if Secrets Manager %s, a secret is reported as unreachable, not as wrongly named',
    async (_what, url, why) => {
      vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', url);
      vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
      using clock = new VirtualClock();
      const found = find(clock);
      await expect(found).rejects.toMatchObject({ name: 'SecretUnreachableError', exitCode: 5 });
      await expect(found).rejects.toThrow(unreachable(why));
    },
  );

  it('if a proxy’s error page comes instead of Secrets Manager’s answer, a secret is reported as unreachable', async () => {
    await using _server = await secretsManager(({ raw }) => raw('<html>Bad gateway</html>', 502));
    vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
    using clock = new VirtualClock();
    await expect(find(clock)).rejects.toThrow(unreachable('HTTP 502'));
  });

  it('the wait for a secret ends as soon as the remaining time is up, even if that is less than ten seconds', async () => {
    const requested = Promise.withResolvers<void>();
    await using _server = await secretsManager(() => requested.resolve());
    using clock = new VirtualClock();
    await Promise.all([
      expect(find(clock, 3_000)).rejects.toThrow(unreachable('no answer within 3 s')),
      requested.promise.then(() => clock.advance(3_000)),
    ]);
  });

  it('a secret that begins with a byte order mark is read', async () => {
    const SecretString = '\uFEFF{"ELASTICSEARCH_URL":"https://es:9200"}';
    await using _server = await secretsManager(({ raw }) => raw(JSON.stringify({ SecretString }), 200, amz));
    using clock = new VirtualClock();
    expect(await find(clock)).toMatchObject({ address: { url: 'https://es:9200' } });
  });
});
