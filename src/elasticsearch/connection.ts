/** @module Where a cluster is and how it is entered. Made by `settings.ts` from the environment, a secret or a file. */
import { createHash } from 'node:crypto';
import { printable } from '../sweep/text.ts';

export interface Connection {
  readonly address: { readonly url: string } | { readonly cloudId: string };
  readonly credentials?:
    | { readonly apiKey: string }
    | { readonly username: string; readonly password: string }
    | undefined;
  /** PEM text of the authority that signed the server's certificate. */
  readonly ca?: string | undefined;
  /** SHA-256 of a certificate in the server's chain, as `AB:CD:…`. */
  readonly caFingerprint?: string | undefined;
}

/** The URL that requests go to. @throws {TypeError} when the address is none. */
export function urlOf({ address }: Pick<Connection, 'address'>): URL {
  return new URL('url' in address ? address.url : cloudUrl(address.cloudId));
}

/**
 * The Elasticsearch address in a cloud id, which is `name:base64`; inside are the domain, the Elasticsearch id and the
 * Kibana id, with `$` between them. Either of the first two may bring a port. Undefined when it is no cloud id.
 */
export function parseCloudId(cloudId: string): string | undefined {
  const encoded = cloudId.slice(cloudId.lastIndexOf(':') + 1);
  const [domain = '', id = ''] = Buffer.from(encoded, 'base64').toString().split('$');
  const [host = '', port] = domain.split(':');
  const [name = '', ownPort] = id.split(':');
  const url = `https://${name}.${host}:${ownPort ?? port ?? 443}`;
  const isHost = /^[a-z0-9.-]+$/i.test(`${name}.${host}`) && name !== '' && host !== '';
  return cloudId.includes(':') && isHost && URL.canParse(url) ? url : undefined;
}

function cloudUrl(cloudId: string): string {
  const url = parseCloudId(cloudId);
  if (url === undefined) throw new TypeError('not a cloud id');
  return url;
}

/** The address as it may be shown: without user, password and query. */
export function shownAddress({ address }: Pick<Connection, 'address'>): string {
  if ('cloudId' in address) return `the cloud deployment ${printable(address.cloudId.split(':')[0] ?? '')}`;
  if (!URL.canParse(address.url)) return 'the configured address';
  const { protocol, host, pathname } = new URL(address.url);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}

/** What tells this cluster from others for who may not read its uuid: a hash of its address. */
export function addressHash(connection: Pick<Connection, 'address'>): string {
  const { protocol, host, pathname } = urlOf(connection);
  return createHash('sha256').update(`${protocol}//${host}${pathname}`).digest('base64url').slice(0, 22);
}
