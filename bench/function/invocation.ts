/** @module One invocation of the deployed bundle in a fresh process: how long it takes, and the most memory it ever has. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** Its arguments: the bundle, and the event as JSON. What it measured goes to standard error, the log to nowhere. */
const probe = `
  const [file, event] = process.argv.slice(1);
  const { handler } = await import(file);
  const end = Date.now() + 900000;
  const context = { awsRequestId: 'bench', functionName: 'jobsweep', invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:jobsweep', getRemainingTimeInMillis: () => end - Date.now() };
  const atRest = process.memoryUsage().rss;
  const start = performance.now();
  const before = process.cpuUsage();
  const { counts } = await handler(JSON.parse(event), context);
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  process.stderr.write(JSON.stringify({ ms, cpuMs: (user + system) / 1000, atRest, peak: process.resourceUsage().maxRSS * 1024, counts }));
  process.exit();
`;

export interface Invocation {
  readonly ms: number;
  /** Processor time of the handler, without the loading. */
  readonly cpuMs: number;
  /** Resident memory before the handler is called, bytes. */
  readonly atRest: number;
  /** The most resident memory of the process, bytes. */
  readonly peak: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** Invokes the handler of `file` once with `event`, against the cluster at `url`. */
export async function invokeOnce(file: string, event: object, url: string): Promise<Invocation> {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', probe, file, JSON.stringify(event)],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, ELASTICSEARCH_URL: url } },
  );
  const told = await text(child.stderr);
  try {
    return JSON.parse(told) as Invocation;
  } catch {
    throw new Error(`the invocation failed: ${told}`);
  }
}
