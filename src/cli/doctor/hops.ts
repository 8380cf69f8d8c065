/**
 * @module Checks the network path to a server hop by hop: the host name, the TCP connection, and the tunnel through a
 * proxy. This shows where a request fails. The only request sent is the one for the tunnel.
 */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { systemClock } from '../../base/system-clock.ts';
import { printable } from '../../base/text.ts';
import type { WayOut } from '../../base/way-out.ts';
import { openTunnel } from '../../elasticsearch/client/tunnel.ts';
import { type Finding, note, ok } from './finding.ts';

/** Limit for one hop on the machine's own clock, in milliseconds. */
const maxHopMs = 5_000;

interface Hop {
  readonly check: string;
  /** Tries the hop and returns what it found. Rejects with the network's error. */
  readonly go: (signal: AbortSignal) => Promise<string>;
  readonly cure: (code: string) => string;
}

/**
 * Checks the hops in order, up to the first that fails. A hop that works is `ok`. A hop that fails is only a note with
 * a fix, because the failed request has a finding of its own. The name of each check begins with `prefix`.
 */
export async function hopFindings(
  url: URL,
  way: WayOut,
  signal: AbortSignal,
  prefix = '',
): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (way.proxy) findings.push(ok(`${prefix}proxy`, `${way.proxy.shown}, from ${way.proxy.setting}`));
  if (way.hint !== undefined) findings.push(note(`${prefix}proxy`, way.hint));
  for (const { check, go, cure } of hopsTo(url, way)) {
    using limit = systemClock.limit(maxHopMs);
    try {
      findings.push(ok(prefix + check, await go(AbortSignal.any([signal, limit.signal]))));
    } catch (error) {
      signal.throwIfAborted();
      const { code = '', message } = error as NodeJS.ErrnoException;
      const why = limit.signal.aborted ? `no answer within ${maxHopMs / 1_000} s` : code || message;
      return [...findings, note(prefix + check, `failed: ${printable(why)}`, cure(code || message))];
    }
  }
  return findings;
}

function hopsTo(url: URL, way: WayOut): Hop[] {
  const first = way.proxy ? new URL(way.proxy.href) : url;
  const what = way.proxy ? `the proxy in ${way.proxy.setting}` : 'the server';
  const host = first.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = portOf(first);
  return [
    ...(isIP(host) === 0 ? [dnsHop(host, what)] : []),
    tcpHop(host, port, what),
    ...(way.proxy && url.protocol === 'https:'
      ? [tunnelHop(way.proxy, `${url.hostname}:${portOf(url)}`)]
      : []),
  ];
}

const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'https:' ? 443 : 80);

const dnsHop = (host: string, what: string): Hop => ({
  check: 'DNS',
  go: async (signal) => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    const found = await Promise.race([lookup(host, { all: true }), late]);
    return `${host} is ${found
      .map(({ address }) => address)
      .slice(0, 4)
      .join(', ')}`;
  },
  cure: () =>
    `Check the host name of ${what}, and the name servers of this machine. A private name is known only inside of its network, in AWS through a hosted zone of the VPC.`,
});

const tcpHop = (host: string, port: number, what: string): Hop => ({
  check: 'TCP',
  go: async (signal) => {
    const socket = connect({ host, port });
    try {
      await once(socket, 'connect', { signal });
      return `${host}:${port} accepts connections`;
    } finally {
      socket.destroy();
    }
  },
  cure: (code) =>
    code === 'ECONNREFUSED'
      ? `Check the port of ${what}, and that it is up.`
      : `Something in between drops the connection: check routes and firewalls, in AWS that the security groups let port ${port} out here and in at ${what}.`,
});

const tunnelHop = (proxy: NonNullable<WayOut['proxy']>, target: string): Hop => ({
  check: 'tunnel',
  go: async (signal) => {
    const socket = await openTunnel(proxy, target, signal);
    socket.destroy();
    return `the proxy connects to ${target}`;
  },
  cure: (message) =>
    message.includes(' 407')
      ? `The proxy wants a user and password in ${proxy.setting}, as in http://USER:PASSWORD@HOST:PORT.`
      : `Check that the proxy is up, allows ${target}, and can look it up and reach it.`,
});
