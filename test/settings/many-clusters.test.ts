/**
 * @module Tests the credentials of many clusters, in one secret for all of them or in SSM parameters, through the real
 * SDK.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { findConnection } from '../../src/settings/find-connection.ts';
import { secretReader } from '../../src/settings/secrets.ts';
import { type Exchange, serve } from '../support/scripted-server.ts';
import { expectNoSecret } from '../support/secrets.ts';
import { startSecretsManager } from '../support/secrets-manager.ts';

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

type Settings = Readonly<Record<string, string>>;

async function find(cluster: string, settings: Settings) {
  using clock = new VirtualClock();
  return await findConnection({
    cluster,
    environment: settings,
    readSecret: secretReader(clock, process.env),
  });
}

async function messageOf(cluster: string, settings: Settings): Promise<string> {
  try {
    await find(cluster, settings);
  } catch (error) {
    expectNoSecret(error, ['hidden-value']);
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  throw new Error('it was found');
}

const logs = { ELASTICSEARCH_URL: 'https://logs:9200', ELASTICSEARCH_API_KEY: 'id-1:hidden-value' };
const metrics = { ELASTICSEARCH_URL: 'https://metrics:9200', ELASTICSEARCH_API_KEY: 'id-2:hidden-value' };
const shared = { ELASTICSEARCH_CLUSTERS_SECRET: 'jobsweep/all' };

describe('one secret for many clusters', () => {
  async function stored(value: unknown) {
    const secrets = await startSecretsManager({
      'jobsweep/all': typeof value === 'string' ? value : JSON.stringify(value),
    });
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', secrets.url);
    return secrets;
  }

  it('a secret for many clusters has a key for each cluster, with that cluster’s settings', async () => {
    await using secrets = await stored({ logs, metrics });
    expect(await find('logs', shared)).toMatchObject({ address: { url: 'https://logs:9200' } });
    expect(await find('metrics', shared)).toMatchObject({ address: { url: 'https://metrics:9200' } });
    expect(secrets.asked).toEqual(['jobsweep/all', 'jobsweep/all']);
  });

  it.each<[string, unknown, string]>([
    [
      'has no key for the cluster',
      { metrics, search: metrics },
      'the secret "jobsweep/all" (cluster "logs") has no key for the cluster; its keys are metrics, search',
    ],
    [
      'has a string at the cluster’s key',
      { logs: 'https://logs:9200' },
      'the secret "jobsweep/all" (cluster "logs"): the cluster\'s value is not an object: expected keys such as ELASTICSEARCH_URL and ELASTICSEARCH_API_KEY',
    ],
    [
      'has the settings of one cluster',
      logs,
      'the secret "jobsweep/all" (cluster "logs") has no key for the cluster; its keys are ELASTICSEARCH_URL, ELASTICSEARCH_API_KEY',
    ],
    [
      'is a list',
      [logs],
      'the secret "jobsweep/all" (cluster "logs") is not a JSON object: expected a key for each cluster',
    ],
    [
      'is not JSON',
      '{"logs": hidden-value',
      'the secret "jobsweep/all" (cluster "logs") is not a JSON object: expected a key for each cluster',
    ],
    [
      'has no address',
      { logs: { ELASTICSEARCH_API_KEY: 'id:hidden-value' } },
      'the secret "jobsweep/all" (cluster "logs"): ELASTICSEARCH_API_KEY is set without an address',
    ],
    [
      'has a misspelt setting',
      { logs: { ELASTICSEARCH_HOST: 'https://logs:9200' } },
      'the secret "jobsweep/all" (cluster "logs") has the unknown key "ELASTICSEARCH_HOST"',
    ],
  ])('if a shared secret %s, the error names the secret and the cluster', async (_what, value, message) => {
    await using _secrets = await stored(value);
    expect(await messageOf('logs', shared)).toContain(`InvalidSettingError: ${message}`);
  });

  it('a cluster named like an inherited property, such as `constructor`, has no settings in the secret', async () => {
    await using _secrets = await stored({ logs });
    expect(await messageOf('constructor', shared)).toContain('has no key for the cluster; its keys are logs');
  });

  it('the error for a missing cluster names at most 20 keys of the secret', async () => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`cluster-${index}`, logs]));
    await using _secrets = await stored(many);
    expect(await messageOf('logs', shared)).toMatch(/its keys are cluster-0, .*, cluster-19 and 180 more$/);
  });

  it('a secret for many clusters cannot be combined with a secret prefix', async () => {
    expect(await messageOf('logs', { ...shared, ELASTICSEARCH_SECRET_PREFIX: 'jobsweep/' })).toBe(
      'InvalidSettingError: ELASTICSEARCH_SECRET_PREFIX and ELASTICSEARCH_CLUSTERS_SECRET are both set: set one',
    );
  });
});

describe('a parameter of SSM', () => {
  const amz = { 'content-type': 'application/x-amz-json-1.1' };
  async function parameters(values: Settings, respond?: (exchange: Exchange) => void) {
    const server = await serve((exchange) => {
      if (respond) return respond(exchange);
      const { Name } = JSON.parse(exchange.body) as { Name: string };
      const Value = values[Name];
      if (Value === undefined) return exchange.raw(JSON.stringify({ __type: 'ParameterNotFound' }), 400, amz);
      return exchange.raw(
        JSON.stringify({ Parameter: { Name, Type: 'SecureString', Value, Version: 1 } }),
        200,
        amz,
      );
    });
    vi.stubEnv('AWS_ENDPOINT_URL_SSM', server.url);
    return server;
  }

  it('an SSM parameter can be used for every setting that names a secret, and is read decrypted', async () => {
    await using server = await parameters({
      '/jobsweep/default': JSON.stringify(metrics),
      '/jobsweep/logs': JSON.stringify(logs),
      all: JSON.stringify({ logs }),
    });
    const of = (cluster: string, settings: Settings) => find(cluster, settings);
    expect(await of('default', { ELASTICSEARCH_SECRET: 'ssm:/jobsweep/default' })).toMatchObject({
      address: { url: 'https://metrics:9200' },
    });
    expect(await of('logs', { ELASTICSEARCH_SECRET_PREFIX: 'ssm:/jobsweep/' })).toMatchObject({
      address: { url: 'https://logs:9200' },
    });
    expect(await of('logs', { ELASTICSEARCH_CLUSTERS_SECRET: 'ssm:all' })).toMatchObject({
      address: { url: 'https://logs:9200' },
    });
    expect(server.requests.map(({ headers }) => headers['x-amz-target'])).toEqual(
      Array.from({ length: 3 }, () => 'AmazonSSM.GetParameter'),
    );
    expect(server.requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual(
      ['/jobsweep/default', '/jobsweep/logs', 'all'].map((Name) => ({ Name, WithDecryption: true })),
    );
  });

  it('the error for a missing or forbidden SSM parameter names the parameter and the cluster', async () => {
    {
      await using _server = await parameters({});
      expect(await messageOf('logs', { ELASTICSEARCH_SECRET_PREFIX: 'ssm:/jobsweep/' })).toMatch(
        /^InvalidSettingError: the parameter "\/jobsweep\/logs" \(cluster "logs"\) cannot be read \(.*\): check its name, and that the role or user that runs this may read it$/,
      );
    }
    await using _server = await parameters({}, ({ raw }) =>
      raw(JSON.stringify({ __type: 'AccessDeniedException', message: 'not authorized' }), 400, amz),
    );
    expect(await messageOf('logs', { ELASTICSEARCH_SECRET_PREFIX: 'ssm:/jobsweep/' })).toContain(
      '(cluster "logs") cannot be read (not authorized)',
    );
  });

  it('an unreachable Parameter Store is reported with the endpoint that a VPC needs', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_SSM', 'http://127.0.0.1:1');
    vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
    expect(await messageOf('logs', { ELASTICSEARCH_SECRET_PREFIX: 'ssm:/jobsweep/' })).toMatch(
      /^SecretUnreachableError: the parameter "\/jobsweep\/logs" cannot be read: Parameter Store cannot be reached \(.*ECONNREFUSED.*\); nothing was closed\. .*com\.amazonaws\.eu-central-1\.ssm/,
    );
  });

  it('the error for an SSM parameter that is not JSON does not show the parameter’s value', async () => {
    await using _server = await parameters({ '/jobsweep/logs': 'hidden-value' });
    expect(await messageOf('logs', { ELASTICSEARCH_SECRET_PREFIX: 'ssm:/jobsweep/' })).toContain(
      'the parameter "/jobsweep/logs" (cluster "logs") is not a JSON object: expected keys such as',
    );
  });
});
