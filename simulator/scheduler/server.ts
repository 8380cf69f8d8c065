/** @module The HTTP server of the embedded Scheduler: raw paths, JSON bodies, and connections that faults can break. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SimulatorClock } from '../clock.ts';
import { errorStatus, invalid, ServiceError } from './errors.ts';
import type { FaultScript } from './faults.ts';
import { type OperationName, type Operations, route } from './operations.ts';

/** A request and how it ended. */
export interface ReceivedRequest {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly operation: OperationName | undefined;
  /** The name or ARN in the path. */
  readonly label: string;
  readonly body: unknown;
  /** Undefined if the connection was broken instead. */
  status: number | undefined;
}

export interface ServerOptions {
  readonly clock: SimulatorClock;
  readonly faults: FaultScript;
  readonly operations: Operations;
  readonly port: number;
  readonly region: string;
}

export interface RunningServer {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  stop(): Promise<void>;
}

// enough for the largest Input, which is JSON escaped within JSON
const maxBodyBytes = 1_048_576;

/** Starts listening on loopback. */
export async function listen(options: ServerOptions): Promise<RunningServer> {
  const requests: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    answer(request, response, options, requests).catch((error: unknown) => {
      // a client may disconnect while the server reads its request
      if (!request.destroyed) throw error;
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  message: IncomingMessage,
  response: ServerResponse,
  { clock, faults, operations, region }: ServerOptions,
  requests: ReceivedRequest[],
): Promise<void> {
  const [path = '', search = ''] = (message.url ?? '').split(/\?(.*)/s);
  const query = new URLSearchParams(search);
  const text = await bodyOf(message);
  const record: ReceivedRequest = {
    at: clock.now(),
    method: message.method ?? '',
    path,
    query: Object.fromEntries(query),
    ...(safely(() => route(message.method ?? '', path)) ?? { operation: undefined, label: '' }),
    body: safely(() => JSON.parse(text) as unknown),
    status: undefined,
  };
  requests.push(record);
  const fault = record.operation && faults.api(record.operation, record.label);
  if (fault?.delayMs !== undefined)
    await clock.parked(
      message.socket.remotePort,
      new Promise<void>((resolve) => {
        clock.at(clock.now() + (fault.delayMs ?? 0), resolve);
      }),
    );
  if (response.destroyed || fault?.cut === 'before') {
    message.socket.destroy();
    return;
  }
  let result: Reply;
  try {
    if (fault?.page) result = { status: fault.page.status, headers: {}, body: fault.page.body };
    else if (fault?.error) result = scripted(fault.error);
    else {
      const found = route(message.method ?? '', path);
      if (!found)
        throw new ServiceError('UnknownOperationException', `There is no ${message.method} ${path}.`);
      const call = {
        method: record.method,
        path,
        query,
        body: parseBody(text),
        region: regionOf(message) ?? region,
        label: found.label,
      };
      result = { status: 200, headers: {}, body: JSON.stringify(operations.perform(found.operation, call)) };
    }
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    result = scripted({ type: error.type, message: error.message });
  }
  if (fault?.cut === 'after') {
    message.socket.destroy();
    return;
  }
  record.status = result.status;
  response.writeHead(result.status, {
    'content-type': 'application/json',
    'x-amzn-requestid': randomUUID(),
    ...result.headers,
  });
  response.end(result.body);
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function scripted(error: {
  readonly type: string;
  readonly status?: number;
  readonly message?: string;
  readonly retryAfterSeconds?: number;
}): Reply {
  const retryAfter = error.retryAfterSeconds;
  return {
    status: error.status ?? errorStatus[error.type as keyof typeof errorStatus] ?? 500,
    headers: {
      'x-amzn-errortype': error.type,
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    },
    body: JSON.stringify({ Message: error.message ?? error.type }),
  };
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseBody(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('The body is not well-formed JSON.');
  }
}

/** The region from the signature's credential scope. */
function regionOf(message: IncomingMessage): string | undefined {
  return /Credential=[^/]+\/\d{8}\/([a-z0-9-]+)\/scheduler\/aws4_request/.exec(
    message.headers.authorization ?? '',
  )?.[1];
}

function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
