import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { closedAs } from '../../src/sweep/close.ts';
import type { JobSnapshot } from '../../src/sweep/inventory.ts';
import type { CloseAnswer } from '../../src/sweep/ports.ts';
import { bare, closingOf } from '../support/closing.ts';
import { entryOf, refusal } from '../support/entries.ts';
import { day, minute, now } from '../support/jobs.ts';
import type { Close } from '../support/scripted-cluster.ts';

const acknowledged: CloseAnswer = { kind: 'acknowledged' };
const lost: CloseAnswer = { kind: 'lost', reason: 'no answer came' };
const denied: CloseAnswer = { kind: 'denied', error: refusal(403, 'security_exception', 'not allowed') };
const closing = (jobId: string, changes: Partial<JobSnapshot> = {}) =>
  bare(jobId, { state: 'closing', openedAt: undefined, ...changes });
const failed = (jobId: string, changes: Partial<JobSnapshot> = {}) =>
  bare(jobId, { state: 'failed', openedAt: undefined, ...changes });
const fed = (jobId: string, changes: Partial<JobSnapshot> = {}) =>
  bare(jobId, {
    datafeed: { datafeedId: `feed-${jobId}`, state: 'started', lookback: 'done' },
    ...changes,
  });
const one = { batch: 1, concurrency: 1 };

/** Answers when it is no longer waited for. */
const untilGivenUp = ({ signal }: Close) =>
  new Promise<CloseAnswer>((resolve) => signal.addEventListener('abort', () => resolve(lost)));

describe('a close', () => {
  it('looks first, asks, and reads what became of the jobs before it says so', async () => {
    const world = closingOf({ jobs: [bare('a'), bare('b')] });
    expect(await world.run()).toBe(1_000);
    expect(world.cluster.log).toEqual(['0 configs a b', '0 stats a b', '0 close a b', '1000 stats a b']);
    expect(world.told()).toEqual({ a: 'closed 1000', b: 'closed 1000' });
    const { asks, looks, askedAt, lastAskAt, batch, forced, seen, lastError, stopsDatafeed } =
      world.entry('b');
    expect({ asks, looks, askedAt, lastAskAt, batch, forced, lastError, stopsDatafeed }).toEqual({
      asks: 1,
      looks: 1,
      askedAt: now,
      lastAskAt: now,
      batch: 1,
      forced: false,
      lastError: undefined,
      stopsDatafeed: undefined,
    });
    expect(seen?.state).toBe('closed');
  });

  it('has nothing to do where there is no job', async () => {
    const world = closingOf({ jobs: [] });
    expect(await world.run()).toBe(0);
    expect(world.cluster.log).toEqual([]);
  });

  it('cuts the jobs into requests, and numbers them as they leave', async () => {
    const world = closingOf({
      jobs: ['a', 'b', 'c'].map((id) => bare(id)),
      request: { close: { batch: 2 } },
    });
    expect(await world.run()).toBe(1_000);
    expect(world.cluster.closes.map(({ ids }) => ids)).toEqual([['a', 'b'], ['c']]);
    expect(world.entries.map(({ batch }) => batch)).toEqual([1, 1, 2]);
  });

  it('keeps no more requests in flight than allowed', async () => {
    const world = closingOf({
      jobs: ['a', 'b', 'c'].map((id) => bare(id)),
      request: { close: { batch: 1, concurrency: 2 } },
    });
    expect(await world.run()).toBe(2_000);
    expect(world.cluster.log.filter((line) => line.includes('close'))).toEqual([
      '0 close a',
      '0 close b',
      '1000 close c',
    ]);
  });

  it('sends the next request while the jobs of the last one are read', async () => {
    const world = closingOf({
      jobs: [bare('a'), bare('b')],
      request: { close: one },
      onRead: async ({ kind, nth }) => {
        if (kind === 'stats' && nth === 3) await world.clock.sleep(400);
      },
    });
    expect(await world.run()).toBe(2_000);
    expect(world.cluster.log).toEqual([
      '0 configs a',
      '0 stats a',
      '0 close a',
      '1000 configs b',
      '1000 stats b',
      '1000 stats a',
      '1000 close b',
      '2000 stats b',
    ]);
    expect(world.told()).toEqual({ a: 'closed 1400', b: 'closed 2000' });
  });

  it('tells its observer of each request and of each outcome once', async () => {
    const seen: string[] = [];
    const world = closingOf({
      jobs: [bare('a'), bare('b')],
      request: { close: { batch: 1 } },
      observer: {
        asking: (entries, batch) =>
          seen.push(`${world.moment()} asking ${batch} ${entries.map(({ jobId }) => jobId).join()}`),
        settled: (entry) => seen.push(`${world.moment()} settled ${entry.jobId} ${entry.outcome?.outcome}`),
      },
    });
    await world.run();
    expect(seen).toEqual(['0 asking 1 a', '0 asking 2 b', '1000 settled a closed', '1000 settled b closed']);
  });

  it('leaves nothing behind on the signal of the ending', async () => {
    const world = closingOf({
      jobs: [bare('a'), closing('b')],
      onRead: ({ nth }, cluster) => {
        if (nth === 2) cluster.becomes('b', 'closed');
      },
    });
    await world.run();
    expect(world.told()).toEqual({ a: 'closed 1000', b: 'already_closed 1000' });
    expect(getEventListeners(world.ending, 'abort')).toEqual([]);
  });
});

describe('the time of a close', () => {
  it('gives the server what the request says, and waits ten seconds longer for its answer', async () => {
    const moments: number[] = [];
    const world = closingOf({
      jobs: [bare('a')],
      onClose: async (close, cluster) => {
        cluster.becomes('a', 'closing');
        const answer = await untilGivenUp(close);
        moments.push(world.moment());
        return answer;
      },
    });
    world.at(140_000, () => world.cluster.becomes('a', 'closed'));
    expect(await world.run()).toBe(143_125);
    expect(world.cluster.closes).toMatchObject([{ ids: ['a'], force: false, timeoutMs: 120_000 }]);
    expect(moments).toEqual([130_000]);
    expect(world.told()).toEqual({ a: 'closed 143125' });
    expect(world.cluster.log.slice(3)).toEqual([
      '130000 stats a',
      '131000 stats a',
      '132500 stats a',
      '134750 stats a',
      '138125 stats a',
      '143125 stats a',
    ]);
    expect(world.entry('a').lastError).toEqual({ status: 0, type: 'no_answer', reason: 'no answer came' });
  });

  it('gives no more than the sweep has left, and half of that where a datafeed stops first', async () => {
    const quiet = closingOf({ jobs: [bare('a'), bare('b')], remainingMs: 100_000 });
    await quiet.run();
    expect(quiet.cluster.closes).toMatchObject([{ ids: ['a', 'b'], timeoutMs: 70_000 }]);
    const stopping = closingOf({
      jobs: [fed('a')],
      request: { runningDatafeeds: 'stop' },
      remainingMs: 100_000,
    });
    await stopping.run();
    expect(stopping.cluster.closes).toMatchObject([{ ids: ['a'], timeoutMs: 35_000 }]);
    expect(stopping.entry('a').stopsDatafeed).toBe('feed-a');
  });

  it('counts with the datafeed of one job among others that the look finds started', async () => {
    const world = closingOf({
      jobs: [
        bare('a'),
        fed('b', { datafeed: { datafeedId: 'feed-b', state: 'stopped', lookback: 'unknown' } }),
      ],
      request: { runningDatafeeds: 'stop' },
      remainingMs: 100_000,
      onRead: (_read, cluster) => {
        if (cluster.closes.length === 0) cluster.becomes('b', 'opened', fed('b'));
      },
    });
    await world.run();
    expect(world.cluster.closes).toMatchObject([{ ids: ['a', 'b'], timeoutMs: 35_000 }]);
    expect(world.entries.map(({ stopsDatafeed }) => stopsDatafeed)).toEqual([undefined, 'feed-b']);
  });

  it('does not look at jobs that it has no time left to ask', async () => {
    const world = closingOf({ jobs: [bare('a')], remainingMs: 2_000 });
    expect(await world.run()).toBe(0);
    expect(world.cluster.log).toEqual([]);
    expect(world.told()).toEqual({ a: 'none' });
  });

  it('does not ask when the look has used up the time', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      remainingMs: 20_000,
      onRead: async ({ kind }) => {
        if (kind === 'stats') await world.clock.sleep(14_000);
      },
    });
    expect(await world.run()).toBe(14_000);
    expect(world.cluster.closes).toEqual([]);
    expect(world.told()).toEqual({ a: 'none' });
    expect(world.entry('a')).toMatchObject({ asks: 0, looks: 1 });
  });

  it('does not ask when the end comes with the answers of the look', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onRead: ({ kind }) => {
        if (kind === 'stats') world.stop.abort();
      },
    });
    expect(await world.run()).toBe(0);
    await world.clock.sleep(10_000);
    expect(world.cluster.log).toEqual(['0 configs a', '0 stats a']);
    expect(world.entry('a')).toMatchObject({ asks: 0, looks: 1 });
  });

  it('does nothing at all when the end has come before it begins', async () => {
    const world = closingOf({ jobs: [bare('a'), closing('b')] });
    world.stop.abort();
    expect(await world.run()).toBe(0);
    await world.clock.sleep(10_000);
    expect(world.cluster.log).toEqual([]);
    expect(world.told()).toEqual({ a: 'none', b: 'none' });
  });

  it('stops waiting for an answer as the end comes, and leaves the outcome to the last look', async () => {
    const givenUp: number[] = [];
    const world = closingOf({
      jobs: [bare('a'), bare('b')],
      request: { close: one },
      onClose: async (close) => {
        const answer = await untilGivenUp(close);
        givenUp.push(world.moment());
        return answer;
      },
      onRead: ({ signal }) => signal.throwIfAborted(),
    });
    world.at(500, () => world.stop.abort());
    expect(await world.run()).toBe(500);
    await world.clock.sleep(10_000);
    expect(givenUp).toEqual([500]);
    expect(world.told()).toEqual({ a: 'none', b: 'none' });
    expect(world.cluster.closes).toHaveLength(1);
  });

  it('says nothing more of a job that the last look has told of', async () => {
    const settled: string[] = [];
    const world = closingOf({
      jobs: [bare('a')],
      observer: { settled: ({ jobId }) => settled.push(jobId) },
    });
    world.at(500, () => world.stop.abort());
    expect(await world.run()).toBe(500);
    world.entry('a').settle({ outcome: 'closing' }, world.clock.now());
    await world.clock.sleep(5_000);
    expect(world.cluster.log.at(-1)).toBe('1000 stats a');
    expect(world.told()).toEqual({ a: 'closing 500' });
    expect(settled).toEqual([]);
  });
});

describe('the look before a close', () => {
  it('settles what is gone, closed or busy by now, and asks for the rest', async () => {
    const world = closingOf({
      jobs: ['busy', 'closed', 'gone', 'idle'].map((id) => bare(id)),
      onRead: ({ nth }, cluster) => {
        if (nth > 1) return;
        cluster.remove('gone');
        cluster.becomes('closed', 'closed');
        cluster.becomes('busy', 'opened', { lastDataTime: now });
      },
    });
    await world.run();
    expect(world.cluster.closes.map(({ ids }) => ids)).toEqual([['idle']]);
    expect(world.told()).toEqual({
      busy: 'revived 0',
      closed: 'already_closed 0',
      gone: 'gone 0',
      idle: 'closed 1000',
    });
    expect(world.entry('busy').verdict).toEqual({ verdict: 'keep', reason: 'recent_data' });
  });

  it('judges by what it found, and remembers the size of a job that no longer tells it', async () => {
    const world = closingOf({
      jobs: [bare('a', { modelBytes: 11 }), bare('b', { modelBytes: 10 })],
      onRead: (_read, cluster) => {
        cluster.becomes('a', 'opened', { modelBytes: undefined, lastDataTime: undefined });
        cluster.becomes('b', 'opened', { modelBytes: 20 });
      },
      onClose: () => denied,
    });
    expect(world.entry('a').verdict).toEqual({ verdict: 'close', reason: 'idle' });
    await world.run();
    expect(world.entry('a')).toMatchObject({
      job: { modelBytes: 11, lastDataTime: undefined },
      verdict: { verdict: 'close', reason: 'never_fed' },
    });
    expect(world.entry('b').job.modelBytes).toBe(20);
  });

  it('watches a job that is closing by now, from the moment that it was seen', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onRead: async ({ kind, nth }, cluster) => {
        if (kind !== 'stats' || nth > 1) return;
        await world.clock.sleep(2_000);
        cluster.becomes('a', 'closing');
      },
    });
    world.at(4_000, () => world.cluster.becomes('a', 'closed'));
    expect(await world.run()).toBe(4_500);
    expect(world.cluster.log).toEqual(['0 configs a', '0 stats a', '3000 stats a', '4500 stats a']);
    expect(world.told()).toEqual({ a: 'already_closed 4500' });
    expect(world.entry('a')).toMatchObject({
      verdict: { verdict: 'wait', reason: 'already_closing' },
      askedAt: now + 2_000,
      asks: 0,
      looks: 1,
    });
  });

  it('keeps the verdict by which a job was asked that is closing at last, and when that was', async () => {
    const world = closingOf({ jobs: [bare('a')], onClose: () => lost });
    world.at(1_000, () => world.cluster.becomes('a', 'closing'));
    world.at(3_000, () => world.cluster.becomes('a', 'closed'));
    expect(await world.run()).toBe(3_000);
    expect(world.cluster.log.slice(3)).toEqual([
      '0 stats a',
      '2000 configs a',
      '2000 stats a',
      '3000 stats a',
    ]);
    expect(world.entry('a')).toMatchObject({
      verdict: { verdict: 'close', reason: 'idle' },
      askedAt: now,
      asks: 1,
      looks: 2,
    });
    expect(world.told()).toEqual({ a: 'closed 3000' });
  });

  it('sends a job that failed meanwhile by itself and with force, looked at again', async () => {
    const world = closingOf({
      jobs: [bare('a'), bare('b')],
      onRead: ({ nth }, cluster) => {
        if (nth === 1) cluster.becomes('b', 'failed');
      },
    });
    await world.run();
    expect(world.cluster.log).toEqual([
      '0 configs a b',
      '0 stats a b',
      '0 close a',
      '1000 configs b',
      '1000 stats b',
      '1000 stats a',
      '1000 force b',
      '2000 stats b',
    ]);
    expect(world.told()).toEqual({ a: 'closed 1000', b: 'force_closed 2000' });
    expect(world.entry('b')).toMatchObject({
      verdict: { verdict: 'force', reason: 'failed' },
      looks: 2,
      asks: 1,
      forced: true,
    });
  });

  it('sends a job that is open again by itself and without force', async () => {
    const world = closingOf({
      jobs: [failed('a')],
      onRead: (_read, cluster) => {
        if (cluster.closes.length === 0) cluster.becomes('a', 'opened', { openedAt: now - 30 * day });
      },
    });
    await world.run();
    expect(world.cluster.log.slice(0, 5)).toEqual([
      '0 configs a',
      '0 stats a',
      '0 configs a',
      '0 stats a',
      '0 close a',
    ]);
    expect(world.told()).toEqual({ a: 'closed 1000' });
  });

  it('gives a job up that is another one at each of nine looks', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onRead: ({ kind, nth }, cluster) => {
        if (kind === 'configs')
          cluster.becomes('a', nth % 2 === 1 ? 'failed' : 'opened', { openedAt: now - 30 * day });
      },
    });
    await world.run();
    expect(world.cluster.log).toHaveLength(18);
    expect(world.cluster.closes).toEqual([]);
    expect(world.entry('a').outcome).toEqual({
      outcome: 'error',
      error: { status: 0, type: 'unstable', reason: 'the job changed its state at each of 9 looks' },
    });
  });

  it('asks a job that stays as it is at the eighth look', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onRead: ({ kind, nth }, cluster) => {
        if (kind !== 'configs') return;
        cluster.becomes('a', nth % 2 === 1 || nth === 8 ? 'failed' : 'opened', { openedAt: now - 30 * day });
      },
    });
    await world.run();
    expect(world.entry('a')).toMatchObject({ looks: 8, asks: 1 });
    expect(world.told()).toEqual({ a: 'force_closed 1000' });
  });

  it('looks again when it took more than 30 seconds', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onRead: async ({ kind, nth }) => {
        if (kind === 'stats' && nth <= 2) await world.clock.sleep(nth === 1 ? 30_001 : 30_000);
      },
    });
    await world.run();
    expect(world.cluster.log.slice(0, 5)).toEqual([
      '0 configs a',
      '0 stats a',
      '30001 configs a',
      '30001 stats a',
      '60001 close a',
    ]);
    expect(world.entry('a').looks).toBe(1);
  });

  it('asks for nothing on what it cannot know young enough, after three tries', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onRead: async ({ kind }) => {
        if (kind === 'stats') await world.clock.sleep(40_000);
      },
    });
    expect(await world.run()).toBe(120_000);
    expect(world.cluster.log).toHaveLength(6);
    expect(world.entry('a').outcome).toEqual({
      outcome: 'error',
      error: {
        status: 0,
        type: 'unreadable',
        reason:
          'the job could not be read right before it was to be asked: the cluster took more than 30 s to tell, 3 times',
      },
    });
  });

  it.each([
    { thrown: Object.assign(new Error('no'), { status: 503 }), status: 503, says: 'no' },
    { thrown: Object.assign(new Error('no'), { status: '503' }), status: 0, says: 'no' },
    { thrown: 'a text', status: 0, says: 'a text' },
  ])('leaves alone what it cannot read, and says why: $thrown', async ({ thrown, status, says }) => {
    const world = closingOf({
      jobs: [bare('a'), bare('b')],
      onRead: () => {
        throw thrown as Error;
      },
    });
    expect(await world.run()).toBe(0);
    expect(world.cluster.closes).toEqual([]);
    const error = {
      status,
      type: 'unreadable',
      reason: `the job could not be read right before it was to be asked: ${says}`,
    };
    expect(world.entries.map(({ outcome }) => outcome)).toEqual([
      { outcome: 'error', error },
      { outcome: 'error', error },
    ]);
  });

  it('gives no outcome to a job that was asked before and cannot be read: the last look tells', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onRead: ({ kind, nth }) => {
        if (kind === 'configs' && nth === 2) throw new Error('no');
      },
      onClose: () => lost,
    });
    expect(await world.run()).toBe(2_000);
    expect(world.cluster.closes).toHaveLength(1);
    expect(world.told()).toEqual({ a: 'none' });
  });

  it('blames no job when the look was cut off by the end', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onRead: async ({ signal }) => {
        await world.clock.sleep(10_000, signal);
      },
    });
    world.at(500, () => world.stop.abort());
    expect(await world.run()).toBe(500);
    await world.clock.sleep(10_000);
    expect(world.told()).toEqual({ a: 'none' });
  });
});

describe('a job that was asked and is to be kept by now', () => {
  /** Asked at 0 without an answer, open a moment later, and read again after two seconds. */
  const askedAndThen = async (state: string, changes: Partial<JobSnapshot>) => {
    const world = closingOf({ jobs: [bare('a')], onClose: () => lost });
    world.at(1_500, () => world.cluster.becomes('a', state, changes));
    await world.run();
    expect(world.cluster.closes).toHaveLength(1);
    return world;
  };

  it('is an error when it was opened again after the ask', async () => {
    const world = await askedAndThen('opened', { openedAt: now + 1_001 });
    expect(world.entry('a').outcome).toEqual({
      outcome: 'error',
      error: { status: 0, type: 'reopened', reason: 'the job is open again after it was asked to close' },
    });
  });

  it.each([
    ['its process started within a second of the ask', { openedAt: now + 1_000 }, 'recently_opened'],
    ['it got data', { lastDataTime: now + 1_400 }, 'recent_data'],
    ['it has no process', { openedAt: undefined }, 'no_process'],
  ])('is revived when %s', async (_why, changes, reason) => {
    const world = await askedAndThen('opened', changes);
    expect(world.told()).toEqual({ a: 'revived 2000' });
    expect(world.entry('a').verdict).toEqual({ verdict: 'keep', reason });
  });

  it('is revived when it was opened again and nobody has asked it', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onRead: (_read, cluster) => cluster.becomes('a', 'opened', { openedAt: now }),
    });
    await world.run();
    expect(world.told()).toEqual({ a: 'revived 0' });
  });

  it.each([
    [
      'the server’s error',
      { kind: 'failed_jobs', error: refusal(409, 'conflict', 'it failed') },
      refusal(409, 'conflict', 'it failed'),
    ],
    [
      'that it failed',
      acknowledged,
      refusal(200, 'failed', 'the job failed while it was being closed, and force is not allowed'),
    ],
  ] satisfies [string, CloseAnswer, object][])(
    'says %s when it failed and may not be forced',
    async (_what, answer, error) => {
      const world = closingOf({
        jobs: [bare('a')],
        request: { force: { failed: false } },
        onClose: (_close, cluster) => {
          cluster.becomes('a', 'failed');
          return answer;
        },
      });
      expect(await world.run()).toBe(0);
      expect(world.entry('a').outcome).toEqual({ outcome: 'error', error });
      expect(world.entry('a').verdict).toEqual({ verdict: 'close', reason: 'idle' });
    },
  );

  it('is no failure of ours when it failed before it was asked, and may not be forced', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      request: { force: { failed: false } },
      onRead: (_read, cluster) => cluster.becomes('a', 'failed'),
    });
    await world.run();
    expect(world.told()).toEqual({ a: 'revived 0' });
    expect(world.entry('a').verdict).toEqual({ verdict: 'keep', reason: 'force_not_allowed' });
  });
});

describe('force', () => {
  it('goes first, to each job by itself', async () => {
    const world = closingOf({
      jobs: [bare('a'), failed('f'), failed('g')],
      request: { close: { concurrency: 1 } },
    });
    await world.run();
    expect(world.cluster.closes.map(({ ids, force }) => [force, ...ids])).toEqual([
      [true, 'f'],
      [true, 'g'],
      [false, 'a'],
    ]);
    expect(world.told()).toEqual({ a: 'closed 3000', f: 'force_closed 1000', g: 'force_closed 2000' });
  });

  it('is given to no more jobs than allowed; the others are not attempted', async () => {
    const world = closingOf({ jobs: [failed('f'), failed('g')], request: { force: { max: 1 } } });
    await world.run();
    expect(world.cluster.closes).toMatchObject([{ ids: ['f'], force: true }]);
    expect(world.told()).toEqual({ f: 'force_closed 1000', g: 'not_attempted limit 0' });
  });

  it('is given to one job twice and counted once', async () => {
    const world = closingOf({
      jobs: [failed('f')],
      request: { force: { max: 1 } },
      onClose: ({ nth, ids }, cluster) => (nth === 1 ? lost : cluster.closesAfter(1_000, ids)),
    });
    await world.run();
    expect(world.cluster.log).toEqual([
      '0 configs f',
      '0 stats f',
      '0 force f',
      '0 stats f',
      '0 configs f',
      '0 stats f',
      '0 force f',
      '1000 stats f',
    ]);
    expect(world.entry('f')).toMatchObject({ asks: 2, batch: 2 });
    expect(world.told()).toEqual({ f: 'force_closed 1000' });
  });

  it('beyond what is allowed leaves a job without outcome that was asked already', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      request: { force: { max: 0 } },
      onClose: (_close, cluster) => {
        cluster.becomes('a', 'failed');
        return lost;
      },
    });
    expect(await world.run()).toBe(0);
    expect(world.cluster.closes).toHaveLength(1);
    expect(world.told()).toEqual({ a: 'none' });
    // what it was to be asked for last stands beside it
    expect(world.entry('a')).toMatchObject({
      forced: false,
      verdict: { verdict: 'force', reason: 'failed' },
    });
  });

  it('stays with a job that is asked without it later', async () => {
    const world = closingOf({
      jobs: [failed('f')],
      onClose: ({ nth, ids }, cluster) => {
        if (nth > 1) return cluster.closesAfter(1_000, ids);
        cluster.becomes('f', 'opened', { openedAt: now - 30 * day });
        return lost;
      },
    });
    await world.run();
    expect(world.cluster.closes.map(({ force }) => force)).toEqual([true, false]);
    expect(world.told()).toEqual({ f: 'force_closed 3000' });
  });
});

describe('after an answer', () => {
  it.each([
    ['acknowledged', acknowledged, 2_000],
    ['lost', lost, 2_000],
    ['busy', { kind: 'busy', error: refusal(429) }, 5_000],
    ['busy for so long', { kind: 'busy', retryAfterMs: 7_000, error: refusal(429) }, 7_000],
  ] satisfies [string, CloseAnswer, number][])(
    '%s: what is still open is asked again after a pause',
    async (_what, answer, pause) => {
      const world = closingOf({
        jobs: [bare('a')],
        onClose: ({ nth, ids }, cluster) => (nth === 1 ? answer : cluster.closesAfter(1_000, ids)),
      });
      expect(await world.run()).toBe(pause + 1_000);
      expect(world.cluster.log).toEqual([
        '0 configs a',
        '0 stats a',
        '0 close a',
        '0 stats a',
        `${pause} configs a`,
        `${pause} stats a`,
        `${pause} close a`,
        `${pause + 1_000} stats a`,
      ]);
      expect(world.told()).toEqual({ a: `closed ${pause + 1_000}` });
      expect(world.entry('a')).toMatchObject({ asks: 2, askedAt: now, lastAskAt: now + pause });
    },
  );

  it('takes the pause from when the states were read', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onRead: async ({ kind, nth }) => {
        if (kind === 'stats' && nth === 2) await world.clock.sleep(3_000);
      },
      onClose: ({ nth, ids }, cluster) => (nth === 1 ? lost : cluster.closesAfter(1_000, ids)),
    });
    await world.run();
    expect(world.cluster.log).toContain('5000 close a');
  });

  it('each job takes its own next step', async () => {
    const world = closingOf({
      jobs: ['closed', 'closing', 'failed', 'gone', 'open'].map((id) => bare(id)),
      onClose: ({ nth, ids }, cluster) => {
        if (nth > 1) return cluster.closesAfter(1_000, ids);
        cluster.becomes('closed', 'closed');
        cluster.becomes('closing', 'closing');
        cluster.becomes('failed', 'failed');
        cluster.remove('gone');
        return { kind: 'failed_jobs', error: refusal(409) };
      },
    });
    world.at(3_000, () => world.cluster.becomes('closing', 'closed'));
    expect(await world.run()).toBe(4_750);
    expect(world.cluster.closes.map(({ ids, force }) => [force, ...ids])).toEqual([
      [false, 'closed', 'closing', 'failed', 'gone', 'open'],
      [true, 'failed'],
      [false, 'open'],
    ]);
    expect(world.told()).toEqual({
      closed: 'closed 0',
      closing: 'closed 4750',
      failed: 'force_closed 1000',
      gone: 'gone 0',
      open: 'closed 1000',
    });
  });

  it('gives up with the server’s own words what is still open after the third ask', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onClose: () => ({ kind: 'error', error: refusal(500, 'broken', 'no') }),
    });
    expect(await world.run()).toBe(4_000);
    expect(world.entry('a').outcome).toEqual({ outcome: 'error', error: refusal(500, 'broken', 'no') });
    expect(world.entry('a').asks).toBe(3);
  });

  it('asks for nothing any more once the credentials were refused', async () => {
    const world = closingOf({ jobs: [bare('a'), bare('b')], request: { close: one }, onClose: () => denied });
    expect(await world.run()).toBe(0);
    expect(world.cluster.log).toEqual(['0 configs a', '0 stats a', '0 close a', '0 stats a']);
    const refused = { outcome: 'error', error: refusal(403, 'security_exception', 'not allowed') };
    expect(world.entries.map(({ outcome, asks }) => [outcome, asks])).toEqual([
      [refused, 1],
      [refused, 0],
    ]);
  });

  it.each([
    ['waits for a server whose “later” is within its time', 79_999, 79_999],
    ['does not wait for one whose “later” is the end of it', 80_000, 0],
  ])('%s', async (_what, retryAfterMs, end) => {
    const world = closingOf({
      jobs: [bare('a')],
      remainingMs: 100_000,
      onClose: () => ({ kind: 'busy', retryAfterMs, error: refusal(429) }),
    });
    expect(await world.run()).toBe(end);
    expect(world.told()).toEqual({ a: 'none' });
  });

  it('forgets what was seen before an ask: it says nothing of what came of that', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onClose: ({ nth }) => {
        if (nth === 2) world.stop.abort();
        return lost;
      },
      onRead: ({ signal }) => signal.throwIfAborted(),
    });
    await world.run();
    await world.clock.sleep(10_000);
    expect(world.entry('a')).toMatchObject({ asks: 2, seen: undefined });
  });

  it('watches the jobs when their states cannot be read', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onRead: ({ kind, nth }) => {
        if (kind === 'stats' && nth === 2) throw new Error('no');
      },
    });
    expect(await world.run()).toBe(2_000);
    expect(world.cluster.log.slice(3)).toEqual(['1000 stats a', '2000 stats a']);
    expect(world.told()).toEqual({ a: 'closed 2000' });
  });
});

describe('a job that is closing', () => {
  it('is read until it is closed, and is not asked', async () => {
    const world = closingOf({ jobs: [closing('a')] });
    world.at(2_000, () => world.cluster.becomes('a', 'closed'));
    expect(await world.run()).toBe(2_500);
    expect(world.cluster.log).toEqual(['1000 stats a', '2500 stats a']);
    expect(world.told()).toEqual({ a: 'already_closed 2500' });
    expect(world.entry('a').seen?.state).toBe('closed');
  });

  it('is read on after a read that failed', async () => {
    const world = closingOf({
      jobs: [closing('a')],
      onRead: ({ nth }) => {
        if (nth === 1) throw new Error('no');
      },
    });
    world.at(500, () => world.cluster.becomes('a', 'closed'));
    expect(await world.run()).toBe(2_500);
    expect(world.told()).toEqual({ a: 'already_closed 2500' });
  });

  it.each([
    ['that never closes', () => undefined],
    [
      'that cannot be read',
      () => {
        throw new Error('no');
      },
    ],
  ])('%s is left to the last look after the time of a close', async (_what, onRead) => {
    const world = closingOf({ jobs: [closing('a')], request: { close: { timeout: '10s' } }, onRead });
    expect(await world.run()).toBe(10_000);
    expect(world.cluster.log).toEqual([
      '1000 stats a',
      '2500 stats a',
      '4750 stats a',
      '8125 stats a',
      '10000 stats a',
    ]);
    expect(world.told()).toEqual({ a: 'none' });
  });

  it('goes to force when it is stuck by the end of its watch', async () => {
    const world = closingOf({
      jobs: [closing('a'), closing('b', { groups: ['spare'] })],
      request: { close: { timeout: '3s' }, force: { stuckFor: '3s', exclude: ['spare'] } },
    });
    expect(await world.run()).toBe(4_000);
    expect(world.cluster.log).toEqual([
      '1000 stats a b',
      '2500 stats a b',
      '3000 stats a b',
      '3000 configs a',
      '3000 stats a',
      '3000 force a',
      '4000 stats a',
    ]);
    expect(world.told()).toEqual({ a: 'force_closed 4000', b: 'none' });
    expect(world.entry('a').askedAt).toBe(now);
  });

  it('is no longer watched once it failed, and is forced', async () => {
    const world = closingOf({
      jobs: [closing('a')],
      onClose: ({ ids }, cluster) => cluster.closesAfter(3_000, ids),
    });
    world.at(500, () => world.cluster.becomes('a', 'failed'));
    expect(await world.run()).toBe(4_000);
    expect(world.cluster.log).toEqual([
      '1000 stats a',
      '1000 configs a',
      '1000 stats a',
      '1000 force a',
      '4000 stats a',
    ]);
    expect(world.told()).toEqual({ a: 'force_closed 4000' });
  });

  it('is asked without force when it is open and idle again', async () => {
    const world = closingOf({ jobs: [closing('a')] });
    world.at(500, () => world.cluster.becomes('a', 'opened', { openedAt: now - 30 * day }));
    expect(await world.run()).toBe(2_000);
    expect(world.cluster.log.slice(1, 4)).toEqual(['1000 configs a', '1000 stats a', '1000 close a']);
    expect(world.told()).toEqual({ a: 'closed 2000' });
  });

  it('is gone when it was deleted', async () => {
    const world = closingOf({ jobs: [closing('a')] });
    world.at(500, () => world.cluster.remove('a'));
    expect(await world.run()).toBe(1_000);
    expect(world.told()).toEqual({ a: 'gone 1000' });
  });

  it('is an error when it was opened again after our ask', async () => {
    const world = closingOf({
      jobs: [bare('a')],
      onClose: (_close, cluster) => {
        cluster.becomes('a', 'closing');
        return { kind: 'timed_out', error: refusal(408) };
      },
    });
    world.at(2_000, () => world.cluster.becomes('a', 'opened', { openedAt: now + 1_900 }));
    expect(await world.run()).toBe(2_500);
    expect(world.entry('a').outcome).toEqual({
      outcome: 'error',
      error: refusal(408, 'reopened', 'the job is open again after it was asked to close'),
    });
  });

  it('is never named, not even to be read, when its name may mean others', async () => {
    const world = closingOf({
      jobs: [closing('a', { target: undefined }), closing('b')],
      onRead: (_read, cluster) => cluster.becomes('b', 'closed'),
    });
    await world.run();
    expect(world.cluster.log).toEqual(['1000 stats b']);
  });
});

describe('with places on the nodes', () => {
  const big = bare('big', { modelBytes: 900_000_000 });
  const small = bare('small', { modelBytes: 1_000 });

  it('forces first, and then gives one place after the other, round by round', async () => {
    const world = closingOf({
      jobs: [small, big, failed('f')],
      request: { close: { perNode: 1, concurrency: 1 } },
    });
    expect(await world.run()).toBe(6_000);
    expect(world.cluster.log).toEqual([
      '0 configs f',
      '0 stats f',
      '0 stats big',
      '0 force f',
      '2000 stats small big f',
      '2000 configs big',
      '2000 close big',
      '3000 stats big small',
      '5000 stats small big',
      '5000 configs small',
      '5000 close small',
      '6000 stats small',
    ]);
    expect(world.told()).toEqual({ big: 'closed 5000', f: 'force_closed 2000', small: 'closed 6000' });
  });

  it('reads at once what an answer other than a clean one leaves open, and goes on for those who wait', async () => {
    const world = closingOf({
      jobs: [small, big],
      request: { close: { perNode: 1 } },
      onClose: ({ ids }, cluster) => {
        for (const id of ids) cluster.becomes(id, 'closed');
        return { kind: 'timed_out', error: refusal(408) };
      },
    });
    expect(await world.run()).toBe(1_000);
    expect(world.cluster.log).toEqual([
      '0 stats big',
      '0 configs big',
      '0 close big',
      '0 stats big',
      '1000 stats small',
      '1000 configs small',
      '1000 close small',
      '1000 stats small',
    ]);
    expect(world.told()).toEqual({ big: 'closed 0', small: 'closed 1000' });
  });

  it('takes a round’s states for a look that is young, and reads for itself when it is not', async () => {
    const world = closingOf({
      jobs: [big],
      request: { close: { perNode: 1 } },
      onRead: async ({ kind, nth }) => {
        if (kind === 'configs' && nth === 1) await world.clock.sleep(31_000);
      },
    });
    await world.run();
    expect(world.cluster.log).toEqual([
      '0 stats big',
      '0 configs big',
      '31000 configs big',
      '31000 stats big',
      '31000 close big',
      '32000 stats big',
    ]);
  });

  it('names no more jobs in a request than allowed', async () => {
    const world = closingOf({
      jobs: ['a', 'b', 'c'].map((id) => bare(id)),
      request: { close: { perNode: 3, batch: 2 } },
    });
    await world.run();
    expect(world.cluster.closes.map(({ ids }) => ids)).toEqual([['a', 'b'], ['c']]);
  });

  it('refuses all who wait once the credentials were refused, and reads nothing more', async () => {
    const world = closingOf({
      jobs: [small, big],
      request: { close: { perNode: 1 } },
      onClose: () => denied,
    });
    expect(await world.run()).toBe(1_000);
    expect(world.cluster.log).toEqual(['0 stats big', '0 configs big', '0 close big', '0 stats big']);
    expect(world.told()).toEqual({
      big: 'error security_exception 0',
      small: 'error security_exception 1000',
    });
    expect(world.entry('small').outcome).toEqual({
      outcome: 'error',
      error: refusal(403, 'security_exception', 'not allowed'),
    });
  });

  it('leaves those who wait to the last look when the end comes', async () => {
    const world = closingOf({
      jobs: [small, big],
      request: { close: { perNode: 1 } },
      onClose: untilGivenUp,
    });
    world.at(2_500, () => world.stop.abort());
    expect(await world.run()).toBe(2_500);
    await world.clock.sleep(10_000);
    expect(world.cluster.closes).toHaveLength(1);
    expect(world.told().small).toBe('none');
  });
});

describe('a bug', () => {
  const broken = () => {
    throw new Error('a bug');
  };

  it.each([
    ['as a request leaves', { jobs: [bare('a')], observer: { asking: broken } }],
    ['as a job is settled', { jobs: [bare('a')], observer: { settled: broken } }],
    [
      'while a job is watched',
      {
        jobs: [closing('a')],
        observer: { settled: broken },
        onRead: (_read, cluster) => cluster.becomes('a', 'closed'),
      },
    ],
  ] satisfies [string, Parameters<typeof closingOf>[0]][])(
    '%s ends the closing with it',
    async (_when, given) => {
      await expect(closingOf(given).run()).rejects.toThrow('a bug');
    },
  );

  it('as those are refused who wait for a place ends the closing with it', async () => {
    const world = closingOf({
      jobs: ['a', 'b'].map((id) => bare(id)),
      request: { close: { perNode: 1 } },
      onClose: () => denied,
      observer: {
        settled: ({ asks }) => {
          if (asks === 0) broken();
        },
      },
    });
    await expect(world.run()).rejects.toThrow('a bug');
  });
});

describe('how a job came to be closed', () => {
  it.each([
    ['force_closed', 'by force', entryOf('a', { forced: true, asks: 1 })],
    ['closed', 'asked by this sweep', entryOf('a', { asks: 1 })],
    ['closed', 'asked by an earlier sweep of the chain', entryOf('a', {}, { earlierAttempts: 1 })],
    ['closed', 'known to have been asked', entryOf('a', {}, { history: { askedAt: now - minute } })],
    ['already_closed', 'asked by nobody we know of', entryOf('a', { askedAt: now })],
  ])('is %s: %s', (outcome, _how, entry) => {
    expect(closedAs(entry)).toBe(outcome);
  });
});
