/**
 * @module Writes the numbers of a sweep as CloudWatch metrics in the embedded metric format. Alarms use the names of
 * these metrics.
 */
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Environment } from '../settings/environment.ts';
import type { SweepReport } from '../sweep/reporting/report.ts';
import { stampOf } from './audit-log.ts';

export const metricsNamespace = 'jobsweep';

/** The metrics that are published in addition to the report's counts. */
export const extraMetrics = {
  freedBytes: { unit: MetricUnit.Bytes, means: 'memory of the jobs that were closed' },
  durationMs: { unit: MetricUnit.Milliseconds, means: 'duration of the sweep' },
  refused: { unit: MetricUnit.Count, means: '1 if a fuse stopped the sweep, else 0' },
  partial: {
    unit: MetricUnit.Count,
    means: '1 if a job failed, is unknown or was left without a follow-up, else 0',
  },
  needsAttention: {
    unit: MetricUnit.Count,
    means: '1 if the sweep was refused, is partial, or failed without a report, else 0',
  },
  followedUp: { unit: MetricUnit.Count, means: 'jobs that the follow-up takes' },
} as const;

/** Writes one line with every count, zeros included. A missing count would look as if the function were down. */
export function publishMetrics(report: SweepReport, environment: Environment): void {
  const extra: Record<keyof typeof extraMetrics, number> = {
    freedBytes: report.freedBytes,
    durationMs: report.durationMs,
    refused: report.status === 'refused' ? 1 : 0,
    partial: report.status === 'partial' ? 1 : 0,
    needsAttention: report.status === 'done' ? 0 : 1,
    followedUp: report.followUp?.jobs ?? 0,
  };
  publishValues({ cluster: report.cluster.name }, { ...report.counts, ...extra }, environment);
}

/** Writes one line with the metrics in `values`. Their dimensions are `service` and the given one. */
export function publishValues(
  dimension: Readonly<Record<string, string>>,
  values: Readonly<Record<string, number>>,
  environment: Environment,
): void {
  const metrics = new Metrics({ namespace: metricsNamespace, serviceName: 'jobsweep' });
  metrics.addDimensions(dimension);
  for (const [name, value] of Object.entries(values)) metrics.addMetric(name, unitOf(name), value);
  // Not `publishStoredMetrics`, which POWERTOOLS_DEV and POWERTOOLS_METRICS_DISABLED turn off.
  const line = { ...stampOf('INFO', environment), ...metrics.serializeMetrics() };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const unitOf = (name: string) =>
  name in extraMetrics ? extraMetrics[name as keyof typeof extraMetrics].unit : MetricUnit.Count;
