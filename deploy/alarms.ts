/** @module The CloudWatch alarms on the function, its queues, and each cluster's sweeps. */
import { metricsNamespace } from '../src/function/metrics.ts';
import type { Resource, Resources } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';
import { logicalPart } from './schedules.ts';

export interface Metric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: unknown }[];
}

/** A metric that the function publishes for a cluster; see `src/function/metrics.ts`. */
export const sweepMetric = (MetricName: string, cluster: string): Metric => ({
  Namespace: metricsNamespace,
  MetricName,
  Dimensions: [
    { Name: 'service', Value: 'jobsweep' },
    { Name: 'cluster', Value: cluster },
  ],
});

export const functionMetric = (MetricName: string): Metric => ({
  Namespace: 'AWS/Lambda',
  MetricName,
  Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'SweepLambdaFunction' } }],
});

const queueMetric = (queue: string): Metric => ({
  Namespace: 'AWS/SQS',
  MetricName: 'ApproximateNumberOfMessagesVisible',
  Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [queue, 'QueueName'] } }],
});

/** All alarms of the stack, by logical id. */
export function alarms(
  prefix: string,
  clusters: readonly string[],
  { alarmTopicArn, missingAfterHours }: Parameters,
): Resources {
  const alarm = (name: string, AlarmDescription: string, metric: Metric, more: object = {}): Resource => ({
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: `${prefix}-${name}`,
      AlarmDescription,
      ...metric,
      Statistic: 'Sum',
      Period: 300,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      ...(alarmTopicArn !== undefined && { AlarmActions: [alarmTopicArn], OKActions: [alarmTopicArn] }),
      ...more,
    },
  });
  const resources: Resources = {
    AlarmSweepFailed: alarm(
      'sweep-failed',
      'A sweep ended without a report: the log says why (a setting, the request, or the cluster).',
      functionMetric('Errors'),
    ),
    AlarmUndelivered: alarm(
      'undelivered',
      'The Scheduler gave up on invoking the function: see the attributes of the messages in the queue.',
      queueMetric('UndeliveredQueue'),
      { Statistic: 'Maximum' },
    ),
    AlarmFailedEvents: alarm(
      'failed-events',
      'Lambda gave up on an event: the sweep failed, or it waited for more than an hour.',
      queueMetric('FailedQueue'),
      { Statistic: 'Maximum' },
    ),
  };
  for (const cluster of clusters) {
    const id = logicalPart(cluster);
    resources[`AlarmSweepMissing${id}`] = alarm(
      `sweep-missing-${cluster}`,
      `No sweep of the cluster ${cluster} finished within ${missingAfterHours} hours.`,
      sweepMetric('durationMs', cluster),
      {
        Statistic: 'SampleCount',
        Period: 3_600,
        EvaluationPeriods: missingAfterHours,
        ComparisonOperator: 'LessThanThreshold',
        // no data means that no sweep ran
        TreatMissingData: 'breaching',
      },
    );
    resources[`AlarmFuseBlew${id}`] = alarm(
      `fuse-blew-${cluster}`,
      `A fuse stopped a sweep of the cluster ${cluster} before it closed anything: read the report before you raise a limit.`,
      sweepMetric('refused', cluster),
    );
    resources[`AlarmJobsStuck${id}`] = alarm(
      `jobs-stuck-${cluster}`,
      `A sweep of the cluster ${cluster} left jobs unfinished, and no follow-up is scheduled for them.`,
      sweepMetric('partial', cluster),
    );
  }
  return resources;
}
