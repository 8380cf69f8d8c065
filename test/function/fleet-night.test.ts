/** @module Tests two nights with many clusters. test/load/fleet-night.test.ts tests a night with a thousand. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createHandler } from '../../src/function/handler.ts';
import {
  fleetNight,
  mute,
  type NightResult,
  nameOf,
  rotated,
  type Swept,
  unreachable,
} from '../load/fleet-night.ts';
import { sized } from '../support/nightly.ts';

const clusters = sized({ push: 20, nightly: 50 });
const broken = [unreachable, mute];

describe('two nights of many clusters', () => {
  let result: NightResult;
  const of = (night: number, wanted: (swept: Swept) => boolean = () => true) =>
    result.swept.filter((swept) => swept.night === night && wanted(swept));
  beforeAll(async () => {
    result = await fleetNight({
      clusters,
      nights: 2,
      concurrency: 4,
      createHandler,
      before: (night, { secrets, passwords }) => {
        if (night === 0) return;
        // the password changes between the two nights, while the function stays warm
        passwords.set(rotated, 'second');
        secrets[rotated] = 'second';
      },
    });
  }, 120_000);

  it('each night, every cluster is swept exactly once, within the schedule’s window plus the hour that an event may wait', () => {
    for (const night of [0, 1]) {
      expect(
        of(night)
          .map(({ cluster }) => cluster)
          .toSorted(),
      ).toEqual(Array.from({ length: clusters }, (_, index) => nameOf(index)));
      for (const { begun, ended } of of(night)) {
        expect(begun).toBeGreaterThanOrEqual(0);
        expect(begun).toBeLessThanOrEqual(4 * 60 + 60);
        expect(ended - begun).toBeLessThanOrEqual(15);
      }
    }
    expect([result.deadLetters, result.dropped]).toEqual([0, 0]);
  });

  it('the sweeps of a night close all idle jobs, except on the two clusters that cannot be reached', () => {
    for (const night of [0, 1])
      for (const { cluster, report, error, states } of of(night)) {
        if (broken.includes(cluster)) {
          expect(error?.name).toBe('ClusterUnreachableError');
          continue;
        }
        expect([cluster, error, report?.status]).toEqual([cluster, undefined, 'done']);
        expect(states.toSorted()).toEqual(['closed', 'closed', 'opened']);
      }
  });

  it('the sweeps of a night spread over the schedule’s window, and never exceed the reserved concurrency', () => {
    expect(result.mostAtOnce).toBeLessThanOrEqual(4);
    const hours = Map.groupBy(of(0), ({ begun }) => Math.floor(begun / 60));
    expect([...hours.keys()].filter((hour) => hour < 4)).toEqual([0, 1, 2, 3]);
    for (const [, { length }] of hours) expect(length).toBeLessThan(clusters / 2);
  });

  it('a warm function uses a rotated secret in its next invocation', () => {
    const [first, second] = result.swept.filter(({ cluster }) => cluster === rotated);
    expect([first?.report?.status, second?.report?.status]).toEqual(['done', 'done']);
  });

  it('the roll call after a night names the two clusters that cannot be reached, and their metric needsAttention is 1', () => {
    expect(result.rollCalls).toMatchObject([
      { expected: clusters, reported: clusters - 2, missing: broken },
      { expected: clusters, reported: clusters - 2, missing: broken },
    ]);
    for (const cluster of broken) expect(result.needAttention(cluster)).toEqual([1, 1]);
    expect(result.needAttention(rotated)).toEqual([0, 0]);
  });
});
