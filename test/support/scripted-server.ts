/**
 * @module An HTTP(S) server on 127.0.0.1. The test decides the bytes of every answer, because a gateway, a broken
 * network or an attacker may send what no Elasticsearch would.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  /** The path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Bytes of the request line, including its line end. */
  readonly lineBytes: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Exchange extends SeenRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The number of earlier requests. */
  readonly index: number;
  /** Answers like Elasticsearch, with its product header. */
  readonly json: (body: unknown, status?: number, headers?: Readonly<Record<string, string>>) => void;
  /** Answers with exactly these headers and bytes. */
  readonly raw: (body: string, status?: number, headers?: Readonly<Record<string, string>>) => void;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly requests: SeenRequest[];
}

/** The names of the certificates in `tls/`. */
export type CertificateName = 'server' | 'other-host' | 'expired' | 'below-intermediate';

export const certificate = (name: string): string =>
  readFileSync(new URL(`tls/${name}.pem`, import.meta.url), 'utf8');

export const productHeaders = { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' };

/** Starts a server. With `tls`, it uses HTTPS and sends that certificate, followed by the certificates in `chain`. */
export async function serve(
  respond: (exchange: Exchange) => void | Promise<void>,
  { tls, chain = ['authority'] }: { readonly tls?: CertificateName; readonly chain?: readonly string[] } = {},
): Promise<ScriptedServer> {
  const requests: SeenRequest[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    // Node would add the date of the machine's clock, but tests have their own clock
    response.sendDate = false;
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method = '', url = '' } = request;
    const [path = '', search = ''] = url.split('?', 2);
    const seen: SeenRequest = {
      method,
      path,
      query: new URLSearchParams(search),
      lineBytes: Buffer.byteLength(`${method} ${url} HTTP/1.1\r\n`),
      headers: request.headers,
      body: Buffer.concat(parts).toString(),
    };
    requests.push(seen);
    const raw: Exchange['raw'] = (body, status = 200, headers = {}) => {
      response.writeHead(status, headers).end(body);
    };
    await respond({
      ...seen,
      request,
      response,
      index: requests.length - 1,
      raw,
      json: (body, status, headers) => raw(JSON.stringify(body), status, { ...productHeaders, ...headers }),
    });
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    // ignores ECONNRESET: a test that ends early closes the connection
    handle(request, response).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
    });
  };
  const server: Server = tls
    ? createTlsServer(
        {
          key: certificate('test-only-server.key'),
          cert: [tls, ...chain].map(certificate).join(''),
        },
        listener,
      )
    : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
