/** @module The CloudWatch alarms on the function, its queues, and each cluster's sweeps. */
import { InvalidSettingError } from '../src/base/errors.ts';
import { notifyErrorsMetric } from '../src/function/announce.ts';
import { metricsNamespace } from '../src/function/metrics.ts';
import { runbookLink } from '../src/sweep/reporting/runbook.ts';
import { type Resource, type Resources, sub } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';
import { logicalPart } from './schedules.ts';
import type { Watch } from './watch.ts';

/** Queries that an alarm watches instead of a single metric. */
interface Queries {
  readonly Metrics: readonly {
    readonly Id: string;
    readonly Expression: string;
    readonly Period: number;
    readonly ReturnData: boolean;
  }[];
}

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

/**
 * A metric that the function publishes after a roll call, which checks that all clusters were swept. The metric has no
 * dimension for a cluster; see `src/function/roll-call.ts`.
 */
export const rollCallMetric = (MetricName: string): Metric => ({
  Namespace: metricsNamespace,
  MetricName,
  Dimensions: [
    { Name: 'service', Value: 'jobsweep' },
    { Name: 'function', Value: { Ref: 'SweepLambdaFunction' } },
  ],
});

/** A Metrics Insights query over one metric for all clusters. The names in SCHEMA are the metric's dimensions. */
export const acrossClusters = (select: string, rest = '') =>
  `SELECT ${select} FROM SCHEMA("${metricsNamespace}", cluster, service)${rest && ` ${rest}`}`;

const queueMetric = (queue: string): Metric => ({
  Namespace: 'AWS/SQS',
  MetricName: 'ApproximateNumberOfMessagesVisible',
  Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [queue, 'QueueName'] } }],
});

/**
 * Creates an alarm. `kind` is the alarm's name without prefix and cluster, and names the alarm's section in the
 * runbook.
 */
type AlarmFor = (
  kind: string,
  says: string,
  metric: Metric | Queries,
  more?: { readonly cluster?: string; readonly [property: string]: unknown },
) => Resource;

/** Whether the alarm with this logical id sends a message and appears on the dashboard. */
export const isShown = (id: string) => id.startsWith('Alarm');

/** All alarms in the stack, by logical id. */
export function alarms(prefix: string, watch: Watch, parameters: Parameters): Resources {
  const { alarmTopicArn, missingAfterHours } = parameters;
  const actions = alarmTopicArn !== undefined && {
    AlarmActions: [alarmTopicArn],
    OKActions: [alarmTopicArn],
  };
  const alarm: AlarmFor = (kind, says, metric, { cluster, ...more } = {}) => ({
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: [prefix, kind, ...(cluster === undefined ? [] : [cluster])].join('-'),
      AlarmDescription: `${says} What to do: ${runbookLink(`alarm-${kind}`)}`,
      ...metric,
      // a query has its own statistic and period, so the alarm must have neither
      ...(!('Metrics' in metric) && { Statistic: 'Sum', Period: 300 }),
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      ...actions,
      ...more,
    },
  });
  const resources: Resources = { ...functionAlarms(alarm, parameters), ...fleetAlarms(alarm, watch) };
  for (const cluster of watch.clusters) {
    const id = logicalPart(cluster);
    if (resources[`AlarmSweepOverdue${id}`])
      throw new InvalidSettingError(
        `clusters: ${cluster} and another differ only in hyphens, which a template cannot tell apart; give only one of them alarms of its own`,
      );
    Object.assign(
      resources,
      overdue(prefix, cluster, missingAfterHours, actions),
      clusterAlarms(alarm, cluster),
    );
  }
  return resources;
}

const functionAlarms = (alarm: AlarmFor, { maximumEventAge }: Parameters): Resources => ({
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
    `Lambda gave up on an event: the sweep failed, or it waited for more than ${maximumEventAge} seconds.`,
    queueMetric('FailedQueue'),
    { Statistic: 'Maximum' },
  ),
  AlarmNotifyFailed: alarm(
    'notify-failed',
    'A notification did not reach its target; the sweep itself is not affected.',
    {
      Namespace: metricsNamespace,
      MetricName: notifyErrorsMetric,
      Dimensions: [
        { Name: 'service', Value: 'jobsweep' },
        { Name: 'function', Value: { Ref: 'SweepLambdaFunction' } },
      ],
    },
  ),
  AlarmDestinationFailed: alarm(
    'destination-failed',
    'Lambda could not deliver the record of a sweep to its destination.',
    functionMetric('DestinationDeliveryFailures'),
  ),
});

/** The alarms that cover all clusters, however many there are. */
const fleetAlarms = (alarm: AlarmFor, { isFleet, hasRollCall }: Watch): Resources => ({
  ...(isFleet && {
    AlarmClustersNeedAttention: alarm(
      'clusters-need-attention',
      'A sweep of the cluster that the contributor names was refused, is partial, or failed: its log line says why.',
      {
        Metrics: [
          {
            Id: 'clusters',
            // CloudWatch evaluates only 500 series, so the clusters that need attention come first
            Expression: acrossClusters('MAX(needsAttention)', 'GROUP BY cluster ORDER BY MAX() DESC'),
            Period: 300,
            ReturnData: true,
          },
        ],
      },
    ),
  }),
  ...(hasRollCall && {
    AlarmRollCall: alarm(
      'roll-call',
      'The roll call missed clusters: its log line lists those that have not reported.',
      rollCallMetric('missingClusters'),
      { Statistic: 'Maximum' },
    ),
  }),
});

function clusterAlarms(alarm: AlarmFor, cluster: string): Resources {
  const id = logicalPart(cluster);
  return {
    [`AlarmFuseBlew${id}`]: alarm(
      'fuse-blew',
      `A fuse stopped a sweep of the cluster ${cluster} before it closed anything: read the report before you raise a limit.`,
      sweepMetric('refused', cluster),
      { cluster },
    ),
    [`AlarmJobsStuck${id}`]: alarm(
      'jobs-stuck',
      `A sweep of the cluster ${cluster} left jobs that failed, are unknown, or have no follow-up.`,
      sweepMetric('partial', cluster),
      { cluster },
    ),
  };
}

/**
 * The alarm for a cluster that had a first sweep but no recent one. An alarm in CloudWatch cannot wait for the first
 * data of its metric, so this alarm combines two others, which watch the metric. Without new data, the alarm
 * `RecentSweep` becomes `INSUFFICIENT_DATA`, and the alarm `FirstSweep` keeps its last state. Before the first sweep,
 * both alarms are `INSUFFICIENT_DATA`, which does not trigger the combined alarm.
 */
function overdue(prefix: string, cluster: string, hours: number, actions: object | false): Resources {
  const id = logicalPart(cluster);
  const watch = (name: string, AlarmDescription: string, more: object): Resource => ({
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: `${prefix}-${name}-${cluster}`,
      AlarmDescription,
      ...sweepMetric('durationMs', cluster),
      Statistic: 'SampleCount',
      Period: 3_600,
      Threshold: 1,
      // this alarm never fires; it only shows whether there is data
      ComparisonOperator: 'LessThanThreshold',
      ...more,
    },
  });
  return {
    [`RecentSweep${id}`]: watch(
      'recent-sweep',
      `OK while a sweep of the cluster ${cluster} finished within ${hours} hours, else insufficient data.`,
      { EvaluationPeriods: hours, TreatMissingData: 'missing' },
    ),
    [`FirstSweep${id}`]: watch(
      'first-sweep',
      `OK since the first sweep of the cluster ${cluster}, before it insufficient data.`,
      { EvaluationPeriods: 1, TreatMissingData: 'ignore' },
    ),
    [`AlarmSweepOverdue${id}`]: {
      Type: 'AWS::CloudWatch::CompositeAlarm',
      Properties: {
        AlarmName: `${prefix}-sweep-overdue-${cluster}`,
        AlarmDescription: `No sweep of the cluster ${cluster} finished within ${hours} hours. What to do: ${runbookLink('alarm-sweep-overdue')}`,
        AlarmRule: sub(`INSUFFICIENT_DATA("\${RecentSweep${id}.Arn}") AND OK("\${FirstSweep${id}.Arn}")`),
        ...actions,
      },
    },
  };
}
