import { describe, expect, it } from 'vitest';
import type { CloseAnswer } from '../../../src/sweep/ports.ts';
import {
  acknowledged,
  bare,
  closing,
  closingOf,
  denied,
  failed,
  lost,
  oneByOne,
} from '../../support/closing.ts';
import { refusal } from '../../support/entries.ts';
import { day, minute, now } from '../../support/jobs.ts';

describe('forced closes', () => {
  it('a sweep first forces jobs, each in its own request, and then closes the other jobs', async () => {
    const setup = closingOf({
      jobs: [bare('a'), failed('f'), failed('g')],
      request: { close: { concurrency: 1 } },
    });
    await setup.run();
    expect(setup.cluster.closes.map(({ ids, force }) => [force, ...ids])).toEqual([
      [true, 'f'],
      [true, 'g'],
      [false, 'a'],
    ]);
    expect(setup.outcomes()).toEqual({ a: 'closed 3000', f: 'force_closed 1000', g: 'force_closed 2000' });
  });

  it('a job that has been stuck since an earlier sweep is forced at once', async () => {
    const setup = closingOf({ jobs: [closing('a')], histories: { a: { askedAt: now - 80 * minute } } });
    await setup.run();
    expect(setup.cluster.log).toEqual(['0 configs a', '0 stats a', '0 force a', '1000 stats a']);
    expect(setup.outcomes()).toEqual({ a: 'force_closed 1000' });
    expect(setup.entry('a')).toMatchObject({
      verdict: { verdict: 'force', reason: 'stuck' },
      askedAt: now - 80 * minute,
    });
  });

  it('a sweep forces at most force.max jobs and reports the others as not attempted', async () => {
    const setup = closingOf({ jobs: [failed('f'), failed('g')], request: { force: { max: 1 } } });
    await setup.run();
    expect(setup.cluster.closes).toMatchObject([{ ids: ['f'], force: true }]);
    expect(setup.outcomes()).toEqual({ f: 'force_closed 1000', g: 'not_attempted limit 0' });
  });

  it('a job that is forced twice counts only once against force.max', async () => {
    const setup = closingOf({
      jobs: [failed('f')],
      request: { force: { max: 1 } },
      onClose: ({ nth, ids }, cluster) => (nth === 1 ? lost : cluster.closesAfter(1_000, ids)),
    });
    await setup.run();
    expect(setup.cluster.log).toEqual([
      '0 configs f',
      '0 stats f',
      '0 force f',
      '0 stats f',
      '0 configs f',
      '0 force f',
      '1000 stats f',
    ]);
    expect(setup.entry('f')).toMatchObject({ asks: 2, batch: 2 });
    expect(setup.outcomes()).toEqual({ f: 'force_closed 1000' });
  });

  it('if force.max is used up, a failed job that already got a close request gets its outcome only at the end of the sweep', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      request: { force: { max: 0 } },
      onClose: (_close, cluster) => {
        cluster.becomes('a', 'failed');
        return lost;
      },
    });
    expect(await setup.run()).toBe(0);
    expect(setup.cluster.closes).toHaveLength(1);
    expect(setup.outcomes()).toEqual({ a: 'none' });
    // the verdict is still that of the last close request
    expect(setup.entry('a')).toMatchObject({
      forced: false,
      verdict: { verdict: 'force', reason: 'failed' },
    });
  });

  it('a job that was forced is reported as force_closed even if its last close request was not forced', async () => {
    const setup = closingOf({
      jobs: [failed('f')],
      onClose: ({ nth, ids }, cluster) => {
        if (nth > 1) return cluster.closesAfter(1_000, ids);
        cluster.becomes('f', 'opened', { openedAt: now - 30 * day });
        return lost;
      },
    });
    await setup.run();
    expect(setup.cluster.closes.map(({ force }) => force)).toEqual([true, false]);
    expect(setup.outcomes()).toEqual({ f: 'force_closed 3000' });
  });
});

describe('the next step after the answer to a close request', () => {
  it.each([
    ['an acknowledgement', acknowledged, 2_000],
    ['a lost answer', lost, 2_000],
    ['a busy answer', { kind: 'busy', error: refusal(429) }, 5_000],
    ['a busy answer with Retry-After', { kind: 'busy', retryAfterMs: 7_000, error: refusal(429) }, 7_000],
  ] satisfies [string, CloseAnswer, number][])(
    'after %s, a job that is still open is asked to close again after a pause',
    async (_what, answer, pause) => {
      const setup = closingOf({
        jobs: [bare('a')],
        onClose: ({ nth, ids }, cluster) => (nth === 1 ? answer : cluster.closesAfter(1_000, ids)),
      });
      expect(await setup.run()).toBe(pause + 1_000);
      expect(setup.cluster.log).toEqual([
        '0 configs a',
        '0 stats a',
        '0 close a',
        '0 stats a',
        `${pause} configs a`,
        `${pause} stats a`,
        `${pause} close a`,
        `${pause + 1_000} stats a`,
      ]);
      expect(setup.outcomes()).toEqual({ a: `closed ${pause + 1_000}` });
      expect(setup.entry('a')).toMatchObject({ asks: 2, askedAt: now, lastAskAt: now + pause });
    },
  );

  it('the pause before a repeated close request begins after the job states have been read', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onRead: async ({ kind, nth }) => {
        if (kind === 'stats' && nth === 2) await setup.clock.sleep(3_000);
      },
      onClose: ({ nth, ids }, cluster) => (nth === 1 ? lost : cluster.closesAfter(1_000, ids)),
    });
    await setup.run();
    expect(setup.cluster.log).toContain('5000 close a');
  });

  it('after a close request, the next step of each of its jobs depends on the state of that job', async () => {
    const setup = closingOf({
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
    setup.at(3_000, () => setup.cluster.becomes('closing', 'closed'));
    expect(await setup.run()).toBe(3_350);
    expect(setup.cluster.closes.map(({ ids, force }) => [force, ...ids])).toEqual([
      [false, 'closed', 'closing', 'failed', 'gone', 'open'],
      [true, 'failed'],
      [false, 'open'],
    ]);
    expect(setup.outcomes()).toEqual({
      closed: 'closed 0',
      closing: 'closed 3350',
      failed: 'force_closed 1000',
      gone: 'gone 0',
      open: 'closed 1100',
    });
  });

  it('if a job is still open after its third close request, the sweep gives up and reports the server’s own error', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onClose: () => ({ kind: 'error', error: refusal(500, 'broken', 'no') }),
    });
    expect(await setup.run()).toBe(4_000);
    expect(setup.entry('a').outcome).toEqual({ outcome: 'error', error: refusal(500, 'broken', 'no') });
    expect(setup.entry('a').asks).toBe(3);
  });

  it('a sweep sends no more close requests after its credentials were refused', async () => {
    const setup = closingOf({
      jobs: [bare('a'), bare('b')],
      request: { close: oneByOne },
      onClose: () => denied,
    });
    expect(await setup.run()).toBe(0);
    expect(setup.cluster.log).toEqual(['0 configs a', '0 stats a', '0 close a', '0 stats a']);
    const refused = { outcome: 'error', error: refusal(403, 'security_exception', 'not allowed') };
    expect(setup.entries.map(({ outcome, asks }) => [outcome, asks])).toEqual([
      [refused, 1],
      [refused, 0],
    ]);
  });

  it.each([
    ['waits if Retry-After ends before the sweep does', 79_999, 79_999],
    ['does not wait if Retry-After ends at the same time as the sweep', 80_000, 0],
  ])('if the cluster answers that it is busy, the sweep %s', async (_what, retryAfterMs, end) => {
    const setup = closingOf({
      jobs: [bare('a')],
      remainingMs: 100_000,
      onClose: () => ({ kind: 'busy', retryAfterMs, error: refusal(429) }),
    });
    expect(await setup.run()).toBe(end);
    expect(setup.outcomes()).toEqual({ a: 'none' });
  });

  it('a sweep ignores job states that were read before the close request', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onClose: ({ nth }) => {
        if (nth === 2) setup.stop.abort();
        return lost;
      },
      onRead: ({ signal }) => signal.throwIfAborted(),
    });
    await setup.run();
    await setup.clock.sleep(10_000);
    expect(setup.entry('a')).toMatchObject({ asks: 2, seen: undefined });
  });

  it('a sweep keeps polling jobs whose states cannot be read', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onRead: ({ kind, nth }) => {
        if (kind === 'stats' && nth === 2) throw new Error('no');
      },
    });
    expect(await setup.run()).toBe(2_000);
    expect(setup.cluster.log.slice(3)).toEqual(['1000 stats a', '2000 stats a']);
    expect(setup.outcomes()).toEqual({ a: 'closed 2000' });
  });
});
