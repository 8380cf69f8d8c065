/** @module Tests a cluster that can be reached only through a proxy: nothing else can resolve its host name. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { trackHttp } from '../../simulator/track-http.ts';
import type { Clock } from '../../src/base/clock.ts';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import type { Connection } from '../../src/elasticsearch/connection.ts';
import { routeOf } from '../../src/elasticsearch/route.ts';
import type { Environment } from '../../src/settings/environment.ts';
import { findConnection } from '../../src/settings/find-connection.ts';
import { findReportTarget } from '../../src/settings/report-settings.ts';
import { HandClock } from '../support/hand-clock.ts';
import { answersFor, configOf, respondWith, statsOf } from '../support/ml-answers.ts';
import { type ProxyOptions, startProxy } from '../support/proxy.ts';
import { certificate, type Exchange, type ScriptedServer, serve } from '../support/scripted-server.ts';
import { expectNoSecret } from '../support/secrets.ts';

const healthy = answersFor([{ config: configOf('job-a'), stats: statsOf('job-a') }]);
const respond = (exchange: Exchange) => respondWith(healthy, exchange);

const password = 'pass-word/of#proxy';
const credentials = `someone:${password}`;
const encoded = `someone:${encodeURIComponent(password)}`;
const secrets = [password, encodeURIComponent(password), Buffer.from(credentials).toString('base64')];

const host = 'es.example.test';
const https = `https://${host}:9200`;
const http = `http://${host}:9200`;
const trusting = { ELASTICSEARCH_CA_CERT: certificate('authority') };

/** The ids of the jobs that a cluster lists, in simulated time. */
async function jobIds(environment: Environment): Promise<string[]> {
  using clock = new VirtualClock();
  using _tracked = trackHttp(clock);
  return await idsWith(clock, environment);
}

async function idsWith(clock: Clock, environment: Environment): Promise<string[]> {
  const connection = await findConnection({
    cluster: 'default',
    environment,
    readSecret: () => Promise.reject(new Error('no secret here')),
  });
  await using cluster = new ElasticsearchCluster(connection as Connection, clock);
  const stats = await cluster.jobStats(new AbortController().signal);
  return stats.map(({ jobId }) => jobId);
}

async function errorOf(environment: Environment, read = jobIds): Promise<Error> {
  const error = await read(environment).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expectNoSecret(error, secrets);
  expect(error).toMatchObject({ exitCode: 5, message: expect.stringContaining('nothing was closed') });
  return error as Error;
}

const proxyTo = (server: ScriptedServer, options: Partial<ProxyOptions> = {}) =>
  startProxy({ targets: { [`${host}:9200`]: { port: server.port } }, ...options });

const fingerprint = new X509Certificate(certificate('authority')).fingerprint256;

describe('a cluster that is only reachable through a proxy', () => {
  it.each([
    ['HTTPS_PROXY', {}],
    ['https_proxy', {}],
    ['HTTPS_PROXY', { NO_PROXY: 'other.test, 10.0.0.0/8' }],
  ])(
    'a proxied cluster is read over https through the proxy that %s names, with the other variables %j',
    async (setting, more) => {
      await using server = await serve(respond, { tls: 'other-host' });
      await using proxy = await proxyTo(server);
      const environment = { ELASTICSEARCH_URL: https, ...trusting, [setting]: proxy.url, ...more };
      expect(await jobIds(environment)).toEqual(['job-a']);
      expect(proxy.requests).toEqual([`CONNECT ${host}:9200`]);
    },
  );

  it('a proxied cluster is read over http through the proxy that HTTP_PROXY names', async () => {
    await using server = await serve(respond);
    await using proxy = await proxyTo(server);
    expect(await jobIds({ ELASTICSEARCH_URL: http, HTTP_PROXY: proxy.url })).toEqual(['job-a']);
    expect(proxy.requests[0]).toMatch(/^GET http:\/\/es\.example\.test:9200\/_ml\/anomaly_detectors\/_stats/);
  });

  it('a cluster behind a proxy with a password is read, and the cluster never receives the password', async () => {
    await using server = await serve(respond, { tls: 'other-host' });
    await using plain = await serve(respond);
    await using proxy = await startProxy({
      targets: { [`${host}:9200`]: { port: server.port }, [`${host}:9201`]: { port: plain.port } },
      auth: credentials,
    });
    const url = proxy.url.replace('://', `://${encoded}@`);
    expect(await jobIds({ ELASTICSEARCH_URL: https, ...trusting, HTTPS_PROXY: url })).toEqual(['job-a']);
    expect(await jobIds({ ELASTICSEARCH_URL: `http://${host}:9201`, HTTP_PROXY: url })).toEqual(['job-a']);
    for (const { headers } of [...server.requests, ...plain.requests])
      expect(JSON.stringify(headers)).not.toContain(Buffer.from(credentials).toString('base64'));
  });

  it.each(['HTTPS_PROXY', 'https_proxy'])(
    'a proxied cluster is trusted by fingerprint, and its certificate is read through the proxy that %s names',
    async (setting) => {
      await using server = await serve(respond, { tls: 'other-host' });
      await using proxy = await proxyTo(server, { auth: credentials });
      const url = proxy.url.replace('://', `://${encoded}@`);
      const environment = {
        ELASTICSEARCH_URL: https,
        ELASTICSEARCH_CA_FINGERPRINT: fingerprint,
        [setting]: url,
      };
      expect(await jobIds(environment)).toEqual(['job-a']);
      expect(proxy.requests).toEqual([`CONNECT ${host}:9200`, `CONNECT ${host}:9200`]);
    },
  );

  it('a cluster behind a proxy that inspects TLS is read if the proxy’s CA certificate is configured', async () => {
    await using server = await serve(respond);
    const targets = { [`${host}:9200`]: { port: server.port, inspected: true } } as const;
    await using proxy = await startProxy({ targets });
    const environment = { ELASTICSEARCH_URL: https, HTTPS_PROXY: proxy.url };
    const inspecting = { ELASTICSEARCH_CA_CERT: certificate('inspecting-proxy') };
    expect(await jobIds({ ...environment, ...inspecting })).toEqual(['job-a']);
    expect((await errorOf({ ...environment, ...trusting })).message).toMatch(
      /through the proxy .* certificate is not trusted \(.*jobsweep inspecting proxy.*\); nothing was closed\. Set ELASTICSEARCH_CA_CERT .* if the proxy inspects TLS, that is the authority of the proxy/,
    );
  });
});

describe('a proxy that speaks TLS itself', () => {
  it.each([
    ['https', https, 'HTTPS_PROXY', trusting],
    ['http', http, 'HTTP_PROXY', {}],
  ] as const)(
    'a proxy that speaks TLS forwards an %s request if Node trusts the proxy’s CA',
    async (_scheme, url, setting, more) => {
      const known = getCACertificates('default');
      setDefaultCACertificates([...known, certificate('authority')]);
      try {
        await using server = await serve(respond, setting === 'HTTPS_PROXY' ? { tls: 'other-host' } : {});
        await using proxy = await proxyTo(server, { tls: true });
        expect(await jobIds({ ELASTICSEARCH_URL: url, [setting]: proxy.url, ...more })).toEqual(['job-a']);
        expect(proxy.requests).toHaveLength(1);
      } finally {
        setDefaultCACertificates(known);
      }
    },
  );

  it('a proxy that speaks TLS is sent no password if Node does not trust the proxy’s CA', async () => {
    await using server = await serve(respond, { tls: 'other-host' });
    await using proxy = await proxyTo(server, { tls: true });
    const url = proxy.url.replace('://', `://${encoded}@`);
    const { message } = await errorOf({ ELASTICSEARCH_URL: https, ...trusting, HTTPS_PROXY: url });
    expect(message).toMatch(/\(through the proxy https:\/\/127\.0\.0\.1:\d+\) cannot be reached/);
    expect(message).toContain('certificate');
    expect(proxy.requests).toEqual([]);
  });
});

describe('a proxy that does not let a request through', () => {
  const shown =
    /^https:\/\/es\.example\.test:9200 \(through the proxy http:\/\/127\.0\.0\.1:\d+\) cannot be reached: /;

  it.each([
    [
      'requires a password',
      { auth: credentials },
      /the proxy requires a user and a password; .* Add them to HTTPS_PROXY, as in http:\/\/USER:PASSWORD@HOST:PORT/,
    ],
    [
      'answers 403',
      { refuses: 403 },
      /the proxy refuses to connect to it; .* Let the proxy allow es\.example\.test:9200, or add the host to NO_PROXY/,
    ],
    [
      'answers 503',
      { refuses: 503 },
      /the proxy cannot reach it; .* Check ELASTICSEARCH_URL, and that the proxy can look up and reach es\.example\.test:9200/,
    ],
  ] as const)('the error for a proxy that %s names the proxy and the fix', async (_what, options, words) => {
    await using server = await serve(respond, { tls: 'other-host' });
    await using proxy = await proxyTo(server, options);
    const { message } = await errorOf({ ELASTICSEARCH_URL: https, ...trusting, HTTPS_PROXY: proxy.url });
    expect(message).toMatch(shown);
    expect(message).toMatch(words);
    expect(server.requests).toEqual([]);
  });

  it.each([
    [https, 'HTTPS_PROXY', /the proxy opens no connection to it; .* \(no connection within 30 s\)$/],
    [http, 'HTTP_PROXY', /no answer comes through the proxy; .* \(no whole answer within 30 s\)$/],
  ])('if the proxy never answers a request to %s, the error names the proxy', async (url, setting, words) => {
    await using server = await serve(respond);
    // A virtual clock would stand still while a request is in flight.
    const clock = new HandClock();
    const limits: number[] = [];
    await using proxy = await proxyTo(server, {
      mute: () => {
        limits.push(...clock.limits);
        clock.expire();
      },
    });
    const { message } = await errorOf({ ELASTICSEARCH_URL: url, [setting]: proxy.url }, (environment) =>
      idsWith(clock, environment),
    );
    expect(message).toContain(`(through the proxy ${proxy.url})`);
    expect(message).toMatch(words);
    expect(message).toContain('that the proxy is up, and that it reaches es.example.test:9200.');
    expect(limits).toEqual([30_000, 30_000, 30_000, 30_000]);
    // every connection is closed: an open one would keep the command alive
    await vi.waitFor(() => expect(proxy.clients()).toBe(0));
  });

  it('a proxy that refuses the password is sent only one request, because many tries may lock the account', async () => {
    await using server = await serve(respond, { tls: 'other-host' });
    await using proxy = await proxyTo(server, { auth: 'someone:other' });
    const url = proxy.url.replace('://', `://${encoded}@`);
    const { message } = await errorOf({ ELASTICSEARCH_URL: https, ...trusting, HTTPS_PROXY: url });
    expect(message).toMatch(/the proxy refuses the user or password in HTTPS_PROXY; .* Correct them/);
    expect(proxy.requests).toHaveLength(1);
  });

  it.each([
    ['requires a password', { auth: credentials }, /HTTP 407/],
    ['answers 403', { refuses: 403 }, /HTTP 403: the proxy says 403/],
  ] as const)(
    'if the proxy %s, the error for an http request names the proxy',
    async (_what, options, words) => {
      await using server = await serve(respond);
      await using proxy = await proxyTo(server, options);
      const { message } = await errorOf({ ELASTICSEARCH_URL: http, HTTP_PROXY: proxy.url });
      expect(message).toMatch(
        /^http:\/\/es\.example\.test:9200 \(through the proxy http:\/\/127\.0\.0\.1:\d+\) /,
      );
      expect(message).toMatch(words);
      expect(server.requests).toEqual([]);
    },
  );

  it.each([
    ['https', https, 'HTTPS_PROXY'],
    ['http', http, 'HTTP_PROXY'],
  ])(
    'if the proxy for %s requests is down, the error names the proxy and not the cluster',
    async (_scheme, url, setting) => {
      const { message } = await errorOf({ ELASTICSEARCH_URL: url, [setting]: 'http://127.0.0.1:9' });
      expect(message).toMatch(
        /\(through the proxy http:\/\/127\.0\.0\.1:9\) cannot be reached: nothing listens at the address of the proxy; .* Check HTTPS?_PROXY, and that the proxy is up/,
      );
    },
  );

  it('if the host name of the proxy does not exist, the error names the proxy and not the cluster', async () => {
    const { message } = await errorOf({ ELASTICSEARCH_URL: https, HTTPS_PROXY: 'http://proxy.invalid:3128' });
    expect(message).toMatch(/the host name of the proxy cannot be looked up; .* Check HTTPS_PROXY/);
  });

  it('if the proxy closes the connection, the error names the proxy', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const { message } = await errorOf({
        ELASTICSEARCH_URL: https,
        HTTPS_PROXY: `http://127.0.0.1:${port}`,
      });
      expect(message).toMatch(
        /the (proxy closed the connection|connection through the proxy failed); .* HTTPS_PROXY/,
      );
    } finally {
      server.close();
    }
  });
});

it('a separate cluster for reports is also reached through the proxy', async () => {
  const environment = {
    ELASTICSEARCH_URL: 'http://127.0.0.1:9200',
    ELASTICSEARCH_API_KEY: 'of-the-swept-cluster:key',
    JOBSWEEP_REPORTS_URL: https,
    HTTPS_PROXY: 'http://proxy.example.test:3128',
  };
  const swept: Connection = { address: { url: environment.ELASTICSEARCH_URL } };
  const target = await findReportTarget(environment, swept, () => Promise.reject(new Error('no secret')));
  expect(target?.connection).toMatchObject({ address: { url: https }, credentials: undefined });
  expect(target?.connection.route?.proxy?.shown).toBe('http://proxy.example.test:3128');
});

describe('a proxy setting that does not apply', () => {
  it('a proxy setting is ignored if the cluster runs on this machine', async () => {
    await using server = await serve(respond);
    await using proxy = await proxyTo(server);
    expect(await jobIds({ ELASTICSEARCH_URL: server.url, HTTP_PROXY: proxy.url })).toEqual(['job-a']);
    expect(proxy.requests).toEqual([]);
  });

  it.each([
    [
      { HTTP_PROXY: 'http://127.0.0.1:9' },
      'HTTP_PROXY is set, but not HTTPS_PROXY, which addresses with https:// use.',
    ],
    [{ ALL_PROXY: 'http://127.0.0.1:9' }, 'ALL_PROXY is set, which jobsweep does not read: set HTTPS_PROXY'],
    [
      { HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: 'invalid' },
      'HTTPS_PROXY is set, but NO_PROXY exempts es.invalid ("invalid").',
    ],
  ])(
    'the error for an unreachable cluster mentions a proxy setting that does not apply to the cluster: %j',
    async (environment, hint) => {
      const { message } = await errorOf({ ELASTICSEARCH_URL: 'https://es.invalid', ...environment });
      expect(message).toContain('its host name');
      expect(message).toContain(hint);
    },
  );
});

describe('a function in a VPC', () => {
  const vpc = { JOBSWEEP_VPC_SUBNETS: 'subnet-1', JOBSWEEP_VPC_SECURITY_GROUPS: 'sg-1' };

  it('if the DNS of a function’s VPC does not know the cluster, the error names the VPC and the hosted zone', async () => {
    const { message } = await errorOf({ ELASTICSEARCH_URL: 'https://es.invalid', ...vpc });
    expect(message).toMatch(
      /its host name is not known in the VPC; .* in a VPC \(subnet-1; sg-1\): check ELASTICSEARCH_URL, that the private hosted zone/,
    );
  });

  it.each([
    ['no_connection', 'it accepts no connection'],
    ['no_route', 'there is no route to it'],
  ])(
    'if a request to the cluster from a VPC fails with %s, the error names the security groups and the route',
    (cause, what) => {
      const route = routeOf(new URL(https), 'ELASTICSEARCH_URL', vpc);
      expect(route.explain(cause, '')).toEqual({
        cause: what,
        advice:
          'The function is in a VPC (subnet-1; sg-1): its security group must let es.example.test:9200 out, that of the cluster must let it in, and the subnets need a route: for a cluster outside of the VPC a NAT gateway, peering or PrivateLink.',
      });
      expect(route.explain('certificate', '')).toBeUndefined();
    },
  );
});
