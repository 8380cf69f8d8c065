/**
 * @module Finds out which clusters have reported, from the metric that each report publishes. CloudWatch keeps
 * one-minute data for 15 days, and one request can query 500 clusters.
 */
import type { GetMetricDataCommandInput, MetricDataResult } from '@aws-sdk/client-cloudwatch';
import { RollCallError } from '../base/errors.ts';
import { printable } from '../base/text.ts';
import { awsAgents } from '../base/way-out.ts';
import { wayToAws } from '../base/way-to-aws.ts';
import type { Environment } from '../settings/environment.ts';
import { CloudWatchClient, GetMetricDataCommand } from './metric-client.ts';

/** CloudWatch's maximum number of queries in one request. */
const maxQueries = 500;
const minute = 60_000;

export interface Period {
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
}

/**
 * Those of `clusters` that reported in the period. Reports from follow-ups also count.
 * @throws {RollCallError} if CloudWatch does not answer for all of `clusters`.
 */
export async function reportedClusters(
  clusters: readonly string[],
  { from, to }: Period,
  environment: Environment,
  abortSignal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const client = new CloudWatchClient({ requestHandler: awsAgents(environment) });
  const reported = new Set<string>();
  try {
    for (let first = 0; first < clusters.length; first += maxQueries) {
      const batch = clusters.slice(first, first + maxQueries);
      const input = queriesFor(batch, { from, to });
      for (let NextToken: string | undefined, isFirst = true; isFirst || NextToken; isFirst = false) {
        const page = await client.send(
          new GetMetricDataCommand({ ...input, ...(NextToken !== undefined && { NextToken }) }),
          { abortSignal },
        );
        for (const result of page.MetricDataResults ?? []) {
          const cluster = batch[numberOf(result)];
          if (cluster !== undefined && hasData(result)) reported.add(cluster);
        }
        NextToken = page.NextToken;
      }
    }
    return reported;
  } catch (error) {
    if (error instanceof RollCallError) throw error;
    const why = reasonOf(error, abortSignal);
    const way = wayToAws('monitoring', environment, await client.config.region());
    throw new RollCallError(
      `CloudWatch did not say which clusters have reported (${why}). The function's role needs cloudwatch:GetMetricData. ${way.adviceOn(why)}`,
    );
  } finally {
    client.destroy();
  }
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time';
  const { name, message, code } = error as {
    readonly name?: string;
    readonly message?: string;
    readonly code?: string;
  };
  return printable([name, message || code].filter(Boolean).join(': '));
}

function queriesFor(clusters: readonly string[], { from, to }: Period): GetMetricDataCommandInput {
  return {
    // whole minutes: a data point has the time at which its minute starts, and EndTime is exclusive
    StartTime: new Date(Math.floor(from / minute) * minute),
    EndTime: new Date((Math.floor(to / minute) + 1) * minute),
    MetricDataQueries: clusters.map((cluster, index) => ({
      Id: `cluster${index}`,
      MetricStat: {
        Metric: {
          Namespace: 'jobsweep',
          MetricName: 'durationMs',
          Dimensions: [
            { Name: 'service', Value: 'jobsweep' },
            { Name: 'cluster', Value: cluster },
          ],
        },
        Period: 60,
        Stat: 'SampleCount',
      },
    })),
  };
}

const numberOf = ({ Id = '' }: MetricDataResult) => Number(Id.slice('cluster'.length));

/** @throws {RollCallError} if CloudWatch could not read the metric, because missing data then proves nothing. */
function hasData({ Values = [], StatusCode, Messages = [] }: MetricDataResult): boolean {
  if (StatusCode === 'InternalError' || StatusCode === 'Forbidden')
    throw new RollCallError(
      `CloudWatch could not read the metrics of all clusters: ${StatusCode} ${Messages.map(({ Value = '' }) => printable(Value)).join('; ')}`.trim(),
    );
  return Values.some((count) => count > 0);
}
