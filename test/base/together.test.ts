import { describe, expect, it } from 'vitest';
import { together } from '../../src/base/together.ts';

/** A read that continues until it is cancelled, and then rejects with the reason. */
const untilGivenUp = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

describe('reads that belong together', () => {
  const never = new AbortController().signal;

  it('reads that belong together return their results in order', async () => {
    expect(await together(never, () => [Promise.resolve(1), 'at hand', Promise.resolve([])])).toEqual([
      1,
      'at hand',
      [],
    ]);
  });

  it('if one of several reads that belong together fails, all fail with its error, and the other reads are aborted', async () => {
    let other: Promise<never> | undefined;
    const both = together(never, (signal) => {
      other = untilGivenUp(signal);
      return [Promise.reject(new Error('no answer')), other];
    });
    await expect(both).rejects.toThrow('no answer');
    await expect(other).rejects.toThrow('another read failed');
  });

  it('reads that belong together end when their signal aborts, with the reason that the signal gives', async () => {
    const limit = new AbortController();
    const both = together(limit.signal, (signal) => [Promise.resolve(1), untilGivenUp(signal)]);
    limit.abort(new Error('the time is over'));
    await expect(both).rejects.toThrow('the time is over');
  });

  it('reads that belong together are not aborted if all succeed', async () => {
    let joint: AbortSignal | undefined;
    await together(never, (signal) => {
      joint = signal;
      return [Promise.resolve(1)];
    });
    expect(joint?.aborted).toBe(false);
  });
});
