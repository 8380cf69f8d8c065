/** @module Tests where the bars of the timeline end. */
import { expect, it } from 'vitest';
import { timeline } from '../../../../src/cli/output/html/timeline.ts';
import type { ReportedJob, SweepReport } from '../../../../src/sweep/reporting/report.ts';

const at = (second: number) => new Date(Date.UTC(2026, 10, 23, 12, 0, second)).toISOString();

const rowsOf = (times: Pick<ReportedJob, 'closedAt' | 'settledAt'>) => {
  const job = { jobId: 'a', nodeName: 'ml-0', batch: 1, outcome: 'closed', askedAt: at(10), ...times };
  const report = { startedAt: at(0), durationMs: 60_000, jobs: [job] } as unknown as SweepReport;
  return timeline(report)?.table.rows;
};

it.each([
  [
    'when the job was seen closed, even if the request took longer',
    { closedAt: at(15), settledAt: at(40) },
    '5 s',
  ],
  ['when its outcome was known, if the job was not seen closed', { settledAt: at(40) }, '30 s'],
  ['at the end of the sweep, if neither time is known', {}, '50 s'],
])('in the timeline, the bar of a job ends %s', (_when, times, took) => {
  expect(rowsOf(times)).toEqual([['1', 'ml-0', 'a', '10 s', took, 'closed']]);
});
