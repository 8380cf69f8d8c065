/** @module Random faults in the cluster and the network, and random actions of other users. */
import * as fc from 'fast-check';
import { faultKinds, type OutsideAction, outsideActionKinds, type ScriptedFault } from '../case.ts';
import { mostly } from './values.ts';

const reads = ['ml.get_jobs', 'ml.get_job_stats', 'ml.get_datafeed_stats'] as const;

const fault: fc.Arbitrary<ScriptedFault> = fc.record({
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
  kind: fc.constantFrom(...faultKinds),
  amount: fc.oneof(fc.integer({ min: 0, max: 8_000 }), fc.constantFrom(29_000, 45_000, 120_000, 600_000)),
});

/**
 * The cluster stops answering reads of job stats, after a random number of them. A sweep that SIGTERM interrupts must
 * still end.
 */
export const silence: fc.Arbitrary<ScriptedFault> = fc.record({
  api: fc.constant('ml.get_job_stats'),
  nth: fc.integer({ min: 3, max: 8 }),
  times: fc.constant(0),
  kind: fc.constant('hang' as const),
  amount: fc.constant(0),
});

export const when: fc.Arbitrary<OutsideAction['when']> = fc.oneof(
  fc.integer({ min: 0, max: 20_000 }).map((at) => ({ at })),
  fc.integer({ min: 20_000, max: 600_000 }).map((at) => ({ at })),
  fc.record({ after: fc.integer({ min: 1, max: 12 }), api: fc.constant('*') }),
  fc.record({
    after: fc.integer({ min: 1, max: 4 }),
    api: fc.constantFrom('ml.close_job', 'ml.get_job_stats', 'ml.get_jobs'),
  }),
);

const outsideAction: fc.Arbitrary<OutsideAction> = fc.record({
  when,
  kind: fc.constantFrom(...outsideActionKinds),
  job: fc.nat({ max: 7 }),
});

/**
 * A few faults and outside actions for a case. Most bugs show with one fault or one action, some need both, and none
 * needs ten.
 */
export const disruptions = fc.oneof(
  { arbitrary: fc.constant({ faults: [], outsideActions: [] }), weight: 3 },
  {
    arbitrary: fc.record({
      faults: fc.array(fault, { minLength: 1, maxLength: 3 }),
      outsideActions: fc.constant([]),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      faults: fc.constant([]),
      outsideActions: fc.array(outsideAction, { minLength: 1, maxLength: 3 }),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      faults: fc.array(fault, { maxLength: 3 }),
      outsideActions: fc.array(outsideAction, { maxLength: 4 }),
    }),
    weight: 3,
  },
);
