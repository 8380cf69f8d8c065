/** @module Writes the numbers of a sweep as CloudWatch metrics in the embedded metric format. Alarms use these names. */
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Environment } from '../settings/find-connection.ts';
import type { SweepReport } from '../sweep/reporting/report.ts';
import { stampOf } from './audit-log.ts';

export const metricsNamespace = 'jobsweep';

/** The metrics in addition to the report's counts. */
export const extraMetrics = {
  freedBytes: { unit: MetricUnit.Bytes, means: 'memory of the jobs that were closed' },
  durationMs: { unit: MetricUnit.Milliseconds, means: 'duration of the sweep' },
  refused: { unit: MetricUnit.Count, means: '1 if a fuse stopped the sweep, else 0' },
  partial: {
    unit: MetricUnit.Count,
    means: '1 if a job failed, is unknown or was left without a follow-up, else 0',
  },
  followedUp: { unit: MetricUnit.Count, means: 'jobs that the follow-up takes' },
} as const;

/** Writes one line with every count, zeros included. A missing number would look the same as a function that is down. */
export function publishMetrics(report: SweepReport, environment: Environment): void {
  const metrics = new Metrics({ namespace: metricsNamespace, serviceName: 'jobsweep' });
  metrics.addDimension('cluster', report.cluster.name);
  for (const [name, value] of Object.entries(report.counts)) metrics.addMetric(name, MetricUnit.Count, value);
  const extra: Record<keyof typeof extraMetrics, number> = {
    freedBytes: report.freedBytes,
    durationMs: report.durationMs,
    refused: report.status === 'refused' ? 1 : 0,
    partial: report.status === 'partial' ? 1 : 0,
    followedUp: report.followUp?.jobs ?? 0,
  };
  for (const [name, value] of Object.entries(extra))
    metrics.addMetric(name, extraMetrics[name as keyof typeof extra].unit, value);
  // Not `publishStoredMetrics`, which POWERTOOLS_DEV and POWERTOOLS_METRICS_DISABLED turn off.
  const line = { ...stampOf('INFO', environment), ...metrics.serializeMetrics() };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
