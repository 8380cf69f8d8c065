import { describe, expect, it } from 'vitest';
import { bare, closing, closingOf, denied, failed, untilGivenUp } from '../../support/closing.ts';
import { refusal } from '../../support/entries.ts';
import { day, now } from '../../support/jobs.ts';

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

  it('believes a round that tells of data while the look at that job still waits for an answer', async () => {
    const world = closingOf({
      jobs: [small, big],
      request: { close: { perNode: 1 } },
      onRead: async ({ kind, nth }) => {
        if (kind === 'configs' && nth === 1) await world.clock.sleep(1_500);
      },
    });
    world.at(500, () => world.cluster.becomes('big', 'opened', { lastDataTime: now + 500 }));
    await world.run();
    expect(world.cluster.log.slice(0, 4)).toEqual([
      '0 stats big',
      '0 configs big',
      '1000 stats big small',
      '3000 stats small',
    ]);
    expect(world.told()).toMatchObject({ big: 'revived 1500' });
    expect(world.cluster.closes.map(({ ids }) => ids)).toEqual([['small']]);
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
