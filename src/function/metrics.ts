/** @module The numbers of a sweep as CloudWatch metrics, in the embedded form that needs no call. Alarms rest on these names. */
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Environment } from '../settings/find-connection.ts';
import type { SweepReport } from '../sweep/reporting/report.ts';
import { stampOf } from './audit-log.ts';

export const metricsNamespace = 'jobsweep';

/** The metrics beside the report's counts, which carry their own names. */
export const extraMetrics = {
  freedBytes: { unit: MetricUnit.Bytes, means: 'memory of the jobs that were closed' },
  durationMs: { unit: MetricUnit.Milliseconds, means: 'how long the sweep took' },
  refused: { unit: MetricUnit.Count, means: '1 when a fuse stopped the sweep, else 0' },
  partial: { unit: MetricUnit.Count, means: '1 when something was left that nobody comes back for, else 0' },
  followedUp: { unit: MetricUnit.Count, means: 'jobs that a follow-up was arranged for' },
} as const;

/** Writes one line with every count, zeros included: an alarm on a missing number could not tell rest from death. */
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
  // not `publishStoredMetrics`, which POWERTOOLS_DEV and POWERTOOLS_METRICS_DISABLED turn off
  const line = { ...stampOf('INFO', environment), ...metrics.serializeMetrics() };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
