import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { UnreadableEntriesError } from '../../../src/base/errors.ts';
import { bare, closing, closingOf, fed } from '../../support/closing.ts';
import { refusal } from '../../support/entries.ts';
import { now } from '../../support/jobs.ts';
import type { Close, ScriptedCluster } from '../../support/scripted-cluster.ts';

const named = (...ids: readonly string[]) => ids.map((id) => bare(id));
/** Jobs on one node. Each is bigger than the next, so that they are closed in this order. */
const ordered = (...ids: readonly string[]) =>
  ids.map((id, index) => bare(id, { modelBytes: 2 ** (30 - index) }));
const atOnce = ({ ids }: Pick<Close, 'ids'>, cluster: ScriptedCluster) => {
  for (const id of ids) cluster.becomes(id, 'closed');
  return { kind: 'acknowledged' } as const;
};
const moments = (setup: ReturnType<typeof closingOf>, kind: string) =>
  setup.cluster.log.filter((line) => line.split(' ')[1] === kind).map((line) => Number(line.split(' ')[0]));

describe('the rate of requests', () => {
  it('a sweep sends a burst of requests at first, and then four a second on average', async () => {
    const ids = Array.from({ length: 16 }, (_, index) => `job-${String(index).padStart(2, '0')}`);
    const setup = closingOf({
      jobs: ordered(...ids),
      request: { close: { perNode: 1 } },
      onClose: atOnce,
    });
    await setup.run();
    expect(moments(setup, 'close')).toEqual([
      0, 0, 100, 200, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000, 11_000, 12_000,
    ]);
    // for each job: a read of its config, the close request, and a read of stats that also serves the check of the next
    // job
    expect(setup.cluster.log).toHaveLength(49);
  });

  it('a sweep may send a burst of requests again after a quiet period', async () => {
    const ids = Array.from({ length: 16 }, (_, index) => `job-${String(index).padStart(2, '0')}`);
    const setup = closingOf({
      jobs: ordered('big', ...ids),
      request: { close: { perNode: 1 } },
      onClose: async (close, cluster) =>
        close.ids[0] === 'big' ? cluster.closesAfter(60_000, close.ids) : atOnce(close, cluster),
    });
    await setup.run();
    const refills = moments(setup, 'close').slice(1);
    expect(refills[0]).toBe(60_000);
    expect((refills.at(-1) ?? 0) - 60_000).toBeLessThan(2_000);
  });
});

describe('the time of the next read', () => {
  it('while the limit per node makes a job wait, reads come every half second, and the job is closed when a read shows that another has closed', async () => {
    const setup = closingOf({
      jobs: ordered('a', 'b', 'c'),
      request: { close: { perNode: 2 } },
      onClose: async ({ ids, nth }, cluster) => {
        for (const id of ids) cluster.becomes(id, 'closing');
        await setup.clock.sleep(nth === 1 ? 20_000 : 100);
        for (const id of ids) cluster.becomes(id, 'closed');
        return { kind: 'acknowledged' };
      },
    });
    setup.at(5_200, () => setup.cluster.becomes('b', 'closed'));
    await setup.run();
    const reads = moments(setup, 'stats').filter((at) => at > 1_000 && at <= 5_500);
    expect(reads).toEqual([1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 4_500, 5_000, 5_500]);
    expect(setup.entry('c').askedAt).toBe(now + 5_500);
  });

  it('reads do not become more frequent while a job waits for the end of a close request that names only one other job', async () => {
    const setup = closingOf({
      jobs: ordered('a', 'b'),
      request: { close: { perNode: 1 } },
      onClose: ({ ids, nth }, cluster) => cluster.closesAfter(nth === 1 ? 20_000 : 100, ids),
    });
    await setup.run();
    expect(moments(setup, 'stats').filter((at) => at > 0 && at < 20_000)).toEqual([
      1_000, 2_500, 4_750, 8_125, 12_125, 16_125,
    ]);
    expect(setup.entry('b').askedAt).toBe(now + 20_000);
  });

  it('a waiting job does not make reads more frequent while as many close requests are in flight as `close.concurrency` allows', async () => {
    const setup = closingOf({
      jobs: ordered('a', 'b', 'c'),
      request: { close: { perNode: 2, concurrency: 1 } },
      onClose: ({ ids, nth }, cluster) => cluster.closesAfter(nth === 1 ? 9_000 : 100, ids),
    });
    await setup.run();
    expect(moments(setup, 'stats').filter((at) => at > 0 && at < 9_000)).toEqual([
      1_000, 2_500, 4_750, 8_125,
    ]);
  });

  it('a job that waits for a busy server does not make reads more frequent', async () => {
    const setup = closingOf({
      jobs: [fed('later'), ...ordered('a', 'b', 'c')],
      request: { runningDatafeeds: 'stop', close: { perNode: 3 } },
      onClose: ({ ids, nth }, cluster) => {
        if (nth === 1) return { kind: 'busy', retryAfterMs: 15_000, error: refusal(429) };
        return cluster.closesAfter(ids.includes('later') ? 100 : 9_000, ids);
      },
    });
    await setup.run();
    expect(setup.cluster.closes.map(({ ids }) => ids)).toEqual([['later'], ['a', 'b'], ['c'], ['later']]);
    expect(moments(setup, 'stats').filter((at) => at > 500 && at < 9_000)).toEqual([1_500, 3_750, 7_125]);
    expect(setup.entry('later').lastAskAt).toBe(now + 15_000);
  });

  it('a close request does not delay the next read of jobs whose close request was sent earlier', async () => {
    const setup = closingOf({
      jobs: named('a', 'b'),
      request: { close: { batch: 1 } },
      onRead: async ({ kind, ids }) => {
        if (kind === 'configs' && ids.includes('b')) await setup.clock.sleep(700);
      },
      onClose: ({ ids }, cluster) => cluster.closesAfter(3_000, ids),
    });
    await setup.run();
    expect(setup.cluster.log.filter((line) => line.includes('close'))).toEqual(['0 close a', '700 close b']);
    expect(moments(setup, 'stats').filter((at) => at > 0)[0]).toBe(1_000);
  });

  it('jobs are read at once after the answer to their close request, even if a node’s processors were read just before', async () => {
    const setup = closingOf({
      jobs: named('a'),
      request: { close: { perNode: 'auto' } },
      processors: { 'node-a': 4 },
      onClose: atOnce,
    });
    expect(await setup.run()).toBe(0);
    expect(setup.outcomes()).toEqual({ a: 'closed 0' });
  });

  it('without a limit per node, a poll reads only jobs that already got a close request', async () => {
    const setup = closingOf({
      jobs: named('a', 'b'),
      request: { close: { batch: 1, concurrency: 1 } },
      onClose: ({ ids, nth }, cluster) => cluster.closesAfter(nth === 1 ? 3_000 : 100, ids),
    });
    await setup.run();
    expect(setup.cluster.log.slice(2, 5)).toEqual(['0 close a', '1000 stats a', '2500 stats a']);
  });

  it('a poll includes eight waiting jobs on each node until the nodes’ processors are known, and three waiting jobs after that', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `job-${String(index).padStart(2, '0')}`);
    const setup = closingOf({
      jobs: ordered(...ids),
      request: { close: { perNode: 'auto' } },
      processors: { 'node-a': 4 },
    });
    await setup.run();
    const [first, second] = setup.cluster.log.filter((line) => line.includes(' stats '));
    expect(first).toBe(`0 stats ${ids.slice(0, 8).join(' ')}`);
    expect(second).toBe(`0 stats ${ids.slice(0, 5).join(' ')}`);
  });
});

describe('reads that fail', () => {
  // A failed read takes additional requests, because the sweep searches for the job at fault.
  it.each([
    ['every job', () => new Error('no')],
    ['one job', () => new UnreadableEntriesError(new Map([['a', new Error('no')]]))],
  ])(
    'reads that fail because of %s become less frequent, even while the limit per node makes another job wait',
    async (_what, failure) => {
      const setup = closingOf({
        jobs: ordered('a', 'b', 'c'),
        request: { close: { perNode: 2, timeout: '60s' } },
        onRead: ({ kind, ids, nth }) => {
          if (kind === 'stats' && nth > 1 && ids.includes('a')) throw failure();
        },
        onClose: async ({ ids }, cluster) => {
          for (const id of ids) cluster.becomes(id, 'closing');
          await setup.clock.sleep(50_000);
          return { kind: 'acknowledged' };
        },
      });
      setup.at(50_000, () => setup.stop.abort());
      await setup.run();
      const reads = setup.cluster.log.filter((line) => / stats .*\ba\b/.test(line)).slice(1);
      const times = reads.map((line) => Number(line.split(' ')[0]));
      expect(times).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 47_000]);
    },
  );

  it('after a read that succeeds, reads become frequent again', async () => {
    const setup = closingOf({
      jobs: ordered('a', 'b', 'c'),
      request: { close: { perNode: 2 } },
      onRead: ({ kind, nth }) => {
        if (kind === 'stats' && nth > 1 && nth < 5) throw new Error('no');
      },
      onClose: ({ ids }, cluster) => cluster.closesAfter(10_000, ids),
    });
    await setup.run();
    expect(moments(setup, 'stats').slice(1, 7)).toEqual([0, 1_000, 3_000, 7_000, 7_500, 8_000]);
  });
});

describe('the end of the closing phase', () => {
  it('a sweep leaves no timer running after its closes', async () => {
    let asleep = 0;
    const setup = closingOf({ jobs: [bare('a'), closing('b')] });
    setup.at(1_500, () => setup.cluster.becomes('b', 'closed'));
    const sleep = setup.clock.sleep.bind(setup.clock);
    setup.clock.sleep = async (ms, signal) => {
      asleep += 1;
      try {
        await sleep(ms, signal);
      } finally {
        asleep -= 1;
      }
    };
    await setup.run();
    await turn();
    expect(asleep).toBe(0);
  });

  it('the closing phase ends as soon as the sweep is stopped, even if the check before a close ignores its abort signal', async () => {
    const setup = closingOf({ jobs: named('a'), onRead: () => setup.clock.sleep(10_000) });
    setup.at(500, () => setup.stop.abort());
    expect(await setup.run()).toBe(500);
  });

  it('a job keeps the outcome from the last reading even if a check that ends later no longer finds the job', async () => {
    const settled: string[] = [];
    const setup = closingOf({
      jobs: named('a'),
      onRead: () => setup.clock.sleep(10_000),
      observer: { settled: ({ jobId }) => settled.push(jobId) },
    });
    setup.at(500, () => setup.stop.abort());
    await setup.run();
    setup.entry('a').settle({ outcome: 'unknown' }, setup.clock.now());
    setup.cluster.remove('a');
    await setup.clock.sleep(20_000);
    expect(setup.outcomes()).toEqual({ a: 'unknown 500' });
    expect(settled).toEqual([]);
  });
});
