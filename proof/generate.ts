/** @module Generates random cases: mostly ordinary fleets, requests and clocks, with some faults and outside actions. */
import * as fc from 'fast-check';
import type { FollowUpMode, RandomCase, Repetition } from './case.ts';
import { disruptions, silence, when } from './generate/disruptions.ts';
import { fleet } from './generate/fleet.ts';
import { payload } from './generate/payload.ts';
import { mostly } from './generate/values.ts';

const followUps = fc.oneof(
  { arbitrary: fc.constantFrom<FollowUpMode>('works', 'absent'), weight: 6 },
  {
    arbitrary: fc.constantFrom<FollowUpMode>('fails', 'hangs', 'hangs', 'takes_one', 'has_pending'),
    weight: 2,
  },
);

const repetition = fc.oneof(
  { arbitrary: fc.constant<Repetition>('once'), weight: 10 },
  { arbitrary: fc.constantFrom<Repetition>('again', 'together', 'rounds', 'planned', 'agreed'), weight: 4 },
);

export const anyCase: fc.Arbitrary<RandomCase> = fc
  .record({
    seed: fc.nat({ max: 1_000 }),
    stack: fc.constantFrom('9.2' as const, '8.19' as const, '7.17' as const),
    jobs: fleet,
    payload,
    followUpRound: mostly<number | null, number>(null, 9, 1, 2, 6),
    followUpRest: mostly(false, 2, true),
    remainingMs: fc.oneof(
      { arbitrary: fc.constant(900_000), weight: 6 },
      { arbitrary: fc.constantFrom(60_000, 120_000, 300_000), weight: 3 },
      { arbitrary: fc.integer({ min: 1, max: 30_000 }), weight: 2 },
    ),
    networkMs: mostly(0, 3, 20, 300, 5_000),
    skewMs: mostly(0, 6, 1_000, -1_000, 240_000, -3_600_000),
    upgradeMode: mostly(false, 30, true),
    privilege: mostly('manage_ml' as const, 15, 'monitor_ml' as const),
    followUps,
    repetition,
    readingMs: fc.constantFrom(5_000, 120_000, 400_000),
    disruptions,
    end: fc.oneof(
      { arbitrary: fc.constant({ stop: null, silence: null }), weight: 9 },
      { arbitrary: fc.record({ stop: when, silence: fc.option(silence, { freq: 2 }) }), weight: 1 },
    ),
  })
  .map(({ disruptions: { faults, outsideActions }, end: { stop, silence: last }, ...rest }) => ({
    ...rest,
    stop,
    faults: last ? [last, ...faults] : faults,
    outsideActions,
  }));
