/** @module Random fleets. Most jobs are ordinary, some are unusual in one respect, and some in many respects. */
import * as fc from 'fast-check';
import { type CaseJob, caseStart, idAt } from '../case.ts';
import { asJson, hour, iso, present } from './values.ts';

const ages = ['1m', '30m', '1h', '23h', '47h', '48h', '49h', '5d', '40d'] as const;
/** A random time: an age, a time close to a limit, or a time in the future. */
const age = fc.oneof(
  { arbitrary: fc.constantFrom(...ages), weight: 6 },
  {
    arbitrary: fc.integer({ min: 0, max: 60 }).map((minutes) => iso(-100 * hour - minutes * 60_000)),
    weight: 4,
  },
  { arbitrary: fc.integer({ min: -1_500, max: 1_500 }).map((ms) => iso(-48 * hour + ms)), weight: 1 },
  { arbitrary: fc.constantFrom(iso(60_000), iso(600_000)), weight: 1 },
);

/** A random time that is not in the future, because a process cannot have started in the future. */
const pastAge = age.filter((moment) => !(Date.parse(moment) > caseStart));

const idleAge = fc.oneof(
  { arbitrary: fc.constantFrom('49h', '5d', '40d'), weight: 3 },
  // spreads the last data over many hours, so that the mass_idle fuse seldom trips
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

const managed = fc.constantFrom<unknown>(true, false, null, 'true', 1);

// The first alternative seldom sets `managed` alone, so the second alternative makes managed jobs that nothing else
// protects.
const settings = fc.oneof(
  {
    arbitrary: present<Record<string, unknown>>({
      jobsweep: protection,
      'jobsweep.protect': fc.constantFrom<unknown>(true, false, 'yes'),
      'jobsweep.protectUntil': fc.constantFrom('2026-11-22', '2026-11-23', 'later'),
      managed,
      created_by: fc.constant('ml-module-nginx'),
    }),
    weight: 4,
  },
  { arbitrary: present<Record<string, unknown>>({ managed }, ['managed']), weight: 1 },
);

// A job has at most one of these keys. If a job had several, the sweep would warn only about those closest to
// `jobsweep`.
const misspelled = fc.constantFrom<Readonly<Record<string, unknown>>>(
  { jobSweep: { protect: true } },
  { jobSweep: false },
  { 'job_sweep.protect': true },
  { jobsweeep: true },
  { jobswepe: { protect: true } },
  { obsweep: null },
  { jobswap: { protect: true } },
  { jobsweeper: { protect: true } },
  { jobsweeper: false },
  { protect: true },
);

const customSettings = fc
  .tuple(settings, fc.option(misspelled, { nil: undefined }))
  .map(([right, wrong]) => ({ ...right, ...wrong }));

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
  // a group with the name of a job: a close request with that name would close the whole group
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
    openTakes: fc.constantFrom('2s', '5m', 'lost' as const, 'lost' as const),
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

/**
 * Jobs that are unusual in only one or two respects, because the report of a job names only the first reason to keep
 * it.
 */
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

/**
 * Jobs whose process runs but whose state stays `opening`, because the update of the state was lost. Some of them were
 * opened less than 90 minutes ago.
 */
const stuckOpening: fc.Arbitrary<CaseJob> = fc.record(
  {
    closeTakes,
    state: fc.constant('opening' as const),
    openTakes: fc.constant('lost' as const),
    openedAt: fc.oneof(
      pastAge,
      fc.integer({ min: -1_500, max: 1_500 }).map((ms) => iso(-90 * 60_000 + ms)),
    ),
    lastData: idleAge,
    node: fc.constantFrom('ml-0', 'ml-1'),
  },
  { requiredKeys: ['closeTakes', 'state', 'openTakes', 'openedAt'] },
);

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
  { arbitrary: stuckOpening, weight: 1 },
);

export const fleet = fc.oneof(
  { arbitrary: fc.array(job, { minLength: 1, maxLength: 7 }), weight: 10 },
  { arbitrary: fc.array(job, { minLength: 8, maxLength: 16 }), weight: 2 },
  // an ingest outage: data stopped arriving for many jobs within the same minutes
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
