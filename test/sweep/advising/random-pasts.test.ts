import { expect, test } from 'vitest';
import { sized } from '../../support/nightly.ts';
import { judgePast, sourceSets } from './judge-past.ts';

const asOf = Date.parse('2026-05-20T11:17:23Z');

/**
 * The environment variables `ADVISE_PASTS` (how many) and `ADVISE_FROM` (the first seed) select other pasts. Soak runs
 * use thousands.
 */
const pasts = Number(process.env.ADVISE_PASTS ?? sized({ push: 240, nightly: 1_000 }));
const first = Number(process.env.ADVISE_FROM ?? 1);

test.each([10, 30, 90])(
  'every range from `advise` contains the true value, for random pasts of %i days',
  (days) => {
    const outside: string[] = [];
    for (let seed = first; seed < first + pasts / 3; seed += 1)
      for (const sources of sourceSets) outside.push(...judgePast({ seed, days, asOf, sources }).outside);
    expect(outside).toEqual([]);
  },
  120_000,
);
