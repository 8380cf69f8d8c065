import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/simulator/clock.ts';
import type { Batch } from '../../src/sweep/plan.ts';
import { RequestQueue } from '../../src/sweep/queue.ts';
import { entryOf } from '../support/entries.ts';
import { now } from '../support/jobs.ts';

const batch = (jobId: string, notBefore?: number): Batch => ({
  entries: [entryOf(jobId)],
  force: false,
  ...(notBefore !== undefined && { notBefore }),
});

function queueOf(...batches: Batch[]) {
  const clock = new VirtualClock(now);
  const ending = new AbortController();
  const woken: number[] = [];
  const queue = new RequestQueue(clock, ending.signal, () => woken.push(clock.now() - now));
  queue.push(...batches);
  const next = () => queue.next()?.entries[0].jobId;
  return { queue, clock, ending, woken, next };
}

describe('the requests that wait', () => {
  it('come in order, each once, and then there are none', () => {
    const { queue, next } = queueOf(batch('a'), batch('b'));
    queue.push(batch('c'));
    expect(queue.isEmpty).toBe(false);
    expect([next(), next(), next(), next()]).toEqual(['a', 'b', 'c', undefined]);
    expect(queue.isEmpty).toBe(true);
  });

  it('come at their time and not before; one that is held back holds none of the others', () => {
    const { next } = queueOf(batch('late', now + 1), batch('due', now), batch('past', now - 1));
    expect([next(), next(), next()]).toEqual(['due', 'past', undefined]);
  });

  it('are announced as the first of them becomes due', async () => {
    const { clock, woken, next } = queueOf(batch('b', now + 2_000), batch('a', now + 1_000));
    expect(next()).toBeUndefined();
    await clock.sleep(999);
    expect(woken).toEqual([]);
    await clock.sleep(1);
    expect(woken).toEqual([1_000]);
    expect([next(), next()]).toEqual(['a', undefined]);
  });

  it('are announced once, however often they are asked for, and again when the next becomes due', async () => {
    const { clock, woken, next } = queueOf(batch('a', now + 1_000), batch('b', now + 2_000));
    expect([next(), next()]).toEqual([undefined, undefined]);
    await clock.sleep(1_000);
    expect(woken).toEqual([1_000]);
    expect([next(), next(), next()]).toEqual(['a', undefined, undefined]);
    await clock.sleep(1_000);
    expect(woken).toEqual([1_000, 2_000]);
    expect(next()).toBe('b');
  });

  it('are not announced when nobody was refused one', async () => {
    const { clock, woken, next } = queueOf(batch('a', now + 1_000), batch('b'));
    expect(next()).toBe('b');
    await clock.sleep(10_000);
    expect(woken).toEqual([]);
  });

  it('are announced although there were none before', async () => {
    const { queue, clock, woken, next } = queueOf();
    expect(next()).toBeUndefined();
    queue.push(batch('a', now + 1_000));
    expect(next()).toBeUndefined();
    await clock.sleep(10_000);
    expect(woken).toEqual([1_000]);
  });

  it('are not announced any more when the sweep ends', async () => {
    const { clock, ending, woken, next } = queueOf(batch('a', now + 1_000));
    expect(next()).toBeUndefined();
    ending.abort(new Error('the sweep ends'));
    await clock.sleep(10_000);
    expect(woken).toEqual([]);
  });
});
