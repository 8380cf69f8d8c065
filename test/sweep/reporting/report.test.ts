import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Entry, type Outcome } from '../../../src/sweep/closing/ledger.ts';
import type { JobSnapshot } from '../../../src/sweep/planning/inventory.ts';
import type { Verdict } from '../../../src/sweep/planning/verdict.ts';
import {
  countEntries,
  countKept,
  fateOf,
  fitReport,
  freedBytes,
  leftUndone,
  type ReportedJob,
  reportJobs,
  type SweepReport,
} from '../../../src/sweep/reporting/report.ts';
import { type OutcomeName, outcomes } from '../../../src/sweep/vocabulary.ts';
import { day, hour, idleJob, now } from '../../support/jobs.ts';

const idle: Verdict = { verdict: 'close', reason: 'idle' };
const kept: Verdict = { verdict: 'keep', reason: 'protected' };

function entryOf(outcome: Outcome, verdict: Verdict = idle, job: Partial<JobSnapshot> = {}): Entry {
  const entry = new Entry(idleJob(job), verdict);
  entry.settle(outcome, now);
  return entry;
}

/** The jobs of a report on these entries. */
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
  .array(fc.tuple(anyOutcome, anyVerdict, fc.nat(10 ** 9)))
  .map((all) =>
    all.map(([outcome, verdict, modelBytes], index) =>
      entryOf(outcome, verdict, { jobId: `job-${index}`, modelBytes }),
    ),
  );

describe('the counts of a report', () => {
  it('are the sum of the outcomes, each entry once, zeros included', () => {
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

  it('tell by reason what was kept', () => {
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

  it('say nothing yet of what became of a job that is still under way', () => {
    const entries = [new Entry(idleJob({ jobId: 'a' }), idle), entryOf({ outcome: 'closed' })];
    const none = Object.fromEntries(Object.values(outcomes).map(({ count }) => [count, 0]));
    expect(countEntries(entries, 7)).toEqual({ ...none, open: 7, listed: 2, idle: 2, closed: 1 });
    expect(countKept(entries)).toEqual({});
    expect(freedBytes(entries)).toBe(10_000_000);
    expect(leftUndone(entries, new Set())).toBe(false);
  });

  it('free the memory of what was closed, by force or not, and of nothing else', () => {
    fc.assert(
      fc.property(anyEntries, (entries) => {
        const freed = entries
          .filter(({ outcome }) => ['closed', 'force_closed'].includes(outcome?.outcome ?? ''))
          .reduce((sum, { job }) => sum + (job.modelBytes ?? 0), 0);
        expect(freedBytes(entries)).toBe(freed);
      }),
    );
    expect(freedBytes([entryOf({ outcome: 'closed' }, idle, { modelBytes: undefined })])).toBe(0);
  });
});

describe('what is left undone', () => {
  it.each<[Outcome, boolean]>([
    [{ outcome: 'closed' }, false],
    [{ outcome: 'force_closed' }, false],
    [{ outcome: 'already_closed' }, false],
    [{ outcome: 'kept' }, false],
    [{ outcome: 'gone' }, false],
    [{ outcome: 'revived' }, false],
    [{ outcome: 'closing' }, true],
    [{ outcome: 'unknown' }, true],
    [{ outcome: 'error', error: { status: 0, type: 't', reason: 'r' } }, true],
    [{ outcome: 'not_attempted', because: 'time' }, true],
    [{ outcome: 'not_attempted', because: 'limit' }, true],
    [{ outcome: 'not_attempted', because: 'signal' }, true],
    [{ outcome: 'not_attempted', because: 'fuse' }, false],
    [{ outcome: 'not_attempted', because: 'dry_run' }, false],
  ])('%j: %s', (outcome, expected) => {
    expect(leftUndone([entryOf({ outcome: 'closed' }), entryOf(outcome)], new Set())).toBe(expected);
  });

  it('is nothing where somebody comes back for what is closing', () => {
    const entry = entryOf({ outcome: 'closing' });
    expect(leftUndone([entry], new Set([entry.jobId]))).toBe(false);
    expect(leftUndone([entry], new Set(['another']))).toBe(true);
  });

  it.each<Outcome>([
    { outcome: 'unknown' },
    { outcome: 'error', error: { status: 0, type: 't', reason: 'r' } },
    { outcome: 'not_attempted', because: 'limit' },
  ])('is what ended as %j, even where somebody comes back for the job', (outcome) => {
    const entry = entryOf(outcome);
    expect(leftUndone([entry], new Set([entry.jobId]))).toBe(true);
  });
});

describe('the jobs of a report', () => {
  it('are those that were acted on, the largest first, and then those that were left alone for a reason to look at', () => {
    const entries = [
      entryOf({ outcome: 'kept' }, kept, { jobId: 'protected', modelBytes: 9 }),
      entryOf({ outcome: 'kept' }, { verdict: 'keep', reason: 'recent_data' }, { jobId: 'busy' }),
      entryOf({ outcome: 'kept' }, { verdict: 'keep', reason: 'recently_opened' }, { jobId: 'opened' }),
      entryOf({ outcome: 'kept' }, { verdict: 'keep', reason: 'excluded' }, { jobId: 'excluded' }),
      entryOf({ outcome: 'closed' }, idle, { jobId: 'b', modelBytes: 1 }),
      entryOf({ outcome: 'closed' }, idle, { jobId: 'a', modelBytes: 1 }),
      entryOf({ outcome: 'closing' }, idle, { jobId: 'c', modelBytes: 2 }),
      // judged anew, and busy by now: that is worth telling
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
  ])('stand by size, those of unknown size last and by name, whatever order they came in: %j', (order) => {
    const sizes: Record<string, number> = { big: 300, middle: 200, small: 100 };
    const entries = order.map((jobId) =>
      entryOf({ outcome: 'closed' }, idle, { jobId, modelBytes: sizes[jobId] }),
    );
    const ids = jobsOf(entries).map(({ jobId }) => jobId);
    expect(ids).toEqual(['big', 'middle', 'small', 'a', 'b']);
  });

  it('tell when and how often they were asked, in which request, and what came of it', () => {
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

  it('are never without an outcome: that would be a bug, which names the job', () => {
    const unsettled = new Entry(idleJob(), idle);
    expect(() => jobsOf([unsettled])).toThrow(/^the job idle-1 was given no outcome$/);
  });

  it('tell what is known and leave out what is not', () => {
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
    ['before there were dates', -8.65e15],
  ])('have no date for a clock that is %s', (_when, moment) => {
    const [job] = jobsOf([entryOf({ outcome: 'closed' }, idle, { lastDataTime: moment, openedAt: moment })]);
    expect(job).not.toHaveProperty('lastActivity');
    expect(Number.isFinite(job?.idleMs)).toBe(true);
    expect(JSON.parse(JSON.stringify(job))).toEqual(job);
  });

  it('have not been idle for less than no time', () => {
    const [job] = jobsOf([entryOf({ outcome: 'closed' }, idle, { lastDataTime: now + hour })]);
    expect(job?.idleMs).toBe(0);
  });
});

describe('a report that must fit', () => {
  const jobNamed = (jobId: string, changes: Partial<ReportedJob> = {}): ReportedJob => ({
    jobId,
    state: 'opened',
    verdict: 'close',
    reason: 'idle',
    outcome: 'closed',
    attempts: 1,
    ...changes,
  });
  const reportOf = (jobs: readonly ReportedJob[], changes: Partial<SweepReport> = {}): SweepReport => ({
    sweepId: 'sweep-1',
    cluster: { name: 'default', id: 'uuid', version: '9.2.1' },
    dryRun: false,
    status: 'done',
    startedAt: new Date(now).toISOString(),
    durationMs: 1,
    counts: countEntries([], 0),
    kept: {},
    freedBytes: 0,
    jobs,
    fuse: null,
    followUp: null,
    warnings: [],
    ...changes,
  });
  const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

  it('is left as it is when it does', () => {
    const report = reportOf([jobNamed('a'), jobNamed('b')], { warnings: ['careful'] });
    expect(fitReport(report, bytes(report))).toBe(report);
  });

  it('leaves out the last jobs, and says how many', () => {
    const jobs = Array.from({ length: 1_000 }, (_, index) => jobNamed(`job-${index}`));
    const fit = fitReport(reportOf(jobs), 50_000);
    expect(bytes(fit)).toBeLessThanOrEqual(50_000);
    expect(bytes(fit)).toBeGreaterThan(49_800);
    expect(fit.jobs).toEqual(jobs.slice(0, fit.jobs.length));
    expect(fit.jobsOmitted).toBe(1_000 - fit.jobs.length);
  });

  it('holds as many jobs as there is room for, to the byte and a comma', () => {
    const jobs = Array.from({ length: 1_999 }, (_, index) => jobNamed(`job-${1_000 + index}`));
    const expected = reportOf(jobs.slice(0, 400), { jobsOmitted: 1_599 });
    const most = bytes(expected) + 1;
    expect(fitReport(reportOf(jobs), most)).toEqual(expected);
    expect(fitReport(reportOf(jobs), most - 1).jobs).toHaveLength(399);
  });

  it('leaves out by itself each job of more than a hundredth of the room', () => {
    // one that takes `length` bytes with its comma
    const sized = (jobId: string, length: number) => {
      const reason = 'x'.repeat(
        length - 1 - bytes(jobNamed(jobId, { error: { status: 1, type: 't', reason: '' } })),
      );
      return jobNamed(jobId, { error: { status: 1, type: 't', reason } });
    };
    const jobs = [sized('at', 500), sized('over', 501), sized('at-too', 500)];
    const fit = fitReport(reportOf(jobs, { warnings: ['x'.repeat(60_000)] }), 50_000);
    expect(fit.jobs.map(({ jobId }) => jobId)).toEqual(['at', 'at-too']);
    expect(fit.jobsOmitted).toBe(1);
  });

  it('gives a tenth of the room to the jobs that flap', () => {
    const flaps = Array.from({ length: 200 }, (_, index) => ({
      jobId: `job-${1_000 + index}`,
      closes: 3,
      lastClosedAt: new Date(now).toISOString(),
    }));
    const jobs = Array.from({ length: 1_000 }, (_, index) => jobNamed(`job-${index}`));
    const room = Math.floor(5_000 / (bytes(flaps[0]) + 1));
    const few = flaps.slice(0, 3);
    expect(fitReport(reportOf(jobs, { flapping: flaps }), 50_000).flapping).toEqual(flaps.slice(0, room));
    expect(fitReport(reportOf(jobs, { flapping: few }), 50_000).flapping).toEqual(few);
    expect(fitReport(reportOf(jobs), 50_000)).not.toHaveProperty('flapping');
  });

  it('leaves out one job that is huge, and not those after it', () => {
    const error = { status: 500, type: 't', reason: '漢'.repeat(30_000) };
    const jobs = [
      jobNamed('huge', { outcome: 'error', error }),
      ...Array.from({ length: 50 }, (_, index) => jobNamed(`job-${index}`)),
    ];
    const fit = fitReport(reportOf(jobs), 50_000);
    expect(fit.jobs.map(({ jobId }) => jobId)).toEqual(jobs.slice(1).map(({ jobId }) => jobId));
    expect(fit.jobsOmitted).toBe(1);
  });

  it('leaves out warnings before it leaves out what was done, and says how many', () => {
    const warnings = Array.from(
      { length: 5_000 },
      (_, index) => `custom_settings.jobsweep of job-${index} cannot be read`,
    );
    const jobs = Array.from({ length: 200 }, (_, index) => jobNamed(`job-${index}`));
    const fit = fitReport(reportOf(jobs, { warnings }), 50_000);
    expect(fit.jobs).toHaveLength(200);
    expect(fit).not.toHaveProperty('jobsOmitted');
    expect(fit.warnings.slice(0, -1)).toEqual(warnings.slice(0, fit.warnings.length - 1));
    expect(fit.warnings.at(-1)).toBe(
      `${5_000 - fit.warnings.length + 1} more warnings left out, as the report is too long`,
    );
  });

  it('gives a tenth of the room to the warnings, the word on what is left out included', () => {
    const jobs = Array.from({ length: 1_000 }, (_, index) => jobNamed(`job-${index}`));
    const all = ['x'.repeat(4_996)];
    expect(bytes(all)).toBe(5_000);
    expect(fitReport(reportOf(jobs, { warnings: all }), 50_000).warnings).toEqual(all);
    // each takes 100 bytes with its quotes and its comma, and the word on the rest more than the room of half of one
    const many = Array.from({ length: 60 }, (_, index) => `${index}`.padEnd(97, '.'));
    expect(fitReport(reportOf(jobs, { warnings: many }), 50_000).warnings).toEqual([
      ...many.slice(0, 49),
      '11 more warnings left out, as the report is too long',
    ]);
  });

  it('leaves out by itself a warning that takes more than half of the room for all', () => {
    const warnings = ['first', 'x'.repeat(3_000), 'y'.repeat(2_497), 'z'.repeat(2_498), 'last'];
    expect(fitReport(reportOf([], { warnings: [...warnings, 'x'.repeat(60_000)] }), 50_000).warnings).toEqual(
      ['first', 'y'.repeat(2_497), 'last', '3 more warnings left out, as the report is too long'],
    );
  });

  it('keeps the warnings beside one that is huge', () => {
    const fit = fitReport(reportOf([], { warnings: ['first', 'x'.repeat(60_000), 'last'] }), 50_000);
    expect(fit.warnings).toEqual(['first', 'last', '1 more warning left out, as the report is too long']);
  });

  it('does so whatever is in it', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.nat(40_000).map((length) => '\u0001漢"x'.repeat(length / 4)),
    );
    const job = fc
      .record({ jobId: text, state: text, nodeName: text, kept: fc.boolean() })
      .map(({ kept: alone, ...rest }) =>
        jobNamed(rest.jobId, { ...rest, outcome: alone ? 'kept' : 'closed' }),
      );
    const flapping = fc.option(fc.array(fc.record({ jobId: text, times: fc.nat(), lastClosed: text })), {
      nil: undefined,
    });
    fc.assert(
      fc.property(
        fc.array(job),
        fc.array(text),
        flapping,
        fc.integer({ min: 3_000, max: 200_000 }),
        (jobs, warnings, flaps, most) => {
          const report = reportOf(jobs, { warnings, ...(flaps && { flapping: flaps as never }) });
          const fit = fitReport(report, most);
          expect(bytes(fit)).toBeLessThanOrEqual(most);
          expect(fit.jobs.length + (fit.jobsOmitted ?? 0)).toBe(jobs.length);
          expect(jobs.filter((each) => fit.jobs.includes(each))).toEqual(fit.jobs);
          if (bytes(report) <= most) expect(fit).toEqual(report);
          expect(fit.jobsOmitted).not.toBe(0);
          const {
            jobs: _jobs,
            warnings: _warnings,
            flapping: _flapping,
            jobsOmitted: _omitted,
            ...rest
          } = fit;
          const { jobs: _j, warnings: _w, flapping: _f, ...whole } = report;
          expect(rest).toEqual(whole);
        },
      ),
    );
  });
});
