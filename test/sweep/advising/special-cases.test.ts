import { describe, expect, it } from 'vitest';
import { habits } from '../../../simulator/past/life.ts';
import { messageOf } from '../../../src/elasticsearch/audit-messages.ts';
import type { Evidence, Message, MessageCoverage } from '../../../src/sweep/advising/evidence.ts';
import { knownPastOf } from '../../../src/sweep/advising/known-past.ts';
import { replay, sweepsOf } from '../../../src/sweep/advising/replay.ts';
import { judgePast, sourceSets } from './judge-past.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const asOf = Date.parse('2026-05-20T12:00:00Z');
const ago = (ms: number) => asOf - ms;

const coverage: MessageCoverage = { from: ago(60 * day), announcesSilence: true };
const say = (ms: number, text: string): Message => {
  const message = messageOf(text, ago(ms));
  if (!message) throw new Error(`no message of ours: ${text}`);
  return message;
};

function judged(evidence: Partial<Evidence>, { idleFor = 24 * hour, days = 30 } = {}) {
  const whole: Evidence = {
    jobId: 'job',
    createTime: ago(50 * day),
    now: { at: asOf, state: 'opened', lastData: ago(4 * day), openedAt: ago(40 * day), bytes: 1e9 },
    datafeedRuns: false,
    ...evidence,
  };
  const known = knownPastOf(whole, evidence.messages && coverage, ago(days * day));
  return { known, ...replay(known, idleFor, sweepsOf(asOf, ago(days * day), day)) };
}

/** The messages of a job that was opened 40 days ago, and whose datafeed ran in real time until 4 days ago. */
const realtime = (...more: readonly Message[]): Message[] => [
  say(50 * day, 'Job created'),
  say(40 * day, 'Opening job on node [ml-0]'),
  say(40 * day, 'Loading model snapshot [N/A], job latest_record_timestamp [N/A]'),
  say(40 * day, 'Datafeed started (from: 2026-04-09T00:00:00Z to: real-time) with frequency [10m]'),
  say(40 * day, 'Datafeed continued in real-time'),
  ...more,
  say(4 * day - 5 * minute, 'Datafeed stopped'),
];
const silence = (from: number, to: number): Message[] => [
  say(from, 'Datafeed has been retrieving no data for a while'),
  say(to, 'Datafeed has started retrieving data again'),
];

describe('job stats alone', () => {
  it('job stats used on their own prove only the current silence of a job', () => {
    const lastData = ago(4 * day + 30 * minute);
    const now = { at: asOf, state: 'opened', lastData, openedAt: ago(40 * day), bytes: 1e9 };
    const { known, closes, wrongCloses, gbHours } = judged({ now });
    expect(known.knownFrom).toBe(lastData);
    expect(closes).toEqual({ atLeast: 1, atMost: 1 });
    expect(wrongCloses).toEqual({ atLeast: 0, atMost: 0 });
    expect(gbHours.atLeast).toBeCloseTo(72, 6);
    expect(gbHours.atMost).toBeCloseTo(72, 6);
  });

  it('the finished_time in job stats shows when a closed job was closed', () => {
    const now = { at: asOf, state: 'closed', lastData: ago(4 * day) };
    const { known, closes } = judged({ now, finishedTime: ago(2 * day) });
    expect(known.wasOpen).toBe('yes');
    expect(known.knownFrom).toBeLessThanOrEqual(ago(2 * day) + minute);
    expect(closes).toEqual({ atLeast: 0, atMost: 0 });
  });

  it('a job whose stats show that it closed before the examined period does not count as open in that period', () => {
    const now = { at: asOf, state: 'closed', lastData: ago(90 * day) };
    const { known } = judged({ now, createTime: ago(200 * day), finishedTime: ago(89 * day) });
    expect(known.wasOpen).toBe('no');
  });
});

describe('a datafeed that read in real time throughout', () => {
  it('notifications alone can prove that closes of a job with a real-time datafeed would have been wrong', () => {
    const messages = realtime(...silence(20 * day, 17 * day), ...silence(12 * day, 10 * day));
    const { known, closes, wrongCloses } = judged({ messages });
    expect(known.contradicted).toBe(false);
    expect(closes).toEqual({ atLeast: 3, atMost: 3 });
    expect(wrongCloses).toEqual({ atLeast: 2, atMost: 2 });
  });

  it('snapshots whose newest record stays the same can prove that a close of a job with a real-time datafeed would have been wrong', () => {
    const snapshots = Array.from({ length: 40 }, (_, index) => {
      const at = ago(10 * day) + index * 3.6 * hour;
      // no data arrives between the tenth and the thirtieth snapshot
      const latestRecord = index < 10 ? at : index < 30 ? ago(10 * day) + 9 * 3.6 * hour : at;
      return { at, latestRecord, atClose: false };
    });
    const { wrongCloses } = judged({ messages: realtime(), snapshots }, { days: 10 });
    expect(wrongCloses.atLeast).toBeGreaterThanOrEqual(1);
  });

  it('snapshots with the same newest record do not prove that a job got no data, if a client pushes its data', () => {
    const snapshots = [10, 9, 8, 7, 6].map((days) => ({
      at: ago(days * day),
      latestRecord: ago(11 * day),
      atClose: false,
    }));
    const { closes, wrongCloses } = judged({ snapshots }, { days: 10 });
    expect(closes.atLeast).toBe(1);
    expect(wrongCloses.atLeast).toBe(0);
    expect(wrongCloses.atMost).toBeGreaterThan(0);
  });
});

describe('a job that was deleted and created again', () => {
  const createTime = ago(5 * day);
  const now = { at: asOf, state: 'opened', lastData: ago(12 * hour), openedAt: ago(5 * day) + 5 * minute };
  const older = [...realtime(...silence(20 * day, 17 * day)), say(3.9 * day, 'Job is closing')].map(
    (message) => ({ ...message, at: message.at - 5 * day }),
  );

  it('a job that was deleted and created again is judged only from its latest creation on', () => {
    const messages = [
      ...older,
      say(5 * day + 30_000, 'Job deleted'),
      say(5 * day, 'Job created'),
      say(5 * day - 5 * minute, 'Opening job on node [ml-1]'),
      say(5 * day - 5 * minute, 'Loading model snapshot [N/A], job latest_record_timestamp [N/A]'),
    ];
    const records = [{ at: ago(7 * day), state: 'opened', lastData: ago(9 * day), openedAt: ago(40 * day) }];
    const { known, closes } = judged({ messages, records, now, createTime });
    expect(known.contradicted).toBe(false);
    expect(known.knownFrom).toBeGreaterThanOrEqual(createTime - minute);
    expect(known.reopened).toEqual([]);
    expect(closes.atMost).toBeLessThanOrEqual(5);
  });
});

describe('a model that was reverted', () => {
  it('after a model revert, a newest record that only rises to its former value does not prove that data came', () => {
    const snapshots = [
      { at: ago(9 * day), latestRecord: 1_000, atClose: false },
      { at: ago(8 * day), latestRecord: 2_000, atClose: true },
      { at: ago(6 * day), latestRecord: 1_000, atClose: true },
      { at: ago(5 * day), latestRecord: 2_000, atClose: true },
    ];
    const { known } = judged({ snapshots });
    const spans = known.data.spans.filter(({ to, from }) => to - from > 3 * minute);
    // Only the first rise of the newest record proves that data came. The second rise follows a revert, and only
    // restores the former value.
    expect(spans).toEqual([{ from: ago(9 * day) - 2 * minute, to: ago(8 * day) + minute }]);
  });
});

describe('lost messages', () => {
  it('if stats show that messages were lost, `advise` no longer takes missing messages as proof of silence', () => {
    // The job was closed 20 days ago and opened again later, and no message reports that.
    const messages = [
      say(50 * day, 'Job created'),
      say(40 * day, 'Opening job on node [ml-0]'),
      say(40 * day, 'Loading model snapshot [N/A], job latest_record_timestamp [N/A]'),
      say(20 * day, 'Job is closing'),
    ];
    const now = { at: asOf, state: 'opened', lastData: ago(4 * day), openedAt: ago(10 * day), bytes: 1e9 };
    const { known, closes } = judged({ messages, now });
    expect(known.contradicted).toBe(true);
    expect(known.notOpen.filter(({ from }) => from > ago(49 * day))).toEqual([]);
    expect(closes.atLeast).toBe(1);
  });

  it('more than 94 % of the ranges from `advise` contain the true value even if a tenth of the messages were lost', () => {
    let ranges = 0;
    let outside = 0;
    for (let seed = 1; seed <= 150; seed += 1)
      for (const sources of [['notifications'], ['snapshots', 'notifications', 'records']] as const) {
        const result = judgePast({ seed, days: 30, asOf, sources, lost: 0.1 });
        ranges += result.results.length * 3;
        outside += result.outside.length;
      }
    expect(outside / ranges).toBeLessThan(0.06);
  });
});

describe('a node’s clock that differs', () => {
  it('a range from `advise` contains the true value even if the node’s clock is a minute ahead', () => {
    // The node's clock is a minute ahead, so the last data, which arrived 24 h ago, seems to be a minute newer.
    const now = {
      at: asOf,
      state: 'opened',
      lastData: ago(24 * hour - minute),
      openedAt: ago(40 * day),
      bytes: 1,
    };
    expect(judged({ now }).closes).toEqual({ atLeast: 0, atMost: 1 });
  });
});

it.each(habits)('more evidence never widens a range from `advise` (data pattern: %s)', (habit) => {
  for (let seed = 1; seed <= 15; seed += 1) {
    const wide = judgePast({ seed, days: 30, asOf, sources: ['notifications', 'snapshots'], habit });
    const narrow = judgePast({
      seed,
      days: 30,
      asOf,
      sources: ['notifications', 'snapshots', 'records'],
      habit,
    });
    if (
      narrow.known.knownFrom !== wide.known.knownFrom ||
      wide.known.contradicted !== narrow.known.contradicted
    )
      continue;
    for (const [index, { estimate }] of narrow.results.entries()) {
      expect(estimate.closes.atLeast).toBeGreaterThanOrEqual(
        wide.results[index]?.estimate.closes.atLeast ?? 0,
      );
      expect(estimate.closes.atMost).toBeLessThanOrEqual(wide.results[index]?.estimate.closes.atMost ?? 0);
    }
  }
});

it('ranges from `advise` are never empty, and never show more wrong closes than closes in total', () => {
  for (let seed = 1; seed <= 60; seed += 1)
    for (const sources of sourceSets)
      for (const { estimate } of judgePast({ seed, days: 30, asOf, sources }).results) {
        for (const { atLeast, atMost } of Object.values(estimate))
          expect(atLeast).toBeLessThanOrEqual(atMost + 1e-9);
        expect(estimate.wrongCloses.atMost).toBeLessThanOrEqual(estimate.closes.atMost);
        expect(estimate.wrongCloses.atLeast).toBeLessThanOrEqual(estimate.closes.atLeast);
      }
});
