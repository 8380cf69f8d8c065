import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/sweep/closing/ledger.ts';
import { Places } from '../../../src/sweep/closing/places.ts';
import type { JobSnapshot } from '../../../src/sweep/inventory.ts';
import type { Batch } from '../../../src/sweep/plan.ts';
import { entryOf, foundClosing } from '../../support/entries.ts';

const mb = 1_000_000;

/** A job of so many megabytes on a node; of a node that is not told without one. */
const on = (nodeId: string | undefined, jobId: string, size: number, job: Partial<JobSnapshot> = {}): Entry =>
  entryOf(jobId, {}, { job: { nodeId, modelBytes: size * mb, ...job } });
/** The same, with a datafeed that has to stop first. */
const fed = (nodeId: string, jobId: string, size: number): Entry =>
  on(nodeId, jobId, size, { datafeed: { datafeedId: `feed-${jobId}`, state: 'started', lookback: 'done' } });

const names = (entries: Iterable<Entry> = []) => [...entries].map(({ jobId }) => jobId);
const taken = (batch: Batch | undefined) => names(batch?.entries);
/** Every batch that the free places allow. */
function takenNow(places: Places): string[][] {
  const batches: string[][] = [];
  for (let ids = taken(places.take()); ids.length > 0; ids = taken(places.take())) batches.push(ids);
  return batches;
}

describe('places on the nodes', () => {
  it('are given to the biggest jobs of each node, one node after the other, in one graceful request', () => {
    const entries = [
      on('a', 'a-1', 1),
      on('a', 'a-9', 900),
      on('a', 'a-5', 50),
      on('b', 'b-8', 800),
      on('b', 'b-4', 40),
      on('b', 'b-2', 2),
    ];
    const places = new Places(entries, 2, 20);
    expect(places.take()).toEqual({
      entries: [entries[1], entries[3], entries[2], entries[4]],
      force: false,
    });
    expect(names(places.running)).toEqual(['a-9', 'b-8', 'a-5', 'b-4']);
    expect(places.take()).toBeUndefined();
    expect(places.someWait).toBe(true);
  });

  it('are never more than so many on a node, whichever of its jobs leaves', () => {
    const entries = [
      on('a', 'first', 900),
      on('a', 'second', 400),
      on('a', 'third', 100),
      on('a', 'last', 9),
    ];
    const [first, second, third] = entries as [Entry, Entry, Entry];
    const places = new Places(entries, 2, 20);
    expect(takenNow(places)).toEqual([['first', 'second']]);
    places.leave(second);
    expect(takenNow(places)).toEqual([['third']]);
    places.leave(first);
    places.leave(third);
    expect(takenNow(places)).toEqual([['last']]);
    expect(names(places.running)).toEqual(['last']);
  });

  it('of one node are not given to the jobs of another', () => {
    const entries = [on('a', 'a-1', 9), on('a', 'a-2', 8), on('b', 'b-1', 7), on('b', 'b-2', 6)];
    const places = new Places(entries, 1, 20);
    expect(takenNow(places)).toEqual([['a-1', 'b-1']]);
    places.leave(entries[2] as Entry);
    expect(takenNow(places)).toEqual([['b-2']]);
  });

  it('are those of one node for all jobs whose node is not told', () => {
    const places = new Places([on(undefined, 'x', 9), on(undefined, 'y', 8), on('a', 'z', 7)], 1, 20);
    expect(takenNow(places)).toEqual([['x', 'z']]);
  });

  it('are left once: a job that leaves again, or never had one, frees nobody else’s', () => {
    const entries = [
      on('a', 'first', 900),
      on('a', 'second', 400),
      on('a', 'third', 100),
      on('a', 'last', 9),
    ];
    const [first, , third, last] = entries as [Entry, Entry, Entry, Entry];
    const places = new Places(entries, 2, 20);
    places.leave(first);
    expect(takenNow(places)).toEqual([['first', 'second']]);
    places.leave(last);
    places.leave(third);
    expect(takenNow(places)).toEqual([]);
    places.leave(first);
    places.leave(first);
    expect(takenNow(places)).toEqual([['third']]);
    expect(names(places.running)).toEqual(['second', 'third']);
  });

  it('of the jobs whose node is not told are no more when a job leaves that has none', () => {
    const entries = [on('a', 'z', 9), on(undefined, 'x', 8), on(undefined, 'y', 7)];
    const places = new Places(entries, 1, 20);
    places.leave(entries[0] as Entry);
    expect(takenNow(places)).toEqual([['z', 'x']]);
  });

  it('are left by all of which it is said that they are over', () => {
    const entries = [on('a', 'a-1', 9), on('a', 'a-2', 8), on('a', 'a-3', 7), on('b', 'b-1', 6)];
    const places = new Places(entries, 2, 20);
    expect(takenNow(places)).toEqual([['a-1', 'a-2', 'b-1']]);
    places.leaveWhere(({ jobId }) => jobId.endsWith('-1'));
    expect(names(places.running)).toEqual(['a-2']);
    expect(takenNow(places)).toEqual([['a-3']]);
  });

  it('are for what is closed gracefully: what is kept, forced or closing already takes none', () => {
    const entries = [
      entryOf('kept', {}, { verdict: { verdict: 'keep', reason: 'recent_data' } }),
      entryOf('failed', {}, { verdict: { verdict: 'force', reason: 'failed' } }),
      foundClosing('closing'),
      on('a', 'idle', 1),
    ];
    const places = new Places(entries, 9, 20);
    expect(takenNow(places)).toEqual([['idle']]);
    expect(places.someWait).toBe(false);
  });
});

describe('a batch of places', () => {
  it('names no more jobs than one request may', () => {
    const entries = [9, 8, 7, 6, 5].map((size) => on('a', `job-${size}`, size));
    expect(takenNow(new Places(entries, 4, 3))).toEqual([['job-9', 'job-8', 'job-7'], ['job-6']]);
  });

  it('names no more ids than a request line holds', () => {
    // 60 characters and a separator of 3: 47 of them take 2,961 of the 3,000 bytes
    const entries = Array.from({ length: 50 }, (_, index) => on('a', `${index}`.padEnd(60, 'x'), 1));
    expect(takenNow(new Places(entries, 100, 100)).map((ids) => ids.length)).toEqual([47, 3]);
    // 57 and 3: 50 of them take all
    const full = Array.from({ length: 51 }, (_, index) => on('a', `${index}`.padEnd(57, 'x'), 1));
    expect(takenNow(new Places(full, 100, 100)).map((ids) => ids.length)).toEqual([50, 1]);
  });

  it('holds jobs whose datafeed stops first, or others, and never both', () => {
    const entries = [
      on('a', 'quiet-a', 900),
      fed('a', 'fed-a', 1),
      fed('b', 'fed-b', 2),
      on('b', 'quiet-b', 3),
    ];
    expect(takenNow(new Places(entries, 2, 20))).toEqual([
      ['fed-b', 'fed-a'],
      ['quiet-a', 'quiet-b'],
    ]);
  });

  it('holds those whose datafeed stops first before the others, also where a node has none of them', () => {
    const entries = [on('a', 'quiet-a', 900), on('b', 'quiet-b', 3), fed('b', 'fed-b', 2)];
    expect(takenNow(new Places(entries, 1, 20))).toEqual([['fed-b'], ['quiet-a']]);
  });
});

describe('the jobs that are next', () => {
  const entries = [
    on('a', 'a-1', 900),
    on('a', 'a-2', 400),
    on('a', 'a-3', 100),
    on('b', 'b-1', 50),
    on('b', 'b-2', 20),
  ];
  const sorted = (found: readonly Entry[]) => names(found).sort();

  it('are as many of each node as it has places, where nothing else is said', () => {
    expect(sorted(new Places(entries, 2, 20).candidates())).toEqual(['a-1', 'a-2', 'b-1', 'b-2']);
    expect(sorted(new Places(entries, 1, 20).candidates())).toEqual(['a-1', 'b-1']);
  });

  it('are the next that wait, for so many places', () => {
    const places = new Places(entries, 1, 20);
    expect(takenNow(places)).toEqual([['a-1', 'b-1']]);
    expect(sorted(places.candidates(3))).toEqual(['a-2', 'a-3', 'b-2']);
    expect(sorted(places.candidates(1))).toEqual(['a-2', 'b-2']);
  });

  it('are nobody once all were given out', () => {
    const places = new Places(entries, 3, 20);
    expect(places.someWait).toBe(true);
    expect(takenNow(places)).toEqual([['a-1', 'a-2', 'a-3', 'b-1', 'b-2']]);
    expect([places.someWait, places.candidates(3)]).toEqual([false, []]);
  });

  it('are taken all at once when it is over: nobody waits any more', () => {
    const places = new Places(entries, 1, 20);
    expect(takenNow(places)).toEqual([['a-1', 'b-1']]);
    expect(sorted(places.takeAll())).toEqual(['a-2', 'a-3', 'b-2']);
    expect([places.someWait, places.takeAll(), places.take()]).toEqual([false, [], undefined]);
    expect(names(places.running)).toEqual(['a-1', 'b-1']);
  });

  it('are nobody where there is nothing to close', () => {
    const places = new Places([], 1, 20);
    expect([places.someWait, places.candidates(), places.take(), places.takeAll()]).toEqual([
      false,
      [],
      undefined,
      [],
    ]);
  });
});
