/** @module The machine's own clock, as the `Clock` of a real sweep. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Limit } from './clock.ts';

// setTimeout fires immediately for delays above 2^31-1 ms (24.8 days). No wait or limit here is nearly that long.
const maxDelay = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    signal?.throwIfAborted();
    await sleep(Math.min(Math.max(ms, 0), maxDelay), undefined, signal ? { signal } : {}).catch(
      (error: unknown) => {
        // Node wraps the signal's reason in an AbortError, but `sleep` must reject with the reason itself.
        throw signal?.aborted ? signal.reason : error;
      },
    );
  },
  limit: (ms): Limit => {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(timeoutError(ms)), Math.min(Math.max(ms, 0), maxDelay));
    return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** The abort reason of a signal whose time limit is over. */
export function timeoutError(ms: number): DOMException {
  return new DOMException(`not finished within ${ms} ms`, 'TimeoutError');
}
