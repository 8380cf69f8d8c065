/** @module Random valid requests. */
import * as fc from 'fast-check';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { idAt } from '../case.ts';
import { asJson, mostly, mostlyAbsent, present } from './values.ts';

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

export const payload: fc.Arbitrary<RequestPayload> = fc
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
      stuckOpening: fc.constantFrom(undefined, 'close' as const, 'keep' as const),
      managed: mostlyAbsent(fc.constantFrom('keep' as const, 'close' as const)),
      dryRun: mostly<boolean | undefined, boolean>(undefined, 14, true, false),
      close: fc.option(
        present({
          timeout: fc.constantFrom('100ms', '2s', '15s', '60s', '2m', '30m'),
          batch: fc.constantFrom(1, 2, 3, 20, 100),
          concurrency: fc.constantFrom(1, 2, 3, 32),
          perNode: mostly<'auto' | number | null | undefined, 'auto' | number | null>(
            undefined,
            3,
            'auto',
            null,
            1,
            2,
            100,
          ),
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

/**
 * Makes every request valid. A request is invalid if `force.stuckFor` is longer than all of its follow-ups take
 * together. Such a request gets up to four follow-ups, 30 minutes apart.
 */
function reachable(request: RequestPayload): RequestPayload {
  const minutes = { null: 0, '75m': 75, '90m': 90 }[String(request.force?.stuckFor ?? '75m')] ?? 10;
  const { followUp } = request;
  if (followUp === false) return request;
  const rounds = Number.parseInt(followUp?.after ?? '15m', 10) * (followUp?.max ?? 6);
  if (request.force?.stuckFor === null || rounds >= minutes) return request;
  return { ...request, followUp: { after: '30m', max: 4 } };
}
