/**
 * @module Finds the certificate authority's certificate by its fingerprint.
 *
 * The official client's own `caFingerprint` needs all other certificate checks switched off, and then compares the end
 * of an unverified chain. An attacker could append the authority's public certificate to a chain of their own. Here the
 * fingerprint only selects a certificate from the server's chain. The connection that carries credentials then trusts
 * that certificate as a certificate authority, and all checks stay on: signatures, dates and host name.
 */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { printable } from '../../base/text.ts';
import type { HttpProxy } from '../../base/way-out.ts';
import { handshake, openTunnel } from './tunnel.ts';

/** The server's chain contains no certificate with the fingerprint. `failure.ts` recognizes this error by its name. */
class WrongFingerprint extends Error {
  override readonly name = 'WrongFingerprint';
}

/**
 * The PEM text of the certificate in the server's chain with this SHA-256 fingerprint (`AB:CD:…`). Sends no request.
 * @throws {WrongFingerprint}, or the error of the connection.
 */
export async function findAuthority(
  url: URL,
  fingerprint: string,
  signal: AbortSignal,
  proxy?: HttpProxy,
): Promise<string> {
  const socket = await showOf(url, signal, proxy);
  try {
    for (const certificate of chainOf(socket.getPeerX509Certificate()))
      if (certificate.fingerprint256 === fingerprint) return certificate.toString();
    throw new WrongFingerprint('no certificate that the server shows has the fingerprint');
  } finally {
    socket.destroy();
  }
}

/** The server's own certificate, unverified, for display only. Sends no request. */
export async function shownCertificate(
  url: URL,
  signal: AbortSignal,
  proxy?: HttpProxy,
): Promise<X509Certificate | undefined> {
  const socket = await showOf(url, signal, proxy);
  try {
    return socket.getPeerX509Certificate();
  } finally {
    socket.destroy();
  }
}

/**
 * A clause that names the certificate missing from the server's chain; undefined if the chain cannot be read. Sends no
 * request.
 */
export async function missingCertificate(
  url: URL,
  signal: AbortSignal,
  proxy?: HttpProxy,
): Promise<string | undefined> {
  try {
    const socket = await showOf(url, signal, proxy);
    const last = [...chainOf(socket.getPeerX509Certificate())].at(-1);
    socket.destroy();
    if (!last) return undefined;
    const [subject, issuer] = [shownName(last.subject), shownName(last.issuer)];
    return subject === issuer
      ? `${subject}, which signs itself, is not a known authority`
      : `${subject} is signed by ${issuer}, which the server does not send and which is not a known authority`;
  } catch {
    return undefined;
  }
}

/** The most specific part of a distinguished name, such as `CN=localhost`. */
export const shownName = (name: string): string => printable(name.split('\n').at(-1) ?? '');

async function showOf(url: URL, signal: AbortSignal, proxy?: HttpProxy): Promise<TLSSocket> {
  signal.throwIfAborted();
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port) || 443;
  const tunnel = proxy && (await openTunnel(proxy, `${url.hostname}:${port}`, signal));
  const socket = connect({
    ...(tunnel ? { socket: tunnel } : { host, port }),
    // SNI allows host names but no IP addresses
    ...(isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: false,
  });
  return await handshake(socket, signal);
}

function* chainOf(first: X509Certificate | undefined): Generator<X509Certificate> {
  const seen = new Set<string>();
  for (let next = first; next && !seen.has(next.fingerprint256); next = next.issuerCertificate) {
    seen.add(next.fingerprint256);
    yield next;
  }
}
