/**
 * @module `node scripts/advise-widths.ts`: measures how wide the ranges are that `advise` reports, for each kind of
 * evidence, and writes the table in `docs/how-long-is-idle.md`. Uses random histories for which the correct numbers are
 * known. Takes half a minute.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { formatDuration } from '../src/base/duration.ts';
import { judgePast, type SourceName, sourceSets } from '../test/sweep/advising/judge-past.ts';
import { filled, table } from './docs/markdown.ts';

const pasts = 1_000;
const days = 30;
const hour = 3_600_000;
const day = 24 * hour;
const shown = [24 * hour, 48 * hour, 7 * day];
const asOf = Date.parse('2026-05-20T11:17:23Z');
const page = new URL('../docs/how-long-is-idle.md', import.meta.url);

const nameOf = (sources: readonly SourceName[]) => ['job stats', ...sources].join(', ');

/**
 * One row of the table. For each threshold, it has the number of closes, the number of wrong closes, and the share of
 * histories for which `advise` reports an exact number of closes. Each number is a sum over all random histories, and
 * stands between the reported lower and upper bounds.
 */
function measure(sources: readonly SourceName[]): string[] {
  let known = 0;
  let outside = 0;
  const sums = shown.map(() => ({
    truth: 0,
    low: 0,
    high: 0,
    wrong: 0,
    wrongLow: 0,
    wrongHigh: 0,
    exact: 0,
  }));
  for (let seed = 1; seed <= pasts; seed += 1) {
    const judged = judgePast({ seed, days, asOf, sources });
    outside += judged.outside.length;
    known += (asOf - Math.max(judged.known.knownFrom, asOf - days * day)) / day;
    for (const { idleFor, estimate, truth } of judged.results) {
      const sum = sums[shown.indexOf(idleFor)];
      if (!sum) continue;
      sum.truth += truth.closes;
      sum.low += estimate.closes.atLeast;
      sum.high += estimate.closes.atMost;
      sum.wrong += truth.wrongCloses;
      sum.wrongLow += estimate.wrongCloses.atLeast;
      sum.wrongHigh += estimate.wrongCloses.atMost;
      if (estimate.closes.atLeast === estimate.closes.atMost) sum.exact += 1;
    }
  }
  return [
    nameOf(sources),
    (known / pasts).toFixed(1),
    ...sums.flatMap((sum) => [
      `${sum.low} ≤ ${sum.truth} ≤ ${sum.high}`,
      `${sum.wrongLow} ≤ ${sum.wrong} ≤ ${sum.wrongHigh}`,
      `${Math.round((100 * sum.exact) / pasts)} %`,
    ]),
    String(outside),
  ];
}

const head = [
  'evidence',
  'days known',
  ...shown.flatMap((idleFor) => [`closes, ${formatDuration(idleFor)}`, 'wrong', 'exact']),
  'outside',
];
writeFileSync(
  page,
  filled(readFileSync(page, 'utf8'), { 'range widths': table(head, sourceSets.map(measure)) }),
);
