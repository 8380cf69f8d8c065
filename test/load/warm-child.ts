/**
 * @module Runs the deployed bundle in a warm process. Invokes it once for each message and reports, if asked, what the
 * process still holds after garbage collection. Started with `--expose-gc` and the path of the bundle.
 */
import { readdirSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';

/** What a process still holds after an invocation. */
export interface Held {
  /** Bytes of the heap, and of buffers outside the heap. */
  readonly bytes: number;
  readonly descriptors: number;
  /** Node's timers and handles that keep the process alive, by kind. */
  readonly active: Readonly<Record<string, number>>;
  /** Listeners on `process`, including those for signals. */
  readonly listeners: number;
}

export interface Told {
  /** The counts of the report; absent if the invocation failed with `error`. */
  readonly counts?: Readonly<Record<string, number>>;
  readonly error?: string;
  readonly followedUp?: number;
  readonly held?: Held;
}

export interface Asked {
  readonly event: object;
  /** Whether to measure afterwards what the process holds. That takes longer than a sweep of a small cluster. */
  readonly look: boolean;
}

interface Report {
  readonly counts: Readonly<Record<string, number>>;
  readonly followUp: { readonly jobs: number } | null;
}
type Handler = (event: unknown, context: object) => Promise<Report>;

const { handler } = (await import(process.argv[2] ?? '')) as { handler: Handler };
const collect = global.gc;
if (!collect) throw new Error('start it with --expose-gc');

async function invoke(event: unknown, round: number): Promise<Told> {
  const end = Date.now() + 900_000;
  const context = {
    awsRequestId: `request-${round}`,
    functionName: 'jobsweep',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:jobsweep',
    getRemainingTimeInMillis: () => end - Date.now(),
  };
  try {
    const { counts, followUp } = await handler(event, context);
    return { counts, followedUp: followUp?.jobs ?? 0 };
  } catch (error) {
    return { error: (error as Error).name };
  }
}

async function held(): Promise<Held> {
  // Node lists a socket for a moment after it was closed
  for (let wait = 0; wait < 100 && process.getActiveResourcesInfo().includes('TCPSocketWrap'); wait += 1)
    await setTimeout(10);
  // the second collection frees objects that only weak references held
  for (let turn = 0; turn < 2; turn += 1) {
    collect?.();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  const active: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) active[kind] = (active[kind] ?? 0) + 1;
  return {
    bytes: heapUsed + external,
    descriptors: readdirSync('/proc/self/fd').length,
    active,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

let round = 0;
process.on('message', ({ event, look }: Asked) => {
  round += 1;
  void invoke(event, round).then(async (told) =>
    process.send?.({ ...told, ...(look && { held: await held() }) }),
  );
});
