/**
 * @module The client's connection, over Node's own HTTP instead of undici. Undici is two thirds of the code that the
 * client loads, and its WebAssembly parser costs the first request of a cold start 30 ms and 20 MB.
 */
import type { ClientRequest } from 'node:http';
import {
  type ConnectionRequestOptions,
  type ConnectionRequestOptionsAsStream,
  type ConnectionRequestParams,
  type ConnectionRequestResponse,
  type ConnectionRequestResponseAsStream,
  HttpConnection,
} from '@elastic/elasticsearch';
import { unpacked } from './unpacking.ts';

/** What is known of a request that got no answer. The caller passes it as the client's `context`. */
export type RequestContext = {
  /**
   * Whether the request had a connection: directly to the server, or through a proxy after a complete TLS handshake.
   */
  connected: boolean;
};

/** The client's `HttpConnection` with five fixes, which README.md in this folder lists. */
export class NodeConnection extends HttpConnection {
  constructor(...options: ConstructorParameters<typeof HttpConnection>) {
    super(...options);
    const make = this.makeRequest as (settings: object) => ClientRequest;
    this.makeRequest = ((settings: { readonly onConnection: () => void }) =>
      make(settings)
        .prependListener('error', renameNotHttpError)
        .once('socket', (socket) => {
          if (socket.connecting) socket.once('connect', settings.onConnection);
          else settings.onConnection();
        })) as typeof this.makeRequest;
  }

  /** Limits the decompressed size of an answer, because the client limits only the size on the wire. */
  override request(
    params: ConnectionRequestParams,
    options: ConnectionRequestOptions,
  ): Promise<ConnectionRequestResponse>;
  override request(
    params: ConnectionRequestParams,
    options: ConnectionRequestOptionsAsStream,
  ): Promise<ConnectionRequestResponseAsStream>;
  override async request(
    params: ConnectionRequestParams,
    options: ConnectionRequestOptions & ConnectionRequestOptionsAsStream,
  ): Promise<never> {
    const answer: ConnectionRequestResponse = await super.request(params, options);
    return (await unpacked(withOneProduct(answer), options.maxResponseSize ?? 0)) as never;
  }

  /**
   * Passes the signal on to Node's request. The client itself ignores the signal as soon as the headers have arrived,
   * and a request whose body never ends would hang.
   */
  override buildRequestObject(...[params, options]: Parameters<HttpConnection['buildRequestObject']>) {
    const { signal, context } = options as {
      readonly signal?: AbortSignal;
      readonly context?: RequestContext;
    };
    const onConnection = () => {
      if (context) context.connected = true;
    };
    return {
      ...super.buildRequestObject(params, options),
      onConnection,
      signal,
      tunnelSignal: signal,
    };
  }

  /**
   * The client's own `close` polls once a second while requests are pending. This `close` need not wait, because our
   * requests have all been aborted by then.
   */
  override close(): Promise<void> {
    this.agent?.destroy();
    return Promise.resolve();
  }
}

const product = 'x-elastic-product';

/**
 * If a proxy repeats the header `x-elastic-product`, keeps only one of the values. Node joins repeated values, and the
 * client would then report that the server is not Elasticsearch.
 */
function withOneProduct(answer: ConnectionRequestResponse): ConnectionRequestResponse {
  const [first, ...others] = String(answer.headers[product] ?? '').split(', ');
  if (others.length === 0 || others.some((other) => other !== first)) return answer;
  return { ...answer, headers: { ...answer.headers, [product]: first } };
}

/**
 * Renames the parser's error for an answer that is not HTTP. The client ignores an error with the original code, so the
 * request would never end.
 */
function renameNotHttpError(error: NodeJS.ErrnoException): void {
  if (error.code === 'HPE_INVALID_CONSTANT') error.code = 'ERR_NOT_HTTP';
}
