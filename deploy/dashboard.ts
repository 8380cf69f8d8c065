/** @module The CloudWatch dashboard: whether sweeps run, what they close, and what they leave open. */
import { functionMetric, type Metric, sweepMetric } from './alarms.ts';
import { type Resource, sub } from './cloudformation.ts';

interface Widget {
  readonly title: string;
  readonly metrics: readonly { readonly metric: Metric; readonly label: string; readonly stat?: string }[];
}

const widths = 8;
const heights = 6;

/** The dashboard; `alarmIds` are the logical ids of the alarms that it shows. */
export function dashboard(
  prefix: string,
  functionName: string,
  clusters: readonly string[],
  alarmIds: readonly string[],
): Resource {
  const widgets: Widget[] = [
    {
      title: 'Invocations, errors, throttles',
      metrics: ['Invocations', 'Errors', 'Throttles'].map((name) => ({
        metric: functionMetric(name),
        label: name,
      })),
    },
    ...clusters.flatMap((cluster): Widget[] => [
      {
        title: `${cluster}: jobs`,
        metrics: counted(cluster, ['open', 'idle', 'closed', 'forceClosed', 'kept'], 'Maximum'),
      },
      {
        title: `${cluster}: what was left`,
        metrics: counted(
          cluster,
          ['closing', 'errors', 'unknown', 'notAttempted', 'refused', 'partial'],
          'Sum',
        ),
      },
      {
        title: `${cluster}: memory freed and time taken`,
        metrics: counted(cluster, ['freedBytes', 'durationMs'], 'Sum'),
      },
    ]),
  ];
  const body = {
    widgets: [
      {
        type: 'alarm',
        x: 0,
        y: 0,
        width: 3 * widths,
        height: 3,
        properties: { title: 'Alarms', alarms: alarmIds.map((id) => `\${${id}.Arn}`) },
      },
      ...widgets.map((widget, index) => placed(widget, index, functionName)),
    ],
  };
  return {
    Type: 'AWS::CloudWatch::Dashboard',
    Properties: { DashboardName: prefix, DashboardBody: sub(JSON.stringify(body)) },
  };
}

const counted = (cluster: string, names: readonly string[], stat: string) =>
  names.map((label) => ({ metric: sweepMetric(label, cluster), label, stat }));

/** A widget in the grid below the alarms, three to a row. */
function placed({ title, metrics }: Widget, index: number, functionName: string): object {
  return {
    type: 'metric',
    x: (index % 3) * widths,
    y: 3 + Math.floor(index / 3) * heights,
    width: widths,
    height: heights,
    properties: {
      title,
      region: `\${AWS::Region}`,
      period: 3_600,
      metrics: metrics.map(({ metric, label, stat = 'Sum' }) => [
        metric.Namespace,
        metric.MetricName,
        ...metric.Dimensions.flatMap(({ Name, Value }) => [
          Name,
          typeof Value === 'string' ? Value : functionName,
        ]),
        { label, stat },
      ]),
    },
  };
}
