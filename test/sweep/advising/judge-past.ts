/**
 * @module Draws a random past, estimates its numbers from a set of sources, and finds the true numbers that lie outside
 * the estimated ranges.
 */

import { drawPast, type Habit, type Past, type PastOptions } from '../../../simulator/past/life.ts';
import { messageOf } from '../../../src/elasticsearch/audit-messages.ts';
import type { Evidence, MessageCoverage } from '../../../src/sweep/advising/evidence.ts';
import { type KnownPast, knownPastOf } from '../../../src/sweep/advising/known-past.ts';
import { type Replayed, replay, sweepsOf } from '../../../src/sweep/advising/replay.ts';
import { type TrueNumbers, trueNumbers } from './truth.ts';

const hour = 3_600_000;
const day = 24 * hour;

export type SourceName = 'snapshots' | 'notifications' | 'records';

export const sourceSets: readonly (readonly SourceName[])[] = [
  [],
  ['snapshots'],
  ['notifications'],
  ['records'],
  ['snapshots', 'notifications'],
  ['snapshots', 'records'],
  ['notifications', 'records'],
  ['snapshots', 'notifications', 'records'],
];

export const thresholds = [12 * hour, 24 * hour, 48 * hour, 7 * day];

export interface PastCase {
  readonly seed: number;
  readonly days: number;
  readonly asOf: number;
  readonly sources: readonly SourceName[];
  readonly habit?: Habit;
  /** The share of messages that are lost. */
  readonly lost?: number;
}

export interface JudgedPast {
  readonly past: Past;
  readonly known: KnownPast;
  readonly results: readonly {
    readonly idleFor: number;
    readonly estimate: Replayed;
    readonly truth: TrueNumbers;
  }[];
  /** A sentence for each number that lies outside its range. */
  readonly outside: readonly string[];
}

export function evidenceOf(
  past: Past,
  sources: readonly SourceName[],
  isLost: (index: number) => boolean = () => false,
): Evidence {
  const { truth, now, finishedTime, snapshots, notifications, observations, datafeedRuns } = past;
  return {
    jobId: truth.jobId,
    createTime: truth.createdAt,
    finishedTime,
    now,
    datafeedRuns,
    frequency: past.hasDatafeed ? past.frequency : undefined,
    records: sources.includes('records') ? observations : undefined,
    snapshots: sources.includes('snapshots')
      ? snapshots.map(({ timestamp, latestRecord, description, bytes }) => ({
          at: timestamp,
          latestRecord,
          atClose: description.startsWith('State persisted due to job close'),
          bytes,
        }))
      : undefined,
    messages: sources.includes('notifications')
      ? notifications.flatMap(({ message, timestamp }, index) =>
          isLost(index) ? [] : (messageOf(message, timestamp) ?? []),
        )
      : undefined,
  };
}

let drawn: { readonly key: string; readonly past: Past } | undefined;

/** Keeps the latest random past, because every set of sources is judged on the same past. */
function pastOf(options: PastOptions): Past {
  const key = JSON.stringify(options);
  if (drawn?.key !== key) drawn = { key, past: drawPast(options) };
  return drawn.past;
}

export function judgePast({ seed, days, asOf, sources, habit, lost = 0 }: PastCase): JudgedPast {
  const every = [6 * hour, 12 * hour, 24 * hour][seed % 3] ?? day;
  const periodFrom = asOf - days * day;
  const sweptAt = Array.from(
    { length: 40 },
    (_, index) => asOf - (40 - index) * day + ((seed * 7919 + index * 104_729) % hour),
  );
  const past = pastOf({
    jobId: `job-${seed}`,
    seed,
    asOf,
    days: days * 1.5,
    sweptAt,
    ...(habit && { habit }),
  });
  const isLost = (index: number) => ((seed * 31 + index * 17) % 100) / 100 < lost;
  const evidence = evidenceOf(past, sources, isLost);
  const coverage: MessageCoverage | undefined = evidence.messages && {
    from: asOf - (days + (seed % 2 === 0 ? 30 : 0)) * day,
    announcesSilence: seed % 4 < 2,
  };
  const within = coverage && {
    ...evidence,
    messages: evidence.messages?.filter(({ at }) => at >= coverage.from),
  };
  const known = knownPastOf(within ?? evidence, coverage, periodFrom);
  const sweeps = sweepsOf(asOf, periodFrom, every);
  const outside: string[] = [];
  const results = thresholds.map((idleFor) => {
    const estimate = replay(known, idleFor, sweeps);
    const closingIsOpen = seed % 2 === 1;
    const truth = trueNumbers(past.truth, {
      idleFor,
      sweeps,
      knownFrom: known.knownFrom,
      closingIsOpen,
      bytes: known.bytes,
    });
    for (const name of ['closes', 'wrongCloses', 'gbHours'] as const) {
      const { atLeast, atMost } = estimate[name];
      const slack = name === 'gbHours' ? 1e-6 * Math.max(1, truth[name]) : 0;
      if (truth[name] < atLeast - slack || truth[name] > atMost + slack)
        outside.push(
          `seed ${seed}, ${past.habit}, ${days} d, [${sources.join()}], idleFor ${idleFor / hour}h: ${name} ${truth[name]} is not in ${atLeast} to ${atMost}`,
        );
    }
    return { idleFor, estimate, truth };
  });
  return { past, known, results, outside };
}
