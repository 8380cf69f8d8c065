import { describe, expect, it } from 'vitest';
import { messageOf } from '../../../src/elasticsearch/audit-messages.ts';
import type { Evidence, Message } from '../../../src/sweep/advising/evidence.ts';
import { knownPastOf } from '../../../src/sweep/advising/known-past.ts';
import { type OwnClose, timelineOf } from '../../../src/sweep/advising/timeline.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const asOf = Date.parse('2026-05-20T12:00:00Z');

const unknown = 'a person, another program or a sweep whose report was not read';

const say = (ago: number, text: string): Message => {
  const message = messageOf(text, asOf - ago);
  if (!message) throw new Error(`no known message: ${text}`);
  return message;
};

/** Who closed the job two days ago, according to its timeline. */
function closer(messages: readonly Message[], ownCloses: readonly OwnClose[] = []): string | undefined {
  const evidence: Evidence = {
    jobId: 'job',
    createTime: asOf - 30 * day,
    finishedTime: asOf - 2 * day + minute,
    now: { at: asOf, state: 'closed', lastData: asOf - 3 * day },
    datafeedRuns: false,
    messages: [say(20 * day, 'Opening job on node [ml-0]'), ...messages, say(2 * day, 'Job is closing')],
  };
  const known = knownPastOf(evidence, { from: asOf - 40 * day, announcesSilence: true }, asOf - 30 * day);
  return timelineOf(evidence, known, ownCloses).find(({ what }) => what === 'closed')?.by;
}

describe('who closed a job, in its timeline', () => {
  it('the timeline does not say who closed the job if no other message is near the close', () => {
    expect(closer([])).toBe(unknown);
  });

  it('if a look-back completed right before the close, the timeline says that the end of the datafeed closed the job', () => {
    expect(
      closer([
        say(
          2 * day + 3 * hour,
          'Datafeed started (from: 2026-05-01T00:00:00Z to: 2026-05-15T00:00:00Z) with frequency [10m]',
        ),
        say(2 * day + minute, 'Datafeed lookback completed'),
      ]),
    ).toBe('the end of its datafeed');
  });

  it('the timeline does not say who closed the job if the look-back completed long before the close', () => {
    expect(closer([say(3 * day, 'Datafeed lookback completed')])).toBe(unknown);
  });

  it('the timeline does not say who closed the job if the datafeed continued in real time after its look-back', () => {
    expect(
      closer([
        say(2 * day + 3 * minute, 'Datafeed lookback completed'),
        say(2 * day + 3 * minute - 1, 'Datafeed continued in real-time'),
      ]),
    ).toBe(unknown);
  });

  it('the timeline names the sweep that closed the job if a report lists the close, whatever the datafeed did', () => {
    const startedAt = new Date(asOf - 2 * day - 10_000).toISOString();
    expect(
      closer(
        [say(2 * day + minute, 'Datafeed lookback completed')],
        [{ startedAt, sweepId: 'sweep-1', outcome: 'closed' }],
      ),
    ).toBe('jobsweep, sweep sweep-1');
  });

  it('the timeline uses the time of each close to find the sweep that made it', () => {
    const closedBy = (sweepId: string, ago: number): OwnClose => ({
      sweepId,
      startedAt: new Date(asOf - ago - 5_000).toISOString(),
      askedAt: new Date(asOf - ago).toISOString(),
      closedAt: new Date(asOf - ago + 2_000).toISOString(),
      outcome: 'closed',
    });
    const evidence: Evidence = {
      jobId: 'job',
      createTime: asOf - 30 * day,
      finishedTime: asOf - 2 * hour,
      now: { at: asOf, state: 'closed', lastData: asOf - 3 * day },
      datafeedRuns: false,
      messages: [20 * minute, 15 * minute, 5 * minute].flatMap((ago) => [
        say(ago + minute, 'Opening job on node [ml-0]'),
        say(ago, 'Job is closing'),
      ]),
    };
    const known = knownPastOf(evidence, { from: asOf - 40 * day, announcesSilence: true }, asOf - 30 * day);
    const own = [closedBy('first', 20 * minute), closedBy('second', 15 * minute)];
    const closes = timelineOf(evidence, known, own).filter(({ what }) => what === 'closed');
    // No sweep made the last close, which came minutes after the second sweep.
    expect(closes.map(({ by }) => by)).toEqual(['jobsweep, sweep first', 'jobsweep, sweep second', unknown]);
  });
});

describe('saved models, in a timeline', () => {
  it('the timeline says that a model saved at a close has newer records, not that data had just arrived', () => {
    const evidence: Evidence = {
      jobId: 'job',
      now: { at: asOf, state: 'closed', lastData: asOf - 19 * day },
      datafeedRuns: false,
      snapshots: [
        { at: asOf - 20 * day, latestRecord: asOf - 20 * day, atClose: false },
        { at: asOf - hour, latestRecord: asOf - 19 * day, atClose: true },
        { at: asOf - minute, latestRecord: asOf - 19 * day, atClose: false },
      ],
    };
    const events = timelineOf(evidence, knownPastOf(evidence, undefined, asOf - 30 * day), []);
    expect(events.filter(({ source }) => source === 'snapshots').map(({ what }) => what)).toEqual([
      'model saved',
      'model saved as its process ended, with newer records',
      'model saved, no newer record',
    ]);
  });
});
