/**
 * @module The deployed bundle in a warm process: invoked once for each message, and what it holds told afterwards, when
 * all that can be thrown away has been. Started with `--expose-gc`; its argument is the bundle.
 */
import { readdirSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';

/** What a process holds on to. */
export interface Held {
  /** Bytes of the heap and of buffers beside it. */
  readonly bytes: number;
  readonly descriptors: number;
  /** Timers and handles of Node that keep it alive, by kind. */
  readonly active: Readonly<Record<string, number>>;
  /** Listeners on the process, signals among them. */
  readonly listeners: number;
}

export interface Told {
  /** The counts of the report, or the name of what was thrown. */
  readonly counts?: Readonly<Record<string, number>>;
  readonly error?: string;
  readonly followedUp?: number;
  readonly held?: Held;
}

export interface Asked {
  readonly event: object;
  /** Whether to look at what is held afterwards, which takes longer than a sweep of a small cluster. */
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
  // a socket that was closed is there for a moment longer
  for (let wait = 0; wait < 100 && process.getActiveResourcesInfo().includes('TCPSocketWrap'); wait += 1)
    await setTimeout(10);
  // what only weak references hold goes with the second collection
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
