import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { LookupFunction } from 'node:net';
import { describe, expect, it } from 'vitest';
import { awsAgents, wayTo } from '../../src/base/way-out.ts';
import { wayToAws } from '../../src/base/way-to-aws.ts';
import { startProxy } from '../support/proxy.ts';

const proxy = 'http://proxy.example.test:3128';
const way = (url: string, environment: Readonly<Record<string, string>>) => wayTo(new URL(url), environment);
const cluster = 'https://es.corp.test:9200';

describe('the route to an address', () => {
  it.each([
    ['https', { HTTPS_PROXY: proxy }, 'HTTPS_PROXY'],
    ['https', { https_proxy: proxy }, 'https_proxy'],
    ['https', { https_proxy: proxy, HTTPS_PROXY: 'http://other:1' }, 'https_proxy'],
    ['https', { https_proxy: ' ', HTTPS_PROXY: proxy }, 'HTTPS_PROXY'],
    ['http', { HTTP_PROXY: proxy, HTTPS_PROXY: 'http://other:1' }, 'HTTP_PROXY'],
    ['http', { http_proxy: proxy }, 'http_proxy'],
  ])(
    'an address with the scheme %s is reached through the proxy that the environment sets: %j',
    (scheme, environment, setting) => {
      const { proxy: found, agent } = way(`${scheme}://es.corp.test:9200`, environment);
      expect(found).toMatchObject({ setting, shown: proxy, href: `${proxy}/` });
      expect(agent).toMatchObject({ proxyEnv: { http_proxy: `${proxy}/`, https_proxy: `${proxy}/` } });
    },
  );

  it('a proxy without a port is shown with its default port', () => {
    expect(way(cluster, { HTTPS_PROXY: 'http://proxy' }).proxy?.shown).toBe('http://proxy:80');
    expect(way(cluster, { HTTPS_PROXY: 'https://proxy' }).proxy?.shown).toBe('https://proxy:443');
  });

  it('a proxy is shown without its user name and password, which are treated as secret in every encoding', () => {
    const { proxy: found } = way(cluster, { HTTPS_PROXY: 'http://me:p%40ss%2Fword@proxy:3128' });
    expect(found?.shown).toBe('http://proxy:3128');
    expect(found?.secrets).toEqual(
      expect.arrayContaining(['p@ss/word', 'p%40ss%2Fword', Buffer.from('me:p@ss/word').toString('base64')]),
    );
  });

  it.each([
    'http://localhost:9200',
    'http://es.localhost:9200',
    'http://127.0.0.1:9200',
    'http://127.8.9.1',
    'http://[::1]:9200',
    'http://0.0.0.0:9200',
    'http://[::ffff:127.0.0.1]:9200',
    'http://169.254.169.254',
    'http://169.254.170.2',
    'http://[::ffff:169.254.169.254]',
    'http://[fe80::1]:9200',
  ])('%s, an address of this machine or link, is never reached through a proxy', (url) => {
    const { proxy: found, hint } = way(url, { HTTP_PROXY: proxy });
    expect(found).toBeUndefined();
    expect(hint).toBe('HTTP_PROXY is set, but addresses of this machine never use a proxy.');
  });

  it.each(['http://localhost.corp.test', 'http://128.0.0.1', 'http://169.253.1.1', 'http://[fe00::1]'])(
    '%s is reached through the proxy, even though it resembles an address of this machine',
    (url) => {
      expect(way(url, { HTTP_PROXY: proxy }).proxy).toBeDefined();
    },
  );

  it.each([
    [{}, undefined],
    [{ HTTP_PROXY: proxy }, 'HTTP_PROXY is set, but not HTTPS_PROXY, which addresses with https:// use.'],
    [
      { all_proxy: proxy },
      'all_proxy is set, which jobsweep does not read: set HTTPS_PROXY for addresses with https://.',
    ],
    [
      { HTTPS_PROXY: proxy, no_proxy: 'a.test, corp.test' },
      'HTTPS_PROXY is set, but no_proxy exempts es.corp.test ("corp.test").',
    ],
  ])(
    'with the environment %j, an address is reached directly, and a hint explains why',
    (environment, hint) => {
      expect(way(cluster, environment)).toMatchObject({ proxy: undefined, agent: undefined, hint });
    },
  );

  it('a hint names the entries of NO_PROXY that can never match a host', () => {
    const { proxy: found, hint } = way(cluster, {
      HTTPS_PROXY: proxy,
      NO_PROXY: '10.*, <local>, fd00::/8, http://es.corp.test, 10.0.0.0/33, fine.test',
    });
    expect(found).toBeDefined();
    expect(hint).toBe(
      'NO_PROXY has entries that match no host: "10.*", "<local>", "fd00::/8", "http://es.corp.test", "10.0.0.0/33". Write a name, an address, or a range such as 10.0.0.0/8.',
    );
  });

  it.each([
    [
      'proxy.example.test:3128',
      /does not begin with http:\/\/ or https:\/\/ \(got "proxy.example.test:3128"\)/,
    ],
    ['me:secret-word@proxy:3128', /does not begin with http:\/\/ or https:\/\/: expected/],
    ['socks5://proxy:1080', /is a "socks5" proxy, and only http and https proxies are supported/],
    ['http://me:secret#word@proxy:3128', /need percent-encoding/],
    ['http://me:secret/word@proxy:3128', /need percent-encoding/],
    ['http://me:1/secret-word@proxy:3128', /need percent-encoding/],
    ['http://me:secret%word@proxy:3128', /a % in its user or password .*\(write %25\)/],
    ['http://proxy:99999', /cannot be read/],
    ['http://proxy:3128\nhttp://other', /has a space or a control character/],
    ['http://', /cannot be read/],
  ])('the invalid proxy %j is refused without showing a password', (value, message) => {
    const error = caught(() => way(cluster, { HTTPS_PROXY: value }));
    expect(error).toMatchObject({
      name: 'InvalidSettingError',
      message: expect.stringMatching(message) as string,
    });
    expect(error.message).toMatch(/^the environment: HTTPS_PROXY /);
    expect(error.message).toContain('such as http://proxy.example.com:3128');
    expect(error.message).not.toMatch(/secret|word@/);
    expect(() => awsAgents({ HTTPS_PROXY: value })).toThrow(message);
  });

  it('a proxy is not checked if the address does not use it', () => {
    expect(way(cluster, { HTTPS_PROXY: 'nonsense', NO_PROXY: '*' }).proxy).toBeUndefined();
    expect(way('http://localhost', { HTTP_PROXY: 'nonsense' }).proxy).toBeUndefined();
  });

  it('the route of a function in a VPC contains its subnets and security groups, for messages', () => {
    expect(
      way(cluster, { JOBSWEEP_VPC_SUBNETS: 'subnet-1,subnet-2', JOBSWEEP_VPC_SECURITY_GROUPS: 'sg-1' }).vpc,
    ).toBe('subnet-1, subnet-2; sg-1');
    expect(way(cluster, {}).vpc).toBeUndefined();
  });
});

/** Each row: the value of NO_PROXY, a host with its port, and whether requests to the host bypass the proxy. */
const exemptions: readonly (readonly [string, string, boolean])[] = [
  ['es.corp.test', 'es.corp.test', true],
  ['ES.corp.TEST', 'es.corp.test', true],
  ['corp.test', 'es.corp.test', true],
  ['.corp.test', 'es.corp.test', true],
  ['*.corp.test', 'es.corp.test', true],
  ['.corp.test', 'corp.test', true],
  ['*.corp.test', 'corp.test', false],
  ['orp.test', 'es.corp.test', false],
  ['.orp.test', 'es.corp.test', false],
  ['*', 'es.corp.test', true],
  ['a.test , corp.test', 'es.corp.test', true],
  ['a.test corp.test', 'es.corp.test', true],
  ['es.corp.test:9200', 'es.corp.test', true],
  ['es.corp.test:443', 'es.corp.test', false],
  ['10.0.0.0/8', '10.200.3.4', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['10.1.2.3/30', '10.1.2.0', true],
  ['10.1.2.3/30', '10.1.2.4', false],
  ['0.0.0.0/0', '203.0.113.9', true],
  ['10.0.0.1-10.0.0.9', '10.0.0.9', true],
  ['10.0.0.1-10.0.0.9', '10.0.0.10', false],
  ['10.0.0.1', '10.0.0.1', true],
  ['0.0.1', '10.0.0.1', false],
  ['2001:db8::1', '[2001:db8:0::1]', true],
  ['[2001:db8::1]', '[2001:db8::1]', true],
  ['2001:db8::1', '[2001:db8::2]', false],
];

describe('the hosts that NO_PROXY exempts', () => {
  it.each(exemptions)('NO_PROXY %j exempts the host %s from the proxy: %s', (noProxy, host, isExempt) => {
    const { proxy: found } = way(`http://${host}:9200`, { HTTP_PROXY: proxy, NO_PROXY: noProxy });
    expect(found === undefined).toBe(isExempt);
  });

  it('NO_PROXY exempts the same hosts for an AWS client as for all other requests', async () => {
    await using server = await startProxy({ targets: {} });
    for (const [NO_PROXY, host, isExempt] of exemptions) {
      const { httpAgent } = awsAgents({ HTTP_PROXY: server.url, NO_PROXY });
      const before = server.asked.length;
      const agent = new Agent(httpAgent);
      // Every DNS lookup fails, and only this machine can be reached from the address 127.0.0.1: a direct request
      // fails at once and never reaches a real host.
      const lookup: LookupFunction = (_host, _options, done) => done(new Error('direct'), '');
      const asking = request({
        host: new URL(`http://${host}`).hostname.replace(/^\[(.*)\]$/, '$1'),
        port: 9200,
        agent,
        lookup,
        localAddress: '127.0.0.1',
      });
      asking.end();
      await Promise.race([once(asking, 'response'), once(asking, 'error')]).catch(() => undefined);
      asking.destroy();
      agent.destroy();
      expect([NO_PROXY, host, server.asked.length === before]).toEqual([NO_PROXY, host, isExempt]);
    }
  });
});

describe('the advice on an AWS service that cannot be reached', () => {
  const region = { AWS_REGION: 'eu-central-1' };
  const vpc = { ...region, JOBSWEEP_VPC_SUBNETS: 'subnet-1', JOBSWEEP_VPC_SECURITY_GROUPS: 'sg-1' };

  it.each([
    [region, 'ECONNREFUSED', /^Check the network: a function in a VPC needs a NAT gateway .*HTTPS_PROXY\.$/],
    [
      vpc,
      'no answer within 10 s',
      /^The function is in a VPC \(subnet-1; sg-1\): it needs a NAT gateway or the interface endpoint com\.amazonaws\.eu-central-1\.secretsmanager, and a security group that lets port 443 out\./,
    ],
    [vpc, 'getaddrinfo ENOTFOUND secretsmanager', /whose DNS does not answer: switch on enableDnsSupport/],
    [
      { ...region, HTTPS_PROXY: proxy },
      'ECONNREFUSED',
      /^The request goes through the proxy http:\/\/proxy\.example\.test:3128: check HTTPS_PROXY.*reaches secretsmanager\.eu-central-1\.amazonaws\.com:443/,
    ],
    [
      { ...region, HTTPS_PROXY: proxy },
      'HTTP/1.1 407',
      /requires a user and a password: add them to HTTPS_PROXY/,
    ],
    [
      { ...region, HTTPS_PROXY: 'http://me:word@proxy:1' },
      'HTTP/1.1 407',
      /refuses the user or password in HTTPS_PROXY/,
    ],
    [
      { ...region, HTTPS_PROXY: proxy, NO_PROXY: '.amazonaws.com' },
      'ETIMEDOUT',
      /HTTPS_PROXY is set, but NO_PROXY exempts secretsmanager\.eu-central-1\.amazonaws\.com/,
    ],
    [region, 'self-signed certificate in certificate chain', /NODE_EXTRA_CA_CERTS/],
  ])(
    'with the environment %j, the advice on the AWS error %j names the setting to change',
    (environment, reason, advice) => {
      expect(wayToAws('secretsmanager', environment).adviceOn(reason)).toMatch(advice);
    },
  );

  it('the host of an AWS service is the configured endpoint, or the endpoint of the region’s partition if none is configured', () => {
    const own = {
      ...region,
      AWS_ENDPOINT_URL_SCHEDULER: 'https://vpce-1.scheduler.test',
      HTTPS_PROXY: proxy,
    };
    expect(wayToAws('scheduler', own).host).toBe('vpce-1.scheduler.test:443');
    expect(wayToAws('scheduler', { AWS_REGION: 'cn-north-1' }).host).toBe(
      'scheduler.cn-north-1.amazonaws.com.cn:443',
    );
  });
});

function caught(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
