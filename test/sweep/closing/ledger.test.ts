import { describe, expect, it } from 'vitest';
import { entryOf } from '../../support/entries.ts';
import { now } from '../../support/jobs.ts';

describe('what is known of a job', () => {
  it('begins with no asks, no looks and no outcome', () => {
    const entry = entryOf('idle-1');
    expect(entry).toMatchObject({
      jobId: 'idle-1',
      asks: 0,
      looks: 0,
      earlierAttempts: 0,
      history: {},
      forced: false,
      settled: false,
    });
    expect([entry.askedAt, entry.lastAskAt, entry.outcome, entry.settledAt]).toEqual(
      Array(4).fill(undefined),
    );
  });

  it('begins with the ask and the attempts of earlier sweeps', () => {
    const entry = entryOf(
      'idle-1',
      {},
      { history: { askedAt: now - 1, lastActivity: 5 }, earlierAttempts: 2 },
    );
    expect(entry).toMatchObject({ askedAt: now - 1, earlierAttempts: 2, asks: 0 });
    expect(entry.lastAskAt).toBeUndefined();
  });

  it('is judged again with the ask of this sweep beside the rest of its history', () => {
    const entry = entryOf('idle-1', {}, { history: { lastActivity: 5, flapping: true } });
    expect(entry.presentHistory).toEqual({ lastActivity: 5, flapping: true, askedAt: undefined });
    entry.askedAt = now;
    expect(entry.presentHistory).toEqual({ lastActivity: 5, flapping: true, askedAt: now });
    expect(entry.history).toEqual({ lastActivity: 5, flapping: true });
  });
});

describe('the outcome of a job', () => {
  it('is the first that was said, with its moment', () => {
    const entry = entryOf('idle-1');
    entry.settle({ outcome: 'closed' }, now);
    entry.settle({ outcome: 'gone' }, now + 1);
    expect(entry).toMatchObject({ outcome: { outcome: 'closed' }, settled: true, settledAt: now });
  });

  it('is one of those asked about, or it is not; there is none before the job is settled', () => {
    const entry = entryOf('idle-1');
    expect(entry.endedAs('closed', 'force_closed')).toBe(false);
    entry.settle({ outcome: 'force_closed' }, now);
    expect(entry.endedAs('closed', 'force_closed')).toBe(true);
    expect(entry.endedAs('closed', 'gone')).toBe(false);
    expect(entry.endedAs()).toBe(false);
  });
});
