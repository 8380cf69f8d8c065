/**
 * @module A sweep over a cluster of which one job never finishes closing, and the follow-ups that come back for it: what
 * each is billed for, and what it may be billed for at most.
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
import { parseRequest, type RequestPayload, type SweepRequest } from '../../src/sweep/request/request.ts';
import { sweep } from '../../src/sweep/sweep.ts';
import { functionLimitMs } from '../closing/measure.ts';

/** What the client waits for a close beyond its `close.timeout` (docs/contract.md §3), milliseconds. */
const answerMargin = 10_000;
/** Between two looks at what is watched at most, milliseconds. */
const slowestPace = 5_000;

/** One invocation. */
export interface Invocation {
  readonly billedMs: number;
  readonly boundMs: number;
  readonly report: SweepReport;
}

/** The sweep, and then its follow-ups, each when it is due, until nobody comes back. Requests take no time on their way. */
export async function billedStory(
  fleet: Fleet,
  payload: RequestPayload,
  /** Something that goes wrong besides. */
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
 * The most that docs/contract.md §3 lets an invocation be billed for, milliseconds: for a job that is left closing, from its last
 * request `close.timeout` and ten seconds for the answer, and `close.timeout` of watching; only the watching, where it was
 * found closing. For one that closes in that time, until the next look at it. All of it within the deadline.
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
