import { describe, expect, it } from 'vitest';
import type { JobSnapshot } from '../../../src/sweep/planning/inventory.ts';
import type { CloseAnswer } from '../../../src/sweep/ports.ts';
import { acknowledged, bare, closingOf, denied, failed, lost } from '../../support/closing.ts';
import { refusal } from '../../support/entries.ts';
import { day, now } from '../../support/jobs.ts';

describe('the check before a close', () => {
  it('if the check before a close finds that a job is gone, closed or busy, the job gets no close request', async () => {
    const setup = closingOf({
      jobs: ['busy', 'closed', 'gone', 'idle'].map((id) => bare(id)),
      onRead: ({ nth }, cluster) => {
        if (nth > 1) return;
        cluster.remove('gone');
        cluster.becomes('closed', 'closed');
        cluster.becomes('busy', 'opened', { lastDataTime: now });
      },
    });
    await setup.run();
    expect(setup.cluster.closes.map(({ ids }) => ids)).toEqual([['idle']]);
    expect(setup.outcomes()).toEqual({
      busy: 'revived 0',
      closed: 'already_closed 0',
      gone: 'gone 0',
      idle: 'closed 1000',
    });
    expect(setup.entry('busy').verdict).toEqual({ verdict: 'keep', reason: 'recent_data' });
    expect(setup.entry('closed')).toMatchObject({ looks: 0, job: { state: 'opened' } });
  });

  it('the check before a close judges a job by its new stats, but keeps the known model size if the new stats have none', async () => {
    const setup = closingOf({
      jobs: [bare('a', { modelBytes: 11 }), bare('b', { modelBytes: 10 })],
      onRead: (_read, cluster) => {
        cluster.becomes('a', 'opened', { modelBytes: undefined, lastDataTime: undefined });
        cluster.becomes('b', 'opened', { modelBytes: 20 });
      },
      onClose: () => denied,
    });
    expect(setup.entry('a').verdict).toEqual({ verdict: 'close', reason: 'idle' });
    await setup.run();
    expect(setup.entry('a')).toMatchObject({
      job: { modelBytes: 11, lastDataTime: undefined },
      verdict: { verdict: 'close', reason: 'never_fed' },
    });
    expect(setup.entry('b').job.modelBytes).toBe(20);
  });

  it('if the check before a close finds that a job is already closing, the sweep polls the job and counts its closing time from that check', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onRead: async ({ kind, nth }, cluster) => {
        if (kind !== 'stats' || nth > 1) return;
        await setup.clock.sleep(2_000);
        cluster.becomes('a', 'closing');
      },
    });
    setup.at(4_000, () => setup.cluster.becomes('a', 'closed'));
    expect(await setup.run()).toBe(4_500);
    expect(setup.cluster.log).toEqual(['0 configs a', '0 stats a', '3000 stats a', '4500 stats a']);
    expect(setup.outcomes()).toEqual({ a: 'already_closed 4500' });
    expect(setup.entry('a')).toMatchObject({
      verdict: { verdict: 'wait', reason: 'already_closing' },
      askedAt: now + 2_000,
      asks: 0,
      looks: 1,
    });
  });

  it('a job that is closing at a check after its close request keeps its verdict and the time of that request', async () => {
    const setup = closingOf({ jobs: [bare('a')], onClose: () => lost });
    setup.at(1_000, () => setup.cluster.becomes('a', 'closing'));
    setup.at(3_000, () => setup.cluster.becomes('a', 'closed'));
    expect(await setup.run()).toBe(3_000);
    expect(setup.cluster.log.slice(3)).toEqual([
      '0 stats a',
      '2000 configs a',
      '2000 stats a',
      '3000 stats a',
    ]);
    expect(setup.entry('a')).toMatchObject({
      verdict: { verdict: 'close', reason: 'idle' },
      askedAt: now,
      asks: 1,
      looks: 2,
    });
    expect(setup.outcomes()).toEqual({ a: 'closed 3000' });
  });

  it('if the check before a close finds that a job has failed, the check is repeated and the job is forced in its own request', async () => {
    const setup = closingOf({
      jobs: [bare('a'), bare('b')],
      onRead: ({ nth }, cluster) => {
        if (nth === 1) cluster.becomes('b', 'failed');
      },
    });
    await setup.run();
    expect(setup.cluster.log).toEqual([
      '0 configs a b',
      '0 stats a b',
      '0 close a',
      '0 configs b',
      '0 stats b',
      '0 force b',
      '1000 stats a b',
      '1100 stats b',
    ]);
    expect(setup.outcomes()).toEqual({ a: 'closed 1000', b: 'force_closed 1100' });
    expect(setup.entry('b')).toMatchObject({
      verdict: { verdict: 'force', reason: 'failed' },
      looks: 2,
      asks: 1,
      forced: true,
    });
  });

  it('if the check before a close finds a failed job open again, the job gets a close request without force', async () => {
    const setup = closingOf({
      jobs: [failed('a')],
      onRead: (_read, cluster) => {
        if (cluster.closes.length === 0) cluster.becomes('a', 'opened', { openedAt: now - 30 * day });
      },
    });
    await setup.run();
    expect(setup.cluster.log.slice(0, 5)).toEqual([
      '0 configs a',
      '0 stats a',
      '0 configs a',
      '0 stats a',
      '0 close a',
    ]);
    expect(setup.outcomes()).toEqual({ a: 'closed 1000' });
  });

  it('if a job’s state has changed at each of nine checks before its close, the sweep gives up on the job', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onRead: ({ kind, nth }, cluster) => {
        if (kind === 'configs')
          cluster.becomes('a', nth % 2 === 1 ? 'failed' : 'opened', { openedAt: now - 30 * day });
      },
    });
    await setup.run();
    expect(setup.cluster.log).toHaveLength(18);
    expect(setup.cluster.closes).toEqual([]);
    expect(setup.entry('a').outcome).toEqual({
      outcome: 'error',
      error: { status: 0, type: 'unstable', reason: 'the job changed its state at each of 9 looks' },
    });
  });

  it('a job gets a close request if its state changed at each of seven checks before its close, but not at the eighth', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onRead: ({ kind, nth }, cluster) => {
        if (kind !== 'configs') return;
        cluster.becomes('a', nth % 2 === 1 || nth === 8 ? 'failed' : 'opened', { openedAt: now - 30 * day });
      },
    });
    await setup.run();
    expect(setup.entry('a')).toMatchObject({ looks: 8, asks: 1 });
    expect(setup.outcomes()).toEqual({ a: 'force_closed 1000' });
  });

  it('a check before a close is repeated if it took more than 30 seconds', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onRead: async ({ kind, nth }) => {
        if (kind === 'stats' && nth <= 2) await setup.clock.sleep(nth === 1 ? 30_001 : 30_000);
      },
    });
    await setup.run();
    expect(setup.cluster.log.slice(0, 5)).toEqual([
      '0 configs a',
      '0 stats a',
      '30001 configs a',
      '30001 stats a',
      '60001 close a',
    ]);
    expect(setup.entry('a').looks).toBe(1);
  });

  it('jobs get no close request if three checks in a row take more than 30 seconds each', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onRead: async ({ kind }) => {
        if (kind === 'stats') await setup.clock.sleep(40_000);
      },
    });
    expect(await setup.run()).toBe(120_000);
    expect(setup.cluster.log).toHaveLength(6);
    expect(setup.entry('a').outcome).toEqual({
      outcome: 'error',
      error: {
        status: 0,
        type: 'unreadable',
        reason:
          'the job could not be read right before its close request: the cluster took more than 30 s to answer, 3 times',
      },
    });
  });

  it.each([
    { thrown: Object.assign(new Error('no'), { status: 503 }), status: 503, says: 'no' },
    { thrown: Object.assign(new Error('no'), { status: '503' }), status: 0, says: 'no' },
    { thrown: 'a text', status: 0, says: 'a text' },
  ])(
    'if jobs cannot be read right before their close, they stay open and the report says why: $thrown',
    async ({ thrown, status, says }) => {
      const setup = closingOf({
        jobs: [bare('a'), bare('b')],
        onRead: () => {
          throw thrown as Error;
        },
      });
      expect(await setup.run()).toBe(0);
      expect(setup.cluster.closes).toEqual([]);
      const error = {
        status,
        type: 'unreadable',
        reason: `the job could not be read right before its close request: ${says}`,
      };
      expect(setup.entries.map(({ outcome }) => outcome)).toEqual([
        { outcome: 'error', error },
        { outcome: 'error', error },
      ]);
    },
  );

  it('a job is reported as closed or gone if its stats show that, even if other reads before the close failed', async () => {
    const setup = closingOf({
      jobs: ['closed', 'gone', 'idle'].map((id) => bare(id)),
      onRead: async ({ kind }, cluster) => {
        if (kind === 'stats') {
          cluster.becomes('closed', 'closed');
          cluster.remove('gone');
          return;
        }
        await setup.clock.sleep(10);
        throw new Error('no');
      },
    });
    expect(await setup.run()).toBe(10);
    expect(setup.cluster.closes).toEqual([]);
    expect(setup.outcomes()).toEqual({
      closed: 'already_closed 10',
      gone: 'gone 10',
      idle: 'error unreadable 10',
    });
  });

  it('a job is reported as gone if its config was read and its stats are missing', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onRead: async ({ kind }, cluster) => {
        if (kind !== 'stats') return;
        // deletes the job after its config was read, and before its stats are read
        await setup.clock.sleep(10);
        cluster.remove('a');
      },
    });
    await setup.run();
    expect(setup.cluster.closes).toEqual([]);
    expect(setup.outcomes()).toEqual({ a: 'gone 10' });
  });

  it('if a job cannot be read after its close request, it gets its outcome at the end of the sweep', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onRead: ({ kind, nth }) => {
        if (kind === 'configs' && nth === 2) throw new Error('no');
      },
      onClose: () => lost,
    });
    expect(await setup.run()).toBe(2_000);
    expect(setup.cluster.closes).toHaveLength(1);
    expect(setup.outcomes()).toEqual({ a: 'none' });
  });

  it('a job is not reported as an error if the end of the sweep interrupts the check before its close', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onRead: async ({ signal }) => {
        await setup.clock.sleep(10_000, signal);
      },
    });
    setup.at(500, () => setup.stop.abort());
    expect(await setup.run()).toBe(500);
    await setup.clock.sleep(10_000);
    expect(setup.outcomes()).toEqual({ a: 'none' });
  });
});

describe('a job that was asked to close and must now be kept', () => {
  /** The close request at 0 ms gets no answer. The job enters `state` at 1.5 seconds and is read again at 2 seconds. */
  const requestedAndThen = async (state: string, changes: Partial<JobSnapshot>) => {
    const setup = closingOf({ jobs: [bare('a')], onClose: () => lost });
    setup.at(1_500, () => setup.cluster.becomes('a', state, changes));
    await setup.run();
    expect(setup.cluster.closes).toHaveLength(1);
    return setup;
  };

  it.each([now, now + 1_001])(
    'a job is reported as reopened if its opening time (%i) is the time of its close request or later',
    async (openedAt) => {
      const setup = await requestedAndThen('opened', { openedAt });
      expect(setup.entry('a').outcome).toEqual({
        outcome: 'error',
        error: { status: 0, type: 'reopened', reason: 'the job is open again after it was asked to close' },
      });
    },
  );

  it.each([
    ['it got data', { lastDataTime: now + 1_400 }],
    ['it has no process', { openedAt: undefined }],
  ])(
    'if a job must be kept after its close request because %s, the report gives the error of that request',
    async (_why, changes) => {
      const setup = await requestedAndThen('opened', changes);
      expect(setup.outcomes()).toEqual({ a: 'error no_answer 2000' });
      expect(setup.entry('a').verdict).toEqual({ verdict: 'close', reason: 'idle' });
    },
  );

  it('a job is reported as revived if it was opened again and this sweep never asked it to close', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      onRead: (_read, cluster) => cluster.becomes('a', 'opened', { openedAt: now }),
    });
    await setup.run();
    expect(setup.outcomes()).toEqual({ a: 'revived 0' });
  });

  it.each([
    [
      'the server’s error',
      { kind: 'failed_jobs', error: refusal(409, 'conflict', 'it failed') },
      refusal(409, 'conflict', 'it failed'),
    ],
    [
      'an error of the type failed',
      acknowledged,
      refusal(200, 'failed', 'the job failed while it was being closed, and force is not allowed'),
    ],
  ] satisfies [string, CloseAnswer, object][])(
    'if a job fails after its close request and must not be forced, the report gives %s',
    async (_what, answer, error) => {
      const setup = closingOf({
        jobs: [bare('a')],
        request: { force: { failed: false } },
        onClose: (_close, cluster) => {
          cluster.becomes('a', 'failed');
          return answer;
        },
      });
      expect(await setup.run()).toBe(0);
      expect(setup.entry('a').outcome).toEqual({ outcome: 'error', error });
      expect(setup.entry('a').verdict).toEqual({ verdict: 'close', reason: 'idle' });
    },
  );

  it('a job is kept without an error if it failed before its close request and must not be forced', async () => {
    const setup = closingOf({
      jobs: [bare('a')],
      request: { force: { failed: false } },
      onRead: (_read, cluster) => cluster.becomes('a', 'failed'),
    });
    await setup.run();
    expect(setup.outcomes()).toEqual({ a: 'revived 0' });
    expect(setup.entry('a').verdict).toEqual({ verdict: 'keep', reason: 'force_not_allowed' });
  });
});
