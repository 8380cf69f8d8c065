import { expect, test } from 'vitest';
import { judgePast, sourceSets } from './judge-past.ts';

const asOf = Date.parse('2026-05-20T11:17:23Z');

test.each([10, 30, 90])('holds the true numbers of every random past within its ranges, over %i days', (days) => {
  const outside: string[] = [];
  for (let seed = 1; seed <= 1_000; seed += 1)
    for (const sources of sourceSets) outside.push(...judgePast({ seed, days, asOf, sources }).outside);
  expect(outside).toEqual([]);
}, 120_000);
