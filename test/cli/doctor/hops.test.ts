/**
 * @module Tests that `jobsweep doctor` checks each network hop to each service, and reports every hop on its own line
 * with its own advice.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { answersFor, respondWith } from '../../support/ml-answers.ts';
import { type ProxyOptions, startProxy } from '../../support/proxy.ts';
import { runInSimulatedTime } from '../../support/run-on.ts';
import { certificate, serve } from '../../support/scripted-server.ts';

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-secret');
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const host = 'es.example.test:9200';
const trusting = { ELASTICSEARCH_URL: `https://${host}`, ELASTICSEARCH_CA_CERT: certificate('authority') };

async function doctor(env: Readonly<Record<string, string>>) {
  const { exit, stdout, stderr } = await runInSimulatedTime(['doctor', '-o', 'json'], {
    env: { AWS_REGION: 'eu-central-1', ...env },
  });
  const { findings } = JSON.parse(stdout || '{"findings": []}') as { findings: Finding[] };
  const lines = findings.map(
    ({ check, level, found, advice = '' }) => `${check}: ${level}: ${found} → ${advice}`,
  );
  return { exit, lines, text: lines.join('\n'), stderr };
}

async function behind(options: Partial<ProxyOptions>, env: Readonly<Record<string, string>> = trusting) {
  await using server = await serve((exchange) => respondWith(answersFor([]), exchange), {
    tls: 'other-host',
  });
  await using proxy = await startProxy({ targets: { [host]: { port: server.port } }, ...options });
  const result = await doctor({ ...env, HTTPS_PROXY: proxy.url });
  return { ...result, proxy: new URL(proxy.url) };
}

describe('`doctor` on network hops', () => {
  it('`doctor` names the proxy, each network hop to the cluster behind it, and the certificate', async () => {
    const { lines, proxy, exit } = await behind({});
    expect(lines.slice(0, 3)).toEqual([
      `proxy: ok: ${proxy.origin}, from HTTPS_PROXY → `,
      `TCP: ok: ${proxy.host} accepts connections → `,
      `tunnel: ok: the proxy connects to ${host} → `,
    ]);
    expect(lines[3]).toMatch(/^TLS: ok: certificate of .*verified by ELASTICSEARCH_CA_CERT/);
    expect(lines[4]).toContain(`connection: ok: https://${host} (through the proxy ${proxy.origin}) answers`);
    expect([0, 3]).toContain(exit);
  });

  it.each([
    [
      { auth: 'me:word' },
      /tunnel: note: failed: .*407.* → The proxy wants a user and password in HTTPS_PROXY/,
    ],
    [
      { refuses: 403 },
      /tunnel: note: failed: .*403.* → Check that the proxy is up, allows es\.example\.test:9200/,
    ],
  ])(
    '`doctor` shows that a proxy with the options %j refuses a tunnel, and how to fix this',
    async (options, line) => {
      const { exit, text } = await behind(options);
      expect(exit).toBe(3);
      expect(text).toMatch(line);
      expect(text).toMatch(/connection: finding: .*through the proxy http/);
    },
  );

  it('`doctor` shows a proxy that is down as a TCP failure, and an unknown host name as a DNS failure', async () => {
    const down = await doctor({ ...trusting, HTTPS_PROXY: 'http://127.0.0.1:9' });
    expect(down.text).toMatch(/TCP: note: failed: ECONNREFUSED → Check the port of the proxy in HTTPS_PROXY/);
    const unknown = await doctor({
      ELASTICSEARCH_URL: 'https://es.invalid',
      ALL_PROXY: 'http://127.0.0.1:9',
    });
    expect(unknown.text).toMatch(
      /proxy: note: ALL_PROXY is set, which jobsweep does not read: set HTTPS_PROXY/,
    );
    expect(unknown.text).toMatch(
      /DNS: note: failed: \w+ → Check the host name of the server, and the name servers/,
    );
    expect(unknown.lines.filter((line) => line.startsWith('TCP'))).toEqual([]);
  });

  it('`doctor` reports an unreachable Secrets Manager as a finding, and shows the network hops to Secrets Manager', async () => {
    const { exit, text } = await behind({ refuses: 503 }, { ELASTICSEARCH_SECRET: 'jobsweep/default' });
    expect(exit).toBe(3);
    expect(text).toMatch(/Secrets Manager: TCP: ok/);
    expect(text).toMatch(/Secrets Manager: tunnel: note: failed: .*503/);
    expect(text).toMatch(
      /Secrets Manager: finding: the secret "jobsweep\/default" cannot be read: .* → The request goes through the proxy/,
    );
    expect(text).toContain('connection: note: not checked: the address of the cluster is in the secret');
  });

  it('`doctor` reports an unreachable Scheduler, and shows the network hops to the Scheduler', async () => {
    const { exit, text } = await behind({}, { ...trusting, JOBSWEEP_SCHEDULE_GROUP: 'jobsweep' });
    expect(exit).toBe(3);
    expect(text).toMatch(/Scheduler: TCP: ok/);
    expect(text).toMatch(
      /Scheduler: tunnel: note: failed: .*502.* → Check that the proxy is up, allows scheduler\.eu-central-1/,
    );
    expect(text).toMatch(/schedule group: finding: .*goes through the proxy/);
  });

  it('`doctor` refuses an invalid proxy setting without showing the password in the setting', async () => {
    const { exit, stderr } = await doctor({ ...trusting, HTTPS_PROXY: 'http://me:hidden/word@proxy:3128' });
    expect(exit).toBe(2);
    expect(stderr).toContain('HTTPS_PROXY');
    expect(stderr).not.toContain('hidden');
  });
});
