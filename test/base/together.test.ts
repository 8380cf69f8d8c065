import { describe, expect, it } from 'vitest';
import { together } from '../../src/base/together.ts';

/** A read that continues until it is cancelled, and then rejects with the reason of the cancellation. */
const untilGivenUp = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

describe('reads that must all succeed', () => {
  const never = new AbortController().signal;

  it('reads that must all succeed return their results in order', async () => {
    expect(await together(never, () => [Promise.resolve(1), 'at hand', Promise.resolve([])])).toEqual([
      1,
      'at hand',
      [],
    ]);
  });

  it('if one of several reads that must all succeed fails, its error is thrown and the other reads are aborted', async () => {
    let other: Promise<never> | undefined;
    const both = together(never, (signal) => {
      other = untilGivenUp(signal);
      return [Promise.reject(new Error('no answer')), other];
    });
    await expect(both).rejects.toThrow('no answer');
    await expect(other).rejects.toThrow('another read failed');
  });

  it('reads that must all succeed end when their signal aborts, with the signal’s reason', async () => {
    const limit = new AbortController();
    const both = together(limit.signal, (signal) => [Promise.resolve(1), untilGivenUp(signal)]);
    limit.abort(new Error('the time is over'));
    await expect(both).rejects.toThrow('the time is over');
  });

  it('reads that must all succeed are not aborted after they have all succeeded', async () => {
    let joint: AbortSignal | undefined;
    await together(never, (signal) => {
      joint = signal;
      return [Promise.resolve(1)];
    });
    expect(joint?.aborted).toBe(false);
  });
});
