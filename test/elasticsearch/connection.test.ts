import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { trackHttp } from '../../simulator/track-http.ts';
import { JobsweepError } from '../../src/base/errors.ts';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import type { Connection } from '../../src/elasticsearch/connection.ts';
import type { Environment } from '../../src/settings/environment.ts';
import { findConnection } from '../../src/settings/find-connection.ts';
import { answersFor, configOf, respondWith, statsOf } from '../support/ml-answers.ts';
import {
  type CertificateName,
  certificate,
  type Exchange,
  type ScriptedServer,
  serve,
} from '../support/scripted-server.ts';
import { expectNoSecret } from '../support/secrets.ts';

const apiKey = { id: 'VuaCfGcBCdbkQm-e5aOx', key: 'ui2lp2axTNmsyakw9tvNnw' };
const encodedKey = Buffer.from(`${apiKey.id}:${apiKey.key}`).toString('base64');
const password = 'correct-horse-battery';
const encodedUser = Buffer.from(`sweeper:${password}`).toString('base64');
const secrets = [apiKey.key, encodedKey, password, encodedUser];

const healthy = answersFor([{ config: configOf('job-a'), stats: statsOf('job-a') }]);
const respond = (exchange: Exchange) => respondWith(healthy, exchange);
const fingerprintOf = (name: string) => new X509Certificate(certificate(name)).fingerprint256;

/**
 * The ids of the jobs that a cluster lists, read in simulated time with the settings, client and HTTP(S) of a sweep.
 */
async function jobIds(environment: Environment): Promise<string[]> {
  using clock = new VirtualClock();
  using _tracked = trackHttp(clock);
  const connection = await findConnection({
    cluster: 'default',
    environment,
    readSecret: () => Promise.reject(new Error('no secret here')),
  });
  await using cluster = new ElasticsearchCluster(connection as Connection, clock);
  const stats = await cluster.jobStats(new AbortController().signal);
  return stats.map(({ jobId }) => jobId);
}

/** The error of a read with these settings. Checks that it is a JobsweepError and contains no credential. */
async function errorOf(environment: Environment): Promise<JobsweepError> {
  const error = await jobIds(environment).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(JobsweepError);
  expectNoSecret(error, secrets);
  expect(error).toMatchObject({ exitCode: 5, message: expect.stringContaining('nothing was closed') });
  return error as JobsweepError;
}

describe('authenticating with a cluster', () => {
  it.each([
    ['an API key as id:key', { ELASTICSEARCH_API_KEY: `${apiKey.id}:${apiKey.key}` }, `ApiKey ${encodedKey}`],
    ['an encoded API key', { ELASTICSEARCH_API_KEY: ` ${encodedKey}\n` }, `ApiKey ${encodedKey}`],
    [
      'a user and a password',
      { ELASTICSEARCH_USERNAME: 'sweeper', ELASTICSEARCH_PASSWORD: password },
      `Basic ${encodedUser}`,
    ],
    ['no credentials', {}, undefined],
  ])(
    'the client sends the Authorization header for the configured credentials, and none without credentials: %s',
    async (_how, credentials, authorization) => {
      await using server = await serve(respond);
      expect(await jobIds({ ELASTICSEARCH_URL: server.url, ...credentials })).toEqual(['job-a']);
      expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([authorization]);
    },
  );

  it('the client sends plain application/json, which every major version accepts, and requests only the fields it uses', async () => {
    await using server = await serve(respond);
    await jobIds({ ELASTICSEARCH_URL: server.url });
    expect(server.requests[0]?.headers).toMatchObject({
      accept: 'application/json',
      'content-type': 'application/json',
    });
    expect(server.requests[0]?.headers).not.toHaveProperty('x-elastic-client-meta');
    expect(server.requests[0]?.query.get('filter_path')).toContain('jobs.data_counts.last_data_time');
  });

  it.each(['', '/', '//'])(
    'a base path in the address precedes every request path, however many slashes the address ends with: %j',
    async (slashes) => {
      await using server = await serve((exchange) =>
        respondWith(healthy, { ...exchange, path: exchange.path.replace('/behind/a/proxy', '') }),
      );
      expect(await jobIds({ ELASTICSEARCH_URL: `${server.url}/behind/a/proxy${slashes}` })).toEqual([
        'job-a',
      ]);
      expect(server.requests[0]?.path).toBe('/behind/a/proxy/_ml/anomaly_detectors/_stats');
    },
  );
});

describe('a cluster behind TLS', () => {
  const settings = (server: ScriptedServer, changes: Environment): Environment => ({
    ELASTICSEARCH_URL: server.url,
    ELASTICSEARCH_API_KEY: encodedKey,
    ...changes,
  });

  it('a cluster behind TLS is trusted if ELASTICSEARCH_CA_CERT holds its CA certificate, even with \\n in place of line breaks', async () => {
    await using server = await serve(respond, { tls: 'server' });
    const pem = certificate('authority');
    for (const text of [
      pem,
      pem.trim(),
      pem.replaceAll('\n', '\\n'),
      `${certificate('other-authority')}${pem}`,
    ])
      expect(await jobIds(settings(server, { ELASTICSEARCH_CA_CERT: text }))).toEqual(['job-a']);
  });

  it('a cluster behind TLS is trusted if ELASTICSEARCH_CA_CERT holds the path of its CA certificate', async () => {
    await using server = await serve(respond, { tls: 'server' });
    const folder = await mkdtemp(join(tmpdir(), 'jobsweep-'));
    try {
      const path = join(folder, 'ca.pem');
      await writeFile(path, certificate('authority'));
      expect(await jobIds(settings(server, { ELASTICSEARCH_CA_CERT: path }))).toEqual(['job-a']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    ['its CA', 'authority', (text: string) => text],
    [
      'its CA, written in lower case without colons',
      'authority',
      (text: string) => text.replaceAll(':', '').toLowerCase(),
    ],
    ['the server itself', 'server', (text: string) => text],
  ])('a cluster behind TLS is trusted by the fingerprint of %s', async (_whose, name, write) => {
    await using server = await serve(respond, { tls: 'server' });
    const fingerprint = write(fingerprintOf(name));
    expect(await jobIds(settings(server, { ELASTICSEARCH_CA_FINGERPRINT: fingerprint }))).toEqual(['job-a']);
    expect(server.requests).toHaveLength(1);
  });

  it('a cluster behind TLS is reached if its cloud id contains a port', async () => {
    await using server = await serve(respond, { tls: 'server' });
    const cloudId = `staging:${Buffer.from(`0.1:${server.port}$127.0$kibana`).toString('base64')}`;
    const environment = {
      ELASTICSEARCH_CLOUD_ID: cloudId,
      ELASTICSEARCH_API_KEY: encodedKey,
      ELASTICSEARCH_CA_CERT: certificate('authority'),
    };
    expect(await jobIds(environment)).toEqual(['job-a']);
    expect(server.requests[0]?.headers['accept-encoding']).toContain('gzip');
  });

  it.each<[string, CertificateName, Environment, RegExp]>([
    [
      'a certificate from an unknown CA',
      'server',
      {},
      /its certificate is not trusted \(.*\);.*Set ELASTICSEARCH_CA_CERT/,
    ],
    [
      'a certificate from another CA than the configured one',
      'server',
      { ELASTICSEARCH_CA_CERT: certificate('other-authority') },
      /not trusted \(.*signs itself, is not a known authority\);.*Add .* to ELASTICSEARCH_CA_CERT/,
    ],
    [
      'another fingerprint than the configured one',
      'server',
      { ELASTICSEARCH_CA_FINGERPRINT: fingerprintOf('other-authority') },
      /ELASTICSEARCH_CA_FINGERPRINT belongs to another certificate/,
    ],
    [
      'a certificate for another host',
      'other-host',
      { ELASTICSEARCH_CA_CERT: certificate('authority') },
      /is for another host name.*\(.*certificate's altnames.*\)$/,
    ],
    [
      'a certificate for another host with the right fingerprint',
      'other-host',
      { ELASTICSEARCH_CA_FINGERPRINT: fingerprintOf('authority') },
      /is for another host name.*\(.*certificate's altnames.*\)$/,
    ],
    [
      'an expired certificate',
      'expired',
      { ELASTICSEARCH_CA_CERT: certificate('authority') },
      /is not valid now.*\(certificate has expired\)$/,
    ],
    [
      'an expired certificate with the right fingerprint',
      'expired',
      { ELASTICSEARCH_CA_FINGERPRINT: fingerprintOf('authority') },
      /is not valid now.*\(certificate has expired\)$/,
    ],
  ])('a cluster behind TLS is refused if it has %s', async (_what, tls, changes, message) => {
    await using server = await serve(respond, { tls });
    const error = await errorOf(settings(server, changes));
    expect(error.name).toBe('ClusterUnreachableError');
    expect(error.message).toMatch(message);
    expect(server.requests).toEqual([]);
  });

  it.each([
    ['the intermediate certificate without the root', ['intermediate'], 'intermediate'],
    ['the intermediate, which the server does not send', [], 'intermediate'],
    ['the certificate of the server itself', ['intermediate'], 'below-intermediate'],
    ['the root, while the server sends the intermediate', ['intermediate'], 'root'],
  ])('a cluster behind TLS is trusted if ELASTICSEARCH_CA_CERT is %s', async (_what, chain, name) => {
    await using server = await serve(respond, { tls: 'below-intermediate', chain });
    expect(await jobIds(settings(server, { ELASTICSEARCH_CA_CERT: certificate(name) }))).toEqual(['job-a']);
  });

  it.each<[string, string[], Environment, RegExp]>([
    [
      'does not send its intermediate, and the root is configured',
      [],
      { ELASTICSEARCH_CA_CERT: certificate('root') },
      /CN=localhost is signed by CN=jobsweep test intermediate, which the server does not send.*Add .* to ELASTICSEARCH_CA_CERT, or let the server send its whole chain/,
    ],
    [
      'does not send its intermediate, and nothing is configured',
      [],
      {},
      /CN=localhost is signed by CN=jobsweep test intermediate, which the server does not send.*Set ELASTICSEARCH_CA_CERT/,
    ],
    [
      'sends its intermediate, and nothing is configured',
      ['intermediate'],
      {},
      /CN=jobsweep test intermediate is signed by CN=jobsweep test root, which the server does not send/,
    ],
    [
      'sends its root, and nothing is configured',
      ['intermediate', 'root'],
      {},
      /CN=jobsweep test root, which signs itself, is not a known authority/,
    ],
  ])('if the server %s, the error names the missing certificate', async (_what, chain, changes, message) => {
    await using server = await serve(respond, { tls: 'below-intermediate', chain });
    const error = await errorOf(settings(server, changes));
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('use-system-ca');
    expect(server.requests).toEqual([]);
  });

  it('the error for an unreachable cloud id shows the decoded host and names the setting', async () => {
    const cloudId = (host: string) => `team:logs:${Buffer.from(host).toString('base64')}`;
    for (const [inside, message] of [
      [
        'no-such-host.invalid$0a1b$kibana',
        /^the cloud deployment team:logs \(https:\/\/0a1b\.no-such-host\.invalid\) .*(Check ELASTICSEARCH_CLOUD_ID|EAI_AGAIN)/,
      ],
      ['0.1:1$127.0$kibana', /\(https:\/\/127\.0\.0\.1:1\) .*Check the port in ELASTICSEARCH_CLOUD_ID/],
    ] as const) {
      const error = await errorOf({
        ELASTICSEARCH_CLOUD_ID: cloudId(inside),
        ELASTICSEARCH_API_KEY: encodedKey,
      });
      expect(error.message).toMatch(message);
      expect(error.message).not.toContain('ELASTICSEARCH_URL');
    }
  });

  it('a request is not retried if the certificate is not trusted', async () => {
    await using server = await serve(respond, { tls: 'server' });
    using clock = new VirtualClock();
    using _tracked = trackHttp(clock);
    const began = clock.now();
    await using cluster = new ElasticsearchCluster({ address: { url: server.url } }, clock);
    await expect(cluster.jobStats(new AbortController().signal)).rejects.toThrow(/not trusted/);
    expect(clock.now()).toBe(began);
  });

  it('if the server at an https address does not speak TLS, the error says so', async () => {
    await using server = await serve(respond);
    for (const trust of [{}, { ELASTICSEARCH_CA_FINGERPRINT: fingerprintOf('authority') }]) {
      const error = await errorOf(
        settings(server, { ...trust, ELASTICSEARCH_URL: server.url.replace('http', 'https') }),
      );
      expect(error.name).toBe('ClusterUnreachableError');
      expect(error.message).toMatch(/does not speak TLS/);
    }
    expect(server.requests).toEqual([]);
  });
});

describe('an unreachable or wrong server', () => {
  const key = { ELASTICSEARCH_API_KEY: `${apiKey.id}:${apiKey.key}` };

  it('a host name that does not exist is reported without retries', async () => {
    const error = await errorOf({ ELASTICSEARCH_URL: 'http://no-such-host.invalid:9200', ...key });
    expect(error).toMatchObject({ name: 'ClusterUnreachableError' });
    expect(error.message).toMatch(
      /^http:\/\/no-such-host\.invalid:9200 .*(host name does not exist|cannot be looked up)/,
    );
  });

  it('a port without a listener is reported', async () => {
    const server = await serve(respond);
    await server[Symbol.asyncDispose]();
    const error = await errorOf({ ELASTICSEARCH_URL: server.url, ...key });
    expect(error).toMatchObject({ name: 'ClusterUnreachableError' });
    expect(error.message).toMatch(
      /cannot be reached: nothing listens there;.*check the port.*\(.*ECONNREFUSED.*\)$/i,
    );
  });

  it.each<[string, (exchange: Exchange) => void, string, RegExp, number]>([
    [
      'refused credentials',
      ({ json }) =>
        json({ error: { type: 'security_exception', reason: 'unable to authenticate' }, status: 401 }, 401),
      'AccessDeniedError',
      /refused the credentials \(HTTP 401 security_exception: unable to authenticate\).*wrong, expired or revoked/,
      1,
    ],
    [
      'a missing privilege',
      ({ json }) =>
        json({ error: { type: 'security_exception', reason: 'action is unauthorized' }, status: 403 }, 403),
      'AccessDeniedError',
      /does not allow GET \/_ml\/anomaly_detectors\/_stats.*monitor_ml.*manage_ml/,
      1,
    ],
    [
      'an expired licence, with the status of a missing privilege',
      ({ json }) =>
        json(
          {
            error: { type: 'security_exception', reason: 'current license is non-compliant for [ml]' },
            status: 403,
          },
          403,
        ),
      'UnreadableInventoryError',
      /no licence for machine learning.*GET _license/,
      1,
    ],
    [
      'a web page',
      ({ raw }) => raw('<html><title>Kibana</title></html>', 200, { 'content-type': 'text/html' }),
      'NotElasticsearchError',
      /not as an Elasticsearch.*X-elastic-product.*address of Kibana/,
      1,
    ],
    [
      'JSON from another kind of server',
      ({ raw }) => raw('{"count":0}', 200, { 'content-type': 'application/json' }),
      'NotElasticsearchError',
      /X-elastic-product/,
      1,
    ],
    [
      'a redirect to a login page, whose token is not shown',
      ({ raw }) => raw('', 302, { location: '/login?next=secret-token' }),
      'NotElasticsearchError',
      /redirects to http:\/\/127\.0\.0\.1:\d+\/login;/,
      1,
    ],
    [
      'a 404 page',
      ({ raw }) =>
        raw('<html><head><title>404 Not Found</title></head>', 404, { 'content-type': 'text/html' }),
      'NotElasticsearchError',
      /HTTP 404: 404 Not Found\).*proxy/,
      1,
    ],
    [
      'an answer from Elasticsearch without machine learning',
      ({ json }) =>
        json({ error: 'no handler found for uri [/_ml/anomaly_detectors/_stats]', status: 400 }, 400),
      'NotElasticsearchError',
      /no handler found.*Is it an Elasticsearch with machine learning\?/,
      1,
    ],
    [
      'a 404 for everything from Elasticsearch',
      ({ json }) =>
        json(
          {
            error: { type: 'resource_not_found_exception', reason: "No known job with id '*'" },
            status: 404,
          },
          404,
        ),
      'NotElasticsearchError',
      /HTTP 404 resource_not_found_exception/,
      1,
    ],
    [
      'a web page with the header of Elasticsearch',
      ({ raw }) => raw('<html>', 200, { 'content-type': 'text/html', 'x-elastic-product': 'Elasticsearch' }),
      'UnreadableInventoryError',
      /cannot be used: it is not a JSON object/,
      4,
    ],
    [
      'an answer from an unhealthy cluster',
      ({ json }) =>
        json(
          { error: { type: 'search_phase_execution_exception', reason: 'all shards failed' }, status: 503 },
          503,
        ),
      'UnreadableInventoryError',
      /could not answer GET .*all shards failed.*Try again when the cluster is healthy/,
      4,
    ],
    [
      'an answer from a gateway that cannot reach its cluster',
      ({ raw }) => raw('<html><title>502 Bad Gateway</title>', 502, { 'content-type': 'text/html' }),
      'ClusterUnreachableError',
      /in front of it.*HTTP 502: 502 Bad Gateway/,
      4,
    ],
    [
      'a connection that breaks',
      ({ request }) => request.socket.resetAndDestroy(),
      'ClusterUnreachableError',
      /cannot be reached: the connection was closed.*\(.*(other side closed|ECONNRESET).*\)$/,
      4,
    ],
  ])(
    'the error after %s says what happened and how to fix it',
    async (_what, answer, name, message, requests) => {
      await using server = await serve(answer);
      const error = await errorOf({ ELASTICSEARCH_URL: server.url, ...key });
      expect(error.name).toBe(name);
      expect(error.message).toMatch(message);
      expect(error.message).not.toContain('secret-token');
      expect(server.requests).toHaveLength(requests);
    },
  );

  const json = { 'content-type': 'application/json; charset=utf-8' };
  const kibana404 = JSON.stringify({ statusCode: 404, error: 'Not Found', message: 'Not Found' });

  it.each<[string, (exchange: Exchange) => void, string, RegExp]>([
    [
      'Kibana',
      ({ raw }) => raw(kibana404, 404, { ...json, 'kbn-name': 'kibana-1' }),
      'NotElasticsearchError',
      /as Kibana does \(HTTP 404: Not Found\).*address of Kibana: set ELASTICSEARCH_URL to that of Elasticsearch/,
    ],
    [
      'Kibana behind a proxy that drops its headers',
      ({ raw }) => raw(kibana404, 404, json),
      'NotElasticsearchError',
      /as Kibana does/,
    ],
    [
      'Kibana that wants a login',
      ({ raw }) =>
        raw(JSON.stringify({ statusCode: 401, error: 'Unauthorized', message: 'Unauthorized' }), 401, json),
      'NotElasticsearchError',
      /as Kibana does \(HTTP 401: Unauthorized\)/,
    ],
    [
      'Kibana that redirects to its login',
      ({ raw }) => raw('', 302, { location: '/login?next=%2F', 'kbn-name': 'kibana-1' }),
      'NotElasticsearchError',
      /redirects to .*\/login; .*address of Kibana: set ELASTICSEARCH_URL/,
    ],
    [
      'an OpenSearch domain on AWS',
      ({ raw }) => raw('{"Message":"User: anonymous is not authorized to perform: es:ESHttpGet"}', 403, json),
      'AccessDeniedError',
      /in front of it that refuses GET .* \(HTTP 403: User: anonymous is not authorized to perform: es:ESHttpGet\)/,
    ],
    [
      'a gateway that requires a token',
      ({ raw }) => raw('{"message":"Missing Authentication Token"}', 403, json),
      'AccessDeniedError',
      /HTTP 403: Missing Authentication Token\)/,
    ],
    [
      'the proxy of Elastic Cloud',
      ({ raw }) => raw('{"ok":false,"message":"Unknown resource."}', 404, json),
      'NotElasticsearchError',
      /but not as an Elasticsearch \(HTTP 404: Unknown resource\.\)/,
    ],
    [
      'a gateway with its own kind of error object',
      ({ raw }) => raw('{"error":{"code":"AuthorizationFailed","message":"no role here"}}', 403, json),
      'AccessDeniedError',
      /HTTP 403: no role here\)/,
    ],
    [
      'a gateway with a list of errors',
      ({ raw }) => raw('{"errors":[{"message":"route unknown"}]}', 404, json),
      'NotElasticsearchError',
      /HTTP 404: route unknown\)/,
    ],
    [
      'a gateway whose JSON is declared as text',
      ({ raw }) => raw('{"error":"invalid_token"}', 401, { 'content-type': 'text/plain' }),
      'AccessDeniedError',
      /in front of it that refuses .*HTTP 401: invalid_token\)/,
    ],
    [
      'a port that speaks TLS',
      ({ raw }) =>
        raw('<title>400 The plain HTTP request was sent to HTTPS port</title>', 400, {
          'content-type': 'text/html',
        }),
      'ClusterUnreachableError',
      /speaks only TLS; .*Set ELASTICSEARCH_URL to https:\/\//,
    ],
  ])(
    'the error quotes the answer from %s, without advice on privileges',
    async (_what, answer, name, message) => {
      await using server = await serve(answer);
      const error = await errorOf({ ELASTICSEARCH_URL: server.url, ...key });
      expect(error.name).toBe(name);
      expect(error.message).toMatch(message);
      expect(error.message).not.toMatch(/monitor_ml|machine learning/);
    },
  );

  it('a redirect to the same path with https is reported with the address to set', async () => {
    await using server = await serve(({ request, raw }) =>
      raw('', 301, { location: `https://127.0.0.1${request.url}` }),
    );
    const error = await errorOf({ ELASTICSEARCH_URL: `${server.url}/es/`, ...key });
    expect(error.message).toMatch(/Set ELASTICSEARCH_URL to https:\/\/127\.0\.0\.1\/es$/);
  });

  it('a redirect to another host is never suggested as the address to set', async () => {
    await using server = await serve(({ request, raw }) =>
      raw('', 301, { location: `https://portal.example.test${request.url}` }),
    );
    const error = await errorOf({ ELASTICSEARCH_URL: server.url, ...key });
    expect(error.message).not.toContain('Set ELASTICSEARCH_URL to');
  });

  it('an answer with more than 16 KB of headers is reported', async () => {
    await using server = await serve(({ json }) =>
      json({ count: 0 }, 200, { 'x-large': 'x'.repeat(17_000) }),
    );
    const error = await errorOf({ ELASTICSEARCH_URL: server.url, ...key });
    expect(error.name).toBe('UnreadableInventoryError');
    expect(error.message).toMatch(
      /its headers are larger than 16 KB; nothing was closed\. Is a proxy in between/,
    );
  });

  it('a cluster can be read even if a proxy sends the header X-Elastic-Product twice', async () => {
    await using server = await serve((exchange) => {
      exchange.response.setHeader('x-elastic-product', ['Elasticsearch', 'Elasticsearch']);
      const json: Exchange['json'] = (body) =>
        exchange.response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      respondWith(healthy, { ...exchange, json });
    });
    expect(await jobIds({ ELASTICSEARCH_URL: server.url, ...key })).toEqual(['job-a']);
  });

  it('a server that does not speak HTTP is reported', async () => {
    const { createServer } = await import('node:net');
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('SSH-2.0-OpenSSH_9.2p1\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      const error = await errorOf({ ELASTICSEARCH_URL: `http://127.0.0.1:${port}`, ...key });
      expect(error.message).toMatch(/does not speak HTTP/);
      expect(error.name).toBe('NotElasticsearchError');
    } finally {
      server.close();
    }
  });

  it('if no credentials are configured, the error for a 401 names the setting to set', async () => {
    await using server = await serve(({ json }) =>
      json(
        { error: { type: 'security_exception', reason: 'missing authentication credentials' }, status: 401 },
        401,
      ),
    );
    const error = await errorOf({ ELASTICSEARCH_URL: server.url });
    expect(error.message).toMatch(/No credentials are set: set ELASTICSEARCH_API_KEY/);
  });
});

describe('credentials', () => {
  /** Answers with the headers of the request, like a gateway's debug page. */
  const echo =
    (status: number) =>
    ({ request, json }: Exchange) => {
      const heard = JSON.stringify(request.rawHeaders);
      const decoded = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64').toString();
      json(
        { error: { type: `bad ${heard}`, reason: `you sent ${heard}, that is ${decoded}` }, status },
        status,
      );
    };

  it.each([400, 401, 403, 404, 500])(
    'credentials are removed from the error if an answer with HTTP %i echoes them',
    async (status) => {
      await using server = await serve(echo(status));
      for (const credentials of [
        { ELASTICSEARCH_API_KEY: encodedKey },
        { ELASTICSEARCH_USERNAME: 'sweeper', ELASTICSEARCH_PASSWORD: password },
      ]) {
        const error = await jobIds({ ELASTICSEARCH_URL: server.url, ...credentials }).catch(
          (thrown: unknown) => thrown,
        );
        const shown = String((error as Error).message);
        expect(shown).toContain('[redacted]');
        for (const secret of secrets) expect(shown).not.toContain(secret);
      }
    },
  );

  it('credentials are removed from the server’s warnings', async () => {
    await using server = await serve(({ request, json }) =>
      json({ count: 0 }, 200, {
        warning: `299 Elasticsearch-9.2.1-abc "you sent ${request.headers.authorization}"`,
      }),
    );
    using clock = new VirtualClock();
    const cluster = new ElasticsearchCluster(
      { address: { url: server.url }, credentials: { apiKey: encodedKey } },
      clock,
    );
    await cluster.jobStats(new AbortController().signal);
    expect(cluster.warnings()).toEqual(['the cluster warns: you sent ApiKey [redacted]']);
  });

  it('credentials are removed from a redirect’s address', async () => {
    await using server = await serve(({ request, raw }) =>
      raw('', 302, { location: `/login/${request.headers.authorization?.split(' ')[1]}` }),
    );
    const error = await errorOf({ ELASTICSEARCH_URL: server.url, ELASTICSEARCH_API_KEY: encodedKey });
    expect(error.message).toContain('/login/[redacted]');
  });

  it('credentials are never sent to the target of a redirect', async () => {
    await using elsewhere = await serve(respond);
    await using server = await serve(({ raw }) => raw('', 307, { location: `${elsewhere.url}/` }));
    await errorOf({ ELASTICSEARCH_URL: server.url, ELASTICSEARCH_API_KEY: encodedKey });
    expect(elsewhere.requests).toEqual([]);
  });
});
