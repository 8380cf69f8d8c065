/** @module The HTTP server: reads a request, applies faults, checks privileges, calls the route and answers. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { SimulatorClock } from '../../clock.ts';
import { ElasticsearchError } from '../errors.ts';
import type { Fault, FaultScript } from '../faults.ts';
import type { HandlerContext } from '../handler-context.ts';
import { stackFacts } from '../versions.ts';
import { RequestBody } from './body.ts';
import type { Answer, Call, Route } from './call.ts';
import { compatibility, PlainError } from './media-type.ts';
import { Query } from './query.ts';
import { type Rendered, type RenderOptions, render, renderError } from './respond.ts';
import { type Match, type Routed, Router } from './router.ts';

/** One request that the server has seen. */
export interface RecordedRequest {
  /** When the request arrived, in epoch milliseconds of the simulated clock. */
  readonly at: number;
  readonly method: string;
  /** The path as written in the request line, percent-encoded. */
  readonly path: string;
  readonly query: string;
  /** Length of the request line including its line end, limited by `http.max_initial_line_length`. */
  readonly lineBytes: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
  /** The name of the requested API, or `unknown`. */
  readonly api: string;
  /** Undefined until an answer is sent. */
  status?: number | undefined;
  answeredAt?: number | undefined;
  responseBytes?: number | undefined;
}

/** `http.max_initial_line_length` */
const maxLineBytes = 4096;
/** `http.max_content_length` */
const maxContentBytes = 100 * 2 ** 20;
const unzip = promisify(gunzip);

export interface ServerOptions {
  readonly context: HandlerContext;
  readonly clock: SimulatorClock;
  readonly routes: readonly Route[];
  readonly faults: FaultScript;
  readonly remember: (request: RecordedRequest) => void;
  readonly onBug: (error: unknown) => void;
}

export function createElasticsearchServer(options: ServerOptions): Server {
  const router = routerOf(options.routes);
  return createServer({ maxHeaderSize: 256 * 1024, keepAliveTimeout: 0 }, (request, response) => {
    handle(options, router, request, response).catch(options.onBug);
  });
}

/** A cache, because tests start thousands of servers with the same routes. */
const routers = new WeakMap<readonly Route[], Router<Route>>();

function routerOf(routes: readonly Route[]): Router<Route> {
  const known = routers.get(routes);
  if (known) return known;
  const router = new Router<Route>();
  for (const route of routes)
    for (const path of route.paths) for (const method of route.methods) router.add(method, path, route);
  routers.set(routes, router);
  return router;
}

async function handle(
  options: ServerOptions,
  router: Router<Route>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { clock, faults } = options;
  // ignore errors: the client may disconnect at any time, and the requested action then continues
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  const content = await readContent(request);
  if (content === undefined) return;
  const exchange = begin(options, router, request, content);
  const { record, wait } = exchange;
  options.remember(record);
  // not `clock.sleep`, which would make time pass even after the client has disconnected
  const elapsed = (ms: number) => new Promise<void>((resolve) => clock.at(clock.now() + ms, resolve));
  const fault = faults.strike(record.api, record.path);
  if (fault?.delay) await wait(elapsed(fault.delay));
  if (fault?.hang) {
    await wait(new Promise<void>((resolve) => response.once('close', () => resolve())));
    return;
  }
  if (fault?.reset === 'before') {
    request.socket.resetAndDestroy();
    return;
  }
  const rendered = await rendering(options, exchange, fault);
  faults.requestDone(record.api);
  if (fault?.delayAnswer) await wait(elapsed(fault.delayAnswer));
  if (fault?.reset === 'after') {
    request.socket.resetAndDestroy();
    return;
  }
  if (response.destroyed) return;
  record.status = rendered.status;
  record.answeredAt = clock.now();
  record.responseBytes = Buffer.byteLength(rendered.body);
  const last = exchange.tooLong || record.lineBytes > maxLineBytes;
  send(response, rendered, {
    fault,
    method: record.method,
    warnings: exchange.warnings,
    request,
    last,
    clock,
  });
}

/** A request that has been read, with everything needed to answer it. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly record: RecordedRequest;
  readonly routed: Routed<Route>;
  readonly query: Query;
  readonly tooLong: boolean;
  readonly warnings: string[];
  readonly wait: Call['wait'];
}

function begin(
  { context, clock }: ServerOptions,
  router: Router<Route>,
  request: IncomingMessage,
  { text, tooLong }: Content,
): Exchange {
  const method = request.method ?? 'GET';
  const [path, search] = splitOnce(request.url ?? '/', '?');
  const routed = findRoute(router, context.cluster.major, method, path);
  const record: RecordedRequest = {
    at: clock.now(),
    method,
    path,
    query: search,
    lineBytes: Buffer.byteLength(`${method} ${request.url} HTTP/1.1\r\n`),
    headers: request.headers,
    body: text,
    api: routed.kind === 'found' ? routed.match.route.name : 'unknown',
  };
  const wait: Call['wait'] = (answer) => clock.parked(request.socket.remotePort, answer);
  return { request, record, routed, query: new Query(search), tooLong, warnings: [], wait };
}

/** The rendered answer: the handler's answer, or the fault's answer if the fault has a status. */
async function rendering(
  options: ServerOptions,
  exchange: Exchange,
  fault: Fault | undefined,
): Promise<Rendered> {
  const { query, request } = exchange;
  const renderOptions: RenderOptions = {
    major: options.context.cluster.major,
    query,
    headers: request.headers,
  };
  if (fault?.status !== undefined && !fault.after) return render(scripted(fault), renderOptions);
  let rendered: Rendered;
  try {
    rendered = render(await answer(options, exchange), renderOptions);
  } catch (error) {
    const known = renderError(error, renderOptions);
    // an unknown error is a bug in the simulator: report it to the process, and answer the client with 500
    if (!known) options.onBug(error);
    rendered = known ?? render({ status: 500, body: bugBody(error) }, renderOptions);
  }
  return fault?.status === undefined ? rendered : render(scripted(fault), renderOptions);
}

async function answer({ context }: ServerOptions, exchange: Exchange): Promise<Answer> {
  const { request, record, routed, query, warnings } = exchange;
  const { method, path, body: text } = record;
  if (record.lineBytes > maxLineBytes)
    throw new ElasticsearchError(400, {
      type: 'too_long_http_line_exception',
      reason: `An HTTP line is larger than ${maxLineBytes} bytes.`,
    });
  if (exchange.tooLong) throw new PlainError(413, 'Request Entity Too Large');
  const principal = context.security.authenticate(request.headers, request.url ?? '/');
  const source = query.peek('source');
  const body = new RequestBody(text === '' && source !== undefined ? source : (text ?? ''));
  const compatibleWith = compatibility(context.cluster.major, {
    contentType: request.headers['content-type'],
    accept: request.headers.accept,
    hasBody: text !== '',
  });
  const { route, parameters } = matchOf(routed, method, request.url);
  const call: Call = {
    context,
    method,
    path,
    parameters,
    query,
    body,
    principal,
    accept: request.headers.accept ?? '',
    compatibleWith,
    wait: exchange.wait,
    warn: (message) => {
      const facts = stackFacts[context.cluster.stack];
      warnings.push(`299 Elasticsearch-${facts.number}-${facts.buildHash} "${message}"`);
    },
  };
  if (path.startsWith(olderPrefix)) deprecatedPrefix(call);
  const act = route.prepare(call);
  query.refuseUnconsumed(path);
  context.security.authorize(principal, route.privilege, route.action, context.cluster.major);
  return act();
}

/** @throws 400 if no endpoint has this path, 405 if the endpoint does not support the method */
function matchOf(routed: Routed<Route>, method: string, uri: string | undefined): Match<Route> {
  if (routed.kind === 'found') return routed.match;
  if (routed.kind === 'unknown')
    throw new PlainError(400, `no handler found for uri [${uri}] and method [${method}]`, {
      withStatus: false,
    });
  throw new PlainError(
    405,
    `Incorrect HTTP method for uri [${uri}] and method [${method}], allowed: [${routed.allowed.join(', ')}]`,
    { headers: { Allow: routed.allowed.join(',') } },
  );
}

const olderPrefix = '/_xpack/ml/';

function findRoute(router: Router<Route>, major: 7 | 8 | 9, method: string, path: string): Routed<Route> {
  const older = path.startsWith(olderPrefix) && major < 9;
  const routed = router.find(method, older ? `/_ml/${path.slice(olderPrefix.length)}` : path);
  return routed.kind === 'found' && (routed.match.route.since ?? 7) > major ? { kind: 'unknown' } : routed;
}

/** The path prefix from 6.x still works on 7.x, and on 8.x in compatibility mode 7. */
function deprecatedPrefix({ context, compatibleWith, method, path, warn }: Call): void {
  if (context.cluster.major === 8 && compatibleWith !== 7)
    throw new PlainError(400, `no handler found for uri [${path}] and method [${method}]`, {
      withStatus: false,
    });
  warn(`[${method} ${path}] is deprecated! Use [${method} /_ml/${path.slice(olderPrefix.length)}] instead.`);
}

function bugBody(error: unknown): object {
  const reason = `a bug of the simulator: ${error instanceof Error ? error.message : String(error)}`;
  return new ElasticsearchError(500, { type: 'simulator_exception', reason }).body();
}

function scripted({ status = 500, type, reason, body, headers = {} }: Fault): Answer {
  if (typeof body === 'string') return { status, text: body, headers };
  const cause = { type: type ?? 'status_exception', reason: reason ?? 'scripted fault' };
  return { status, body: body ?? new ElasticsearchError(status, cause).body(), headers };
}

interface SendOptions {
  readonly fault: Fault | undefined;
  readonly method: string;
  readonly warnings: readonly string[];
  readonly request: IncomingMessage;
  /** Whether the connection closes after this response. */
  readonly last: boolean;
  readonly clock: SimulatorClock;
}

function send(response: ServerResponse, rendered: Rendered, options: SendOptions): void {
  const { fault, method, warnings, request, last, clock } = options;
  const headers: Record<string, string | readonly string[]> = { ...rendered.headers };
  if (!fault?.noProduct) headers['X-elastic-product'] = 'Elasticsearch';
  if (warnings.length > 0) headers.Warning = warnings;
  if (fault?.contentType !== undefined) headers['content-type'] = fault.contentType;
  if (last) headers.connection = 'close';
  const bytes = Buffer.from(rendered.body);
  headers['content-length'] = String(bytes.length);
  // Node would take the date from the machine's clock
  headers.date = new Date(clock.now()).toUTCString();
  const opaque = request.headers['x-opaque-id'];
  if (typeof opaque === 'string') headers['X-Opaque-Id'] = opaque;
  response.writeHead(rendered.status, headers as Record<string, string | string[]>);
  if (fault?.cut !== undefined) {
    response.write(bytes.subarray(0, fault.cut), () => request.socket.destroy());
    return;
  }
  response.end(method === 'HEAD' ? undefined : bytes);
}

interface Content {
  readonly text: string;
  readonly tooLong: boolean;
}

/** The body; undefined if the client disconnected before sending all of it. Bytes over the limit are dropped. */
async function readContent(request: IncomingMessage): Promise<Content | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxContentBytes) return { text: '', tooLong: true };
      chunks.push(chunk);
    }
    const content = Buffer.concat(chunks);
    const plain = request.headers['content-encoding'] === 'gzip' ? await unzip(content) : content;
    return { text: plain.toString('utf8'), tooLong: false };
  } catch {
    return undefined;
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}
