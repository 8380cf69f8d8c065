/** @module Measures one way of closing on one cluster of the bench, in simulated time. */
import { type SimulatedCluster, startElasticsearch, trackHttp, VirtualClock } from '../../simulator/index.ts';
import { type BenchCase, type IdleJob, networkMs } from './model.ts';

/** The maximum duration of a Lambda invocation. */
export const functionLimitMs = 15 * 60_000;

/** The environment in which a way of closing runs. */
export interface BenchRun {
  readonly url: string;
  readonly clock: VirtualClock;
  /** The idle jobs, for scripts that must not choose the jobs themselves. */
  readonly given: ReadonlySet<string> | undefined;
  /** Runs `close`, which sends a close request for these jobs, and records the request. */
  readonly recordClose: <T>(jobIds: readonly string[], close: () => Promise<T>) => Promise<T>;
}

/** A way of closing. Resolves when it has ended. */
export type Way = (run: BenchRun) => Promise<OwnReport>;

/** The outcomes that a way of closing reports when it ends; scripts report none. */
export interface OwnReport {
  readonly closed?: readonly string[];
  /** The number of jobs that a close request named and whose outcome is unknown. */
  readonly unknown?: number;
}

export interface Measures {
  /** How long the run took, in milliseconds. */
  readonly durationMs: number;
  /** Milliseconds from the start until the run has ended and the last idle job is closed. */
  readonly doneMs: number;
  readonly requests: number;
  readonly closeRequests: number;
  /**
   * Number of reads of configs and datafeeds by id. In the bench, a sweep sends them only to check jobs right before a
   * close.
   */
  readonly lookRequests: number;
  readonly bytes: number;
  /** Number of idle jobs that are closed at the end. */
  readonly closed: number;
  /**
   * Number of idle jobs that were closed within the first 15 minutes, by requests that were also sent within that time.
   */
  readonly closedInTime: number;
  readonly wronglyClosed: number;
  /** Number of jobs that were closed with force, idle or not. */
  readonly forced: number;
  /** Number of jobs whose outcome the tested way of closing did not know when it ended or was killed (15 minutes). */
  readonly unknown: number;
  /** The maximum number of jobs closing on one node at the same time. */
  readonly peak: number;
  /** Like `peak`, but each close counts at most for the default `close.timeout`. */
  readonly peakWithinTimeout: number;
  /** The first error from the cluster, with the cluster's message. */
  readonly refusal: string | undefined;
}

const isLook = (path: string): boolean =>
  /^\/_ml\/(?:anomaly_detectors\/(?!_stats)[^/]+|datafeeds\/(?!_stats)[^/]+\/_stats)$/.test(path);

const defaultTimeoutMs = 2 * 60_000;

/**
 * The maximum number of jobs closing on one node at the same time. Each job counts for at most `maxMs` milliseconds.
 */
function peakOf(cluster: SimulatedCluster, idle: readonly IdleJob[], maxMs: number): number {
  const peaks = [...Map.groupBy(idle, ({ node }) => node).values()].map((jobs) => {
    const changes = jobs.flatMap(({ jobId }) => {
      const history = cluster.job(jobId)?.stateHistory ?? [];
      const from = history.find(({ state }) => state === 'closing')?.at;
      if (from === undefined) return [];
      const closed = history.find(({ state }) => state === 'closed')?.at ?? Number.POSITIVE_INFINITY;
      const to = Math.min(closed, from + maxMs);
      return [
        { at: from, by: 1 },
        { at: to, by: -1 },
      ];
    });
    let now = 0;
    let peak = 0;
    // if one close ends at the moment when another starts, counts the end first
    for (const { by } of changes.sort((a, b) => a.at - b.at || a.by - b.by)) {
      now += by;
      peak = Math.max(peak, now);
    }
    return peak;
  });
  return Math.max(0, ...peaks);
}

interface SentClose {
  readonly jobIds: readonly string[];
  readonly at: number;
  answeredAt?: number;
}

/** `own`: the measured script or sweep finds the idle jobs itself. `given`: the bench gives it their ids. */
export type Choice = 'own' | 'given';

/** Runs one way of closing on a fresh cluster. */
export async function measure(
  way: Way,
  { fleet, idle, busy }: BenchCase,
  choice: Choice = 'own',
): Promise<Measures> {
  using clock = new VirtualClock();
  using _tracking = trackHttp(clock);
  await using server = await startElasticsearch({ clock, fleet });
  server.faults.add({ api: '*', times: Number.POSITIVE_INFINITY, delay: networkMs });
  const { cluster, requests } = server;
  const start = clock.now();
  const wall = start + functionLimitMs;
  const sent: SentClose[] = [];
  let refusal: string | undefined;
  const own = await way({
    url: server.url,
    clock,
    given: choice === 'given' ? new Set(idle.map(({ jobId }) => jobId)) : undefined,
    recordClose: async (jobIds, close) => {
      const note: SentClose = { jobIds, at: clock.now() };
      sent.push(note);
      try {
        return await close();
      } catch (error) {
        refusal ??= error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
        throw error;
      } finally {
        note.answeredAt = clock.now();
      }
    },
  });
  const durationMs = clock.now() - start;
  const untrue = own.closed?.find((jobId) => cluster.job(jobId)?.state !== 'closed');
  if (untrue !== undefined) throw new Error(`${untrue} is reported closed, but is not`);
  const stillCloses = () => idle.some(({ jobId }) => cluster.job(jobId)?.state === 'closing');
  while (stillCloses()) await clock.advance(60_000);
  // A function that is killed sends no more requests, but the server completes the requests that it has received.
  const sentInTime = new Set(sent.filter(({ at }) => at < wall).flatMap(({ jobIds }) => jobIds));
  const closedAt = (jobId: string) => cluster.job(jobId)?.closedAt ?? Number.POSITIVE_INFINITY;
  const inTime = (jobId: string) => closedAt(jobId) <= wall && (sent.length === 0 || sentInTime.has(jobId));
  const unanswered = sent.filter(
    ({ at, answeredAt = Number.POSITIVE_INFINITY }) => at < wall && answeredAt > wall,
  );
  const ends = idle.map(({ jobId }) => closedAt(jobId)).filter(Number.isFinite);
  const everyone = [...idle.map(({ jobId }) => jobId), ...busy];
  return {
    durationMs,
    doneMs: Math.max(durationMs, ...ends.map((at) => at - start)),
    requests: requests.length,
    closeRequests: requests.filter(({ api }) => api === 'ml.close_job').length,
    lookRequests: requests.filter(({ path, method }) => method === 'GET' && isLook(path)).length,
    bytes: requests.reduce((sum, { responseBytes = 0 }) => sum + responseBytes, 0),
    closed: idle.filter(({ jobId }) => Number.isFinite(closedAt(jobId))).length,
    closedInTime: idle.filter(({ jobId }) => inTime(jobId)).length,
    wronglyClosed: busy.filter((jobId) => cluster.job(jobId)?.state !== 'opened').length,
    forced: everyone.filter((jobId) => cluster.job(jobId)?.forced).length,
    unknown: own.unknown ?? unanswered.flatMap(({ jobIds }) => jobIds).length,
    peak: peakOf(cluster, idle, Number.POSITIVE_INFINITY),
    peakWithinTimeout: peakOf(cluster, idle, defaultTimeoutMs),
    refusal,
  };
}
