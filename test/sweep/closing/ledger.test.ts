import { describe, expect, it } from 'vitest';
import { closedAs } from '../../../src/sweep/closing/ledger.ts';
import { entryOf, statsOf } from '../../support/entries.ts';
import { now } from '../../support/jobs.ts';

describe('a new ledger entry', () => {
  it('a new ledger entry has no close requests, no checks and no outcome', () => {
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

  it('a new ledger entry starts with the time and the number of the close requests from earlier sweeps', () => {
    const entry = entryOf(
      'idle-1',
      {},
      { history: { askedAt: now - 1, lastActivity: 5 }, earlierAttempts: 2 },
    );
    expect(entry).toMatchObject({ askedAt: now - 1, earlierAttempts: 2, asks: 0 });
    expect(entry.lastAskAt).toBeUndefined();
  });

  it('when a job is judged again, its history includes the time of its close request from the current sweep', () => {
    const entry = entryOf('idle-1', {}, { history: { lastActivity: 5, flapping: true } });
    expect(entry.presentHistory).toEqual({ lastActivity: 5, flapping: true, askedAt: undefined });
    entry.askedAt = now;
    expect(entry.presentHistory).toEqual({ lastActivity: 5, flapping: true, askedAt: now });
    expect(entry.history).toEqual({ lastActivity: 5, flapping: true });
  });
});

describe('the outcome of a ledger entry', () => {
  it('a job keeps its first outcome and the time of that outcome', () => {
    const entry = entryOf('idle-1');
    entry.settle({ outcome: 'closed' }, now);
    entry.settle({ outcome: 'gone' }, now + 1);
    expect(entry).toMatchObject({ outcome: { outcome: 'closed' }, settled: true, settledAt: now });
  });

  it('endedAs returns true if one of the given names is the job’s outcome, and false while the job has no outcome', () => {
    const entry = entryOf('idle-1');
    expect(entry.endedAs('closed', 'force_closed')).toBe(false);
    entry.settle({ outcome: 'force_closed' }, now);
    expect(entry.endedAs('closed', 'force_closed')).toBe(true);
    expect(entry.endedAs('closed', 'gone')).toBe(false);
    expect(entry.endedAs()).toBe(false);
  });
});

describe('the reads of a ledger entry', () => {
  const seen = (read: number, state: string) => ({ read, stats: statsOf('idle-1', state) });

  it('the newest read of a job decides its state, in whatever order the answers arrive', () => {
    const entry = entryOf('idle-1');
    expect(entry.seen).toBeUndefined();
    entry.note(seen(2, 'closing'));
    entry.note(seen(1, 'opened'));
    expect(entry.seen).toEqual(seen(2, 'closing'));
    entry.note(seen(3, 'closed'));
    expect(entry.seen?.stats?.state).toBe('closed');
  });

  it('when a close request is sent, earlier reads of its jobs are ignored, even if they are still in flight', () => {
    const entry = entryOf('idle-1');
    entry.note(seen(1, 'opened'));
    entry.forgetSeen(3);
    expect(entry.seen).toBeUndefined();
    entry.note(seen(3, 'opened'));
    expect(entry.seen).toBeUndefined();
    entry.note(seen(4, 'closing'));
    expect(entry.seen?.read).toBe(4);
  });
});

describe('the closing time of a ledger entry', () => {
  it.each(['closed', 'force_closed', 'already_closed'] as const)(
    'the closing time of a job is the time of its outcome if the outcome is %s',
    (outcome) => {
      const entry = entryOf('idle-1');
      entry.settle({ outcome }, now);
      expect(entry.closedAt).toBe(now);
    },
  );

  it('the closing time of a job is the time at which a read first showed it closed, even if its close request ended later', () => {
    const entry = Object.assign(entryOf('idle-1'), { closedAt: now - 5 });
    entry.settle({ outcome: 'closed' }, now);
    expect(entry).toMatchObject({ closedAt: now - 5, settledAt: now });
  });

  it('a job that was read as closed has no closing time if its outcome is closing', () => {
    const entry = Object.assign(entryOf('idle-1'), { closedAt: now - 5 });
    entry.settle({ outcome: 'closing' }, now);
    expect(entry.closedAt).toBeUndefined();
  });
});

describe('the outcome of a closed job', () => {
  it.each([
    ['force_closed', 'forced', entryOf('a', { forced: true, asks: 1 })],
    ['closed', 'asked to close by this sweep', entryOf('a', { asks: 1 })],
    ['closed', 'asked to close by an earlier sweep of the chain', entryOf('a', {}, { earlierAttempts: 1 })],
    [
      'closed',
      'asked to close according to its history',
      entryOf('a', {}, { history: { askedAt: now - 1 } }),
    ],
    ['already_closed', 'not asked to close by any known sweep', entryOf('a', { askedAt: now })],
  ])('a closed job is reported as %s if it was %s', (outcome, _how, entry) => {
    expect(closedAs(entry)).toBe(outcome);
  });
});
