/** @module Generates random valid payloads, with example values for every field. */
import * as fc from 'fast-check';
import type { Json, JsonObject } from './json.ts';

const names = fc.constantFrom<Json>(
  '*',
  'web-1',
  'web-*',
  ['web', 'infra-*'],
  'web-1, infra-1',
  ['*-1', 'a*b*c'],
  ['_all'],
);

const durations = fc.constantFrom('1m', '90s', '24h', '48h', '30d', '3600000ms');
const flag = fc.boolean();

/** Example values for every field of the contract, except the fields that only programs write. */
export const validFields: Readonly<Record<string, fc.Arbitrary<Json>>> = {
  cluster: fc.constantFrom('default', 'logs', 'constructor'),
  jobs: names,
  exclude: fc.oneof(names, fc.constant([])),
  states: fc.subarray(['opened', 'closing', 'failed'], { minLength: 1 }),
  allowNoMatch: flag,
  idleFor: durations,
  neverFed: fc.constantFrom('close', 'keep'),
  runningDatafeeds: fc.constantFrom('keep', 'stop'),
  stuckOpening: fc.constantFrom('keep', 'close'),
  managed: fc.constantFrom('keep', 'close'),
  dryRun: flag,
  close: partly({
    timeout: fc.constantFrom('100ms', '2m', '30m'),
    batch: fc.integer({ min: 1, max: 100 }),
    concurrency: fc.integer({ min: 1, max: 32 }),
    perNode: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom('auto' as const, null)),
  }),
  force: partly({
    failed: flag,
    stuckFor: fc.oneof(fc.constantFrom('1m', '75m', '90m'), fc.constant(null)),
    exclude: fc.oneof(names, fc.constant([])),
    max: fc.nat(50),
  }),
  fuse: partly({
    maxJobs: fc.oneof(fc.nat(500), fc.constant(null)),
    maxShare: fc.constantFrom(0.1, 0.5, 1, null),
    massIdle: flag,
  }),
  followUp: fc.oneof(
    fc.constant<Json>(false),
    partly({ after: fc.constantFrom('2m', '15m', '1h'), max: fc.integer({ min: 2, max: 20 }) }),
  ),
  $schema: fc.constant('https://example.test/request.schema.json'),
};

const moment = fc.constantFrom('2026-11-23T02:00:00Z', '2026-11-22T23:59:59.5+01:00');

const programFields: Readonly<Record<string, fc.Arbitrary<Json>>> = {
  trigger: fc.constant({
    scheduleArn: 'arn:aws:scheduler:eu-central-1:123456789012:schedule/jobsweep/nightly',
    scheduledTime: '2026-11-23T02:00:00Z',
  }),
  followUpOf: fc.record(
    {
      sweepId: fc.constantFrom('sweep-1', 'x'.repeat(256)),
      round: fc.integer({ min: 1, max: 20 }),
      jobs: fc.array(
        fc.record(
          {
            jobId: fc.constantFrom('web-1', 'gone'),
            askedAt: moment,
            attempts: fc.nat(3),
            lastActivity: moment,
          },
          { requiredKeys: ['jobId', 'askedAt', 'attempts'], noNullPrototype: true },
        ) as fc.Arbitrary<JsonObject>,
        { minLength: 1, maxLength: 3 },
      ),
    },
    { noNullPrototype: true },
  ),
};

const bareEvent: JsonObject = {
  version: '0',
  id: 'x',
  'detail-type': 'Scheduled Event',
  source: 'aws.scheduler',
  time: '2026-11-23T02:00:00Z',
  resources: ['arn:aws:scheduler:eu-central-1:123456789012:schedule/jobsweep/nightly'],
  detail: '{}',
};

function partly(shape: Readonly<Record<string, fc.Arbitrary<Json>>>): fc.Arbitrary<Json> {
  return fc.record(shape, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<JsonObject>;
}

/** A request as a user would write it. */
export const validRequest: fc.Arbitrary<Json> = partly(validFields);

/** Any valid payload, including follow-ups and the event of a schedule without an Input. */
export const validPayload: fc.Arbitrary<Json> = fc.oneof(
  { weight: 8, arbitrary: partly({ ...validFields, ...programFields }) },
  { weight: 1, arbitrary: fc.constant<Json>(bareEvent) },
  { weight: 1, arbitrary: fc.constant<Json>({}) },
);
