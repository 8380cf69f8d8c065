/** @module The official client, set up so that one version of it speaks to servers 7.17, 8.x and 9.x. */
import { Client, type ClientOptions } from '@elastic/elasticsearch';
import { type Connection, urlOf } from '../connection.ts';
import { findAuthority } from './authority.ts';
import { NodeConnection } from './node-connection.ts';

/** The media type that every major understands; the client's own would be refused by all servers below its major. */
const json = 'application/json';

/** A backstop only: every call has a limit of its own, and the longest close (30 m) must fit under this. */
const backstopMs = 35 * 60_000;

/** Ten thousand jobs whose answer nobody filtered are some 30 MB; more is no answer to what we ask. */
const mostAnswerBytes = 128 * 2 ** 20;

/** The client as far as the deployed bundle holds it: its typed methods are left out there (src/elasticsearch/client/lean-client.cjs). */
export type LeanClient = Pick<Client, 'transport' | 'close'>;

/**
 * A client that never tries again by itself: a repeated close would hide the first one's outcome.
 * `signal` limits the look at the server's certificates that a fingerprint needs; without one nothing is sent here.
 * Rejects when that look fails.
 */
export async function connect(connection: Connection, signal: AbortSignal): Promise<LeanClient> {
  const { address, credentials, caFingerprint } = connection;
  const url = urlOf(connection);
  const ca = caFingerprint === undefined ? connection.ca : await findAuthority(url, caFingerprint, signal);
  const options: ClientOptions = {
    node: url.href,
    Connection: NodeConnection,
    // the cloud's own advice for its deployments
    compression: 'cloudId' in address,
    ...(credentials && { auth: credentials }),
    // An intermediate's or the server's own certificate is trusted as well, as curl does.
    ...(ca !== undefined && { tls: { ca, allowPartialTrustChain: true } }),
    headers: { accept: json, 'content-type': json },
    maxRetries: 0,
    requestTimeout: backstopMs,
    maxResponseSize: mostAnswerBytes,
    maxCompressedResponseSize: mostAnswerBytes,
    enableMetaHeader: false,
  };
  return new Client(options);
}
