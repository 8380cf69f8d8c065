/** @module Configures the official client so that one version of it works with servers 7.17, 8.x and 9.x. */
import { Client, type ClientOptions, CloudConnectionPool } from '@elastic/elasticsearch';
import { type Connection, urlOf } from '../connection.ts';
import { NodeConnection } from './node-connection.ts';

/**
 * The media type that every major version of the server accepts. Older servers refuse the client's default media type.
 */
const json = 'application/json';

/**
 * A timeout of last resort, because every request has its own, shorter timeout. It must exceed the longest close (30
 * minutes).
 */
const backstopMs = 35 * 60_000;

/** Ten thousand jobs without `filter_path` are about 30 MB, so no real answer is larger than this. */
const mostAnswerBytes = 128 * 2 ** 20;

/** The part of the client that the deployed bundle contains: lean-client.cjs leaves out its typed methods. */
export type LeanClient = Pick<Client, 'transport' | 'close'>;

/**
 * A client that never retries: a repeated close would hide the outcome of the first. If the connection has a
 * fingerprint, this function first reads the server's certificates (`signal` cancels the read), and rejects if the read
 * fails. Without a fingerprint, it sends nothing.
 */
export async function connect(connection: Connection, signal: AbortSignal): Promise<LeanClient> {
  const { address, credentials, caFingerprint, route } = connection;
  const url = urlOf(connection);
  let { ca } = connection;
  if (caFingerprint !== undefined) {
    // Loaded on demand: few clusters are trusted by a fingerprint.
    const { findAuthority } = await import('./authority.ts');
    ca = await findAuthority(url, caFingerprint, signal, route?.proxy);
  }
  const options: ClientOptions = {
    node: url.href,
    Connection: NodeConnection,
    // The pool for a single address. The pools that choose among several are left out of the bundle.
    ConnectionPool: CloudConnectionPool,
    // Elastic recommends compression for its cloud deployments
    compression: 'cloudId' in address,
    ...(credentials && { auth: credentials }),
    // As in curl, an intermediate certificate or the server's own certificate may serve as the trust anchor, too.
    ...(ca !== undefined && { tls: { ca, allowPartialTrustChain: true } }),
    ...(route?.clientAgent && { agent: route.clientAgent }),
    headers: { accept: json, 'content-type': json },
    maxRetries: 0,
    requestTimeout: backstopMs,
    maxResponseSize: mostAnswerBytes,
    maxCompressedResponseSize: mostAnswerBytes,
    enableMetaHeader: false,
  };
  return new Client(options);
}
