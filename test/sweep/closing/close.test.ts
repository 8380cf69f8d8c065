import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { bare, closing, closingOf, denied, fed, oneByOne, untilGivenUp } from '../../support/closing.ts';
import { now } from '../../support/jobs.ts';

describe('the closing phase', () => {
  it('the closing phase reads the jobs, sends the request, and reads the jobs again before it reports outcomes', async () => {
    const setup = closingOf({ jobs: [bare('a'), bare('b')] });
    expect(await setup.run()).toBe(1_000);
    expect(setup.cluster.log).toEqual(['0 configs a b', '0 stats a b', '0 close a b', '1000 stats a b']);
    expect(setup.outcomes()).toEqual({ a: 'closed 1000', b: 'closed 1000' });
    const { asks, looks, askedAt, lastAskAt, batch, forced, seen, lastError, stopsDatafeed } =
      setup.entry('b');
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
    expect(seen?.stats?.state).toBe('closed');
  });

  it('the closing phase sends no request if there are no jobs', async () => {
    const setup = closingOf({ jobs: [] });
    expect(await setup.run()).toBe(0);
    expect(setup.cluster.log).toEqual([]);
  });

  it('the closing phase splits the jobs into requests and numbers the requests in sending order', async () => {
    const setup = closingOf({
      jobs: ['a', 'b', 'c'].map((id) => bare(id)),
      request: { close: { batch: 2 } },
    });
    expect(await setup.run()).toBe(1_100);
    expect(setup.cluster.closes.map(({ ids }) => ids)).toEqual([['a', 'b'], ['c']]);
    expect(setup.entries.map(({ batch }) => batch)).toEqual([1, 1, 2]);
  });

  it('the closing phase keeps at most close.concurrency requests in flight', async () => {
    const setup = closingOf({
      jobs: ['a', 'b', 'c'].map((id) => bare(id)),
      request: { close: { batch: 1, concurrency: 2 } },
    });
    expect(await setup.run()).toBe(2_000);
    expect(setup.cluster.log.filter((line) => line.includes('close'))).toEqual([
      '0 close a',
      '0 close b',
      '1000 close c',
    ]);
  });

  it('the closing phase sends the next request while the jobs of the previous one are being read, and this read includes the jobs of both requests', async () => {
    const setup = closingOf({
      jobs: [bare('a'), bare('b')],
      request: { close: oneByOne },
      onRead: async ({ kind, nth }) => {
        if (kind === 'stats' && nth === 3) await setup.clock.sleep(400);
      },
    });
    expect(await setup.run()).toBe(2_000);
    expect(setup.cluster.log).toEqual([
      '0 configs a',
      '0 stats a',
      '0 close a',
      '1000 configs b',
      '1000 stats b',
      '1000 stats a b',
      '1000 close b',
      '2000 stats b',
    ]);
    expect(setup.outcomes()).toEqual({ a: 'closed 1400', b: 'closed 2000' });
  });

  it('the closing phase reports each request and each outcome to the observer exactly once', async () => {
    const seen: string[] = [];
    const setup = closingOf({
      jobs: [bare('a'), bare('b')],
      request: { close: { batch: 1 } },
      observer: {
        asking: (entries, batch) =>
          seen.push(`${setup.moment()} asking ${batch} ${entries.map(({ jobId }) => jobId).join()}`),
        settled: (entry) => seen.push(`${setup.moment()} settled ${entry.jobId} ${entry.outcome?.outcome}`),
      },
    });
    await setup.run();
    expect(seen).toEqual(['0 asking 1 a', '0 asking 2 b', '1000 settled a closed', '1100 settled b closed']);
  });

  it('the closing phase removes its listeners from the signal that ends the sweep', async () => {
    const setup = closingOf({
      jobs: [bare('a'), closing('b')],
      onRead: ({ nth }, cluster) => {
        if (nth === 2) cluster.becomes('b', 'closed');
      },
    });
    await setup.run();
    expect(setup.outcomes()).toEqual({ a: 'closed 1000', b: 'already_closed 1000' });
    expect(getEventListeners(setup.ending, 'abort')).toEqual([]);
  });
});

describe('the time for a close', () => {
  it('the closing phase sends close.timeout to the server and waits ten seconds longer for the answer', async () => {
    const moments: number[] = [];
    const setup = closingOf({
      jobs: [bare('a')],
      onClose: async (close, cluster) => {
        cluster.becomes('a', 'closing');
        const answer = await untilGivenUp(close);
        moments.push(setup.moment());
        return answer;
      },
    });
    setup.at(140_000, () => setup.cluster.becomes('a', 'closed'));
    expect(await setup.run()).toBe(142_125);
    expect(setup.cluster.closes).toMatchObject([{ ids: ['a'], force: false, timeoutMs: 120_000 }]);
    expect(moments).toEqual([130_000]);
    expect(setup.outcomes()).toEqual({ a: 'closed 142125' });
    expect(setup.cluster.log.filter((line) => Number.parseInt(line, 10) >= 130_000)).toEqual([
      '130000 stats a',
      '131000 stats a',
      '132500 stats a',
      '134750 stats a',
      '138125 stats a',
      '142125 stats a',
    ]);
    expect(setup.entry('a').lastError).toEqual({ status: 0, type: 'no_answer', reason: 'no answer came' });
  });

  it('a close request’s timeout is at most the time left, or at most half of it if a datafeed must stop first', async () => {
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

  it('the closing phase reserves time to stop a datafeed that was started after the plan', async () => {
    const setup = closingOf({
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
    await setup.run();
    expect(setup.cluster.closes).toMatchObject([{ ids: ['a', 'b'], timeoutMs: 35_000 }]);
    expect(setup.entries.map(({ stopsDatafeed }) => stopsDatafeed)).toEqual([undefined, 'feed-b']);
  });

  it('the closing phase does not read jobs again when no time is left to close them', async () => {
    const setup = closingOf({ jobs: [bare('a')], remainingMs: 2_000 });
    expect(await setup.run()).toBe(0);
    expect(setup.cluster.log).toEqual([]);
    expect(setup.outcomes()).toEqual({ a: 'none' });
  });

  it('the closing phase sends no request if the check before the close used up the time', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      remainingMs: 20_000,
      onRead: async ({ kind }) => {
        if (kind === 'stats') await setup.clock.sleep(14_000);
      },
    });
    expect(await setup.run()).toBe(14_000);
    expect(setup.cluster.closes).toEqual([]);
    expect(setup.outcomes()).toEqual({ a: 'none' });
    expect(setup.entry('a')).toMatchObject({ asks: 0, looks: 1 });
  });

  it('the closing phase sends no request if the sweep has to end during the check before the close', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onRead: ({ kind }) => {
        if (kind === 'stats') setup.stop.abort();
      },
    });
    expect(await setup.run()).toBe(0);
    await setup.clock.sleep(10_000);
    expect(setup.cluster.log).toEqual(['0 configs a', '0 stats a']);
    expect(setup.entry('a')).toMatchObject({ asks: 0, looks: 1 });
  });

  it('the closing phase sends no request at all if the sweep already has to end', async () => {
    const setup = closingOf({ jobs: [bare('a'), closing('b')] });
    setup.stop.abort();
    expect(await setup.run()).toBe(0);
    await setup.clock.sleep(10_000);
    expect(setup.cluster.log).toEqual([]);
    expect(setup.outcomes()).toEqual({ a: 'none', b: 'none' });
  });

  it('the closing phase stops waiting for an answer when the sweep has to end, and the last reading decides the outcome', async () => {
    const givenUp: number[] = [];
    const setup = closingOf({
      jobs: [bare('a'), bare('b')],
      request: { close: oneByOne },
      onClose: async (close) => {
        const answer = await untilGivenUp(close);
        givenUp.push(setup.moment());
        return answer;
      },
      onRead: ({ signal }) => signal.throwIfAborted(),
    });
    setup.at(500, () => setup.stop.abort());
    expect(await setup.run()).toBe(500);
    await setup.clock.sleep(10_000);
    expect(givenUp).toEqual([500]);
    expect(setup.outcomes()).toEqual({ a: 'none', b: 'none' });
    expect(setup.cluster.closes).toHaveLength(1);
  });

  it('after the last reading has decided the outcome of a job, the closing phase reports nothing more about the job', async () => {
    const settled: string[] = [];
    const setup = closingOf({
      jobs: [bare('a')],
      observer: { settled: ({ jobId }) => settled.push(jobId) },
    });
    setup.at(500, () => setup.stop.abort());
    expect(await setup.run()).toBe(500);
    setup.entry('a').settle({ outcome: 'closing' }, setup.clock.now());
    await setup.clock.sleep(5_000);
    expect(setup.cluster.log.at(-1)).toBe('0 close a');
    expect(setup.outcomes()).toEqual({ a: 'closing 500' });
    expect(settled).toEqual([]);
  });
});

describe('a bug in the closing phase', () => {
  const bug = new Error('a bug');
  const broken = () => {
    throw bug;
  };

  it.each([
    ['while a request is sent', { jobs: [bare('a')], observer: { asking: broken } }],
    ['while a job is settled', { jobs: [bare('a')], observer: { settled: broken } }],
    [
      'while a job is polled',
      {
        jobs: [closing('a')],
        observer: { settled: broken },
        onRead: (_read, cluster) => cluster.becomes('a', 'closed'),
      },
    ],
  ] satisfies [string, Parameters<typeof closingOf>[0]][])(
    'a bug that throws %s ends the closing phase with that error',
    async (_when, given) => {
      await expect(closingOf(given).run()).rejects.toBe(bug);
    },
  );

  it('if the observer throws when it is notified of a job that got no close request, the closing phase ends with that error', async () => {
    const setup = closingOf({
      jobs: ['a', 'b'].map((id) => bare(id)),
      request: { close: { perNode: 1 } },
      onClose: () => denied,
      observer: {
        settled: ({ asks }) => {
          if (asks === 0) broken();
        },
      },
    });
    await expect(setup.run()).rejects.toBe(bug);
  });
});
