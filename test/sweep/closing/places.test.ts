import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/sweep/closing/ledger.ts';
import {
  candidates,
  closeBatch,
  limitOf,
  nextBatch,
  nodeOf,
  requestsToRead,
  together,
  type Waiting,
  waitingOf,
} from '../../../src/sweep/closing/places.ts';
import type { JobSnapshot } from '../../../src/sweep/planning/inventory.ts';
import { entryOf, foundClosing } from '../../support/entries.ts';
import { now } from '../../support/jobs.ts';

const mb = 1_000_000;

/** A job on a node, with a model of `megabytes`. */
const on = (
  nodeId: string | undefined,
  jobId: string,
  megabytes: number,
  job: Partial<JobSnapshot> = {},
): Entry => entryOf(jobId, {}, { job: { nodeId, modelBytes: megabytes * mb, ...job } });
/** Like `on`, but the job has a running datafeed. */
const fed = (nodeId: string, jobId: string, megabytes: number): Entry =>
  on(nodeId, jobId, megabytes, {
    datafeed: { datafeedId: `feed-${jobId}`, state: 'started', lookback: 'done' },
  });
const failed = (jobId: string): Entry =>
  entryOf(jobId, {}, { verdict: { verdict: 'force', reason: 'failed' }, job: { state: 'failed' } });

const idsOf = (jobs: readonly Waiting[]) => jobs.map(({ entry }) => entry.jobId);
const order = (entries: readonly Entry[]) => idsOf(waitingOf(entries));

/** The batches in the order of sending, if no job closes in the meantime. */
function batches(
  entries: readonly Entry[],
  free: Readonly<Record<string, number>> = {},
  maxJobs = 20,
): string[][] {
  let waiting = waitingOf(entries);
  const left = new Map(Object.entries(free));
  const all: string[][] = [];
  for (;;) {
    const batch = nextBatch(waiting, left, { maxJobs, now });
    if (batch.length === 0) return all;
    all.push(idsOf(batch));
    waiting = waiting.filter((each) => !batch.includes(each));
    for (const each of batch) {
      const node = nodeOf(each);
      if (node !== undefined && left.has(node)) left.set(node, (left.get(node) as number) - 1);
    }
  }
}

describe('the order of the jobs to close', () => {
  it('jobs to force come first, each in a close request of its own', () => {
    const jobs = waitingOf([on('a', 'idle', 1), failed('f'), failed('g')]);
    expect(jobs.map(({ entry, force, notBefore }) => [entry.jobId, force, notBefore])).toEqual([
      ['f', true, 0],
      ['g', true, 0],
      ['idle', false, 0],
    ]);
    expect(batches([on('a', 'idle', 1), failed('f'), failed('g')])).toEqual([['f'], ['g'], ['idle']]);
  });

  it('jobs that are kept or already closing are left out of the close requests', () => {
    const kept = entryOf('kept', {}, { verdict: { verdict: 'keep', reason: 'recent_data' } });
    expect(order([kept, foundClosing('closing'), on('a', 'idle', 1)])).toEqual(['idle']);
    expect(order([])).toEqual([]);
  });

  it('the biggest jobs are closed first, and jobs of similar size alternate between nodes', () => {
    const jobs = [
      on('a', 'a-1', 1),
      on('a', 'a-big', 900),
      on('a', 'a-large', 890),
      on('b', 'b-big', 880),
      on('b', 'b-2', 2.4),
      on('a', 'a-2', 2.2),
    ];
    expect(order(jobs)).toEqual(['a-big', 'b-big', 'a-large', 'b-2', 'a-2', 'a-1']);
  });

  it('jobs of equal size are closed in the order of their ids, and jobs of unknown size are closed last', () => {
    expect(order([on('a', 'b', 1), on('a', 'a', 1), on('a', 'c', 1)])).toEqual(['a', 'b', 'c']);
    const unknown = entryOf('x', {}, { job: { nodeId: 'a', modelBytes: undefined } });
    expect(order([unknown, on('a', 'small', 1e-6)])).toEqual(['small', 'x']);
  });

  it('jobs with a running datafeed are closed before other jobs, in requests of their own', () => {
    const entries = [
      on('a', 'quiet-a', 900),
      fed('a', 'fed-a', 1),
      fed('b', 'fed-b', 2),
      on('b', 'quiet-b', 3),
    ];
    expect(batches(entries)).toEqual([
      ['fed-b', 'fed-a'],
      ['quiet-a', 'quiet-b'],
    ]);
  });
});

describe('the jobs of a close request', () => {
  it('a close request names at most close.batch jobs', () => {
    const entries = [9, 8, 7, 6, 5].map((size) => on('a', `job-${size}`, size));
    expect(batches(entries, {}, 3)).toEqual([
      ['job-9', 'job-8', 'job-7'],
      ['job-6', 'job-5'],
    ]);
  });

  it('a close request names as many ids as fit into a request line', () => {
    // 60 characters and a separator of 3: 47 ids take 2,961 of the 3,000 bytes
    const entries = Array.from({ length: 50 }, (_, index) => on('a', `${index}`.padEnd(60, 'x'), 1));
    expect(batches(entries, {}, 100).map((ids) => ids.length)).toEqual([47, 3]);
    // 57 characters and a separator of 3: 50 ids take all 3,000 bytes
    const full = Array.from({ length: 51 }, (_, index) => on('a', `${index}`.padEnd(57, 'x'), 1));
    expect(batches(full, {}, 100).map((ids) => ids.length)).toEqual([50, 1]);
    expect([requestsToRead([]), requestsToRead(full.slice(1)), requestsToRead(full)]).toEqual([0, 1, 2]);
  });

  it('a close request is sent only after the pause of each of its jobs has ended', () => {
    const entry = on('a', 'a', 1);
    const waiting = [
      ...together([entry], { force: false, notBefore: now + 1 }),
      ...waitingOf([on('a', 'b', 1)]),
    ];
    const at = (moment: number) => idsOf(nextBatch(waiting, new Map(), { maxJobs: 20, now: moment }));
    expect(at(now)).toEqual(['b']);
    expect(at(now + 1)).toEqual(['a']);
  });

  it('a repeated close request never combines jobs from different earlier requests', () => {
    const first = together([on('a', 'a', 1), on('a', 'c', 1)], { force: false, notBefore: 0 });
    const second = together([on('a', 'b', 1)], { force: false, notBefore: 0 });
    const waiting = [first[0], ...second, first[1]] as Waiting[];
    expect(idsOf(nextBatch(waiting, new Map(), { maxJobs: 20, now }))).toEqual(['a', 'c']);
  });

  it('a close request names its jobs by their concrete ids, and is not sent if one of the ids could match other jobs', () => {
    expect(closeBatch([on('a', 'a', 1), on('a', 'b', 1)])).toEqual(['a', 'b']);
    expect(closeBatch([])).toBeUndefined();
    expect(closeBatch([on('a', 'a', 1), on('a', 'b', 1, { target: undefined })])).toBeUndefined();
  });
});

describe('the limit per node', () => {
  const entries = [
    on('a', 'a-1', 900),
    on('a', 'a-2', 400),
    on('a', 'a-3', 100),
    on('b', 'b-1', 50),
    on('b', 'b-2', 20),
  ];

  it('the biggest jobs on each node are closed first, but no more of them at a time than the node’s limit allows', () => {
    expect(batches(entries, { a: 2, b: 1 })).toEqual([['a-1', 'a-2', 'b-1']]);
    expect(batches(entries, { a: 0, b: 2 })).toEqual([['b-1', 'b-2']]);
    expect(batches(entries, { a: -1, b: 0 })).toEqual([]);
  });

  it('all jobs on a node without a limit are closed at once', () => {
    expect(batches(entries, { b: 1 })).toEqual([['a-1', 'a-2', 'a-3', 'b-1']]);
  });

  it('forced jobs and jobs without a node do not count against a limit per node', () => {
    const forced = Object.assign(failed('f'), { job: { ...failed('f').job, nodeId: 'a' } });
    expect(
      batches([forced, on(undefined, 'x', 9), on(undefined, 'y', 8), on('a', 'z', 7)], { a: 0 }),
    ).toEqual([['f'], ['x', 'y']]);
  });

  it.each([
    ['auto', 16, 99, { places: 8, because: 'own_node', processors: 16 }],
    ['auto', 5, undefined, { places: 2, because: 'own_node', processors: 5 }],
    ['auto', 1.5, undefined, { places: 1, because: 'own_node', processors: 1.5 }],
    ['auto', undefined, 12, { places: 6, because: 'largest_node', processors: 12 }],
    ['auto', undefined, undefined, { places: 4, because: 'unknown' }],
    [3, 16, 99, { places: 3, because: 'request' }],
    [null, 16, 99, { places: Number.POSITIVE_INFINITY, because: 'request' }],
  ] as const)(
    'close.perNode %s with %s processors on the node and %s on the largest node gives the limit %o',
    (perNode, own, largest, limit) => {
      expect(limitOf('a', perNode, { processors: new Map([['a', own]]), largest })).toEqual(limit);
    },
  );

  it('the limit per node is unknown until the node’s processors have been read, unless close.perNode is a number', () => {
    const nodes = { processors: new Map([['b', 16]]), largest: 16 };
    expect(limitOf('a', 'auto', nodes)).toBeUndefined();
    expect(limitOf('a', 2, nodes)).toEqual({ places: 2, because: 'request' });
  });

  it('the candidates for the next close are the first waiting jobs on each node', () => {
    const next = (ofEach: number) => candidates(waitingOf(entries), ofEach).map(({ jobId }) => jobId);
    expect(next(1)).toEqual(['a-1', 'b-1']);
    expect(next(2)).toEqual(['a-1', 'a-2', 'b-1', 'b-2']);
    expect(candidates(waitingOf([failed('f'), on(undefined, 'x', 1)]), 3)).toEqual([]);
  });
});
