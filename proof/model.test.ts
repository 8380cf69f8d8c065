/**
 * @module Tries every property in 100 random cases from a fixed seed, or in 300 at night. `npm run soak` tries many
 * more cases, with other seeds.
 */
import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { sized } from '../test/support/nightly.ts';
import type { RandomCase } from './case.ts';
import { emptyCoverage } from './coverage.ts';
import { anyCase } from './generate.ts';
import { properties } from './properties.ts';
import { runCase } from './run-case.ts';
import { describeFailure, runMany, violationsOf } from './run-many.ts';

/** A run of this many cases must try every property. */
const enough = 100;
/**
 * The environment variables are for mutation testing, which runs fewer cases for each mutant and does not shrink
 * failures.
 */
const cases = Number(process.env.PROOF_CASES ?? sized({ push: enough, nightly: 300 }));
/**
 * With this seed, 60 cases try every property at least three times, and 100 cases send 2,000 requests. With most other
 * seeds, a single case that polls thousands of times takes most of the time.
 */
const seed = 20_261_133;
const shrink = process.env.PROOF_SHRINK !== 'no';

it(`a run of ${cases} random cases tries every property and violates none`, {
  timeout: 120_000,
}, async () => {
  const coverage = emptyCoverage();
  const failure = await runMany({ seed, cases, coverage, shrink });
  expect(failure && describeFailure(failure)).toBeUndefined();
  if (cases >= enough) expect(properties.filter(({ name }) => !coverage.properties[name]?.tried)).toEqual([]);
});

it('a random case runs the same way every time', async () => {
  for (const given of fc.sample(anyCase, { seed: 7, numRuns: 8 })) {
    const [once, again] = [await story(given), await story(given)];
    expect(again).toEqual(once);
  }
});

const folder = new URL('./cases/', import.meta.url);

/** Each saved case is the shrunk form of a failure that is now fixed. */
it.each(readdirSync(folder))('every property holds in the saved case %s', async (file) => {
  const given = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as RandomCase;
  expect(await violationsOf(given)).toEqual([]);
});

/**
 * All requests with their times and statuses, and how each sweep ended. The requests are sorted, because requests that
 * are sent at the same time have no fixed order.
 */
async function story(given: RandomCase) {
  const { requests, sweeps } = await runCase(given);
  return {
    requests: requests.map(({ at, path, query, status }) => `${at} ${path} ${query} ${status}`).sort(),
    ends: sweeps.map(({ endedAt, report, error }) => [endedAt, report?.counts, error?.name]),
  };
}
