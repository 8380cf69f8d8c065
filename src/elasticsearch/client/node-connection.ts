/**
 * @module How the client speaks: over Node's own HTTP instead of undici, which is two thirds of what a function with the
 * client would load, and whose parser, a WebAssembly module, costs the first request of a cold start 30 ms and 20 MB.
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

/** The client's connection over Node's HTTP, mended where it would wait for ever, or for too long. */
export class NodeConnection extends HttpConnection {
  constructor(...options: ConstructorParameters<typeof HttpConnection>) {
    super(...options);
    const make = this.makeRequest as (settings: object) => ClientRequest;
    this.makeRequest = ((settings: object) =>
      make(settings).prependListener('error', tellWhatIsNotHttp)) as typeof this.makeRequest;
  }

  /** The client bounds what comes, and not what that is unpacked to. */
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

  /** The client lets go of a signal when the headers have come: a body that never ends would never be given up. */
  override buildRequestObject(...[params, options]: Parameters<HttpConnection['buildRequestObject']>) {
    const { signal } = options as { readonly signal?: AbortSignal };
    return { ...super.buildRequestObject(params, options), ...(signal && { signal }) };
  }

  /** The client's own waits a second, and again, while a request is on its way; ours were all aborted by then. */
  override close(): Promise<void> {
    this.agent?.destroy();
    return Promise.resolve();
  }
}

const product = 'x-elastic-product';

/** A proxy that adds the header to the cluster's own makes Node join the two, which the client takes for another product. */
function withOneProduct(answer: ConnectionRequestResponse): ConnectionRequestResponse {
  const [first, ...others] = String(answer.headers[product] ?? '').split(', ');
  if (others.length === 0 || others.some((other) => other !== first)) return answer;
  return { ...answer, headers: { ...answer.headers, [product]: first } };
}

/** The client drops a parser's error of this code when the message is that no HTTP came, and never answers. */
function tellWhatIsNotHttp(error: NodeJS.ErrnoException): void {
  if (error.code === 'HPE_INVALID_CONSTANT') error.code = 'ERR_NOT_HTTP';
}
