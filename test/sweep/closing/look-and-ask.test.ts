import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../simulator/clock.ts';
import { Entry } from '../../../src/sweep/closing/ledger.ts';
import { look as lookAt, readStats } from '../../../src/sweep/closing/look-and-ask.ts';
import type { JobSnapshot } from '../../../src/sweep/planning/inventory.ts';
import type { DatafeedStats, JobConfig, JobStats } from '../../../src/sweep/ports.ts';
import { idleJob, minute } from '../../support/jobs.ts';

const configOf = (jobId: string, datafeedId?: string): JobConfig => ({ jobId, groups: [], datafeedId });
const statsOf = (jobId: string): JobStats => ({
  jobId,
  state: 'opened',
  openForMs: minute,
  runningForecasts: 0,
});
const feedOf = (datafeedId: string, jobId: string): DatafeedStats => ({
  datafeedId,
  jobId,
  state: 'started',
  lookback: 'done',
});

/** A cluster that records the ids of each read. A read without ids returns nothing. */
function clusterOf(answers: { configs: JobConfig[]; stats?: JobStats[]; datafeeds?: DatafeedStats[] }) {
  const reads: Record<'configs' | 'stats' | 'datafeeds', string[][]> = {
    configs: [],
    stats: [],
    datafeeds: [],
  };
  const answer = <T>(kind: keyof typeof reads, all: readonly T[], idOf: (entry: T) => string) => {
    return async (_signal: AbortSignal, ids: readonly string[] = []) => {
      if (ids.length > 0) reads[kind].push([...ids]);
      return all.filter((entry) => ids.includes(idOf(entry)));
    };
  };
  return {
    reads,
    jobConfigs: answer('configs', answers.configs, ({ jobId }) => jobId),
    jobStats: answer('stats', answers.stats ?? [], ({ jobId }) => jobId),
    datafeedStats: answer('datafeeds', answers.datafeeds ?? [], ({ datafeedId }) => datafeedId),
  };
}

const { signal } = new AbortController();

const entriesOf = (jobs: readonly JobSnapshot[]) =>
  jobs.map((job) => new Entry(job, { verdict: 'close', reason: 'idle' }));

function look(
  jobs: readonly JobSnapshot[],
  cluster: ReturnType<typeof clusterOf>,
  { entries = entriesOf(jobs), reads = { begun: 0 }, fresh = Number.POSITIVE_INFINITY } = {},
) {
  const closing = { cluster: cluster as never, clock: new VirtualClock(), ending: signal };
  return lookAt(entries, closing, reads, fresh);
}

const bare = (jobId: string) => idleJob({ jobId, datafeed: undefined });
const fed = (jobId: string, datafeedId: string) => idleJob({ jobId, datafeed: feedOf(datafeedId, jobId) });

describe('the check before a close', () => {
  it('the check before a close reads the jobs’ configs, stats and datafeeds again, with one request for each kind', async () => {
    const cluster = clusterOf({
      configs: [configOf('a', 'feed-a'), configOf('b', 'feed-b')],
      stats: [statsOf('a'), statsOf('b')],
      datafeeds: [feedOf('feed-a', 'a'), feedOf('feed-b', 'b')],
    });
    const jobs = await look([fed('a', 'feed-a'), fed('b', 'feed-b')], cluster);
    expect(cluster.reads).toEqual({
      configs: [['a', 'b']],
      stats: [['a', 'b']],
      datafeeds: [['feed-a', 'feed-b']],
    });
    expect([...jobs.keys()]).toEqual(['a', 'b']);
    const opened = new VirtualClock().now() - minute;
    expect(jobs.get('a')).toMatchObject({
      state: 'opened',
      openedAt: opened,
      datafeed: { datafeedId: 'feed-a' },
    });
    expect(jobs.get('b')?.datafeed).toMatchObject({ datafeedId: 'feed-b', state: 'started' });
  });

  it('the check before a close reads no datafeed if no job has one', async () => {
    const cluster = clusterOf({ configs: [configOf('a')], stats: [statsOf('a')] });
    const jobs = await look([bare('a')], cluster);
    expect(cluster.reads.datafeeds).toEqual([]);
    expect(jobs.get('a')?.datafeed).toBeUndefined();
  });

  it('if a job’s config names a datafeed created since the listing, the check before the close reads that datafeed in another request', async () => {
    const cluster = clusterOf({
      configs: [configOf('a', 'feed-a'), configOf('b', 'new-feed'), configOf('c')],
      stats: ['a', 'b', 'c'].map(statsOf),
      datafeeds: [feedOf('feed-a', 'a'), feedOf('new-feed', 'b')],
    });
    const jobs = await look([fed('a', 'feed-a'), bare('b'), bare('c')], cluster);
    expect(cluster.reads.datafeeds).toEqual([['feed-a'], ['new-feed']]);
    expect([...jobs.values()].map(({ datafeed }) => datafeed?.datafeedId)).toEqual([
      'feed-a',
      'new-feed',
      undefined,
    ]);
  });

  it('the check before a close returns nothing for a job that no longer exists', async () => {
    const cluster = clusterOf({ configs: [configOf('b')], stats: [statsOf('b')] });
    expect([...(await look([bare('a'), bare('b')], cluster)).keys()]).toEqual(['b']);
  });

  it('the check before a close never reads a job whose id could match other jobs', async () => {
    const cluster = clusterOf({
      configs: [configOf('a'), configOf('b')],
      stats: [statsOf('a'), statsOf('b')],
    });
    const jobs = await look([bare('a'), { ...bare('b'), target: undefined }], cluster);
    expect(cluster.reads).toMatchObject({ configs: [['a']], stats: [['a']] });
    expect([...jobs.keys()]).toEqual(['a']);
  });

  it('the check before a close uses the stats of a recent read, but reads all stats again if the stats of any job are missing', async () => {
    const closing = { ...statsOf('a'), state: 'closing' };
    const cluster = clusterOf({ configs: [configOf('a'), configOf('b')], stats: [closing, statsOf('b')] });
    const entries = entriesOf([bare('a'), bare('b')]);
    const reads = { begun: 0 };
    const read = await readStats(entries.slice(0, 1), { cluster: cluster as never }, reads, signal);
    const of = (some: typeof entries, fresh: number) =>
      look(
        some.map(({ job }) => job),
        cluster,
        { entries: some, reads, fresh },
      );
    expect((await of(entries.slice(0, 1), read)).get('a')?.state).toBe('closing');
    expect(cluster.reads).toMatchObject({ configs: [['a']], stats: [['a']] });
    await of(entries, read);
    expect(cluster.reads.stats).toEqual([['a'], ['a', 'b']]);
    await of(entries.slice(0, 1), reads.begun + 1);
    expect(cluster.reads.stats).toEqual([['a'], ['a', 'b'], ['a']]);
  });

  it('the check before a close returns nothing for a job that has a config but no stats', async () => {
    const cluster = clusterOf({ configs: [configOf('b')], stats: [] });
    const entries = entriesOf([bare('b')]);
    entries[0]?.note({ read: 9, stats: undefined });
    expect([...(await look([bare('b')], cluster, { entries, fresh: 1 })).keys()]).toEqual([]);
  });
});
