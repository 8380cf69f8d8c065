/** @module The address of a cluster and its credentials. `settings/` reads them from the environment, a secret or a file. */
import { createHash } from 'node:crypto';
import { printable } from '../base/text.ts';
import type { WayOut } from '../base/way-out.ts';

export interface Connection {
  readonly address: { readonly url: string } | { readonly cloudId: string };
  readonly credentials?:
    | { readonly apiKey: string }
    | { readonly username: string; readonly password: string }
    | undefined;
  /** PEM text of the certificate authority that signed the server's certificate. */
  readonly ca?: string | undefined;
  /** SHA-256 of a certificate in the server's chain, written as `AB:CD:…`. */
  readonly caFingerprint?: string | undefined;
  /** How requests reach the cluster; directly if undefined. */
  readonly route?: Route | undefined;
}

/** The network route to a cluster, and how to explain a request that fails on this route. See `route.ts`. */
export interface Route extends WayOut {
  /** Makes the client's agent; undefined if requests do not go through a proxy. */
  readonly clientAgent?: ((options: { readonly tls?: unknown }) => unknown) | undefined;
  /** The proxy in between, for messages: ` (through the proxy http://…)`, or empty. */
  readonly through: string;
  /** The cause of a failure and its fix; undefined if neither the proxy nor the VPC explains the failure. */
  explain(cause: string, reason: string): { readonly cause: string; readonly advice: string } | undefined;
}

/** The URL for requests, without trailing slashes. @throws {TypeError} if the address is invalid. */
export function urlOf({ address }: Pick<Connection, 'address'>): URL {
  const url = new URL('url' in address ? address.url : cloudUrl(address.cloudId));
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

/** The name of the setting that holds the address. */
export const addressSetting = ({ address }: Pick<Connection, 'address'>) =>
  'url' in address ? 'ELASTICSEARCH_URL' : 'ELASTICSEARCH_CLOUD_ID';

/**
 * The Elasticsearch address in a cloud id; undefined if the text is not a cloud id. A cloud id has the form
 * `name:base64`. The base64 part holds the domain, the Elasticsearch id and the Kibana id, joined by `$`. The first two
 * may carry a port.
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

/** The address for messages, without user, password and query. */
export function shownAddress({ address }: Pick<Connection, 'address'>): string {
  if ('cloudId' in address) {
    const name = printable(address.cloudId.slice(0, address.cloudId.lastIndexOf(':')));
    const url = parseCloudId(address.cloudId);
    const host = url === undefined ? '' : ` (${new URL(url).origin})`;
    return `the cloud deployment${name === '' ? '' : ` ${name}`}${host}`;
  }
  return URL.canParse(address.url) ? shownUrl(urlOf({ address })) : 'the configured address';
}

/** The address for messages, with the proxy in between, if any. */
export const shownWay = (connection: Pick<Connection, 'address' | 'route'>): string =>
  shownAddress(connection) + (connection.route?.through ?? '');

export function shownUrl({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}

/** A hash of the address, which identifies the cluster if the key is not allowed to read the cluster's uuid. */
export function addressHash(connection: Pick<Connection, 'address'>): string {
  const { protocol, host, pathname } = urlOf(connection);
  return createHash('sha256').update(`${protocol}//${host}${pathname}`).digest('base64url').slice(0, 22);
}
