/**
 * @module The property that must hold if the answers from the cluster are corrupted. The sweeps use the real client over
 * real HTTP, in simulated time.
 */
import * as fc from 'fast-check';
import { trackHttp, VirtualClock } from '../../simulator/index.ts';
import { JobsweepError } from '../../src/base/errors.ts';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { sweep } from '../../src/sweep/sweep.ts';
import { answeredAt } from '../../test/support/ml-answers.ts';
import { serve } from '../../test/support/scripted-server.ts';
import { type Corruption, type CorruptionKind, corrupt, corruptAt, corruptionKinds } from './corrupt.ts';
import {
  type AnswerKey,
  type CorruptedAnswer,
  CorruptingCluster,
  type Way,
  ways,
} from './corrupting-cluster.ts';
import { isObject, type Json, type JsonObject, jsonText, type Path, valueAt } from './json.ts';
import { badInput, noSetup } from './property.ts';

/** A corruption of the `nth` answer of a kind and, if `always` is true, of all later answers of that kind. */
interface AnswerFault {
  readonly answer: AnswerKey;
  readonly nth: number;
  readonly always: boolean;
  readonly how: Corruption | { readonly way: Way; readonly at: number } | Aimed;
}

/**
 * A corruption of one field that verdicts depend on, in one entry of the answer or, if `everywhere` is true, in every
 * entry.
 */
interface Aimed extends Corruption {
  /** Selects the field of the answer; taken modulo the number of fields. */
  readonly field: number;
  readonly everywhere: boolean;
}

const fields: Readonly<Partial<Record<AnswerKey, readonly Path[]>>> = {
  configs: [
    ['job_id'],
    ['blocked'],
    ['deleting'],
    ['custom_settings', 'managed'],
    ['datafeed_config', 'datafeed_id'],
  ],
  stats: [
    ['job_id'],
    ['state'],
    ['open_time'],
    ['node'],
    ['data_counts'],
    ['data_counts', 'last_data_time'],
    ['data_counts', 'input_record_count'],
    // listed four times, so that it is chosen often: only a few corruptions, in only a few jobs, can hide a running
    // forecast
    ...Array.from({ length: 4 }, () => ['forecasts_stats', 'status']),
    ['forecasts_stats', 'status', 'started'],
  ],
  datafeeds: [['datafeed_id'], ['state'], ['timing_stats', 'job_id'], ['running_state']],
  datafeedConfigs: [['datafeed_id'], ['job_id']],
};

interface Given {
  readonly request: number;
  readonly faults: readonly AnswerFault[];
}

const requests: readonly RequestPayload[] = [
  { exclude: ['do-not-touch'] },
  { exclude: ['do-not-touch'], runningDatafeeds: 'stop' },
  { exclude: ['do-not-touch'], close: { batch: 1, perNode: 1 }, neverFed: 'keep' },
  { exclude: ['do-not-touch'], fuse: { maxJobs: 1 } },
  { jobs: ['idle-*', 'recent*', 'prot*'], exclude: ['do-not-touch'], force: { failed: false } },
];

/**
 * The kinds of corruption that a sweep can detect: all except `swap`, because a well-formed value from another field
 * does not look wrong.
 */
const detectable = corruptionKinds.filter((kind) => kind !== 'swap');
/** The most dangerous corruptions: a missing or renamed value, and a value that could be mistaken for a missing one. */
const dangerous: readonly CorruptionKind[] = ['delete', 'nothing', 'type', 'number', 'empty', 'key'];
const keys: readonly AnswerKey[] = [
  'root',
  'info',
  'privileges',
  'configs',
  'stats',
  'datafeeds',
  'datafeedConfigs',
  'close',
];
const wayNames = Object.keys(ways) as Way[];

const answerFault: fc.Arbitrary<AnswerFault> = fc.record(
  {
    answer: fc.constantFrom<AnswerKey>('configs', 'stats', 'stats', 'datafeeds', 'close', ...keys),
    nth: fc.constantFrom(1, 1, 1, 1, 2, 3, 5),
    // often true, because a single corrupted answer rarely does harm: a sweep reads each job again before it closes the
    // job
    always: fc.constantFrom(true, true, false),
    how: fc.oneof(
      fc.record(
        { kind: fc.constantFrom<CorruptionKind>(...detectable), at: fc.nat(2_000), pick: fc.nat(5_000) },
        { noNullPrototype: true },
      ),
      {
        weight: 2,
        arbitrary: fc.record(
          {
            kind: fc.constantFrom<CorruptionKind>(...dangerous, ...dangerous, ...detectable),
            at: fc.nat(30),
            pick: fc.nat(5_000),
            field: fc.nat(59),
            everywhere: fc.boolean(),
          },
          { noNullPrototype: true },
        ),
      },
      fc.record({ way: fc.constantFrom(...wayNames), at: fc.nat(20_000) }, { noNullPrototype: true }),
    ),
  },
  { noNullPrototype: true },
);

const maxRequests = 400;
const remainingMs = 15 * 60_000;

export const answers = badInput<Given, object>({
  name: 'answers',
  sentence:
    'no corrupted answer makes a sweep close a job that it would otherwise keep; the sweep ends in time, with a limited number of requests, with a report or a readable error',
  outcomes: ['done', 'partial', 'closes', 'corrupted and closes', 'UnreadableInventoryError'],
  toMeet: [
    ...detectable,
    ...wayNames,
    ...keys,
    'refused',
    'ClusterUnreachableError',
    'NotElasticsearchError',
    'AccessDeniedError',
  ],
  enough: 2_000,
  given: fc.record(
    {
      request: fc.nat(requests.length - 1),
      faults: fc.uniqueArray(answerFault, { maxLength: 3, selector: ({ answer }) => answer }),
    },
    { noNullPrototype: true },
  ),
  open: noSetup,
  attempt: async ({ request, faults }, meet) => {
    const payload = requests[request] as RequestPayload;
    const run = await sweepCorrupted(payload, faults);
    for (const { answer, how } of run.struck) {
      meet(answer);
      meet('way' in how ? how.way : how.kind);
    }
    const { report, error, fake, took } = run;
    meet(report?.status ?? (error as Error).name);
    const asked = new Set(fake.asked.flat());
    if (asked.size > 0) meet(run.struck.length > 0 ? 'corrupted and closes' : 'closes');
    const wouldClose = baseline.get(request) ?? (await closesOf(payload));
    baseline.set(request, wouldClose);
    const wrong = [...asked].filter((id) => !wouldClose.has(id) && !run.mayLookIdle.has(id));
    return [
      ...wrong.map((id) => `it asked to close ${JSON.stringify(id.slice(0, 200))}`),
      ...(fake.asked.some(
        (ids) => ids.length === 0 || ids.some((id) => !/^[a-z0-9][a-z0-9_.-]{0,63}$/.test(id)),
      )
        ? ['a close that names no job by its id']
        : []),
      ...fake.strange.map((each) => `it sent ${each}`),
      ...(fake.requests > maxRequests ? [`it sent ${fake.requests} requests`] : []),
      ...(took > remainingMs ? [`it took ${took} ms of its ${remainingMs}`] : []),
      ...(error && !(error instanceof JobsweepError)
        ? [`it throws ${error instanceof Error ? error.stack : 'what is no error'}`]
        : []),
      ...(error && asked.size > 0 ? ['a close was sent, and there is no report'] : []),
      ...(report ? untrue(report, fake) : []),
    ];
  },
});

/**
 * For each index of a request, the jobs that the request closes if no answer is corrupted and the fuses are off. The
 * fuses are off because a corruption that hides idle jobs may prevent a fuse from tripping.
 */
const baseline = new Map<number, ReadonlySet<string>>();

const closesOf = async (payload: RequestPayload): Promise<ReadonlySet<string>> =>
  new Set((await sweepCorrupted({ ...payload, fuse: noFuse }, [])).fake.asked.flat());

const noFuse = { maxJobs: null, maxShare: null, massIdle: false } as const;

async function sweepCorrupted(payload: RequestPayload, faults: readonly AnswerFault[]) {
  using clock = new VirtualClock(answeredAt);
  using _tracked = trackHttp(clock);
  const seen = new Map<AnswerKey, number>();
  const struck: AnswerFault[] = [];
  const mayLookIdle = new Set<string>();
  const fake = new CorruptingCluster(clock, (key, value) => {
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    const found = faults.find(
      ({ answer, nth, always, how }) =>
        answer === key && (always && !isLarge(how) ? count >= nth : count === nth),
    );
    if (!found) return { text: jsonText(value) };
    struck.push(found);
    const { how } = found;
    if ('way' in how)
      return (ways[how.way] as (text: string, at: number) => CorruptedAnswer)(jsonText(value), how.at);
    const corrupted = 'field' in how ? corruptField(key, value, how) : corrupt(value, [how]);
    for (const id of hiddenSigns(key, corrupted)) mayLookIdle.add(id);
    return { text: jsonText(corrupted) };
  });
  await using server = await serve((exchange) => fake.respond(exchange));
  await using cluster = new ElasticsearchCluster(
    { address: { url: server.url }, credentials: { apiKey: 'aTpr' } },
    clock,
  );
  const before = clock.now();
  let report: SweepReport | undefined;
  let error: unknown;
  try {
    report = await sweep({ sweepId: 's', ...parseRequest(payload) }, { cluster, clock, remainingMs });
  } catch (thrown) {
    error = thrown;
  }
  return { report, error, fake, struck, mayLookIdle, took: clock.now() - before };
}

/**
 * Whether a corruption makes an answer megabytes large. Such a corruption applies to one answer only, because a sweep
 * may read hundreds of answers.
 */
const isLarge = (how: AnswerFault['how']): boolean => 'kind' in how && how.kind === 'many';

function corruptField(key: AnswerKey, answer: Json, { field, everywhere, at, kind, pick }: Aimed): Json {
  const known = fields[key];
  const list = key === 'configs' || key === 'stats' ? 'jobs' : 'datafeeds';
  const entries = valueAt(answer, [list]);
  if (!known || !Array.isArray(entries) || entries.length === 0) return corrupt(answer, [{ kind, at, pick }]);
  const path = known[field % known.length] as Path;
  const corruptEntry = (whole: Json, index: number) =>
    corruptAt(whole, [list, index, ...path], { kind, pick });
  // begins with the last entry, because deleting an entry shifts the entries after it
  return everywhere
    ? [...entries.keys()].reverse().reduce(corruptEntry, answer)
    : corruptEntry(answer, at % entries.length);
}

/**
 * The jobs that a sweep may close because the corrupted answer is still valid, but no longer shows what protects them.
 * A sweep cannot notice the loss of groups or custom settings: they are optional, and no other answer repeats them
 * (`spoiled-answers.test.ts` lists each such field). A sweep does notice that a datafeed is renamed, because the job's
 * config also names the datafeed, unless that part of the config is missing or corrupted as well.
 */
function hiddenSigns(key: AnswerKey, answer: Json): string[] {
  if (!isObject(answer)) return [];
  if (key === 'datafeedConfigs') return ['orphan'];
  if (key !== 'configs' || !Array.isArray(answer.jobs)) return [];
  return (answer.jobs as Json[]).flatMap((entry) => {
    if (!isObject(entry) || typeof entry.job_id !== 'string') return [];
    const { job_id: id, custom_settings: settings, datafeed_config: feed } = entry;
    const without = (field: string) =>
      settings === undefined || (isObject(settings) && isUnsaid(settings[field]));
    const hidden =
      id === 'excluded' ||
      (id.startsWith('protected') && without('jobsweep')) ||
      (id === 'managed' && without('managed')) ||
      (/^(lookback|real-time)$/.test(id) && feed === undefined);
    return hidden ? [id] : [];
  });
}

const isUnsaid = (value: Json | undefined): boolean =>
  value === undefined ||
  value === false ||
  (isObject(value) && !('protectUntil' in (value as JsonObject)) && !(value as JsonObject).protect);

/**
 * Checks that a close request named each job that is reported as closed, that the counts add up, and that no job is
 * reported twice.
 */
function untrue({ jobs, counts }: SweepReport, { closed }: CorruptingCluster): string[] {
  const misreported = jobs.filter(
    ({ jobId, outcome }) => (outcome === 'closed' || outcome === 'force_closed') && !closed.has(jobId),
  );
  const { open: _open, listed, idle: _idle, ...outcomes } = counts;
  const sum = Object.values(outcomes).reduce((total, count) => total + count, 0);
  return [
    ...misreported.map(
      ({ jobId }) => `${JSON.stringify(jobId.slice(0, 100))} is reported closed and was never asked`,
    ),
    ...(sum === listed ? [] : [`${listed} listed, but the outcomes add up to ${sum}`]),
    ...(new Set(jobs.map(({ jobId }) => jobId)).size === jobs.length ? [] : ['a job is reported twice']),
  ];
}
