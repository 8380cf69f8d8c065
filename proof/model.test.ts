/**
 * @module The properties over a few hundred random worlds, the same ones each time. Many more, and others: `npm run soak`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RandomCase } from './case.ts';
import { emptyCoverage } from './coverage.ts';
import { anyCase } from './generate.ts';
import { properties } from './properties.ts';
import { runCase } from './run-case.ts';
import { describeFailure, runMany, violationsOf } from './run-many.ts';

/** Mutation testing runs fewer, for each mutant; and that a case fails is enough to know. */
const cases = Number(process.env.PROOF_CASES ?? 300);
const shrink = process.env.PROOF_SHRINK !== 'no';

it(`every property holds in ${cases} random worlds, and each is at stake in some`, {
  timeout: 120_000,
}, async () => {
  const coverage = emptyCoverage();
  const failure = await runMany({ seed: 20_261_123, cases, coverage, shrink });
  expect(failure && describeFailure(failure)).toBeUndefined();
  if (cases >= 300) expect(properties.filter(({ name }) => !coverage.properties[name]?.tried)).toEqual([]);
});

it('a case is the same each time that it is run', async () => {
  for (const given of fc.sample(anyCase, { seed: 7, numRuns: 8 })) {
    const [once, again] = [await story(given), await story(given)];
    expect(again).toEqual(once);
  }
});

const folder = new URL('./cases/', import.meta.url);

/** Cases that once failed, each made as small as it could be. */
it.each(readdirSync(folder))('%s', async (file) => {
  const given = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as RandomCase;
  expect(await violationsOf(given)).toEqual([]);
});

/** What was asked and answered when; requests of one moment in any order, as sockets have none among them. */
async function story(given: RandomCase) {
  const { requests, sweeps } = await runCase(given);
  return {
    requests: requests.map(({ at, path, query, status }) => `${at} ${path} ${query} ${status}`).sort(),
    ends: sweeps.map(({ endedAt, report, error }) => [endedAt, report?.counts, error?.name]),
  };
}
