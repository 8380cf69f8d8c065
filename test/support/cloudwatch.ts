/**
 * @module Simulates CloudWatch over HTTP. It takes the metrics from the function's log lines and answers GetMetricData,
 * with the service's limits.
 */
import { type ScriptedServer, serve } from './scripted-server.ts';

interface Query {
  readonly Id: string;
  readonly MetricStat: {
    readonly Metric: {
      readonly Namespace: string;
      readonly MetricName: string;
      readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[];
    };
    readonly Period: number;
    readonly Stat: string;
  };
}
interface Request {
  readonly StartTime: number;
  readonly EndTime: number;
  readonly MetricDataQueries: readonly Query[];
  readonly NextToken?: string;
}

export interface CloudWatch extends AsyncDisposable {
  readonly url: string;
  readonly requests: ScriptedServer['requests'];
  /** Takes the metrics from log lines that were written at the time `at`. */
  ingest(lines: readonly Record<string, unknown>[], at: number): void;
  /** The values of the metric that has exactly these dimensions. */
  values(name: string, dimensions: Readonly<Record<string, string>>): readonly number[];
}

export interface CloudWatchOptions {
  /** The number of results on a page. */
  readonly pageSize?: number;
  /** The status of every result. */
  readonly status?: string;
  /** Keeps only these metrics. */
  readonly only?: readonly string[];
}

interface Point {
  readonly at: number;
  readonly value: number;
}

const keyOf = (namespace: string, name: string, dimensions: Readonly<Record<string, string>>) =>
  JSON.stringify([namespace, name, Object.entries(dimensions).toSorted(([a], [b]) => (a < b ? -1 : 1))]);

export async function startCloudWatch({
  pageSize = 500,
  status = 'Complete',
  only,
}: CloudWatchOptions = {}): Promise<CloudWatch> {
  const points = new Map<string, Point[]>();
  const server = await serve(({ headers, body, raw }) => {
    const answer = (code: number, value: object) =>
      raw(JSON.stringify(value), code, { 'content-type': 'application/x-amz-json-1.0' });
    if (headers['x-amz-target'] !== 'GraniteServiceVersion20100801.GetMetricData')
      return answer(400, { __type: 'UnknownOperationException' });
    const request = JSON.parse(body) as Request;
    const problem = invalid(request);
    if (problem !== undefined) return answer(400, { __type: 'ValidationError', message: problem });
    const first = Number(request.NextToken ?? 0);
    const next = first + pageSize;
    const results = request.MetricDataQueries.slice(first, next).map((query) => ({
      Id: query.Id,
      Label: query.Id,
      StatusCode: status,
      ...countsOf(points, query, request),
    }));
    return answer(200, {
      MetricDataResults: results,
      ...(next < request.MetricDataQueries.length && { NextToken: String(next) }),
    });
  });
  return {
    url: server.url,
    requests: server.requests,
    ingest: (lines, at) => {
      for (const line of lines)
        for (const { key, value } of embedded(line, only))
          points.set(key, [...(points.get(key) ?? []), { at, value }]);
    },
    values: (name, dimensions) =>
      (points.get(keyOf('jobsweep', name, dimensions)) ?? []).map(({ value }) => value),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function invalid({ MetricDataQueries, StartTime, EndTime }: Request): string | undefined {
  if (MetricDataQueries.length > 500)
    return 'The collection MetricDataQueries must not have a size greater than 500.';
  if (!(StartTime < EndTime)) return 'The parameter StartTime must be less than the parameter EndTime.';
  const ids = MetricDataQueries.map(({ Id }) => Id);
  if (new Set(ids).size < ids.length || !ids.every((id) => /^[a-z]\w*$/.test(id))) return 'invalid Id';
  return undefined;
}

/** Sample counts by period. The time of a data point is the start of its period. Periods without data are absent. */
function countsOf(
  points: ReadonlyMap<string, readonly Point[]>,
  { MetricStat }: Query,
  { StartTime, EndTime }: Request,
) {
  const { Metric, Period, Stat } = MetricStat;
  if (Stat !== 'SampleCount') throw new Error(`the stand-in counts samples only, not ${Stat}`);
  const dimensions = Object.fromEntries(Metric.Dimensions.map(({ Name, Value }) => [Name, Value]));
  const found = points.get(keyOf(Metric.Namespace, Metric.MetricName, dimensions)) ?? [];
  const starts = found
    .map(({ at }) => Math.floor(at / 1000 / Period) * Period)
    .filter((start) => start >= StartTime && start < EndTime);
  const periods = [...Map.groupBy(starts, (start) => start)];
  return {
    Timestamps: periods.map(([start]) => start),
    Values: periods.map(([, { length }]) => length),
  };
}

interface Embedded {
  readonly CloudWatchMetrics: readonly {
    readonly Namespace: string;
    readonly Dimensions: readonly (readonly string[])[];
    readonly Metrics: readonly { readonly Name: string }[];
  }[];
}

/** The metrics in a line in the embedded metric format. */
function embedded(
  line: Record<string, unknown>,
  only: readonly string[] | undefined,
): { readonly key: string; readonly value: number }[] {
  const { CloudWatchMetrics = [] } = (line._aws ?? {}) as Partial<Embedded>;
  return CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap((names) =>
      Metrics.filter(({ Name }) => only?.includes(Name) ?? true).map(({ Name }) => ({
        key: keyOf(Namespace, Name, Object.fromEntries(names.map((name) => [name, String(line[name])]))),
        value: Number(line[Name]),
      })),
    ),
  );
}
