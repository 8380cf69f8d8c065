/**
 * @module An HTTP proxy on 127.0.0.1. Hosts with invented names can be reached only through it. It opens tunnels
 * (CONNECT) and forwards requests with an absolute URL (`GET http://…`).
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsTerminator } from 'node:tls';
import { certificate } from './scripted-server.ts';

/** The server on 127.0.0.1 to which the proxy connects when a client asks for a certain host. */
export interface ProxyTarget {
  readonly port: number;
  /** The proxy answers the TLS handshake itself, to inspect the traffic, and forwards plain HTTP to the server. */
  readonly inspected?: true;
}

export interface ProxyOptions {
  /** The targets by `host:port`. For any other host, the proxy answers 502. */
  readonly targets: Readonly<Record<string, ProxyTarget>>;
  /** The `user:password` that the proxy requires. A request without it is refused with 407. */
  readonly auth?: string;
  /** The status with which the proxy answers every request, such as 403. */
  readonly refuses?: number;
  /** If given, the proxy calls this at each request and never answers. */
  readonly mute?: () => void;
  /** Uses TLS with its clients, like a proxy with an https:// URL. */
  readonly tls?: true;
}

export interface TestProxy extends AsyncDisposable {
  /** The proxy's URL without user and password. */
  readonly url: string;
  /** The requested hosts as `host:port`, in order, with one entry for each tunnel. */
  readonly asked: readonly string[];
  /** The requests, in order: `CONNECT host:port` or `GET http://host:port/path`. */
  readonly requests: readonly string[];
  /** How many clients are connected. */
  clients(): number;
}

export async function startProxy(options: ProxyOptions): Promise<TestProxy> {
  const { targets, tls } = options;
  await using stack = new AsyncDisposableStack();
  const inspector = stack.use(await startInspector(targets));
  const asked: string[] = [];
  const requests: string[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined;
    if (!url) return void response.writeHead(400).end('this is a proxy');
    const host = `${url.hostname}:${url.port || 80}`;
    asked.push(host);
    requests.push(`${request.method} ${request.url}`);
    if (options.mute) return options.mute();
    const refusal = refusalOf(options, request, host);
    if (refusal !== undefined) return void response.writeHead(refusal).end(`the proxy says ${refusal}`);
    const onward = send({
      port: targets[host]?.port,
      host: '127.0.0.1',
      method: request.method,
      path: url.pathname + url.search,
      headers: withoutHop(request.headers),
    });
    onward.on('error', () => response.destroy());
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  };
  const server = tls
    ? createTlsServer({ key: certificate('test-only-server.key'), cert: certificate('server') }, listener)
    : createServer(listener);
  const clients = new Set<Socket>();
  server.on(tls ? 'secureConnection' : 'connection', (client: Socket) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
  });
  const tunnels = new Set<Duplex>();
  server.on('connect', (request: IncomingMessage, client: Duplex) => {
    const host = request.url ?? '';
    asked.push(host);
    requests.push(`CONNECT ${host}`);
    tunnels.add(client);
    client.on('error', () => undefined);
    if (options.mute) {
      client.resume().on('end', () => client.end());
      return options.mute();
    }
    const refusal = refusalOf(options, request, host);
    if (refusal !== undefined) {
      client.end(
        `HTTP/1.1 ${refusal} ${refusal === 407 ? 'Proxy Authentication Required' : 'Refused'}\r\n\r\n`,
      );
      return;
    }
    const target = targets[host];
    const port = target?.inspected ? inspector.portOf(host) : target?.port;
    const onward: Socket = connect({ port: port ?? 0, host: '127.0.0.1' }, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    tunnels.add(onward);
    onward.on('error', () => client.destroy());
    client.on('close', () => onward.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(async () => {
    for (const tunnel of tunnels) tunnel.destroy();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const owned = stack.move();
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    requests,
    clients: () => clients.size,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The status of a refusal, if the proxy refuses the request. */
function refusalOf({ auth, refuses, targets }: ProxyOptions, request: IncomingMessage, host: string) {
  const expected = auth && `Basic ${Buffer.from(auth).toString('base64')}`;
  if (expected && request.headers['proxy-authorization'] !== expected) return 407;
  return refuses ?? (targets[host] ? undefined : 502);
}

function withoutHop({
  'proxy-authorization': _auth,
  'proxy-connection': _hop,
  ...headers
}: IncomingMessage['headers']) {
  return headers;
}

/** Ends TLS for each inspected target, with a certificate from the certificate authority `inspecting-proxy`. */
async function startInspector(targets: ProxyOptions['targets']) {
  await using stack = new AsyncDisposableStack();
  const ports = new Map<string, number>();
  for (const [host, { port, inspected }] of Object.entries(targets)) {
    if (!inspected) continue;
    const sockets = new Set<Duplex>();
    const server = createTlsTerminator(
      { key: certificate('test-only-server.key'), cert: certificate('inspected') },
      (client) => {
        const onward = connect({ port, host: '127.0.0.1' });
        for (const socket of [client, onward]) sockets.add(socket.on('error', () => undefined));
        client.on('close', () => onward.destroy());
        onward.on('close', () => client.destroy());
        client.pipe(onward).pipe(client);
      },
    );
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.set(host, (server.address() as AddressInfo).port);
    stack.defer(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
  }
  const owned = stack.move();
  return { portOf: (host: string) => ports.get(host), [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
