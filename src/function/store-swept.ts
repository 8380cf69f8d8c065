/**
 * @module Stores the reports of the function's sweeps in Elasticsearch. Loaded on demand. A failure only causes a log
 * line.
 */
import { systemClock } from '../base/system-clock.ts';
import { secretReader } from '../settings/secrets.ts';
import { type StoreReport, storeReport } from '../settings/store-report.ts';
import { runbookLink } from '../sweep/reporting/runbook.ts';
import type { WriteLine } from './audit-log.ts';

export interface StoreSwept extends Pick<StoreReport, 'report' | 'plan' | 'swept' | 'environment' | 'clock'> {
  /** Milliseconds until the function must return its report. */
  readonly remainingMs: number;
  readonly write: WriteLine;
}

/** Time limit for storing the report, in milliseconds. */
const maxMs = 20_000;

export async function storeSwept({ remainingMs, write, ...given }: StoreSwept): Promise<void> {
  const limitMs = Math.min(maxMs, remainingMs);
  const readSecret = secretReader(systemClock, given.environment, limitMs);
  const problems = await storeReport({ ...given, provider: 'function', readSecret, limitMs });
  for (const problem of problems)
    write('WARN', 'report not stored', {
      sweepId: given.report.sweepId,
      problem,
      runbook: runbookLink('report-not-stored'),
    });
}
