/** @module A report as lines of JSON, in the form of the function's log: one line a job, then one for the sweep. */

import { plainJson } from '../../base/text.ts';
import type { SweepReport } from '../../sweep/reporting/report.ts';

/** Ends with a line end. What reads the log reads these lines too. */
export function reportLines({ jobs, ...rest }: SweepReport): string {
  const { sweepId, cluster, startedAt } = rest;
  const lines = [
    ...jobs.map((job) => ({ message: 'job swept', sweepId, cluster, startedAt, ...job })),
    { message: 'sweep finished', ...rest },
  ];
  return `${lines.map((line) => plainJson(line)).join('\n')}\n`;
}
