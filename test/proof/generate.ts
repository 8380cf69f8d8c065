/** @module Random cases: what fleets, requests, clocks, faults and other people can be like, and mostly are not. */
import * as fc from 'fast-check';
import type { RequestPayload } from '../../src/sweep/request.ts';
import {
  type Case,
  type CaseJob,
  type Deed,
  deedKinds,
  type FollowUpMode,
  idAt,
  type Repetition,
  type Trouble,
  troubleKinds,
} from './case.ts';

const start = Date.parse('2026-11-23T12:00:00Z');
const hour = 3_600_000;
const iso = (ms: number) => new Date(start + ms).toISOString();

/** A value most of the time, and one of the others now and then. */
function mostly<T, U>(usual: T, weight: number, ...others: U[]): fc.Arbitrary<T | U> {
  return fc.oneof(
    { arbitrary: fc.constant(usual), weight },
    { arbitrary: fc.constantFrom(...others), weight: 1 },
  );
}

/** The fields that are there; the others are left out, as a payload leaves them. */
const present = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }, keys: (keyof T)[] = []) =>
  fc.record(fields, { requiredKeys: keys }) as fc.Arbitrary<Partial<T>>;

/** A moment: how long ago, at or around a limit, or yet to come. */
const ages = ['1m', '30m', '1h', '23h', '47h', '48h', '49h', '5d', '40d'] as const;
const age = fc.oneof(
  { arbitrary: fc.constantFrom(...ages), weight: 6 },
  {
    arbitrary: fc.integer({ min: 0, max: 60 }).map((minutes) => iso(-100 * hour - minutes * 60_000)),
    weight: 4,
  },
  { arbitrary: fc.integer({ min: -1_500, max: 1_500 }).map((ms) => iso(-48 * hour + ms)), weight: 1 },
  { arbitrary: fc.constantFrom(iso(60_000), iso(600_000)), weight: 1 },
);

/** A process cannot have started in the future of its own node. */
const pastAge = age.filter((moment) => !(Date.parse(moment) > start));

const idleAge = fc.oneof(
  { arbitrary: fc.constantFrom('49h', '5d', '40d'), weight: 3 },
  // hours apart, so that they do not look like an outage
  { arbitrary: fc.integer({ min: 0, max: 400 }).map((hours) => iso(-(50 + hours) * hour)), weight: 6 },
  { arbitrary: age, weight: 3 },
);

const protection = fc.oneof(
  {
    arbitrary: fc.constantFrom<unknown>(
      { protect: true },
      { protect: false },
      { protectUntil: '2026-11-23' },
      { protectUntil: '2026-11-22' },
      { protectUntil: '2026-11-23T13:00:00+02:00' },
      { protectUntil: '2026-11-23T12:01:00Z' },
      { protectUntil: '2026-02-31' },
      { protectUntil: 'tomorrow' },
      { protected: true },
      { protect: 'yes' },
      { protect: false, protectUntil: '2027-01-01' },
      'keep',
      null,
      [],
    ),
    weight: 4,
  },
  { arbitrary: fc.anything({ maxDepth: 1, maxKeys: 2 }).map(asJson), weight: 1 },
);

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? 'null');
}

const customSettings = present<Record<string, unknown>>({
  jobsweep: protection,
  managed: fc.constantFrom<unknown>(true, false, null, 'true', 1),
  created_by: fc.constant('ml-module-nginx'),
});

const datafeed: fc.Arbitrary<CaseJob['datafeed']> = fc.oneof(
  { arbitrary: fc.constant({}), weight: 4 },
  {
    arbitrary: fc.record(
      {
        state: fc.constantFrom(
          'started' as const,
          'started' as const,
          'starting' as const,
          'stopping' as const,
        ),
        source: fc.constant({ every: '30s' }),
        lookback: fc.constantFrom({ from: '20d' }, { from: '3d', end: '1d' }, { from: '400d', rate: 2 }),
        stopTakes: fc.constantFrom('50ms', '20s', '3m', 'never' as const, { fails: 'task stopped badly' }),
      },
      { requiredKeys: ['state'] },
    ),
    weight: 3,
  },
);

const closeTakes = fc.oneof(
  { arbitrary: fc.constantFrom('1s', '3s', '20s', '30s'), weight: 8 },
  { arbitrary: fc.constantFrom('70s', '3m', '12m'), weight: 3 },
  {
    arbitrary: fc.constantFrom('never' as const, {
      fails: 'Exception closing autodetect process',
      after: '2s',
    }),
    weight: 2,
  },
);

const groups = fc.oneof(
  { arbitrary: fc.subarray<string>(['team-a', 'team-b', 'web']), weight: 12 },
  // a group with the name of a job: a close by that name would close the group
  { arbitrary: fc.constantFrom<string[]>([idAt(0)], [idAt(2), 'team-a']), weight: 1 },
);

const usualJob: fc.Arbitrary<CaseJob> = fc.record(
  {
    closeTakes,
    lastData: idleAge,
    groups,
    datafeed,
    modelBytes: fc.constantFrom(0, 1_000_000, 12_000_000, 700_000_000),
    node: fc.constantFrom('ml-0', 'ml-1'),
  },
  { requiredKeys: ['closeTakes', 'lastData'] },
);

const strangeJob: fc.Arbitrary<CaseJob> = fc.record(
  {
    closeTakes,
    lastData: age,
    state: fc.constantFrom(
      'opened' as const,
      'opened' as const,
      'failed' as const,
      'failed' as const,
      'closing' as const,
      'closing' as const,
      'opening' as const,
      'closed' as const,
    ),
    openedAt: pastAge,
    groups,
    customSettings,
    datafeed,
    forecast: fc.constantFrom('scheduled' as const, 'started' as const, 'finished' as const),
    blocked: fc.constantFrom('delete' as const, 'reset' as const, 'revert' as const),
    node: fc.constantFrom('ml-0', 'ml-1', null),
    openTakes: fc.constantFrom('2s', '5m'),
    history: fc.record(
      { flapping: fc.boolean(), activeAgo: fc.constantFrom(60_000, 100 * hour) },
      { requiredKeys: [] },
    ),
    waited: fc.record(
      {
        askedAgo: fc.constantFrom(60_000, 900_000, 74 * 60_000, 75 * 60_000, 5 * hour),
        attempts: fc.constantFrom(0, 1, 3),
        activeAgo: fc.constantFrom(100 * hour),
      },
      { requiredKeys: ['askedAgo', 'attempts'] },
    ),
  },
  { requiredKeys: ['closeTakes'] },
);

/** Most of a strange job's strangeness at once keeps it for the first reason; one or two at a time say more. */
const oneThingStrange: fc.Arbitrary<CaseJob> = fc
  .tuple(
    usualJob,
    strangeJob,
    fc.subarray(
      [
        'state',
        'openedAt',
        'customSettings',
        'forecast',
        'blocked',
        'node',
        'openTakes',
        'history',
        'waited',
      ] as const,
      { minLength: 1, maxLength: 2 },
    ),
  )
  .map(([usual, strange, keys]) => {
    const chosen = Object.fromEntries(
      keys.flatMap((key) => (strange[key] === undefined ? [] : [[key, strange[key]]])),
    );
    return { ...usual, ...chosen };
  });

const stuckJob: fc.Arbitrary<CaseJob> = fc.record({
  closeTakes: fc.constantFrom('never' as const, '12m', '3m'),
  lastData: idleAge,
  state: fc.constantFrom('closing' as const, 'closing' as const, 'opened' as const),
  waited: fc.record({
    askedAgo: fc.constantFrom(60_000, 75 * 60_000, 5 * hour),
    attempts: fc.constantFrom(1, 3),
  }),
});

const neverFed: fc.Arbitrary<CaseJob> = fc.record(
  {
    closeTakes,
    state: fc.constantFrom('opened' as const, 'failed' as const, 'closing' as const),
    openedAt: pastAge,
    history: fc.record({ activeAgo: fc.constant(100 * hour) }),
  },
  { requiredKeys: ['closeTakes'] },
);

const job = fc.oneof(
  { arbitrary: usualJob, weight: 8 },
  { arbitrary: oneThingStrange, weight: 5 },
  { arbitrary: strangeJob, weight: 2 },
  { arbitrary: stuckJob, weight: 2 },
  { arbitrary: neverFed, weight: 1 },
);

const fleet = fc.oneof(
  { arbitrary: fc.array(job, { minLength: 1, maxLength: 7 }), weight: 10 },
  { arbitrary: fc.array(job, { minLength: 8, maxLength: 16 }), weight: 2 },
  // an ingest outage: all silent since the same minutes
  {
    arbitrary: fc
      .tuple(
        fc.array(job, { maxLength: 5 }),
        fc.integer({ min: 8, max: 13 }),
        fc.integer({ min: 20, max: 100 }),
      )
      .map(([others, count, seconds]): CaseJob[] => [
        ...others,
        ...Array.from({ length: count }, (_, index) => ({
          closeTakes: '1s',
          lastData: iso(-60 * hour - index * seconds * 1_000),
        })),
      ]),
    weight: 1,
  },
);

const namesOfJobs = fc.oneof(
  {
    arbitrary: fc.constantFrom<string | string[]>('*', '_all', ['*'], 'team-a,web-1', ['w*', 'd*'], '*-1', [
      'team-*',
    ]),
    weight: 3,
  },
  {
    arbitrary: fc.constantFrom<string | string[]>('no-such-job', ['web-1', 'nope*'], '*a*a*', 'api, x', [
      idAt(1),
      idAt(8),
    ]),
    weight: 1,
  },
);

const payload: fc.Arbitrary<RequestPayload> = fc
  .record(
    {
      jobs: mostlyAbsent(namesOfJobs),
      exclude: mostlyAbsent(
        fc.constantFrom<string | string[]>('web-1', ['team-b'], [], 'd*', '*', ['long-*']),
      ),
      states: mostlyAbsent(
        fc.subarray(['opened', 'closing', 'failed'] as ('opened' | 'closing' | 'failed')[], { minLength: 1 }),
      ),
      allowNoMatch: mostlyAbsent(fc.boolean()),
      idleFor: fc.option(fc.constantFrom('1m', '1h', '24h', '48h', '2d', '100h'), { nil: undefined }),
      neverFed: mostlyAbsent(fc.constantFrom('keep' as const, 'close' as const)),
      runningDatafeeds: fc.constantFrom(undefined, 'stop' as const, 'stop' as const, 'keep' as const),
      managed: mostlyAbsent(fc.constantFrom('keep' as const, 'close' as const)),
      dryRun: mostly<boolean | undefined, boolean>(undefined, 14, true, false),
      close: fc.option(
        present({
          timeout: fc.constantFrom('100ms', '2s', '15s', '60s', '2m', '30m'),
          batch: fc.constantFrom(1, 2, 3, 20, 100),
          concurrency: fc.constantFrom(1, 2, 3, 32),
          perNode: mostly<number | undefined, number>(undefined, 3, 1, 2, 100),
        }),
        { nil: undefined },
      ),
      force: fc.option(
        present({
          failed: mostly(true, 3, false),
          stuckFor: fc.constantFrom(null, '1ms', '5s', '1m', '10m', '75m', '90m'),
          exclude: fc.constantFrom<string | string[]>([], 'team-a', 'web-*', ['*']),
          max: fc.constantFrom(0, 1, 2, 10),
        }),
        { nil: undefined },
      ),
      fuse: fc.oneof(
        { arbitrary: fc.constant({ maxJobs: null, maxShare: null, massIdle: false }), weight: 3 },
        {
          arbitrary: present({
            maxJobs: fc.constantFrom(null, 0, 1, 3, 500),
            maxShare: fc.constantFrom(null, 0.1, 0.5, 1),
            massIdle: fc.boolean(),
          }),
          weight: 1,
        },
        { arbitrary: fc.constant(undefined), weight: 2 },
      ),
      followUp: fc.constantFrom(
        undefined,
        undefined,
        false as const,
        { after: '2m', max: 1 },
        { after: '15m', max: 20 },
        { after: '30m', max: 3 },
      ),
    },
    { requiredKeys: [] },
  )
  .map((fields) => reachable(asJson(fields) as RequestPayload));

function mostlyAbsent<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ arbitrary: fc.constant(undefined), weight: 4 }, { arbitrary: value, weight: 1 });
}

/** A request that waits for force longer than its follow-ups last is not valid: it gets enough of them. */
function reachable(request: RequestPayload): RequestPayload {
  const minutes = { null: 0, '75m': 75, '90m': 90 }[String(request.force?.stuckFor ?? '75m')] ?? 10;
  const { followUp } = request;
  if (followUp === false) return request;
  const rounds = Number.parseInt(followUp?.after ?? '15m', 10) * (followUp?.max ?? 6);
  if (request.force?.stuckFor === null || rounds >= minutes) return request;
  return { ...request, followUp: { after: '30m', max: 4 } };
}

const reads = ['ml.get_jobs', 'ml.get_job_stats', 'ml.get_datafeed_stats'] as const;

const trouble: fc.Arbitrary<Trouble> = fc.record({
  api: fc.oneof(
    { arbitrary: fc.constant('ml.close_job'), weight: 5 },
    { arbitrary: fc.constant('ml.get_job_stats'), weight: 4 },
    { arbitrary: fc.constantFrom(...reads, '*', 'ml.info', 'info', 'security.has_privileges'), weight: 2 },
  ),
  nth: fc.oneof(
    { arbitrary: fc.integer({ min: 1, max: 4 }), weight: 3 },
    { arbitrary: fc.integer({ min: 1, max: 25 }), weight: 1 },
  ),
  times: mostly(1, 3, 2, 3, 4, 5, 0),
  kind: fc.constantFrom(...troubleKinds),
  amount: fc.oneof(fc.integer({ min: 0, max: 8_000 }), fc.constantFrom(29_000, 45_000, 120_000, 600_000)),
});

const when: fc.Arbitrary<Deed['when']> = fc.oneof(
  fc.integer({ min: 0, max: 20_000 }).map((at) => ({ at })),
  fc.integer({ min: 20_000, max: 600_000 }).map((at) => ({ at })),
  fc.record({ after: fc.integer({ min: 1, max: 12 }), api: fc.constant('*') }),
  fc.record({
    after: fc.integer({ min: 1, max: 4 }),
    api: fc.constantFrom('ml.close_job', 'ml.get_job_stats', 'ml.get_jobs'),
  }),
);

const deed: fc.Arbitrary<Deed> = fc.record({
  when,
  deed: fc.constantFrom(...deedKinds),
  job: fc.nat({ max: 7 }),
});

const followUps = fc.oneof(
  { arbitrary: fc.constantFrom<FollowUpMode>('works', 'nobody'), weight: 6 },
  { arbitrary: fc.constantFrom<FollowUpMode>('fails', 'hangs', 'takes_one', 'has_pending'), weight: 2 },
);

const repetition = fc.oneof(
  { arbitrary: fc.constant<Repetition>('once'), weight: 10 },
  { arbitrary: fc.constantFrom<Repetition>('again', 'together', 'rounds', 'planned'), weight: 3 },
);

/** From calm to stormy: most failures need one fault or one deed, some need both, none needs ten. */
const weather = fc.oneof(
  { arbitrary: fc.constant({ troubles: [], deeds: [] }), weight: 3 },
  {
    arbitrary: fc.record({
      troubles: fc.array(trouble, { minLength: 1, maxLength: 3 }),
      deeds: fc.constant([]),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      troubles: fc.constant([]),
      deeds: fc.array(deed, { minLength: 1, maxLength: 3 }),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      troubles: fc.array(trouble, { maxLength: 3 }),
      deeds: fc.array(deed, { maxLength: 4 }),
    }),
    weight: 3,
  },
);

export const anyCase: fc.Arbitrary<Case> = fc
  .record({
    seed: fc.nat({ max: 1_000 }),
    stack: fc.constantFrom('9.2' as const, '8.19' as const, '7.17' as const),
    jobs: fleet,
    payload,
    followUpRound: mostly<number | null, number>(null, 9, 1, 2, 6),
    remainingMs: fc.oneof(
      { arbitrary: fc.constant(900_000), weight: 6 },
      { arbitrary: fc.constantFrom(60_000, 120_000, 300_000), weight: 3 },
      { arbitrary: fc.integer({ min: 1, max: 30_000 }), weight: 2 },
    ),
    skewMs: mostly(0, 6, 1_000, -1_000, 240_000, -3_600_000),
    upgradeMode: mostly(false, 30, true),
    privilege: mostly('manage_ml' as const, 15, 'monitor_ml' as const),
    followUps,
    repetition,
    weather,
    stop: fc.oneof({ arbitrary: fc.constant(null), weight: 9 }, { arbitrary: when, weight: 1 }),
  })
  .map(({ weather: { troubles, deeds }, ...rest }) => ({ ...rest, troubles, deeds }));
