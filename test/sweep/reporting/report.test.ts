import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Entry, type Outcome } from '../../../src/sweep/closing/ledger.ts';
import type { JobSnapshot } from '../../../src/sweep/planning/inventory.ts';
import type { Verdict } from '../../../src/sweep/planning/verdict.ts';
import { countEntries, countKept, fateOf, freed, reportJobs } from '../../../src/sweep/reporting/report.ts';
import { type OutcomeName, outcomes } from '../../../src/sweep/vocabulary.ts';
import { day, hour, idleJob, now } from '../../support/jobs.ts';

const idle: Verdict = { verdict: 'close', reason: 'idle' };
const kept: Verdict = { verdict: 'keep', reason: 'protected' };

function entryOf(outcome: Outcome, verdict: Verdict = idle, job: Partial<JobSnapshot> = {}): Entry {
  const entry = new Entry(idleJob(job), verdict);
  entry.settle(outcome, now);
  return entry;
}

/** The jobs in a report on these entries. */
const jobsOf = (entries: readonly Entry[]) => reportJobs(entries.map((entry) => fateOf(entry, now)));

const anyOutcome: fc.Arbitrary<Outcome> = fc.constantFrom<Outcome>(
  ...(Object.keys(outcomes) as OutcomeName[]).map((outcome): Outcome => {
    if (outcome === 'error') return { outcome, error: { status: 500, type: 't', reason: 'r' } };
    if (outcome === 'not_attempted') return { outcome, because: 'time' };
    return { outcome };
  }),
);
const anyVerdict = fc.constantFrom<Verdict>(
  idle,
  kept,
  { verdict: 'keep', reason: 'recent_data' },
  { verdict: 'force', reason: 'failed' },
  { verdict: 'wait', reason: 'already_closing' },
);
const anyEntries = fc
  .array(fc.tuple(anyOutcome, anyVerdict, fc.nat(10 ** 9), fc.nat(10 ** 9)))
  .map((all) =>
    all.map(([outcome, verdict, modelBytes, reservedBytes], index) =>
      entryOf(outcome, verdict, { jobId: `job-${index}`, modelBytes, reservedBytes }),
    ),
  );

describe('the counts of a report', () => {
  it('the counts of a report are the sums of the outcomes, with each job counted once and zeros included', () => {
    fc.assert(
      fc.property(anyEntries, fc.nat(), (entries, open) => {
        const counts = countEntries(entries, open);
        const byOutcome = Object.values(outcomes).map(({ count }) => counts[count]);
        expect(byOutcome.every((count) => Number.isInteger(count) && count >= 0)).toBe(true);
        expect(byOutcome.reduce((sum, count) => sum + count, 0)).toBe(counts.listed);
        expect(counts).toMatchObject({ open, listed: entries.length });
        expect(counts.idle).toBe(
          entries.filter(({ verdict }) => verdict.verdict === 'close' || verdict.verdict === 'force').length,
        );
        for (const [name, { count }] of Object.entries(outcomes))
          expect(counts[count]).toBe(entries.filter(({ outcome }) => outcome?.outcome === name).length);
      }),
    );
  });

  it('the counts of a report contain the kept jobs by reason', () => {
    const entries = [
      entryOf({ outcome: 'kept' }, kept),
      entryOf({ outcome: 'kept' }, kept),
      entryOf({ outcome: 'kept' }, { verdict: 'keep', reason: 'recent_data' }),
      entryOf({ outcome: 'revived' }, kept),
      entryOf({ outcome: 'closed' }),
    ];
    expect(countKept(entries)).toEqual({ protected: 2, recent_data: 1 });
    expect(countKept([entryOf({ outcome: 'kept' }, idle)])).toEqual({});
  });

  it('the counts of a report do not include jobs that have no outcome yet', () => {
    const entries = [new Entry(idleJob({ jobId: 'a' }), idle), entryOf({ outcome: 'closed' })];
    const none = Object.fromEntries(Object.values(outcomes).map(({ count }) => [count, 0]));
    expect(countEntries(entries, 7)).toEqual({ ...none, open: 7, listed: 2, idle: 2, closed: 1 });
    expect(countKept(entries)).toEqual({});
    expect(freed(entries, 'modelBytes')).toBe(10_000_000);
  });

  it.each(['modelBytes', 'reservedBytes'] as const)(
    'the freed %s in a report include only jobs that were closed or forced',
    (memory) => {
      fc.assert(
        fc.property(anyEntries, (entries) => {
          const sum = entries
            .filter(({ outcome }) => ['closed', 'force_closed'].includes(outcome?.outcome ?? ''))
            .reduce((total, { job }) => total + (job[memory] ?? 0), 0);
          expect(freed(entries, memory)).toBe(sum);
        }),
      );
      expect(freed([entryOf({ outcome: 'closed' }, idle, { [memory]: undefined })], memory)).toBe(0);
    },
  );
});

describe('the jobs of a report', () => {
  it('a report lists the jobs acted on, largest first, then the jobs kept for a notable reason', () => {
    const entries = [
      entryOf({ outcome: 'kept' }, kept, { jobId: 'protected', modelBytes: 9 }),
      entryOf({ outcome: 'kept' }, { verdict: 'keep', reason: 'recent_data' }, { jobId: 'busy' }),
      entryOf({ outcome: 'kept' }, { verdict: 'keep', reason: 'recently_opened' }, { jobId: 'opened' }),
      entryOf({ outcome: 'kept' }, { verdict: 'keep', reason: 'excluded' }, { jobId: 'excluded' }),
      entryOf({ outcome: 'closed' }, idle, { jobId: 'b', modelBytes: 1 }),
      entryOf({ outcome: 'closed' }, idle, { jobId: 'a', modelBytes: 1 }),
      entryOf({ outcome: 'closing' }, idle, { jobId: 'c', modelBytes: 2 }),
      // this job was judged again and was busy by then, which is notable, so the report lists it
      entryOf(
        { outcome: 'revived' },
        { verdict: 'keep', reason: 'recent_data' },
        { jobId: 'd', modelBytes: 0 },
      ),
    ];
    expect(jobsOf(entries).map(({ jobId }) => jobId)).toEqual(['c', 'a', 'b', 'd', 'protected']);
    const awaited = entries.map((entry) => ({ ...fateOf(entry, now), awaited: true }));
    expect(reportJobs(awaited)).toHaveLength(entries.length);
  });

  it.each([
    [['big', 'middle', 'small', 'a', 'b']],
    [['b', 'a', 'small', 'middle', 'big']],
    [['middle', 'b', 'big', 'a', 'small']],
  ])(
    'a report orders jobs by size, then jobs of unknown size by name, whatever their original order: %j',
    (order) => {
      const sizes: Record<string, number> = { big: 300, middle: 200, small: 100 };
      const entries = order.map((jobId) =>
        entryOf({ outcome: 'closed' }, idle, { jobId, modelBytes: sizes[jobId] }),
      );
      const ids = jobsOf(entries).map(({ jobId }) => jobId);
      expect(ids).toEqual(['big', 'middle', 'small', 'a', 'b']);
    },
  );

  it('a report shows when and how often a job was asked to close, in which request, and its outcome', () => {
    const error = { status: 409, type: 'status_exception', reason: 'no' };
    const entry = new Entry(
      idleJob({ nodeName: 'instance-1', modelBytes: undefined, state: 'closing' }),
      idle,
      { askedAt: now - hour, lastActivity: now - 4 * day },
      2,
    );
    Object.assign(entry, { asks: 1, batch: 3, datafeedStopped: true });
    entry.settle({ outcome: 'error', error }, now + 1_500);
    expect(jobsOf([entry])).toEqual([
      {
        jobId: 'idle-1',
        state: 'closing',
        lastActivity: '2026-11-19T12:00:00.000Z',
        idleMs: 4 * day,
        verdict: 'close',
        reason: 'idle',
        outcome: 'error',
        attempts: 3,
        nodeId: 'node-a',
        nodeName: 'instance-1',
        datafeedId: 'datafeed-idle-1',
        datafeedStopped: true,
        askedAt: '2026-11-23T11:00:00.000Z',
        settledAt: '2026-11-23T12:00:01.500Z',
        batch: 3,
        error,
      },
    ]);
  });

  it('a report is not made if a job has no outcome, which is a bug, and the error names the job', () => {
    const unsettled = new Entry(idleJob(), idle);
    expect(() => jobsOf([unsettled])).toThrow(/^the job idle-1 was given no outcome$/);
  });

  it('a report omits unknown values', () => {
    const bare: Partial<JobSnapshot> = {
      jobId: 'bare',
      nodeId: undefined,
      openedAt: undefined,
      lastDataTime: undefined,
      modelBytes: undefined,
      datafeed: undefined,
    };
    expect(jobsOf([entryOf({ outcome: 'kept' }, kept, bare)])).toEqual([
      { jobId: 'bare', state: 'opened', verdict: 'keep', reason: 'protected', outcome: 'kept', attempts: 0 },
    ]);
    expect(jobsOf([entryOf({ outcome: 'not_attempted', because: 'fuse' })])).toEqual([
      {
        jobId: 'idle-1',
        state: 'opened',
        lastActivity: new Date(now - 5 * day).toISOString(),
        idleMs: 5 * day,
        verdict: 'close',
        reason: 'idle',
        outcome: 'not_attempted',
        attempts: 0,
        memoryBytes: 10_000_000,
        nodeId: 'node-a',
        datafeedId: 'datafeed-idle-1',
        notAttemptedBecause: 'fuse',
      },
    ]);
  });

  it.each([
    ['far in the future', 1e300],
    ['far in the past', -1e300],
    ['before the first date that JavaScript can represent', -8.65e15],
  ])('a report omits a job’s last activity if its time is %s', (_when, moment) => {
    const [job] = jobsOf([entryOf({ outcome: 'closed' }, idle, { lastDataTime: moment, openedAt: moment })]);
    expect(job).not.toHaveProperty('lastActivity');
    expect(Number.isFinite(job?.idleMs)).toBe(true);
    expect(JSON.parse(JSON.stringify(job))).toEqual(job);
  });

  it('a report never shows a negative idle time', () => {
    const [job] = jobsOf([entryOf({ outcome: 'closed' }, idle, { lastDataTime: now + hour })]);
    expect(job?.idleMs).toBe(0);
  });
});
