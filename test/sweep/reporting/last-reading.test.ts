import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../simulator/clock.ts';
import { Budget } from '../../../src/sweep/budget.ts';
import type { Entry } from '../../../src/sweep/closing/ledger.ts';
import { judgeBy } from '../../../src/sweep/planning/verdict.ts';
import type { DatafeedStats, JobStats } from '../../../src/sweep/ports.ts';
import { type Concluding, conclude } from '../../../src/sweep/reporting/last-reading.ts';
import { askedOnce, entryOf, foundClosing, refusal, statsOf } from '../../support/entries.ts';
import { day, hour, minute, now, requestOf } from '../../support/jobs.ts';

/** The cluster at the end of a sweep. If `stats` or `feeds` is undefined, the cluster does not answer that read. */
interface ClusterAtEnd {
  readonly stats?: readonly JobStats[] | undefined;
  readonly feeds?: readonly DatafeedStats[] | undefined;
  readonly leftMs?: number;
  readonly observer?: Concluding['observer'];
}

/** Runs the end of a sweep on a cluster that takes a second for each answer. `reads` lists the ids that were read. */
function endOf({ stats, feeds, leftMs = 20_000, observer = {} }: ClusterAtEnd) {
  const clock = new VirtualClock(now);
  const reads: string[] = [];
  const answer = async <T>(
    what: string,
    ids: readonly string[],
    given: T | undefined,
    signal: AbortSignal,
  ) => {
    reads.push(`${what} ${ids.join(' ')}`);
    await clock.sleep(given ? 1_000 : hour, signal);
    return given as T;
  };
  const concluding: Concluding = {
    clock,
    observer,
    judge: judgeBy(requestOf()),
    budget: new Budget(clock, leftMs),
    cluster: {
      jobStats: (signal, ids = []) => answer('jobs', ids, stats, signal),
      datafeedStats: (signal, ids = []) => answer('feeds', ids, feeds, signal),
    },
  };
  return { concluding, clock, reads };
}

/** The outcome of one job at the end. */
async function endedAs(entry: Entry, given: ClusterAtEnd) {
  expect(await conclude([entry], 'time', endOf(given).concluding)).toEqual([]);
  return entry.outcome;
}

const error = refusal(408);

describe('the last reading of a job that was asked to close', () => {
  it.each<[string, Entry, JobStats | undefined, object]>([
    ['closed', askedOnce(), statsOf('idle-1', 'closed'), { outcome: 'closed' }],
    [
      'closed by force',
      askedOnce({ forced: true }),
      statsOf('idle-1', 'closed'),
      { outcome: 'force_closed' },
    ],
    ['still closing', askedOnce({ lastError: error }), statsOf('idle-1', 'closing'), { outcome: 'closing' }],
    ['deleted', askedOnce(), undefined, { outcome: 'gone' }],
  ])(
    'the last reading finds that a job that was asked to close is %s',
    async (_what, entry, stats, outcome) => {
      expect(await endedAs(entry, { stats: stats ? [stats] : [] })).toEqual(outcome);
    },
  );

  it.each(['opened', 'opening', 'failed'])(
    'if the last reading finds a job %s, the report gives the error of the job’s last close request',
    async (state) => {
      const entry = askedOnce({ lastError: error });
      const stats = [statsOf('idle-1', state, { openForMs: day })];
      expect(await endedAs(entry, { stats })).toEqual({ outcome: 'error', error });
    },
  );

  it('the last reading reports a job as reopened if its process is younger than the close request', async () => {
    const stats = [statsOf('idle-1', 'opened', { openForMs: 10_000 })];
    const reopened = { type: 'reopened', reason: 'the job is open again after it was asked to close' };
    expect(await endedAs(askedOnce({ lastError: error }), { stats })).toEqual({
      outcome: 'error',
      error: { ...reopened, status: 408 },
    });
    expect(await endedAs(askedOnce(), { stats })).toEqual({
      outcome: 'error',
      error: { ...reopened, status: 200 },
    });
  });

  it('after an acknowledged close, a job that is open at the end is reported as reopened, and a failed one as not closed', async () => {
    expect(await endedAs(askedOnce(), { stats: [statsOf('idle-1', 'opened')] })).toEqual({
      outcome: 'error',
      error: {
        status: 200,
        type: 'reopened',
        reason: 'the job is open again after it was asked to close',
      },
    });
    expect(await endedAs(askedOnce(), { stats: [statsOf('idle-1', 'failed')] })).toEqual({
      outcome: 'error',
      error: { status: 0, type: 'not_closed', reason: 'the job was asked to close, and is failed' },
    });
  });

  it('if the cluster does not answer, the last reading uses the job states that were read after the close request', async () => {
    const seen = (state: string) => askedOnce({ seen: statsOf('idle-1', state) });
    expect(await endedAs(seen('closed'), {})).toEqual({ outcome: 'closed' });
    expect(await endedAs(seen('closing'), {})).toEqual({ outcome: 'closing' });
    const deleted = askedOnce();
    deleted.note({ read: 1, stats: undefined });
    expect(await endedAs(deleted, {})).toEqual({ outcome: 'gone' });
    expect(await endedAs(askedOnce(), {})).toEqual({ outcome: 'unknown' });
  });

  it('the last reading trusts its own read more than earlier reads', async () => {
    const entry = askedOnce({ seen: statsOf('idle-1', 'closing') });
    expect(await endedAs(entry, { stats: [statsOf('idle-1', 'closed')] })).toEqual({ outcome: 'closed' });
    expect(await endedAs(askedOnce({ seen: statsOf('idle-1', 'closing') }), { stats: [] })).toEqual({
      outcome: 'gone',
    });
  });
});

describe('the last reading of a job that was found closing', () => {
  it('if the sweep found a job closing, the last reading reports whether it is closed, still closing or deleted', async () => {
    const ended = (stats: JobStats[]) => endedAs(foundClosing('c'), { stats });
    expect(await ended([statsOf('c', 'closed')])).toEqual({ outcome: 'already_closed' });
    expect(await ended([statsOf('c', 'closing')])).toEqual({ outcome: 'closing' });
    expect(await ended([])).toEqual({ outcome: 'gone' });
  });

  it('if the cluster does not answer, a job found closing is reported from its latest read, or as closing if it was not read again', async () => {
    expect(await endedAs(foundClosing('c', { seen: statsOf('c', 'closed') }), {})).toEqual({
      outcome: 'already_closed',
    });
    expect(await endedAs(foundClosing('c'), {})).toEqual({ outcome: 'closing' });
  });

  it('if a job found closing is open at the last reading, the job is judged again, and reported as revived if it is busy', async () => {
    const entry = foundClosing('c');
    const lastDataTime = now - minute;
    const stats = [statsOf('c', 'opened', { openForMs: 3 * day, lastDataTime })];
    expect(await endedAs(entry, { stats })).toEqual({ outcome: 'revived' });
    expect(entry.verdict).toEqual({ verdict: 'keep', reason: 'recent_data' });
    expect(entry.job).toEqual({
      ...foundClosing('c').job,
      reportedState: 'opened',
      state: 'opened',
      openedAt: now + 1_000 - 3 * day,
      lastDataTime,
    });
  });

  it.each<[string, JobStats, string]>([
    ['has no process', statsOf('c', 'opened', { lastDataTime: now - 5 * day }), 'no_process'],
    ['was opened a second ago', statsOf('c', 'opened', { openForMs: 1_000 }), 'recently_opened'],
    ['is in an unknown state', statsOf('c', 'hibernating', { openForMs: day }), 'recently_opened'],
    [
      'is in an unknown state and was opened long ago',
      statsOf('c', 'hibernating', { openForMs: 5 * day }),
      'unknown_state',
    ],
    ['is being opened', statsOf('c', 'opening', { openForMs: 5 * day }), 'opening'],
  ])(
    'a job that was found closing is reported as revived if, at the last reading, it %s',
    async (_what, stats, reason) => {
      const entry = foundClosing('c');
      expect(await endedAs(entry, { stats: [stats] })).toEqual({ outcome: 'revived' });
      expect(entry.verdict).toEqual({ verdict: 'keep', reason });
    },
  );

  it.each<[string, JobStats, object]>([
    [
      'open and idle',
      statsOf('c', 'opened', { openForMs: 5 * day, lastDataTime: now - 5 * day }),
      { verdict: 'close', reason: 'idle' },
    ],
    [
      'failed and idle',
      statsOf('c', 'failed', { lastDataTime: now - 5 * day }),
      { verdict: 'force', reason: 'failed' },
    ],
  ])(
    'at the last reading, a job that is %s is left to the next sweep, and the report says why this sweep ended',
    async (_what, stats, verdict) => {
      const entry = foundClosing('c');
      await conclude([entry], 'signal', endOf({ stats: [stats] }).concluding);
      expect(entry.outcome).toEqual({ outcome: 'not_attempted', because: 'signal' });
      expect(entry.verdict).toEqual(verdict);
    },
  );

  it('the last reading also judges a job by the history from earlier sweeps', async () => {
    const entry = foundClosing('c', {}, { job: { lastDataTime: undefined }, history: { lastActivity: 1 } });
    const stats = [statsOf('c', 'failed')];
    expect(await endedAs(entry, { stats })).toEqual({ outcome: 'not_attempted', because: 'time' });
  });
});

describe('the end of a sweep', () => {
  it('the report says why a job was never asked to close, and the job is not read at the end of the sweep', async () => {
    const { concluding, reads } = endOf({});
    const [late, stopped] = [entryOf('late'), entryOf('stopped')];
    expect(await conclude([late], 'time', concluding)).toEqual([]);
    expect(await conclude([stopped], 'signal', concluding)).toEqual([]);
    expect(late.outcome).toEqual({ outcome: 'not_attempted', because: 'time' });
    expect(stopped.outcome).toEqual({ outcome: 'not_attempted', because: 'signal' });
    expect(reads).toEqual([]);
  });

  it('the report says why a job was never asked to close, even if other jobs are read at the end of the sweep', async () => {
    const [late, asked] = [entryOf('late'), askedOnce()];
    const { concluding } = endOf({ stats: [statsOf('idle-1', 'closed'), statsOf('late', 'closed')] });
    await conclude([late, asked], 'time', concluding);
    expect(late.outcome).toEqual({ outcome: 'not_attempted', because: 'time' });
  });

  it('at its end, a sweep reads the undecided jobs that it asked to close or found closing, in one request', async () => {
    const { concluding, reads } = endOf({ stats: [] });
    const settled = entryOf('settled', { asks: 1 });
    settled.settle({ outcome: 'closed' }, now);
    const asked = entryOf('asked', { asks: 1 });
    await conclude([settled, asked, entryOf('never'), foundClosing('closing')], 'time', concluding);
    expect(reads).toEqual(['jobs asked closing']);
    expect(settled.outcome).toEqual({ outcome: 'closed' });
  });

  it('at its end, a sweep does not read a job whose id could match other jobs', async () => {
    const { concluding, reads } = endOf({ stats: [] });
    const unnamable = askedOnce({}, { job: { target: undefined } });
    await conclude([unnamable, entryOf('asked', { asks: 1 })], 'time', concluding);
    expect(reads).toEqual(['jobs asked']);
  });

  it('at its end, a sweep notifies the observer of each job that gets its outcome then, with the time of the outcome', async () => {
    const notified: string[] = [];
    const observer = { settled: ({ jobId, settledAt }: Entry) => notified.push(`${jobId} ${settledAt}`) };
    const { concluding } = endOf({ stats: [], observer });
    const settled = entryOf('settled', { asks: 1 });
    settled.settle({ outcome: 'closed' }, now);
    await conclude([settled, askedOnce(), entryOf('never')], 'time', concluding);
    expect(notified).toEqual([`idle-1 ${now + 1_000}`, `never ${now + 1_000}`]);
  });

  it.each([
    ['10 s per read', 60_000, 20_000],
    ['three quarters of the time left until the deadline, then half of the rest', 8_000, 6_000 + 1_000],
  ])('at its end, a sweep waits %s for a cluster that does not answer', async (_what, leftMs, waited) => {
    const { concluding, clock, reads } = endOf({ leftMs });
    const entry = askedOnce({ stopsDatafeed: 'feed' });
    expect(await conclude([entry], 'time', concluding)).toEqual([
      'the datafeeds of the closed jobs could not be read again, so it is unknown whether they stopped',
    ]);
    expect(clock.now() - now).toBe(waited);
    expect(reads).toEqual(['jobs idle-1', 'feeds feed']);
    expect(entry.outcome).toEqual({ outcome: 'unknown' });
    expect(entry.datafeedStopped).toBeUndefined();
  });
});

describe('the datafeed that a close was to stop', () => {
  const feed = (state: string): DatafeedStats[] => [
    { datafeedId: 'other', jobId: 'other', state: 'started', lookback: 'done' },
    { datafeedId: 'feed', jobId: 'idle-1', state, lookback: 'done' },
  ];
  const openWithout =
    'the datafeed feed was stopped but its job idle-1 was not closed, so the job gets no data: start the datafeed again or close the job';
  const stateUnknown =
    'the datafeed feed was stopped, but it is unknown whether its job idle-1 is closed: if the job is open, start the datafeed again or close the job';
  const closedWith = 'the job idle-1 is closed but its datafeed feed is still started: stop the datafeed';

  it.each<[string, string, Parameters<Entry['settle']>[0], boolean, string[]]>([
    ['stopped, and its job closed', 'stopped', { outcome: 'closed' }, true, []],
    ['stopped, and its job was forced', 'stopped', { outcome: 'force_closed' }, true, []],
    ['stopped, and its job is closing', 'stopped', { outcome: 'closing' }, true, []],
    ['stopped, and its job did not close', 'stopped', { outcome: 'error', error }, true, [openWithout]],
    ['stopped, and the state of its job is unknown', 'stopped', { outcome: 'unknown' }, true, [stateUnknown]],
    ['still started although its job was closed', 'started', { outcome: 'closed' }, false, [closedWith]],
    [
      'still started although its job was forced',
      'started',
      { outcome: 'force_closed' },
      false,
      [closedWith],
    ],
    ['still started, and its job is open', 'started', { outcome: 'error', error }, false, []],
    ['still started, and its job is closing', 'started', { outcome: 'closing' }, false, []],
  ])(
    'after a close that should stop a datafeed, the last reading finds the datafeed %s',
    async (_what, state, outcome, stopped, warnings) => {
      const entry = askedOnce({ stopsDatafeed: 'feed' });
      entry.settle(outcome, now);
      expect(await conclude([entry], 'time', endOf({ feeds: feed(state) }).concluding)).toEqual(warnings);
      expect(entry.datafeedStopped).toBe(stopped);
    },
  );

  it('a datafeed that was deleted with its job causes no warning, and is not reported as stopped', async () => {
    const entry = askedOnce({ stopsDatafeed: 'feed' });
    entry.settle({ outcome: 'closed' }, now);
    expect(await conclude([entry], 'time', endOf({ feeds: [] }).concluding)).toEqual([]);
    expect(entry.datafeedStopped).toBe(false);
  });

  it('the last reading reads only the datafeeds that closes should have stopped, in one request', async () => {
    const entries = [
      entryOf('a', { stopsDatafeed: 'feed-a' }),
      entryOf('quiet'),
      entryOf('b', { stopsDatafeed: 'feed-b' }),
    ];
    for (const entry of entries) entry.settle({ outcome: 'closed' }, now);
    const { concluding, reads } = endOf({ feeds: [] });
    expect(await conclude(entries, 'time', concluding)).toEqual([]);
    expect(reads).toEqual(['feeds feed-a feed-b']);
    expect(entries.map(({ datafeedStopped }) => datafeedStopped)).toEqual([false, undefined, false]);
  });
});
