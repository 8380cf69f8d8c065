/**
 * @module Runs a sweep over a cluster in which one job never finishes closing, and then the sweep's follow-ups.
 * Measures the billed time of each invocation, and calculates the upper bound of that time.
 */

import {
  type EmbeddedElasticsearch,
  type Fleet,
  startElasticsearch,
  trackHttp,
  VirtualClock,
} from '../../simulator/index.ts';
import { OwnFollowUps } from '../../src/cli/sweep/wait-rounds.ts';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import type { RequestPayload, SweepRequest } from '../../src/sweep/request/request-schema.ts';
import { sweep } from '../../src/sweep/sweep.ts';
import { functionLimitMs } from '../closing/measure.ts';

/** How long after `close.timeout` the client still waits for an answer (docs/contract.md §3), in milliseconds. */
const answerMargin = 10_000;
/** The longest interval between two polls, in milliseconds. */
const slowestPace = 5_000;

/** One invocation of the function: a sweep or one of its follow-ups. */
export interface Invocation {
  readonly billedMs: number;
  readonly boundMs: number;
  readonly report: SweepReport;
}

/**
 * Runs the sweep, and then each follow-up when it is due, until there are no more follow-ups. Requests take no network
 * time.
 */
export async function billedStory(
  fleet: Fleet,
  payload: RequestPayload,
  /** Changes the server before the sweep, for example to add another fault. */
  prepare: (server: EmbeddedElasticsearch) => void = () => undefined,
): Promise<Invocation[]> {
  using clock = new VirtualClock();
  using _tracking = trackHttp(clock);
  await using server = await startElasticsearch({ clock, fleet });
  prepare(server);
  const followUps = new OwnFollowUps();
  const invocations: Invocation[] = [];
  const { request: first } = parseRequest(payload);
  for (
    let request: SweepRequest | undefined = first;
    request;
    request = await followUps.next(clock, new AbortController().signal)
  ) {
    await using cluster = new ElasticsearchCluster({ address: { url: server.url } }, clock);
    const start = clock.now();
    const order = { sweepId: `round-${invocations.length}`, request };
    const report = await sweep(order, { cluster, clock, remainingMs: functionLimitMs, followUps });
    const billedMs = clock.now() - start;
    invocations.push({ billedMs, boundMs: boundOf(report, request, start, server), report });
  }
  return invocations;
}

/**
 * The upper bound of an invocation's billed time according to docs/contract.md §3, in milliseconds. The sweep stops
 * waiting for a job at these times, of which the latest counts:
 * - For a job that is left closing: its last close request, plus `close.timeout` and ten seconds for the answer, plus
 *   `close.timeout` for polling.
 * - For a job that was already closing at the start: the start, plus `close.timeout` for polling.
 * - For a job that closes earlier: the first poll after the job is closed.
 *
 * No bound is later than the function's deadline.
 */
function boundOf(
  report: SweepReport,
  { close: { timeout } }: SweepRequest,
  start: number,
  { cluster, requests }: EmbeddedElasticsearch,
): number {
  const closes = requests.filter(({ api, at }) => api === 'ml.close_job' && at >= start);
  const askedAt = (jobId: string) =>
    closes.findLast(({ path }) => decodeURIComponent(path).split('/')[3]?.split(',').includes(jobId))?.at;
  const ends = report.jobs.map(({ jobId, outcome }) => {
    if (outcome === 'not_attempted' || outcome === 'kept') return start;
    const asked = askedAt(jobId);
    const latest = asked === undefined ? start + timeout : asked + timeout + answerMargin + timeout;
    const closedAt = cluster.job(jobId)?.closedAt;
    return outcome === 'closing' || closedAt === undefined
      ? latest
      : Math.min(latest, closedAt + slowestPace);
  });
  return Math.min(functionLimitMs, Math.max(start, ...ends) - start);
}
