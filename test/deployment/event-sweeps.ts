/** @module The expected result of a sweep of the default fleet, for each payload of `events/`. */
import { expect } from 'vitest';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';

export function expectSweepOf(event: string, report: SweepReport): void {
  expect(report).toMatchObject({ dryRun: event === 'dry-run.json', fuse: null });
  expect(report.status).toMatch(/^(done|partial)$/);
  expect(report.counts.listed).toBeGreaterThan(0);
  const closed = report.counts.closed + report.counts.forceClosed;
  expect(closed > 0 || report.dryRun || report.counts.idle === 0).toBe(true);
}
