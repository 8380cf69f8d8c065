/** @module The panels of the Kibana dashboard, independent of the Kibana version. */
import { datasets, type StreamKind } from '../../src/sweep/reporting/stream-names.ts';

/** One column of a chart or table. `field` is the name of a field in the documents. A `count` needs no field. */
export type Column =
  | { readonly of: 'date'; readonly label: string }
  | { readonly of: 'terms'; readonly label: string; readonly field: string; readonly size: number }
  | { readonly of: 'count'; readonly label: string }
  | {
      readonly of: 'sum' | 'max' | 'unique_count' | 'last_value';
      readonly label: string;
      readonly field: string;
      readonly format?: 'bytes' | 'duration';
      /** The type of the field in Kibana. */
      readonly type?: 'number' | 'string';
    };

export interface Panel {
  readonly title: string;
  readonly stream: StreamKind;
  /** Restricts the documents with a filter in Kibana's query language. */
  readonly query?: string;
  readonly chart: 'metric' | 'bars' | 'table';
  /** Columns of dates and terms come first. Tables and breakdowns are sorted by the first column after them. */
  readonly columns: readonly Column[];
  readonly grid: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

const time: Column = { of: 'date', label: 'Time' };
const cluster: Column = { of: 'terms', label: 'Cluster', field: 'jobsweep.cluster.name', size: 50 };
const job: Column = { of: 'terms', label: 'Job', field: 'jobsweep.job.id', size: 50 };
const sum = (label: string, field: string, format?: 'bytes'): Column => ({
  of: 'sum',
  label,
  field,
  ...(format && { format }),
});
const closed = sum('Closed', 'jobsweep.sweep.counts.closed');
const forced = sum('Closed with force', 'jobsweep.sweep.counts.force_closed');
const freed = sum('Model memory freed', 'jobsweep.sweep.freed_bytes', 'bytes');
const wasSweep = 'jobsweep.sweep.dry_run: false';

export const panels: readonly Panel[] = [
  ...[closed, forced, freed].map(
    (column, index): Panel => ({
      title: column.label,
      stream: 'sweep',
      chart: 'metric',
      columns: [column],
      grid: { x: 12 * index, y: 0, w: 12, h: 6 },
    }),
  ),
  {
    title: 'Sweeps refused by a fuse',
    stream: 'sweep',
    query: `${wasSweep} and jobsweep.sweep.status: "refused"`,
    chart: 'metric',
    columns: [{ of: 'count', label: 'Refused sweeps' }],
    grid: { x: 36, y: 0, w: 12, h: 6 },
  },
  {
    title: 'Jobs closed over time',
    stream: 'sweep',
    chart: 'bars',
    columns: [time, closed, forced],
    grid: { x: 0, y: 6, w: 24, h: 13 },
  },
  {
    title: 'Model memory freed over time',
    stream: 'sweep',
    chart: 'bars',
    columns: [time, freed],
    grid: { x: 24, y: 6, w: 24, h: 13 },
  },
  {
    title: 'Idle jobs left open, by reason',
    stream: 'job',
    query: `${wasSweep} and jobsweep.job.outcome: ("kept" or "not_attempted" or "error" or "closing") and not jobsweep.job.reason: ("recent_data" or "recently_opened")`,
    chart: 'bars',
    columns: [
      time,
      { of: 'terms', label: 'Reason', field: 'jobsweep.job.reason', size: 20 },
      { of: 'unique_count', label: 'Jobs', field: 'jobsweep.job.id' },
    ],
    grid: { x: 0, y: 19, w: 24, h: 14 },
  },
  {
    title: 'Idle jobs left open, the longest first',
    stream: 'job',
    query: `${wasSweep} and jobsweep.job.outcome: ("kept" or "not_attempted" or "error") and not jobsweep.job.reason: ("recent_data" or "recently_opened")`,
    chart: 'table',
    columns: [
      job,
      { of: 'max', label: 'Idle', field: 'jobsweep.job.idle_ms', format: 'duration' },
      { of: 'last_value', label: 'Reason', field: 'jobsweep.job.reason', type: 'string' },
      {
        of: 'last_value',
        label: 'Model memory',
        field: 'jobsweep.job.model_bytes',
        type: 'number',
        format: 'bytes',
      },
    ],
    grid: { x: 24, y: 19, w: 24, h: 14 },
  },
  {
    title: 'Refusals',
    stream: 'sweep',
    query: `${wasSweep} and jobsweep.sweep.status: "refused"`,
    chart: 'table',
    columns: [
      cluster,
      { of: 'terms', label: 'Fuse', field: 'jobsweep.sweep.fuse.name', size: 10 },
      { of: 'count', label: 'Refused sweeps' },
      {
        of: 'last_value',
        label: 'Jobs that would have been closed',
        field: 'jobsweep.sweep.fuse.idle',
        type: 'number',
      },
    ],
    grid: { x: 0, y: 33, w: 24, h: 12 },
  },
  {
    title: 'Closes that failed',
    stream: 'job',
    query: 'jobsweep.job.outcome: "error"',
    chart: 'table',
    columns: [
      job,
      { of: 'count', label: 'Failures' },
      { of: 'last_value', label: 'Last error', field: 'error.type', type: 'string' },
    ],
    grid: { x: 24, y: 33, w: 24, h: 12 },
  },
  {
    title: 'Jobs closed most often',
    stream: 'job',
    query: 'event.action: ("job-closed" or "job-force-closed")',
    chart: 'table',
    columns: [
      job,
      { of: 'count', label: 'Times closed' },
      sum('Model memory freed', 'jobsweep.job.freed_bytes', 'bytes'),
      { of: 'last_value', label: 'Cluster', field: 'jobsweep.cluster.name', type: 'string' },
    ],
    grid: { x: 0, y: 45, w: 24, h: 14 },
  },
  {
    title: 'Jobs kept because they are opened again after each close',
    stream: 'job',
    query: 'jobsweep.job.reason: "flapping"',
    chart: 'table',
    columns: [
      job,
      { of: 'count', label: 'Sweeps' },
      { of: 'last_value', label: 'Cluster', field: 'jobsweep.cluster.name', type: 'string' },
    ],
    grid: { x: 24, y: 45, w: 24, h: 14 },
  },
  {
    title: 'Reports over time: a cluster with a gap did not report',
    stream: 'sweep',
    chart: 'bars',
    columns: [time, cluster, { of: 'count', label: 'Reports' }],
    grid: { x: 0, y: 59, w: 24, h: 13 },
  },
  {
    title: 'Clusters by number of reports, the fewest first',
    stream: 'sweep',
    chart: 'table',
    columns: [
      cluster,
      { of: 'count', label: 'Reports' },
      { of: 'last_value', label: 'Last status', field: 'jobsweep.sweep.status', type: 'string' },
      { of: 'last_value', label: 'Version', field: 'jobsweep.cluster.version', type: 'string' },
    ],
    grid: { x: 24, y: 59, w: 24, h: 13 },
  },
];

/** The query for a panel's documents, in Kibana's query language. */
export const queryOf = ({ stream, query }: Panel): string =>
  [`data_stream.dataset: "${datasets[stream]}"`, ...(query === undefined ? [] : [query])].join(' and ');
