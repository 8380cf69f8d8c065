/** @module The official client, set up so that one version of it speaks to servers 7.17, 8.x and 9.x. */
import { Client, type ClientOptions } from '@elastic/elasticsearch';

/** Where a cluster is and how it is entered; made by `settings.ts` from the environment, a secret or a file. */
export interface Connection {
  readonly address: { readonly url: string } | { readonly cloudId: string };
  readonly credentials?:
    | { readonly apiKey: string }
    | { readonly username: string; readonly password: string }
    | undefined;
  /** PEM text of the authority that signed the server's certificate. */
  readonly ca?: string | undefined;
  readonly caFingerprint?: string | undefined;
}

/** The media type that every major understands; the client's own would be refused by all servers below its major. */
const json = 'application/json';

/** A backstop only: every call has a limit of its own, and the longest close (30 m) must fit under this. */
const backstopMs = 35 * 60_000;

/** A client that never tries again by itself: a repeated close would hide the first one's outcome. */
export function connect(connection: Connection): Client {
  const { address, credentials, ca, caFingerprint } = connection;
  const options: ClientOptions = {
    ...('url' in address ? { node: address.url } : { cloud: { id: address.cloudId } }),
    ...(credentials && { auth: credentials }),
    ...(ca !== undefined && { tls: { ca } }),
    ...(caFingerprint !== undefined && { caFingerprint }),
    headers: { accept: json, 'content-type': json },
    maxRetries: 0,
    requestTimeout: backstopMs,
    enableMetaHeader: false,
    // 'remove' would take away every header of an answer, and with them the server's Retry-After
    redaction: { type: 'replace' },
  };
  return new Client(options);
}

/** The address as it may be shown: without user, password and query. */
export function shownAddress({ address }: Connection): string {
  if ('cloudId' in address) return `the cloud deployment ${address.cloudId.split(':')[0]}`;
  try {
    const { protocol, host, pathname } = new URL(address.url);
    return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
  } catch {
    return 'the configured address';
  }
}
