/**
 * Spoils each part of each answer in turn. A spoiled answer may end a sweep or make it keep a job, but must never make
 * a busy job look idle.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { trackHttp } from '../../simulator/track-http.ts';
import { JobsweepError } from '../../src/base/errors.ts';
import {
  type ListingKey,
  readDatafeedStats,
  readJobConfig,
  readJobStats,
  readListing,
  UnreadableAnswer,
} from '../../src/elasticsearch/answers.ts';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import { joinInventory } from '../../src/sweep/planning/inventory.ts';
import { judgeBy } from '../../src/sweep/planning/verdict.ts';
import type { DatafeedStats, JobConfig, JobStats } from '../../src/sweep/ports.ts';
import type { SweepRequest } from '../../src/sweep/request/request-schema.ts';
import { requestOf } from '../support/jobs.ts';
import {
  answeredAt,
  answersFor,
  configOf,
  datafeedOf,
  type Json,
  type MlAnswers,
  respondWith,
  runningFeed,
  statsOf,
} from '../support/ml-answers.ts';
import { sized } from '../support/nightly.ts';
import { serve } from '../support/scripted-server.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const counts = (changes: Json) => ({ ...statsOf('x').data_counts, ...changes });
const fresh = { data_counts: counts({ last_data_time: answeredAt - minute }) };
const noProcess = { node: undefined, open_time: undefined };

/** One job for each reason that a verdict can have. The job's id is the reason. */
const fleet: readonly { id: string; config?: Json; stats?: Json; feed?: Json }[] = [
  { id: 'idle', feed: {} },
  { id: 'idle-without-feed', config: { groups: ['web', 'old'] } },
  {
    id: 'idle-with-forecasts',
    stats: { forecasts_stats: { total: 3, forecasted_jobs: 1, status: { finished: 2, failed: 1 } } },
  },
  {
    id: 'never-fed',
    stats: {
      data_counts: { job_id: 'never-fed', processed_record_count: 0, input_record_count: 0, bucket_count: 0 },
    },
  },
  { id: 'failed', stats: { state: 'failed', ...noProcess } },
  { id: 'closing', stats: { state: 'closing' } },
  { id: 'recent-data', stats: fresh, feed: {} },
  {
    id: 'rejected-data',
    stats: {
      data_counts: counts({
        ...fresh.data_counts,
        processed_record_count: 0,
        latest_record_timestamp: undefined,
      }),
    },
  },
  { id: 'recent-data-failed', stats: { state: 'failed', ...noProcess, ...fresh } },
  { id: 'recently-opened', stats: { open_time: '600s' } },
  { id: 'recently-opened-closing', stats: { open_time: '600s', state: 'closing' } },
  { id: 'protected', config: { custom_settings: { jobsweep: { protect: true } } } },
  { id: 'protected-until', config: { custom_settings: { jobsweep: { protectUntil: '2027-01-01' } } } },
  {
    id: 'protected-failed',
    config: { custom_settings: { jobsweep: { protect: true } } },
    stats: { state: 'failed', ...noProcess },
  },
  { id: 'managed', config: { custom_settings: { managed: true, created_by: 'an-app' } } },
  { id: 'excluded', config: { groups: ['do-not-touch', 'web'] } },
  { id: 'unknown-state', stats: { state: 'hibernating' } },
  { id: 'blocked', config: { blocked: { reason: 'delete', task_id: 'n:1' }, deleting: true } },
  { id: 'blocked-only', config: { blocked: { reason: 'revert', task_id: 'n:1' } } },
  { id: 'deleting-only', config: { deleting: true } },
  { id: 'opening', stats: { state: 'opening', ...noProcess } },
  { id: 'no-process', stats: noProcess },
  {
    id: 'lookback',
    feed: { ...runningFeed, running_state: { real_time_configured: false, real_time_running: false } },
  },
  { id: 'real-time', feed: runningFeed, config: { datafeed_config: { datafeed_id: 'datafeed-real-time' } } },
  { id: 'starting', feed: { state: 'starting' } },
  { id: 'stopping', feed: { ...runningFeed, state: 'stopping' } },
  {
    id: 'forecast-running',
    stats: { forecasts_stats: { total: 2, forecasted_jobs: 1, status: { finished: 1, started: 1 } } },
  },
  {
    id: 'forecast-scheduled',
    stats: { forecasts_stats: { total: 1, forecasted_jobs: 1, status: { scheduled: 1 } } },
  },
];

const withoutUndefined = (value: Json): Json => JSON.parse(JSON.stringify(value));

const answers = (): MlAnswers =>
  withoutUndefined(
    answersFor(
      fleet.map(({ id, config, stats, feed }) => ({
        config: configOf(id, config),
        stats: statsOf(id, stats),
        ...(feed && { datafeed: datafeedOf(id, feed) }),
      })),
    ),
  );

const request = (changes: object = {}): SweepRequest => requestOf({ exclude: ['do-not-touch'], ...changes });

interface Inventory {
  readonly configs: readonly JobConfig[];
  readonly stats: readonly JobStats[];
  readonly datafeeds: readonly DatafeedStats[];
}

/**
 * The verdict of each job, such as `close idle`. A job that is closing is judged as if its close had been requested two
 * days ago. The job is therefore forced, unless its times (such as `open_time`) are a reason to keep it.
 */
function verdicts(inventory: Inventory, of: SweepRequest): Map<string, string> {
  const judge = judgeBy(of);
  const jobs = joinInventory({ ...inventory, readAt: answeredAt });
  const history = { askedAt: answeredAt - 2 * day };
  return new Map(
    jobs.map((job) => {
      const { verdict, reason } = judge.judge(job, answeredAt, job.state === 'closing' ? history : {});
      return [job.jobId, `${verdict} ${reason}`];
    }),
  );
}

const acts = (verdict: string | undefined) => /^(close|force) /.test(verdict ?? '');

/** Interprets the answers like `ElasticsearchCluster`, but without the network, because there are thousands of them. */
function understand({ configs, stats, datafeeds, datafeedConfigs }: MlAnswers): Inventory {
  const list = (body: Json, key: ListingKey) => readListing(body, key);
  const owners = new Map(
    list(datafeedConfigs, 'datafeeds').map((entry) => [entry.datafeed_id, entry.job_id]),
  );
  return {
    configs: list(configs, 'jobs').map(readJobConfig),
    stats: list(stats, 'jobs').map(readJobStats),
    datafeeds: list(datafeeds, 'datafeeds')
      .map(readDatafeedStats)
      .map((entry) => ({ ...entry, jobId: entry.jobId ?? String(owners.get(entry.datafeedId)) })),
  };
}

type Path = readonly (string | number)[];

/** The path of every section and every field in a JSON value. */
function* pathsIn(value: Json, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value))
    yield* pathsIn(value[key], [...path, Array.isArray(value) ? Number(key) : key]);
}

const spoils: Readonly<Record<string, (value: Json) => Json>> = {
  dropped: () => undefined,
  nulled: () => null,
  text: (value) => (typeof value === 'string' ? 7 : (JSON.stringify(value) ?? 'undefined')),
  number: (value) => (typeof value === 'number' ? 'seven' : 0),
  flag: (value) => (typeof value === 'boolean' ? 'yes' : false),
  list: (value) => (Array.isArray(value) ? {} : []),
  section: (value) => (typeof value === 'object' && !Array.isArray(value) ? [] : {}),
};

/** A copy of `value` in which `how` has replaced the part at the given path. */
function spoil(value: Json, [key, ...rest]: Path, how: (value: Json) => Json): Json {
  if (key === undefined) return how(value);
  const copy = Array.isArray(value) ? [...value] : { ...value };
  const spoilt = spoil(value[key], rest, how);
  if (spoilt === undefined && Array.isArray(copy)) copy.splice(Number(key), 1);
  else if (spoilt === undefined) delete copy[key];
  else copy[key] = spoilt;
  return copy;
}

const listings = ['configs', 'stats', 'datafeeds'] as const;

/**
 * Spoiled answers that are also valid answers, with the reason why no other answer reveals them. In each case, a whole
 * field is missing, the counts are right and the JSON is valid. No server or broken connection produces such an answer.
 */
const indistinguishable: Readonly<Record<string, string>> = {
  'excluded configs groups dropped': 'a job without groups is most common; groups are told nowhere else',
  'excluded configs groups.0 dropped': 'a shorter list of groups is one; groups are told nowhere else',
  'protected configs custom_settings dropped': 'most jobs have no custom settings',
  'protected configs custom_settings.jobsweep dropped': 'most jobs have none of ours among them',
  'protected configs custom_settings.jobsweep.protect dropped':
    '`{}` says nothing, and is how one takes protection away',
  'protected-failed configs custom_settings dropped': 'as above',
  'protected-failed configs custom_settings.jobsweep dropped': 'as above',
  'protected-failed configs custom_settings.jobsweep.protect dropped': 'as above',
  'protected-until configs custom_settings dropped': 'as above',
  'protected-until configs custom_settings.jobsweep dropped': 'as above',
  'protected-until configs custom_settings.jobsweep.protectUntil dropped': 'as above',
  'managed configs custom_settings dropped': 'as above',
  'managed configs custom_settings.managed dropped':
    'jobs made by hand in an app have its `created_by` as well, so that one does not tell',
  'blocked-only configs blocked dropped':
    'most jobs are not blocked. A delete shows as `deleting` too; reset and revert need a closed job, which is not closed again',
  'deleting-only configs deleting dropped':
    'the same the other way round: newer servers say `blocked` as well',
};

describe('correct answers', () => {
  it('each job gets the verdict that its id describes if no answer is spoiled', () => {
    const found = verdicts(understand(answers()), request());
    expect(Object.fromEntries(found)).toEqual({
      idle: 'close idle',
      'idle-without-feed': 'close idle',
      'idle-with-forecasts': 'close idle',
      'never-fed': 'close never_fed',
      failed: 'force failed',
      closing: 'force stuck',
      'recent-data': 'keep recent_data',
      'rejected-data': 'keep recent_data',
      'recent-data-failed': 'keep recent_data',
      'recently-opened': 'keep recently_opened',
      'recently-opened-closing': 'keep recently_opened',
      protected: 'keep protected',
      'protected-until': 'keep protected',
      'protected-failed': 'keep protected',
      managed: 'keep managed',
      excluded: 'keep excluded',
      'unknown-state': 'keep unknown_state',
      blocked: 'keep blocked',
      'blocked-only': 'keep blocked',
      'deleting-only': 'keep blocked',
      opening: 'keep opening',
      'no-process': 'keep no_process',
      lookback: 'keep lookback_running',
      'real-time': 'keep datafeed_running',
      starting: 'keep datafeed_running',
      stopping: 'keep datafeed_running',
      'forecast-running': 'keep forecast_running',
      'forecast-scheduled': 'keep forecast_running',
    });
  });
});

describe('answers with one field dropped, nulled or of another type', () => {
  it('a field that is missing, null or of another type changes a verdict from keep to close only if the answer is still valid', () => {
    const whole = answers();
    const requests = [request(), request({ runningDatafeeds: 'stop' })];
    const truths = requests.map((of) => verdicts(understand(whole), of));
    const turned = new Set<string>();
    let tried = 0;
    for (const listing of listings) {
      for (const path of pathsIn(whole[listing])) {
        for (const [how, change] of Object.entries(spoils)) {
          const spoilt = { ...whole, [listing]: spoil(whole[listing], path, change) };
          tried += 1;
          let inventory: Inventory;
          try {
            inventory = understand(spoilt);
          } catch (error) {
            expect(error).toBeInstanceOf(UnreadableAnswer);
            continue;
          }
          for (const [index, of] of requests.entries()) {
            const found = verdicts(inventory, of);
            for (const [id, truth] of truths[index] ?? [])
              if (!acts(truth) && acts(found.get(id)))
                turned.add(`${id} ${listing} ${path.slice(2).join('.')} ${how}`);
          }
        }
      }
    }
    expect(tried).toBeGreaterThan(5_000);
    expect([...turned].sort()).toEqual(Object.keys(indistinguishable).sort());
  });
});

describe('over HTTP, with the real client', () => {
  const anyJson = fc.jsonValue({ maxDepth: 2 });
  const spoilings = fc.array(
    fc.record({
      listing: fc.constantFrom(...listings),
      at: fc.nat(100_000),
      how: fc.oneof(
        fc.constantFrom(...Object.values(spoils)),
        anyJson.map((value) => () => value),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  );

  it('answers that are corrupted at random places lead to a verdict for each job, or to an error with exit code 5', async () => {
    using clock = new VirtualClock(answeredAt);
    using _tracked = trackHttp(clock);
    let current = answers();
    await using server = await serve((exchange) => respondWith(current, exchange));
    await using cluster = new ElasticsearchCluster({ address: { url: server.url } }, clock);
    const never = new AbortController().signal;
    const reached = { verdicts: 0, errors: 0 };
    await fc.assert(
      fc.asyncProperty(spoilings, async (chosen) => {
        current = answers();
        for (const { listing, at, how } of chosen) {
          const paths = [...pathsIn(current[listing])];
          const path = paths[at % Math.max(paths.length, 1)];
          if (path) current[listing] = spoil(current[listing], path, how);
        }
        try {
          const [configs, stats, datafeeds] = await Promise.all([
            cluster.jobConfigs(never),
            cluster.jobStats(never),
            cluster.datafeedStats(never),
          ]);
          for (const verdict of verdicts({ configs, stats, datafeeds }, request()).values())
            expect(verdict).toMatch(/^(keep|close|force|wait) [a-z_]+$/);
          reached.verdicts += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(JobsweepError);
          expect(error).toMatchObject({ exitCode: 5 });
          reached.errors += 1;
        }
      }),
      { numRuns: sized({ push: 100, nightly: 300 }) },
    );
    expect(Math.min(reached.verdicts, reached.errors)).toBeGreaterThan(sized({ push: 10, nightly: 30 }));
  });

  it('an answer that is cut off at any position is not accepted as a listing', async () => {
    using clock = new VirtualClock(answeredAt);
    using _tracked = trackHttp(clock);
    const text = JSON.stringify(answers().stats);
    let length = 0;
    await using server = await serve(({ raw }) =>
      raw(text.slice(0, length), 200, {
        'content-type': 'application/json',
        'x-elastic-product': 'Elasticsearch',
      }),
    );
    await using cluster = new ElasticsearchCluster({ address: { url: server.url } }, clock);
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), async (cut) => {
        length = cut;
        await expect(cluster.jobStats(new AbortController().signal)).rejects.toMatchObject({
          name: 'UnreadableInventoryError',
        });
      }),
      { numRuns: 30 },
    );
  });
});
