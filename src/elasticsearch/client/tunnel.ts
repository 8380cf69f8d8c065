/**
 * @module Sends requests through a proxy. For https, Node's own agents with `proxyEnv` would be enough, but they do not
 * end a request that is aborted while its tunnel opens. Behind a proxy that never answers, a sweep would hang.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { HttpProxy } from '../../base/way-out.ts';

/**
 * A connection to `target` (`host:port`) through the proxy. Authenticates at the proxy if the setting of the proxy has
 * a user name and a password. Errors have the texts that Node's own agents use, because `failure.ts` reads these texts.
 */
export async function openTunnel(proxy: HttpProxy, target: string, signal: AbortSignal): Promise<Socket> {
  const { protocol, hostname, port, username, password } = new URL(proxy.href);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const request = (protocol === 'https:' ? httpsRequest : httpRequest)({
    host,
    // By default, Node checks the proxy's certificate against the `host` header, which names the target.
    servername: isIP(host) === 0 ? host : '',
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: target,
    headers: {
      host: target,
      ...(credentials !== ':' && {
        'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}`,
      }),
    },
    // A pooled connection would outlive the tunnel, and a global agent may have a proxy of its own.
    agent: false,
    signal,
  });
  const refused = ({ statusCode, statusMessage }: IncomingMessage) =>
    new Error(
      `Failed to establish tunnel to ${target} via ${proxy.shown}: HTTP/1.1 ${statusCode} ${statusMessage}`,
    );
  request.once('connect', (answer, socket) => {
    if (answer.statusCode === 200) return resolve(socket);
    socket.destroy();
    reject(refused(answer));
  });
  request.once('response', (answer) => {
    answer.destroy();
    reject(refused(answer));
  });
  request.once('error', reject);
  request.end();
  try {
    return await promise;
  } catch (error) {
    request.destroy();
    throw error;
  }
}

/** The official client's defaults for a connection pool. */
const pool = { keepAlive: true, keepAliveMsecs: 1_000, maxSockets: 256, maxFreeSockets: 256 };

/** The agent for requests to `url`; `tls` holds the client's option `tls`. */
export function agentThrough(proxy: HttpProxy, url: URL, tls: object = {}): HttpAgent {
  if (url.protocol === 'https:') return new TunnelAgent(proxy, { ...pool, ...tls });
  return new HttpAgent({ ...pool, proxyEnv: { http_proxy: proxy.href } });
}

interface TunnelOptions extends ConnectionOptions {
  /** Aborts the opening of the tunnel. The request's own signal cannot abort it. */
  readonly tunnelSignal?: AbortSignal;
}

class TunnelAgent extends HttpsAgent {
  readonly #proxy: HttpProxy;

  constructor(proxy: HttpProxy, options: object) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(
    { path: _path, ...options }: TunnelOptions,
    done: (error: Error | null, socket?: Duplex) => void,
  ): undefined {
    const { host = '', port = 443, tunnelSignal = new AbortController().signal } = options;
    const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    openTunnel(this.#proxy, target, tunnelSignal)
      .then((socket) => handshake(connect({ ...options, socket }), tunnelSignal))
      .then((socket) => done(null, socket), done);
  }
}

/**
 * Waits for the end of a TLS handshake. If the handshake fails or is aborted, destroys the socket, and with it the
 * tunnel, if any.
 */
export async function handshake(socket: TLSSocket, signal: AbortSignal): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  socket.once('secureConnect', () => resolve(socket));
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('the connection was closed during the TLS handshake')));
  try {
    signal.throwIfAborted();
    return await promise;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
