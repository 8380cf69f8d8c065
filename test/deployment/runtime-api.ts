/**
 * @module Runs an unpacked deployment package like Lambda does: Lambda's own runtime interface client runs in a
 * separate process, with only the environment variables that Lambda and the template set, and talks to a simulated
 * Runtime API. `native-client.cjs` replaces the native part of that client. Lambda's sandbox and limits are not
 * simulated.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const client = fileURLToPath(import.meta.resolve('aws-lambda-ric'));
const hook = path.join(import.meta.dirname, 'native-client-hook.mjs');

export interface FunctionOptions {
  /** The folder with the unpacked package. */
  readonly task: string;
  readonly handler: string;
  readonly functionArn: string;
  /** The template's variables with resolved values, and the addresses of the simulated services. */
  readonly environment: Readonly<Record<string, string>>;
  /** The function's remaining time at the start of each invocation, in milliseconds. Default: 15 minutes. */
  readonly timeoutMs?: number;
  /** Whether to keep the function's output. Default: true. */
  readonly keepsOutput?: boolean;
}

/** The result of an invocation, as the caller of `aws lambda invoke` sees it. */
export interface InvocationEnd {
  readonly error?: { readonly errorType: string; readonly errorMessage: string };
  readonly result?: unknown;
}

interface Waiting {
  readonly id: string;
  readonly payload: string;
  readonly timeoutMs: number;
  readonly end: PromiseWithResolvers<InvocationEnd>;
}

export interface RunningFunction extends AsyncDisposable {
  readonly pid: number;
  /**
   * Invokes the function with this text as its payload, unchanged. `timeoutMs` replaces the function's own timeout for
   * this invocation.
   */
  invoke(payload: string, timeoutMs?: number): Promise<InvocationEnd>;
  /** Closes the reading end of the function's log, as if its reader had disappeared. */
  closeLog(): void;
  /** The JSON lines that the function has written so far. */
  lines(): readonly Record<string, unknown>[];
  /** Everything that the function has written so far. */
  output(): string;
  /** The time from the start of the process to its first request for an event, in milliseconds. */
  readonly initMs: Promise<number>;
}

/** Starts a cold function. */
export async function startFunction(options: FunctionOptions): Promise<RunningFunction> {
  const queue: Waiting[] = [];
  const running = new Map<string, Waiting>();
  const init = Promise.withResolvers<number>();
  const started = performance.now();
  let idle: ServerResponse | undefined;
  let output = '';

  const hand = () => {
    const next = idle && queue.shift();
    if (!next || !idle) return;
    running.set(next.id, next);
    idle.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': next.id,
      'lambda-runtime-deadline-ms': String(Date.now() + next.timeoutMs),
      'lambda-runtime-invoked-function-arn': options.functionArn,
      'lambda-runtime-trace-id': 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0',
    });
    idle.end(next.payload);
    idle = undefined;
  };

  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const [, id = '', what = ''] =
        /^\/2018-06-01\/runtime\/(?:invocation\/)?([^/]+)\/?(\w*)$/.exec(request.url ?? '') ?? [];
      if (id === 'next') {
        init.resolve(performance.now() - started);
        idle = response;
        hand();
        return;
      }
      const waiting = running.get(id);
      running.delete(id);
      if (what === 'response') waiting?.end.resolve({ result: JSON.parse(body) });
      else if (id === 'init') init.reject(new Error(`the function could not start: ${body}`));
      else waiting?.end.resolve({ error: JSON.parse(body) as NonNullable<InvocationEnd['error']> });
      response.writeHead(202).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const child = spawn(process.execPath, ['--import', hook, client], {
    env: { ...lambdaEnvironment(options, port), ...options.environment },
    cwd: options.task,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => {
      if (options.keepsOutput !== false) output += part.toString();
    });
  child.once('exit', (code) =>
    init.reject(new Error(`the function's process ended with ${code}:\n${output}`)),
  );

  return {
    pid: child.pid ?? 0,
    invoke: async (payload, timeoutMs = options.timeoutMs ?? 15 * 60_000) => {
      const waiting: Waiting = { id: randomUUID(), payload, timeoutMs, end: Promise.withResolvers() };
      queue.push(waiting);
      hand();
      return await Promise.race([waiting.end.promise, exitOf(child, () => output)]);
    },
    closeLog: () => {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    lines: () =>
      output
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    output: () => output,
    initMs: init.promise,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The variables that Lambda itself sets. This process's own variables are not passed on. */
const lambdaEnvironment = ({ task, handler, functionArn }: FunctionOptions, port: number) => ({
  AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_FUNCTION_NAME: functionArn.split(':').at(-1) ?? '',
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/jobsweep',
  AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
  AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  AWS_REGION: 'eu-central-1',
  AWS_DEFAULT_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'ASIATEST',
  AWS_SECRET_ACCESS_KEY: 'not-a-secret',
  AWS_SESSION_TOKEN: 'not-a-token',
  LAMBDA_TASK_ROOT: task,
  LAMBDA_RUNTIME_DIR: '/var/runtime',
  LANG: 'en_US.UTF-8',
  TZ: ':UTC',
  PATH: '/usr/local/bin:/usr/bin:/bin',
  _HANDLER: handler,
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function exitOf(child: ChildProcess, output: () => string): Promise<never> {
  if (child.exitCode === null) await once(child, 'exit');
  throw new Error(`the function's process ended with ${child.exitCode}:\n${output()}`);
}
