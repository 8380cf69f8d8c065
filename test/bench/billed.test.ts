/**
 * @module Checks that a sweep with a job that never finishes closing is billed for at most the time that
 * docs/contract.md §3 lets it wait. Runs in simulated time, with requests that take no network time, so that the bound
 * is exact.
 */
import { describe, expect, it } from 'vitest';
import { type Stuck, withStuck } from '../../bench/billed/bench.ts';
import { billedStory } from '../../bench/billed/story.ts';
import { measure } from '../../bench/closing/measure.ts';
import { benchCase } from '../../bench/closing/model.ts';
import { allAtOnce, defaults, fixedBatches, loop } from '../../bench/closing/ways.ts';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { isNightly } from '../support/nightly.ts';

const second = 1_000;
const minute = 60 * second;

/** Twenty idle jobs. All except the stuck one close within 35 seconds. */
const twenty = benchCase(20, 3);
const twoHundred = benchCase(200, 3);

const given = (timeout: string): RequestPayload => ({ ...defaults, close: { timeout } });

describe('a sweep of 20 idle jobs, one of which never closes', () => {
  const all = [
    ['30s', 70],
    ['2m', 250],
    ['5m', 610],
    // the function's 15 minutes, minus the 20 seconds reserved for the sweep's final steps
    ['15m', 880],
  ].flatMap(([timeout, limit]) => [
    [timeout, 'biggest', limit] as [string, Stuck, number],
    [timeout, 'smallest', limit] as [string, Stuck, number],
  ]);

  // On a push, only two cases run: the first, in which `close.timeout` limits the sweep, and the last, in which the
  // function's deadline does.
  const cases = all.filter((each) => each === all[0] || each === all.at(-1) || isNightly);

  it.each(cases)(
    'a sweep of 20 idle jobs with close.timeout %s, of which the %s never closes, is billed for at most %i s',
    async (timeout, which, limit) => {
      const { fleet, jobId } = withStuck(twenty, which);
      const [sweep, ...followUps] = await billedStory(fleet, given(timeout));
      expect(sweep?.billedMs).toBeLessThanOrEqual(limit * second);
      expect(sweep?.report.counts).toMatchObject({ closed: 19, closing: 1 });
      // follow-ups continue the sweep: each stays within its own bound, and the last one forces the stuck job
      for (const { billedMs, boundMs } of followUps) expect(billedMs).toBeLessThanOrEqual(boundMs);
      expect(followUps.at(-1)?.report.jobs).toMatchObject([{ jobId, outcome: 'force_closed' }]);
    },
  );
});

describe('a sweep of 200 idle jobs, one of which never closes', () => {
  const all = [
    ['biggest', '2m'],
    ['smallest', '2m'],
    ['smallest', '30s'],
    ['smallest', '5m'],
  ] as const;

  it.each(all.filter((_case, index) => index % 3 === 0 || isNightly))(
    'a sweep of 200 idle jobs, of which the %s never closes, with close.timeout %s, is billed for at most its calculated bound',
    async (which, timeout) => {
      const { fleet } = withStuck(twoHundred, which);
      const [sweep] = await billedStory(fleet, { ...given(timeout), followUp: false });
      expect(sweep?.report.counts.closed).toBeGreaterThanOrEqual(198);
      expect(sweep?.report.counts.closing).toBeGreaterThanOrEqual(1);
      expect(sweep?.billedMs).toBeLessThanOrEqual(sweep?.boundMs ?? 0);
      // the bound is tighter than the function's deadline of 15 minutes
      expect(sweep?.boundMs).toBeLessThan(12 * minute);
    },
  );
});

describe('the upper bound of the billed time', () => {
  const { fleet, jobId } = withStuck(twenty, 'biggest');
  const always = Number.POSITIVE_INFINITY;

  it('a sweep whose close requests are never answered is billed for twice close.timeout plus ten seconds', async () => {
    const [sweep] = await billedStory(fleet, { ...given('1m'), followUp: false }, ({ faults }) =>
      faults.add({ api: 'ml.close_job', delayAnswer: 3_600 * second, times: always }),
    );
    expect(sweep?.billedMs).toBe(minute + 10 * second + minute);
  });

  it('a sweep whose close requests fail at once with a timeout error is billed for at most twice close.timeout plus ten seconds', async () => {
    const [sweep] = await billedStory(fleet, { ...given('1m'), followUp: false }, ({ faults }) =>
      faults.add({ api: 'ml.close_job', status: 500, after: true, delayAnswer: 0, times: always }),
    );
    expect(sweep?.report.jobs.find((job) => job.jobId === jobId)?.outcome).toBe('closing');
    expect(sweep?.billedMs).toBeLessThanOrEqual(minute + 10 * second + minute);
  });

  it('a sweep whose close.timeout is longer than the function’s deadline is billed for less than 15 minutes', async () => {
    const [sweep] = await billedStory(fleet, { ...given('30m'), followUp: false });
    expect(sweep?.billedMs).toBeLessThan(15 * minute);
  });
});

describe('a common script and a job that never closes', () => {
  it.each([
    ['in a loop', loop],
    ['in batches', fixedBatches],
    ['all at once', allAtOnce],
  ])(
    'a common script that closes jobs %s waits for a job that never closes until Lambda kills the function',
    async (_name, way) => {
      const { fleet } = withStuck(twenty, 'biggest', '24h');
      const { durationMs, unknown } = await measure(way, { ...twenty, fleet }, 'given');
      expect(durationMs).toBeGreaterThan(15 * minute);
      expect(unknown).toBeGreaterThanOrEqual(1);
    },
  );
});
