import { describe, expect, it } from 'vitest';
import { bare, closing, closingOf, denied, failed, fed, lost, untilGivenUp } from '../../support/closing.ts';
import { refusal } from '../../support/entries.ts';
import { day, now } from '../../support/jobs.ts';

describe('a job that is closing', () => {
  it('a job that is closing is polled until it is closed, and gets no close request', async () => {
    const setup = closingOf({ jobs: [closing('a')] });
    setup.at(2_000, () => setup.cluster.becomes('a', 'closed'));
    expect(await setup.run()).toBe(2_500);
    expect(setup.cluster.log).toEqual(['1000 stats a', '2500 stats a']);
    expect(setup.outcomes()).toEqual({ a: 'already_closed 2500' });
    expect(setup.entry('a').seen?.stats?.state).toBe('closed');
  });

  it('a job that is closing is polled again after a failed read', async () => {
    const setup = closingOf({
      jobs: [closing('a')],
      onRead: ({ nth }) => {
        if (nth === 1) throw new Error('no');
      },
    });
    setup.at(500, () => setup.cluster.becomes('a', 'closed'));
    expect(await setup.run()).toBe(2_500);
    expect(setup.outcomes()).toEqual({ a: 'already_closed 2500' });
  });

  it.each([
    ['that never closes', 8_125, () => undefined],
    [
      'that cannot be read',
      8_750,
      () => {
        throw new Error('no');
      },
    ],
  ])(
    'after close.timeout, a closing job %s is no longer polled and gets its outcome at the end of the sweep',
    async (_what, fourthRead, onRead) => {
      const setup = closingOf({ jobs: [closing('a')], request: { close: { timeout: '10s' } }, onRead });
      expect(await setup.run()).toBe(10_000);
      expect(setup.cluster.log).toEqual([
        '1000 stats a',
        '2500 stats a',
        '4750 stats a',
        `${fourthRead} stats a`,
        '10000 stats a',
      ]);
      expect(setup.outcomes()).toEqual({ a: 'none' });
    },
  );

  it('a closing job is forced if it counts as stuck after close.timeout', async () => {
    const setup = closingOf({
      jobs: [closing('a'), closing('b', { groups: ['spare'] })],
      request: { close: { timeout: '3s' }, force: { stuckFor: '3s', exclude: ['spare'] } },
    });
    expect(await setup.run()).toBe(4_000);
    expect(setup.cluster.log).toEqual([
      '1000 stats a b',
      '2500 stats a b',
      '3000 stats a b',
      '3000 configs a',
      '3000 force a',
      '4000 stats b a',
    ]);
    expect(setup.outcomes()).toEqual({ a: 'force_closed 4000', b: 'none' });
    expect(setup.entry('a').askedAt).toBe(now);
  });

  it('a closing job is forced at once when it fails', async () => {
    const setup = closingOf({
      jobs: [closing('a')],
      onClose: ({ ids }, cluster) => cluster.closesAfter(3_000, ids),
    });
    setup.at(500, () => setup.cluster.becomes('a', 'failed'));
    expect(await setup.run()).toBe(4_000);
    expect(setup.cluster.log).toEqual([
      '1000 stats a',
      '1000 configs a',
      '1000 force a',
      '2000 stats a',
      '3500 stats a',
      '4000 stats a',
    ]);
    expect(setup.outcomes()).toEqual({ a: 'force_closed 4000' });
  });

  it('if a closing job is open and idle again, it gets a close request without force', async () => {
    const setup = closingOf({ jobs: [closing('a')] });
    setup.at(500, () => setup.cluster.becomes('a', 'opened', { openedAt: now - 30 * day }));
    expect(await setup.run()).toBe(2_000);
    expect(setup.cluster.log.slice(1, 4)).toEqual(['1000 configs a', '1000 close a', '2000 stats a']);
    expect(setup.outcomes()).toEqual({ a: 'closed 2000' });
  });

  it('a closing job is reported as gone when it was deleted', async () => {
    const setup = closingOf({ jobs: [closing('a')] });
    setup.at(500, () => setup.cluster.remove('a'));
    expect(await setup.run()).toBe(1_000);
    expect(setup.outcomes()).toEqual({ a: 'gone 1000' });
  });

  it('a closing job is reported as an error when it was opened again after its close request', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onClose: (_close, cluster) => {
        cluster.becomes('a', 'closing');
        return { kind: 'timed_out', error: refusal(408) };
      },
    });
    setup.at(2_000, () => setup.cluster.becomes('a', 'opened', { openedAt: now + 1_900 }));
    expect(await setup.run()).toBe(2_500);
    expect(setup.entry('a').outcome).toEqual({
      outcome: 'error',
      error: refusal(408, 'reopened', 'the job is open again after it was asked to close'),
    });
  });

  it('if the id of a closing job could match other jobs, no request names the job, not even a read', async () => {
    const setup = closingOf({
      jobs: [closing('a', { target: undefined }), closing('b')],
      onRead: (_read, cluster) => cluster.becomes('b', 'closed'),
    });
    await setup.run();
    expect(setup.cluster.log).toEqual(['1000 stats b']);
    expect(setup.outcomes()).toEqual({ a: 'none', b: 'already_closed 1000' });
  });
});

describe('with more than 1,000 jobs in flight', () => {
  it('with more than 1,000 jobs in flight, each job is read at least once in 10 seconds', async () => {
    const jobs = Array.from({ length: 1_100 }, (_, index) => bare(`job-${String(index).padStart(4, '0')}`));
    const setup = closingOf({
      jobs,
      request: { close: { batch: 100, timeout: '2m' } },
      onClose: ({ ids }, cluster) => cluster.closesAfter(90_000, ids),
    });
    await setup.run();
    const reads = setup.cluster.log.filter(
      (line) => line.includes(' stats ') && line.split(' ').length > 1_000,
    );
    const moments = reads.map((line) => Number(line.split(' ')[0]));
    const gaps = moments.slice(1).map((at, index) => at - (moments[index] ?? 0));
    expect(moments.length).toBeGreaterThan(8);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000);
    expect(Math.max(...gaps)).toBeGreaterThan(8_000);
  });
});

describe('closes with a limit per node', () => {
  const big = bare('big', { modelBytes: 900_000_000 });
  const small = bare('small', { modelBytes: 1_000 });

  it('with a limit per node, forced jobs come first, and each next job is closed as soon as a read shows the previous one closed', async () => {
    const setup = closingOf({
      jobs: [small, big, failed('f')],
      request: { close: { perNode: 1, concurrency: 1 } },
    });
    expect(await setup.run()).toBe(3_000);
    expect(setup.cluster.log).toEqual([
      '0 configs f',
      '0 stats f',
      '0 force f',
      '1000 configs big',
      '1000 stats big',
      '1000 stats f big small',
      '1000 close big',
      '2000 stats big small',
      '2000 configs small',
      '2000 close small',
      '3000 stats small',
    ]);
    expect(setup.outcomes()).toEqual({ big: 'closed 2000', f: 'force_closed 1000', small: 'closed 3000' });
  });

  it('with a limit per node, job states are read at most a tenth of a second after the answer to a close request', async () => {
    const setup = closingOf({
      jobs: [small, big],
      request: { close: { perNode: 1 } },
      onClose: ({ ids }, cluster) => {
        for (const id of ids) cluster.becomes(id, 'closed');
        return { kind: 'timed_out', error: refusal(408) };
      },
    });
    expect(await setup.run()).toBe(100);
    expect(setup.cluster.log).toEqual([
      '0 configs big',
      '0 stats big',
      '0 close big',
      '0 stats big small',
      '0 configs small',
      '0 close small',
      '100 stats small',
    ]);
    expect(setup.outcomes()).toEqual({ big: 'closed 0', small: 'closed 100' });
  });

  it('with a limit per node, the sweep closes another job each time a read shows that a job is closed', async () => {
    const jobs = ['a', 'b', 'c', 'd'].map((id, index) => bare(id, { modelBytes: 1_000_000 * (9 - index) }));
    const setup = closingOf({
      jobs,
      request: { close: { perNode: 3 } },
      onClose: async ({ ids, nth }, cluster) => {
        if (nth > 1) return cluster.closesAfter(1_000, ids);
        for (const id of ids) cluster.becomes(id, 'closing');
        await setup.clock.sleep(20_000);
        for (const id of ids) cluster.becomes(id, 'closed');
        return { kind: 'acknowledged' };
      },
    });
    setup.at(2_200, () => setup.cluster.becomes('b', 'closed'));
    expect(await setup.run()).toBe(20_000);
    expect(setup.cluster.closes.map(({ ids }) => ids)).toEqual([['a', 'b', 'c'], ['d']]);
    const { askedAt = 0 } = setup.entry('d');
    // while a job waits until fewer jobs on its node are closing, the sweep polls every half second
    expect(askedAt - now).toBeGreaterThanOrEqual(2_200);
    expect(askedAt - now).toBeLessThanOrEqual(3_200);
    expect(setup.entry('b').closedAt).toBe(askedAt);
    expect(setup.outcomes()).toMatchObject({ a: 'closed 20000', b: 'closed 20000' });
  });

  it('with a limit per node, the next job is closed after close.timeout, even if the first job is still closing', async () => {
    const setup = closingOf({
      jobs: [small, big],
      request: { close: { perNode: 1, timeout: '10s' } },
      onClose: ({ ids, nth }, cluster) => {
        if (nth > 1) return cluster.closesAfter(1_000, ids);
        cluster.becomes('big', 'closing');
        return lost;
      },
    });
    setup.at(30_000, () => setup.cluster.becomes('big', 'closed'));
    await setup.run();
    expect(setup.cluster.closes.map(({ ids }) => ids)).toEqual([['big'], ['small']]);
    expect((setup.entry('small').askedAt ?? 0) - now).toBe(10_000);
  });

  it('with a limit per node, the next job is closed after close.timeout, even if the first request is still in flight', async () => {
    const setup = closingOf({
      jobs: [small, big],
      request: { close: { perNode: 1, timeout: '10s' } },
      onClose: ({ ids, nth }, cluster) => cluster.closesAfter(nth === 1 ? 18_000 : 100, ids),
    });
    await setup.run();
    expect((setup.entry('small').askedAt ?? 0) - now).toBe(10_000);
    expect(setup.outcomes()).toMatchObject({ big: 'closed 18000' });
  });

  it('with a limit per node, the next job is closed if the first one is deleted while its request is in flight', async () => {
    const setup = closingOf({
      jobs: [small, big],
      request: { close: { perNode: 1 } },
      onClose: async ({ ids, nth }, cluster) => {
        if (nth > 1) return cluster.closesAfter(100, ids);
        await setup.clock.sleep(30_000);
        return { kind: 'missing', jobIds: ['big'], error: refusal(404) };
      },
    });
    setup.at(500, () => setup.cluster.remove('big'));
    await setup.run();
    expect((setup.entry('small').askedAt ?? 0) - now).toBe(1_000);
    expect(setup.outcomes()).toMatchObject({ big: 'gone 30000' });
  });

  it('a job without a node is closed at once, because no limit per node applies to it', async () => {
    const setup = closingOf({
      jobs: [small, big, bare('nowhere', { nodeId: undefined })],
      request: { close: { perNode: 1 } },
    });
    await setup.run();
    expect(setup.cluster.closes[0]?.ids).toEqual(['big', 'nowhere']);
    expect(setup.entry('nowhere').limit).toBeUndefined();
  });

  it('a job gets no close request if the credentials are refused right before the request', async () => {
    const setup = closingOf({
      jobs: [bare('a'), bare('b')],
      request: { close: { batch: 1 } },
      onRead: async ({ kind, ids }) => {
        if (kind === 'configs' && ids.includes('b')) await setup.clock.sleep(700);
      },
      onClose: async () => {
        await setup.clock.sleep(500);
        return denied;
      },
    });
    await setup.run();
    expect(setup.cluster.closes.map(({ ids }) => ids)).toEqual([['a']]);
    expect(setup.outcomes()).toEqual({
      a: 'error security_exception 500',
      b: 'error security_exception 700',
    });
  });

  it('with a limit per node, an open job whose close request is in flight counts against the limit until it fails', async () => {
    const setup = closingOf({
      jobs: [small, big],
      request: { close: { perNode: 1 }, force: { failed: false } },
      onClose: async ({ ids, nth }, cluster) => {
        if (nth > 1) return cluster.closesAfter(1_000, ids);
        await setup.clock.sleep(30_000);
        return { kind: 'failed_jobs', error: refusal(409) };
      },
    });
    setup.at(8_000, () => setup.cluster.becomes('big', 'failed'));
    await setup.run();
    expect((setup.entry('small').askedAt ?? 0) - now).toBeGreaterThan(8_000);
    expect((setup.entry('small').askedAt ?? 0) - now).toBeLessThanOrEqual(13_000);
    expect(setup.outcomes()).toMatchObject({ big: 'error status_exception 30000' });
  });

  it('with a limit per node, a job that has moved waits until the limit on its new node allows its close', async () => {
    const jobs = [
      bare('a', { nodeId: 'x', modelBytes: 9_000_000 }),
      bare('b', { nodeId: 'y', modelBytes: 1_000 }),
    ];
    const setup = closingOf({
      jobs,
      request: { close: { perNode: 1 } },
      onRead: (_read, cluster) => {
        if (cluster.closes.length === 0) cluster.becomes('b', 'opened', { nodeId: 'x' });
      },
    });
    expect(await setup.run()).toBe(2_000);
    expect(setup.cluster.closes.map(({ ids }) => ids)).toEqual([['a'], ['b']]);
    expect(setup.entry('b').limit).toEqual({ places: 1, because: 'request' });
  });

  it('with a limit per node, a check before a close is repeated if it took more than 30 seconds', async () => {
    const setup = closingOf({
      jobs: [big],
      request: { close: { perNode: 'auto' } },
      onRead: async ({ kind, nth }) => {
        if (kind === 'configs' && nth === 1) await setup.clock.sleep(31_000);
      },
    });
    await setup.run();
    expect(setup.cluster.log).toEqual([
      '0 stats big',
      '0 configs big',
      '31000 configs big',
      '31000 stats big',
      '31000 close big',
      '32000 stats big',
    ]);
  });

  it('with a limit per node, if a poll finds that a job has new data while the check before its close is running, the job is kept', async () => {
    const setup = closingOf({
      jobs: [small, big, closing('c')],
      request: { close: { perNode: 1 } },
      onRead: async ({ kind, nth }) => {
        if (kind === 'configs' && nth === 1) await setup.clock.sleep(1_500);
      },
    });
    setup.at(500, () => setup.cluster.becomes('big', 'opened', { lastDataTime: now + 500 }));
    setup.at(1_100, () => setup.cluster.becomes('c', 'closed'));
    await setup.run();
    expect(setup.cluster.log.slice(0, 3)).toEqual(['0 configs big', '0 stats big', '1000 stats c big small']);
    expect(setup.outcomes()).toMatchObject({ big: 'revived 1500' });
    expect(setup.cluster.closes.map(({ ids }) => ids)).toEqual([['small']]);
  });

  it('with a limit per node, a close request names at most close.batch jobs', async () => {
    const setup = closingOf({
      jobs: ['a', 'b', 'c'].map((id) => bare(id)),
      request: { close: { perNode: 3, batch: 2 } },
    });
    await setup.run();
    expect(setup.cluster.closes.map(({ ids }) => ids)).toEqual([['a', 'b'], ['c']]);
  });

  it('with a limit per node, all waiting jobs are reported as errors after the credentials were refused', async () => {
    const setup = closingOf({
      jobs: [small, big],
      request: { close: { perNode: 1 } },
      onClose: () => denied,
    });
    expect(await setup.run()).toBe(0);
    expect(setup.cluster.log.slice(0, 3)).toEqual(['0 configs big', '0 stats big', '0 close big']);
    expect(setup.cluster.closes).toHaveLength(1);
    expect(setup.outcomes()).toEqual({
      big: 'error security_exception 0',
      small: 'error security_exception 0',
    });
    expect(setup.entry('small').outcome).toEqual({
      outcome: 'error',
      error: refusal(403, 'security_exception', 'not allowed'),
    });
  });

  it('if the credentials are refused, a job that waits for a busy server is reported as an error at once', async () => {
    const setup = closingOf({
      jobs: [fed('later'), small],
      request: { runningDatafeeds: 'stop' },
      onClose: async ({ nth }) => {
        if (nth === 1) return { kind: 'busy', retryAfterMs: 60_000, error: refusal(429) };
        await setup.clock.sleep(2_000);
        return denied;
      },
    });
    expect(await setup.run()).toBe(2_000);
    expect(setup.outcomes()).toMatchObject({ later: 'error security_exception 2000' });
  });

  it('with a limit per node, waiting jobs get their outcome at the end of the sweep', async () => {
    const setup = closingOf({
      jobs: [small, big],
      request: { close: { perNode: 1 } },
      onClose: untilGivenUp,
    });
    setup.at(2_500, () => setup.stop.abort());
    expect(await setup.run()).toBe(2_500);
    await setup.clock.sleep(10_000);
    expect(setup.cluster.closes).toHaveLength(1);
    expect(setup.outcomes().small).toBe('none');
  });
});

describe('the limit per node with close.perNode auto', () => {
  const onNodes = (...counts: number[]) =>
    counts.flatMap((count, node) =>
      Array.from({ length: count }, (_, index) => bare(`${node}-${index}`, { nodeId: `node-${node}` })),
    );
  const firstClose = (setup: ReturnType<typeof closingOf>) =>
    [...(setup.cluster.closes[0]?.ids ?? [])].sort();

  it('close.perNode auto reads how many processors each node has, and closes half as many jobs at a time', async () => {
    const setup = closingOf({
      jobs: onNodes(5, 3),
      request: { close: { perNode: 'auto' } },
      processors: { 'node-0': 6, 'node-1': 3.9 },
      largestNode: 99,
    });
    await setup.run();
    expect(setup.cluster.log[0]).toMatch(/^0 stats /);
    expect(firstClose(setup)).toEqual(['0-0', '0-1', '0-2', '1-0']);
    expect(setup.entry('0-0').limit).toEqual({ places: 3, because: 'own_node', processors: 6 });
    expect(setup.entry('1-0').limit).toEqual({ places: 1, because: 'own_node', processors: 3.9 });
    expect(new Set(Object.values(setup.outcomes()).map((outcome) => outcome.split(' ')[0]))).toEqual(
      new Set(['closed']),
    );
  });

  it.each([
    ['the processors of the largest node', 4, 2],
    ['the default limit', undefined, 4],
  ])(
    'close.perNode auto uses %s when the node’s own processors are unknown',
    async (_what, largestNode, places) => {
      const setup = closingOf({ jobs: onNodes(6), request: { close: { perNode: 'auto' } }, largestNode });
      await setup.run();
      expect(firstClose(setup)).toHaveLength(places);
    },
  );

  it('close.perNode auto uses a default limit per node if the processors cannot be read', async () => {
    const setup = closingOf({
      jobs: onNodes(6),
      request: { close: { perNode: 'auto' } },
      processors: { 'node-0': 12 },
      onRead: ({ kind, nth }) => {
        if (kind === 'stats' && nth === 1) throw new Error('no');
      },
    });
    await setup.run();
    expect(firstClose(setup)).toHaveLength(4);
    // the check right before the close request has read the number of processors
    expect(setup.entry('0-0').limit).toEqual({ places: 6, because: 'own_node', processors: 12 });
  });

  it('with close.perNode auto, no processors are read for a job without a node', async () => {
    const setup = closingOf({
      jobs: [bare('a', { nodeId: undefined })],
      request: { close: { perNode: 'auto' } },
    });
    await setup.run();
    expect(setup.cluster.log[0]).toBe('0 configs a');
    expect(setup.outcomes()).toEqual({ a: 'closed 1000' });
  });

  it('close.perNode auto remembers a node’s processors when later reads no longer report them', async () => {
    const processors: Record<string, number> = { 'node-0': 4 };
    const setup = closingOf({
      jobs: onNodes(6),
      request: { close: { perNode: 'auto' } },
      processors,
      onRead: ({ kind, nth }) => {
        if (kind === 'stats' && nth > 1) delete processors['node-0'];
      },
    });
    await setup.run();
    expect(setup.cluster.closes.map(({ ids }) => ids.length)).toEqual([2, 2, 2]);
    expect(setup.entry('0-5').limit).toEqual({ places: 2, because: 'own_node', processors: 4 });
  });

  it('close.perNode auto removes jobs from a request if the check right before it shows that their node has too few processors', async () => {
    const setup = closingOf({
      jobs: onNodes(5),
      request: { close: { perNode: 'auto' } },
      processors: { 'node-0': 2 },
      onRead: ({ kind, nth }) => {
        if (kind === 'stats' && nth === 1) throw new Error('no');
      },
    });
    await setup.run();
    expect(setup.cluster.closes.map(({ ids }) => ids)).toEqual([['0-0'], ['0-1'], ['0-2'], ['0-3'], ['0-4']]);
  });
});
