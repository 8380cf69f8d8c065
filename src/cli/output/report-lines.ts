/** @module A report as JSON lines in the format of the function's log: one per job, then one for the sweep. */

import { plainJson } from '../../base/text.ts';
import type { SweepReport } from '../../sweep/reporting/report.ts';

/** Returns JSON lines that log readers can parse, ending with a line break. */
export function reportLines({ jobs, ...rest }: SweepReport): string {
  const { sweepId, cluster, startedAt, followUpOf } = rest;
  const lines = [
    ...jobs.map((job) => ({
      message: 'job swept',
      sweepId,
      cluster,
      startedAt,
      ...(followUpOf && { followUpOf }),
      ...job,
    })),
    { message: 'sweep finished', ...rest },
  ];
  return `${lines.map((line) => plainJson(line)).join('\n')}\n`;
}
