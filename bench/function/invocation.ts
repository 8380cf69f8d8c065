/** @module One invocation of the deployed bundle in a fresh process: its duration and peak memory. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { nodeOptions } from '../../deploy/template.ts';

/**
 * The script of the fresh process. Its arguments are the path of the bundle and the event as JSON. It prints the
 * measurements to standard error. It does not use `maxRSS` for the peak memory: on Linux, `maxRSS` includes the memory
 * of the parent process, because the child starts as a copy of its parent.
 */
const probe = `
  const { readFileSync } = await import('node:fs');
  const peakOf = () => 1024 * Number(/^VmHWM:\\s+(\\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  const [file, event] = process.argv.slice(1);
  const unloaded = process.cpuUsage();
  const { handler } = await import(file);
  const loading = process.cpuUsage(unloaded);
  const end = Date.now() + 900000;
  const context = { awsRequestId: 'bench', functionName: 'jobsweep', invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:jobsweep', getRemainingTimeInMillis: () => end - Date.now() };
  const atRest = process.memoryUsage().rss;
  const start = performance.now();
  const before = process.cpuUsage();
  const { counts, jobs } = await handler(JSON.parse(event), context);
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  const measured = { ms, loadCpuMs: (loading.user + loading.system) / 1000, cpuMs: (user + system) / 1000, atRest, peak: peakOf(), counts };
  process.stderr.write(JSON.stringify({ ...measured, outcomes: jobs.map(({ jobId, outcome }) => [jobId, outcome]) }), () => process.exit());
`;

export interface Invocation {
  readonly ms: number;
  /** Processor time to load the bundle. */
  readonly loadCpuMs: number;
  /** Processor time of the call of the handler, without the time to load the bundle. */
  readonly cpuMs: number;
  /** Resident memory before the handler is called, in bytes. */
  readonly atRest: number;
  /** Peak resident memory of the process, in bytes. */
  readonly peak: number;
  readonly counts: Readonly<Record<string, number>>;
  /** The outcome of each job in the report, by job id. */
  readonly outcomes: ReadonlyMap<string, string>;
}

/**
 * Invokes the handler of `file` once with `event`, against the cluster at `url`. Node runs with `options` or, by
 * default, with the template's options.
 */
export async function invokeOnce(
  file: string,
  event: object,
  url: string,
  options: string = nodeOptions,
): Promise<Invocation> {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', probe, file, JSON.stringify(event)],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH, NODE_OPTIONS: options, ELASTICSEARCH_URL: url },
    },
  );
  const printed = await text(child.stderr);
  try {
    const { outcomes, ...rest } = JSON.parse(printed) as Omit<Invocation, 'outcomes'> & {
      readonly outcomes: readonly (readonly [string, string])[];
    };
    return { ...rest, outcomes: new Map(outcomes) };
  } catch {
    throw new Error(`the invocation failed: ${printed}`);
  }
}
