import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitReport } from '../../../src/sweep/reporting/fit-report.ts';
import { countEntries, type ReportedJob, type SweepReport } from '../../../src/sweep/reporting/report.ts';
import { now } from '../../support/jobs.ts';

describe('fitting a report into a size limit', () => {
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
    request: { idleFor: '48h' },
    dryRun: false,
    status: 'done',
    startedAt: new Date(now).toISOString(),
    durationMs: 1,
    counts: countEntries([], 0),
    kept: {},
    freedBytes: 0,
    freedReservedBytes: 0,
    jobs,
    fuse: null,
    followUp: null,
    warnings: [],
    ...changes,
  });
  const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

  it('a report that fits is returned unchanged', () => {
    const report = reportOf([jobNamed('a'), jobNamed('b')], { warnings: ['careful'] });
    expect(fitReport(report, bytes(report))).toBe(report);
  });

  it('a report that is too long leaves out its last jobs and counts them in jobsOmitted', () => {
    const jobs = Array.from({ length: 1_000 }, (_, index) => jobNamed(`job-${index}`));
    const fit = fitReport(reportOf(jobs), 50_000);
    expect(bytes(fit)).toBeLessThanOrEqual(50_000);
    expect(bytes(fit)).toBeGreaterThan(49_800);
    expect(fit.jobs).toEqual(jobs.slice(0, fit.jobs.length));
    expect(fit.jobsOmitted).toBe(1_000 - fit.jobs.length);
  });

  it('a report that is too long uses at most a tenth of the size limit for the names from its request, and cuts `jobs` before `exclude`', () => {
    const names = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => `${prefix}-${10_000 + index}`);
    const jobs = Array.from({ length: 200 }, (_, index) => jobNamed(`job-${index}`));
    const request = { idleFor: '48h', jobs: names('job', 9_000), exclude: names('safe', 100) };
    const fit = fitReport(reportOf(jobs, { request }), 50_000);
    expect(bytes(fit)).toBeLessThanOrEqual(50_000);
    expect(bytes(fit.request)).toBeLessThanOrEqual(5_100);
    expect(fit.jobs).toEqual(jobs);
    const { idleFor, exclude, namesOmitted, jobs: named = [] } = fit.request;
    expect({ idleFor, exclude }).toEqual({ idleFor: '48h', exclude: request.exclude });
    expect(named).toEqual(request.jobs.slice(0, named.length));
    expect(namesOmitted).toBe(9_000 - named.length);
  });

  it('a report keeps as many jobs as fit, to the byte', () => {
    const jobs = Array.from({ length: 1_999 }, (_, index) => jobNamed(`job-${1_000 + index}`));
    const expected = reportOf(jobs.slice(0, 400), { jobsOmitted: 1_599 });
    const max = bytes(expected) + 1;
    expect(fitReport(reportOf(jobs), max)).toEqual(expected);
    expect(fitReport(reportOf(jobs), max - 1).jobs).toHaveLength(399);
  });

  it('a report leaves out each job that takes more than a hundredth of the size limit', () => {
    // a job of exactly `length` bytes, including its comma
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

  it.each(['flapping', 'reopened'] as const)(
    'a report that is too long uses at most a tenth of the size limit for %s jobs',
    (field) => {
      const flaps = Array.from({ length: 200 }, (_, index) => ({
        jobId: `job-${1_000 + index}`,
        closes: 3,
        lastClosedAt: new Date(now).toISOString(),
      }));
      const jobs = Array.from({ length: 1_000 }, (_, index) => jobNamed(`job-${index}`));
      const room = Math.floor(5_000 / (bytes(flaps[0]) + 1));
      const few = flaps.slice(0, 3);
      expect(fitReport(reportOf(jobs, { [field]: flaps }), 50_000)[field]).toEqual(flaps.slice(0, room));
      expect(fitReport(reportOf(jobs, { [field]: few }), 50_000)[field]).toEqual(few);
      expect(fitReport(reportOf(jobs), 50_000)).not.toHaveProperty(field);
    },
  );

  it('a report leaves out a huge job but keeps the jobs after it', () => {
    const error = { status: 500, type: 't', reason: '漢'.repeat(30_000) };
    const jobs = [
      jobNamed('huge', { outcome: 'error', error }),
      ...Array.from({ length: 50 }, (_, index) => jobNamed(`job-${index}`)),
    ];
    const fit = fitReport(reportOf(jobs), 50_000);
    expect(fit.jobs.map(({ jobId }) => jobId)).toEqual(jobs.slice(1).map(({ jobId }) => jobId));
    expect(fit.jobsOmitted).toBe(1);
  });

  it('a report leaves out warnings before it leaves out jobs that were acted on, and counts the omitted warnings', () => {
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
      `${5_000 - fit.warnings.length + 1} more warnings left out because the report is too long`,
    );
  });

  it('a report that is too long uses at most a tenth of the size limit for warnings, including the note about omitted warnings', () => {
    const jobs = Array.from({ length: 1_000 }, (_, index) => jobNamed(`job-${index}`));
    const all = ['x'.repeat(4_996)];
    expect(bytes(all)).toBe(5_000);
    expect(fitReport(reportOf(jobs, { warnings: all }), 50_000).warnings).toEqual(all);
    // Each warning takes 100 bytes with quotes and comma. The note on omitted warnings takes more than half of that.
    const many = Array.from({ length: 60 }, (_, index) => `${index}`.padEnd(97, '.'));
    expect(fitReport(reportOf(jobs, { warnings: many }), 50_000).warnings).toEqual([
      ...many.slice(0, 49),
      '11 more warnings left out because the report is too long',
    ]);
  });

  it('a report leaves out a single warning that takes more than half of the space for warnings', () => {
    const warnings = ['first', 'x'.repeat(3_000), 'y'.repeat(2_497), 'z'.repeat(2_498), 'last'];
    expect(fitReport(reportOf([], { warnings: [...warnings, 'x'.repeat(60_000)] }), 50_000).warnings).toEqual(
      ['first', 'y'.repeat(2_497), 'last', '3 more warnings left out because the report is too long'],
    );
  });

  it('a report keeps the warnings before and after a huge one', () => {
    const fit = fitReport(reportOf([], { warnings: ['first', 'x'.repeat(60_000), 'last'] }), 50_000);
    expect(fit.warnings).toEqual(['first', 'last', '1 more warning left out because the report is too long']);
  });

  it('any report can be made to fit by leaving out jobs, warnings and flapping jobs, without changing the other fields', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.nat(4_000).map((length) => '\u0001漢"x'.repeat(length / 4)),
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
        fc.integer({ min: 3_000, max: 20_000 }),
        (jobs, warnings, flaps, max) => {
          const report = reportOf(jobs, { warnings, ...(flaps && { flapping: flaps as never }) });
          const fit = fitReport(report, max);
          expect(bytes(fit)).toBeLessThanOrEqual(max);
          expect(fit.jobs.length + (fit.jobsOmitted ?? 0)).toBe(jobs.length);
          expect(jobs.filter((each) => fit.jobs.includes(each))).toEqual(fit.jobs);
          if (bytes(report) <= max) expect(fit).toEqual(report);
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
