/** @module The CloudWatch dashboard: whether sweeps run, what they close, and what they leave open. */
import { acrossClusters, functionMetric, type Metric, rollCallMetric, sweepMetric } from './alarms.ts';
import { type Resource, sub } from './cloudformation.ts';
import type { Watch } from './watch.ts';

interface Widget {
  readonly title: string;
  readonly metrics?: readonly { readonly metric: Metric; readonly label: string; readonly stat?: string }[];
  /** Metrics Insights queries, by label. */
  readonly queries?: Readonly<Record<string, string>>;
}

const widths = 8;
const heights = 6;

/** The dashboard. `alarmIds` are the logical ids of the alarms that it shows. */
export function dashboard(
  prefix: string,
  functionName: string,
  { clusters, isFleet, hasRollCall }: Watch,
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
    ...(hasRollCall ? [rollCallWidget] : []),
    ...(isFleet ? fleetWidgets : clusters.flatMap(clusterWidgets)),
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

const rollCallWidget: Widget = {
  title: 'Roll call: clusters expected, and those that have not reported',
  metrics: ['expectedClusters', 'missingClusters'].map((name) => ({
    metric: rollCallMetric(name),
    label: name,
    stat: 'Maximum',
  })),
};

const clusterWidgets = (cluster: string): Widget[] => [
  {
    title: `${cluster}: jobs`,
    metrics: counted(cluster, ['open', 'idle', 'closed', 'forceClosed', 'kept'], 'Maximum'),
  },
  {
    title: `${cluster}: what was left`,
    metrics: counted(cluster, ['closing', 'errors', 'unknown', 'notAttempted', 'refused', 'partial'], 'Sum'),
  },
  {
    title: `${cluster}: model memory freed and time taken`,
    metrics: counted(cluster, ['freedBytes', 'durationMs'], 'Sum'),
  },
];

const sums = (...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, acrossClusters(`SUM(${name})`)]));
const worst = (name: string) => ({
  // each series is labelled with its cluster
  '': acrossClusters(`MAX(${name})`, 'GROUP BY cluster ORDER BY MAX() DESC LIMIT 20'),
});

/** The widgets about all clusters. Their number does not depend on the number of clusters. */
const fleetWidgets: readonly Widget[] = [
  { title: 'All clusters: jobs', queries: sums('open', 'idle', 'closed', 'forceClosed', 'kept') },
  {
    title: 'All clusters: what was left',
    queries: sums('closing', 'errors', 'unknown', 'notAttempted', 'refused', 'partial'),
  },
  { title: 'All clusters: model memory freed', queries: sums('freedBytes') },
  { title: 'Sweeps that reported', queries: { sweeps: acrossClusters('COUNT(durationMs)') } },
  { title: 'Clusters that need attention', queries: worst('needsAttention') },
  { title: 'Clusters with most jobs left closing', queries: worst('closing') },
  { title: 'Clusters with most open jobs', queries: worst('open') },
  { title: 'Longest sweeps', queries: worst('durationMs') },
];

const counted = (cluster: string, names: readonly string[], stat: string) =>
  names.map((label) => ({ metric: sweepMetric(label, cluster), label, stat }));

/** A widget at its position in the grid below the alarms. The grid has three widgets in each row. */
function placed({ title, metrics = [], queries = {} }: Widget, index: number, functionName: string): object {
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
      metrics: [
        ...metrics.map(({ metric, label, stat = 'Sum' }) => [
          metric.Namespace,
          metric.MetricName,
          ...metric.Dimensions.flatMap(({ Name, Value }) => [
            Name,
            typeof Value === 'string' ? Value : functionName,
          ]),
          { label, stat },
        ]),
        ...Object.entries(queries).map(([label, expression], number) => [
          { expression, id: `q${number}`, ...(label !== '' && { label }) },
        ]),
      ],
    },
  };
}
