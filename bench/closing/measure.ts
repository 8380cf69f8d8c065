/** @module One way of closing, on one cluster of the bench, in simulated time: what came of it, and what it cost. */
import { type SimulatedCluster, startElasticsearch, trackHttp, VirtualClock } from '../../simulator/index.ts';
import { type BenchCase, type IdleJob, networkMs } from './model.ts';

/** The most that a Lambda function may run. */
export const functionLimitMs = 15 * 60_000;

/** What a way of closing is given, and where it notes what it asked. */
export interface BenchRun {
  readonly url: string;
  readonly clock: VirtualClock;
  /** The jobs that are idle, for a script that is not to choose them itself. */
  readonly told: ReadonlySet<string> | undefined;
  /** Sends a close that names these jobs; what it does not live to see answered is unknown. */
  readonly ask: <T>(jobIds: readonly string[], close: () => Promise<T>) => Promise<T>;
}

/** A way of closing. Resolves when it is done. */
export type Way = (run: BenchRun) => Promise<Told>;

/** What a way of closing says of its jobs at its end; scripts say nothing. */
export interface Told {
  readonly closed?: readonly string[];
  /** How many it has asked for, and does not know what became of them. */
  readonly unknown?: number;
}

export interface Measures {
  /** From the start until the last answer or look; milliseconds. */
  readonly durationMs: number;
  /** The same, or until the last idle job is closed that was left closing. */
  readonly doneMs: number;
  readonly requests: number;
  readonly closeRequests: number;
  /** Reads of configs and datafeeds by ids, which only looks make. */
  readonly lookRequests: number;
  readonly bytes: number;
  /** Idle jobs that are closed in the end. */
  readonly closed: number;
  /** Idle jobs that a function ended after its 15 minutes has closed. */
  readonly closedInTime: number;
  readonly wronglyClosed: number;
  /** Jobs closed with force, idle or not. */
  readonly forced: number;
  /** Jobs asked for of which nobody knows what became of them, where the function ends after its 15 minutes. */
  readonly unknown: number;
  /** The most closes on one node at one moment. */
  readonly peak: number;
  /** The same, without closes that had taken longer than the default `close.timeout`. */
  readonly peakWithinTimeout: number;
  /** What the cluster refused, in its words. */
  readonly refusal: string | undefined;
}

const isLook = (path: string): boolean =>
  /^\/_ml\/(?:anomaly_detectors\/(?!_stats)[^/]+|datafeeds\/(?!_stats)[^/]+\/_stats)$/.test(path);

const defaultTimeoutMs = 2 * 60_000;

/** The most jobs that were closing on one node at one moment, each counted for at most so long. */
function peakOf(cluster: SimulatedCluster, idle: readonly IdleJob[], atMostMs: number): number {
  const peaks = [...Map.groupBy(idle, ({ node }) => node).values()].map((jobs) => {
    const changes = jobs.flatMap(({ jobId }) => {
      const history = cluster.job(jobId)?.stateHistory ?? [];
      const from = history.find(({ state }) => state === 'closing')?.at;
      if (from === undefined) return [];
      const closed = history.find(({ state }) => state === 'closed')?.at ?? Number.POSITIVE_INFINITY;
      const to = Math.min(closed, from + atMostMs);
      return [
        { at: from, by: 1 },
        { at: to, by: -1 },
      ];
    });
    let now = 0;
    let peak = 0;
    // one that ends at the moment at which another begins makes room for it
    for (const { by } of changes.sort((a, b) => a.at - b.at || a.by - b.by)) {
      now += by;
      peak = Math.max(peak, now);
    }
    return peak;
  });
  return Math.max(0, ...peaks);
}

interface Asked {
  readonly jobIds: readonly string[];
  readonly at: number;
  answeredAt?: number;
}

/** Who finds out which jobs are idle: the way of closing itself, or the bench, which knows. */
export type Choice = 'own' | 'told';

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
  const asked: Asked[] = [];
  let refusal: string | undefined;
  const told = await way({
    url: server.url,
    clock,
    told: choice === 'told' ? new Set(idle.map(({ jobId }) => jobId)) : undefined,
    ask: async (jobIds, close) => {
      const note: Asked = { jobIds, at: clock.now() };
      asked.push(note);
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
  const untrue = told.closed?.find((jobId) => cluster.job(jobId)?.state !== 'closed');
  if (untrue !== undefined) throw new Error(`${untrue} is said to be closed, and is not`);
  const stillCloses = () => idle.some(({ jobId }) => cluster.job(jobId)?.state === 'closing');
  while (stillCloses()) await clock.advance(60_000);
  // A script that dies with its function asks for nothing more; the server goes on with what it was asked.
  const askedInTime = new Set(asked.filter(({ at }) => at < wall).flatMap(({ jobIds }) => jobIds));
  const closedAt = (jobId: string) => cluster.job(jobId)?.closedAt ?? Number.POSITIVE_INFINITY;
  const inTime = (jobId: string) => closedAt(jobId) <= wall && (asked.length === 0 || askedInTime.has(jobId));
  const unanswered = asked.filter(
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
    unknown: told.unknown ?? unanswered.flatMap(({ jobIds }) => jobIds).length,
    peak: peakOf(cluster, idle, Number.POSITIVE_INFINITY),
    peakWithinTimeout: peakOf(cluster, idle, defaultTimeoutMs),
    refusal,
  };
}
