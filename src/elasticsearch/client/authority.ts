/**
 * @module The authority's certificate, found by its fingerprint.
 *
 * The official client's own `caFingerprint` wants all other checks of the certificate switched off, and then compares
 * the end of a chain that nobody verified: whoever has the authority's public certificate could append it to his own.
 * Here the fingerprint picks the certificate out of what the server shows, and the connection that carries credentials
 * is then verified against it as against any authority: signatures, dates and host name.
 */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { printable } from '../../base/text.ts';

/** What the server shows holds no certificate with the fingerprint. */
export class WrongFingerprint extends Error {}

/**
 * The PEM text of the certificate in the server's chain with this SHA-256 fingerprint (`AB:CD:…`). Sends nothing.
 * @throws {WrongFingerprint}, or what the connection fails with.
 */
export async function findAuthority(url: URL, fingerprint: string, signal: AbortSignal): Promise<string> {
  const socket = await showOf(url, signal);
  try {
    for (const certificate of chainOf(socket.getPeerX509Certificate()))
      if (certificate.fingerprint256 === fingerprint) return certificate.toString();
    throw new WrongFingerprint('no certificate that the server shows has the fingerprint');
  } finally {
    socket.destroy();
  }
}

/** The certificate that a server shows, unverified: for telling people about it. Sends nothing. */
export async function shownCertificate(url: URL, signal: AbortSignal): Promise<X509Certificate | undefined> {
  const socket = await showOf(url, signal);
  try {
    return socket.getPeerX509Certificate();
  } finally {
    socket.destroy();
  }
}

/**
 * Which certificate is missing to verify what a server shows, as a clause, or undefined if its chain cannot be read.
 * Sends nothing.
 */
export async function missingCertificate(url: URL, signal: AbortSignal): Promise<string | undefined> {
  try {
    const socket = await showOf(url, signal);
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

async function showOf(url: URL, signal: AbortSignal): Promise<TLSSocket> {
  signal.throwIfAborted();
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({
    host,
    port: Number(url.port) || 443,
    // names only: the protocol has no addresses there
    ...(isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: false,
  });
  const abort = () => {
    socket.destroy();
    reject(signal.reason as Error);
  };
  signal.addEventListener('abort', abort, { once: true });
  socket.once('secureConnect', resolve);
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('the connection was closed during the TLS handshake')));
  try {
    await promise;
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function* chainOf(first: X509Certificate | undefined): Generator<X509Certificate> {
  const seen = new Set<string>();
  for (let next = first; next && !seen.has(next.fingerprint256); next = next.issuerCertificate) {
    seen.add(next.fingerprint256);
    yield next;
  }
}
