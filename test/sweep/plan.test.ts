import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Entry } from '../../src/sweep/closing/ledger.ts';
import type { JobSnapshot } from '../../src/sweep/inventory.ts';
import type { JobId } from '../../src/sweep/job-id.ts';
import { concreteId } from '../../src/sweep/job-id.ts';
import { closeBatch, cutBatches } from '../../src/sweep/plan.ts';
import { idleJob } from '../support/jobs.ts';

const toClose = (job: Partial<JobSnapshot>) => new Entry(idleJob(job), { verdict: 'close', reason: 'idle' });
const ids = (entries: readonly Entry[]) => entries.map(({ jobId }) => jobId);

describe('batches', () => {
  it('hold each job once, at most so many jobs, and ids within the request line', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.string({ unit: fc.constantFrom(...'abc019_-.'.split('')), minLength: 1, maxLength: 64 }),
          { maxLength: 200 },
        ),
        fc.integer({ min: 1, max: 100 }),
        (names, most) => {
          const entries = names.map((jobId, index) =>
            toClose({ jobId, modelBytes: index * 1_000, nodeId: `node-${index % 3}` }),
          );
          const batches = cutBatches(entries, most);
          expect(batches.flatMap((batch) => ids(batch.entries)).sort()).toEqual([...names].sort());
          for (const { entries: batch } of batches) {
            expect(batch.length).toBeLessThanOrEqual(most);
            expect(
              batch.map(({ jobId }) => encodeURIComponent(jobId)).join('%2C').length,
            ).toBeLessThanOrEqual(3_000);
          }
        },
      ),
    );
  });

  it('fill a request line up to 3,000 bytes, of which each id takes its own and three', () => {
    // 50 bytes a job
    const jobs = (count: number) =>
      Array.from({ length: count }, (_, index) => toClose({ jobId: `${'x'.repeat(45)}${10 + index}` }));
    expect(cutBatches(jobs(60), 100).map(({ entries }) => entries.length)).toEqual([60]);
    expect(cutBatches(jobs(61), 100).map(({ entries }) => entries.length)).toEqual([60, 1]);
  });

  it('begin with the biggest models, and put like sizes together', () => {
    const sizes = [1, 900, 2, 800, 1_000, 3].map((size, index) =>
      toClose({ jobId: `j${index}`, modelBytes: size * 1_000_000 }),
    );
    expect(cutBatches(sizes, 3).map(({ entries }) => ids(entries))).toEqual([
      ['j4', 'j1', 'j3'],
      ['j5', 'j2', 'j0'],
    ]);
  });

  it('take jobs within a factor of two for of one size, by turns of their nodes, and unknown sizes for none', () => {
    const job = (jobId: string, nodeId: string, modelBytes?: number) =>
      toClose({ jobId, nodeId, modelBytes });
    const jobs = [
      job('unknown', 'n2'),
      job('small', 'n2', 1),
      job('big-1', 'n1', 1_000_000),
      job('big-2', 'n1', 900_000),
      job('big-3', 'n2', 800_000),
      job('middle', 'n1', 500_000),
    ];
    expect(cutBatches(jobs, 20).map(({ entries }) => ids(entries))).toEqual([
      ['big-1', 'big-3', 'big-2', 'middle', 'small', 'unknown'],
    ]);
  });

  it('take jobs of one size in the order of their ids, so that the same jobs make the same requests', () => {
    const jobs = ['c', 'a', 'd', 'b'].map((jobId) => toClose({ jobId }));
    expect(cutBatches(jobs, 2).map(({ entries }) => ids(entries))).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('spread over the nodes', () => {
    const jobs = Array.from({ length: 9 }, (_, index) =>
      toClose({ jobId: `j${index}`, nodeId: `node-${Math.floor(index / 3)}` }),
    );
    for (const { entries } of cutBatches(jobs, 3))
      expect(new Set(entries.map(({ job }) => job.nodeId)).size).toBe(3);
  });

  it('keep jobs whose datafeed must stop first apart from the others', () => {
    const fed = toClose({ jobId: 'fed', datafeed: { datafeedId: 'd', state: 'started', lookback: 'done' } });
    const batches = cutBatches([toClose({ jobId: 'a' }), fed, toClose({ jobId: 'b' })], 20);
    expect(batches.map(({ entries, force }) => [force, ...ids(entries)])).toEqual([
      [false, 'fed'],
      [false, 'a', 'b'],
    ]);
  });

  it('force each job by itself, and leave out what is kept or waited for', () => {
    const entries = [
      new Entry(idleJob({ jobId: 'f1', state: 'failed' }), { verdict: 'force', reason: 'failed' }),
      new Entry(idleJob({ jobId: 'f2', state: 'failed' }), { verdict: 'force', reason: 'failed' }),
      new Entry(idleJob({ jobId: 'w', state: 'closing' }), { verdict: 'wait', reason: 'already_closing' }),
      new Entry(idleJob({ jobId: 'k' }), { verdict: 'keep', reason: 'managed' }),
    ];
    expect(cutBatches(entries, 20).map(({ entries: batch, force }) => [force, ...ids(batch)])).toEqual([
      [true, 'f1'],
      [true, 'f2'],
    ]);
  });
});

describe('the ids that a close may name', () => {
  it.each(['', '_all', '*', 'a*', 'a,b', 'A', 'a b', '-a', 'a-', 'ä', 'a/b', `${'a'.repeat(65)}`, 'team-a'])(
    'never %j',
    (id) => {
      expect(concreteId(id, new Set(['team-a']))).toBeUndefined();
    },
  );

  it('are the ids of listed jobs', () => {
    expect(concreteId('a.b_c-1', new Set(['team-a']))).toBe('a.b_c-1');
  });

  it('make no batch of nothing, nor of a job that must not be named', () => {
    expect(closeBatch([])).toBeUndefined();
    expect(closeBatch([toClose({ jobId: 'a' }), toClose({ jobId: 'B', target: undefined })])).toBeUndefined();
    expect(closeBatch([toClose({ jobId: 'a' })])).toEqual(['a']);
  });

  it('are a type of their own', () => {
    const take = (_id: JobId) => undefined;
    // @ts-expect-error a plain string is no JobId
    take('*');
    // @ts-expect-error a batch has at least one id
    const none: import('../../src/sweep/job-id.ts').CloseBatch = [];
    expect(none).toHaveLength(0);
  });
});
