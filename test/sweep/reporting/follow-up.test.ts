import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../simulator/clock.ts';
import { Budget } from '../../../src/sweep/budget.ts';
import type { Entry, Outcome } from '../../../src/sweep/closing/ledger.ts';
import type { FollowUpOrder, FollowUps } from '../../../src/sweep/ports.ts';
import { followUpOn } from '../../../src/sweep/reporting/follow-up.ts';
import type { RequestPayload } from '../../../src/sweep/request/request-schema.ts';
import { askedOnce, entryOf, foundClosing, refusal } from '../../support/entries.ts';
import { day, hour, minute, now, requestOf } from '../../support/jobs.ts';

/** Someone who comes back, and keeps what was ordered. `fits` is how many jobs a follow-up holds. */
class Someone implements FollowUps {
  readonly orders: FollowUpOrder[] = [];
  readonly asked: string[] = [];
  readonly #waiting: readonly string[];
  readonly #fits: number;

  constructor(waiting: readonly string[] = [], fits = 100) {
    this.#waiting = waiting;
    this.#fits = fits;
  }

  async pending(cluster: string): Promise<ReadonlySet<string>> {
    this.asked.push(cluster);
    return new Set(this.#waiting);
  }

  async arrange(order: FollowUpOrder) {
    this.orders.push(order);
    const jobIds = order.jobs.map(({ jobId }) => jobId).slice(0, this.#fits);
    return { name: `follow-up-${order.chain.round}`, at: order.at + 250, jobIds };
  }
}

interface Given {
  readonly payload?: RequestPayload;
  readonly followUps?: FollowUps | undefined;
  readonly leftMs?: number;
  readonly clock?: VirtualClock;
  readonly isPlanned?: boolean;
}

const comingBack = (entries: readonly Entry[], given: Given = {}) => {
  const { payload = {}, leftMs = 20_000, clock = new VirtualClock(now) } = given;
  return followUpOn(entries, {
    sweepId: 'sweep-1',
    request: requestOf(payload),
    followUps: 'followUps' in given ? given.followUps : new Someone(),
    clock,
    budget: new Budget(clock, leftMs),
    startedAt: now - 5 * minute,
    isPlanned: given.isPlanned ?? false,
  });
};

const ended = (entry: Entry, outcome: Outcome): Entry => {
  entry.settle(outcome, now);
  return entry;
};
/** Jobs that are still under way. */
const left = (...ids: string[]) => ids.map((id) => ended(foundClosing(id), { outcome: 'closing' }));
const nobody = (...warnings: string[]) => ({
  followUp: null,
  comingBackFor: new Set(),
  takesRest: false,
  warnings,
});

describe('the jobs of a follow-up', () => {
  it('are those left closing', async () => {
    const someone = new Someone();
    expect(await comingBack(left('a', 'b'), { followUps: someone })).toEqual({
      followUp: { name: 'follow-up-1', at: '2026-11-23T12:15:00.250Z', round: 1, jobs: 2 },
      comingBackFor: new Set(['a', 'b']),
      takesRest: false,
      warnings: [],
    });
    expect(someone.asked).toEqual(['default']);
  });

  it('are the stuck ones too that force.max left for later', async () => {
    const stuck = foundClosing('stuck', {}, { verdict: { verdict: 'force', reason: 'stuck' } });
    const { comingBackFor } = await comingBack([
      ended(stuck, { outcome: 'not_attempted', because: 'limit' }),
    ]);
    expect(comingBackFor).toEqual(new Set(['stuck']));
  });

  it.each<[string, Entry, Outcome | undefined]>([
    ['closed', askedOnce(), { outcome: 'closed' }],
    ['gone', askedOnce(), { outcome: 'gone' }],
    ['in error', askedOnce(), { outcome: 'error', error: refusal(500) }],
    [
      'never asked, because the sweep was stopped',
      entryOf('late'),
      { outcome: 'not_attempted', because: 'signal' },
    ],
    [
      'forced, and closed by it',
      foundClosing('forced', { forced: true }, { verdict: { verdict: 'force', reason: 'stuck' } }),
      { outcome: 'force_closed' },
    ],
    [
      'failed, and left for later by force.max',
      entryOf('failed', {}, { verdict: { verdict: 'force', reason: 'failed' }, job: { state: 'failed' } }),
      { outcome: 'not_attempted', because: 'limit' },
    ],
    ['without outcome', askedOnce(), undefined],
  ])('are none that are %s', async (_what, entry, outcome) => {
    const someone = new Someone();
    if (outcome) ended(entry, outcome);
    expect(await comingBack([entry], { followUps: someone })).toEqual(nobody());
    expect([someone.asked, someone.orders]).toEqual([[], []]);
  });

  it('are in one follow-up only: those that wait in another are not ordered again', async () => {
    const someone = new Someone(['a', 'elsewhere']);
    expect(await comingBack(left('a', 'b'), { followUps: someone })).toEqual({
      followUp: { name: 'follow-up-1', at: '2026-11-23T12:15:00.250Z', round: 1, jobs: 1 },
      comingBackFor: new Set(['a', 'b']),
      takesRest: false,
      warnings: [],
    });
    expect(someone.orders.map(({ jobs }) => jobs.map(({ jobId }) => jobId))).toEqual([['b']]);
  });

  it('need no follow-up when all of them wait in another', async () => {
    const someone = new Someone(['a', 'b', 'elsewhere']);
    expect(await comingBack(left('a', 'b'), { followUps: someone })).toEqual({
      followUp: null,
      comingBackFor: new Set(['a', 'b']),
      takesRest: false,
      warnings: [],
    });
    expect(someone.orders).toEqual([]);
  });

  it.each([
    [1, '2 jobs'],
    [2, '1 job'],
  ])('are only as many as fit: %i of three', async (fits, short) => {
    expect(await comingBack(left('a', 'b', 'c'), { followUps: new Someone([], fits) })).toEqual({
      followUp: { name: 'follow-up-1', at: '2026-11-23T12:15:00.250Z', round: 1, jobs: fits },
      comingBackFor: new Set(['a', 'b', 'c'].slice(0, fits)),
      takesRest: false,
      warnings: [`${short} left closing did not fit into the follow-up; the next regular sweep checks them`],
    });
  });
});

describe('the order', () => {
  it('is the request without what was of this round alone, as the first round of its own chain', async () => {
    const someone = new Someone();
    const payload: RequestPayload = {
      cluster: 'logs',
      idleFor: '3d',
      followUp: { after: '20m', max: 4 },
      trigger: {
        scheduleArn: 'arn:aws:scheduler:eu-west-1:1:schedule/a/b',
        scheduledTime: '2026-11-23T12:00:00Z',
      },
    };
    await comingBack(left('a'), { payload, followUps: someone });
    const { trigger: _spent, ...rest } = requestOf(payload);
    expect(someone.orders).toMatchObject([
      { chain: { sweepId: 'sweep-1', round: 1 }, at: now + 20 * minute, request: rest },
    ]);
    expect(Object.keys(someone.orders[0]?.request ?? {}).sort()).toEqual(Object.keys(rest).sort());
    expect(someone.asked).toEqual(['logs']);
  });

  it('is the next round of the chain that this sweep belongs to', async () => {
    const someone = new Someone();
    const askedAt = new Date(now - hour).toISOString();
    const payload: RequestPayload = {
      followUpOf: { sweepId: 'first', round: 2, jobs: [{ jobId: 'a', askedAt, attempts: 1 }] },
    };
    const { followUp } = await comingBack(left('a'), { payload, followUps: someone });
    expect(followUp).toEqual({ name: 'follow-up-3', at: '2026-11-23T12:15:00.250Z', round: 3, jobs: 1 });
    expect(someone.orders.map(({ chain }) => chain)).toEqual([{ sweepId: 'first', round: 3 }]);
    expect(someone.orders[0]?.request).not.toHaveProperty('followUpOf');
  });

  it('says of each job when it was asked, how often, and its last activity', async () => {
    const someone = new Someone();
    const askedBefore = askedOnce({ asks: 2, askedAt: now - hour }, { earlierAttempts: 3 });
    const unfed = { lastDataTime: undefined, openedAt: undefined };
    await comingBack(
      [
        ended(askedBefore, { outcome: 'closing' }),
        ...left('found'),
        ended(foundClosing('unfed', {}, { job: unfed }), { outcome: 'closing' }),
        ended(foundClosing('told', {}, { job: unfed, history: { lastActivity: now - 9 * day } }), {
          outcome: 'closing',
        }),
      ],
      { followUps: someone },
    );
    const startedAt = '2026-11-23T11:55:00.000Z';
    expect(someone.orders[0]?.jobs).toStrictEqual([
      {
        jobId: 'idle-1',
        askedAt: '2026-11-23T11:00:00.000Z',
        attempts: 5,
        lastActivity: '2026-11-18T12:00:00.000Z',
      },
      { jobId: 'found', askedAt: startedAt, attempts: 0, lastActivity: '2026-11-18T12:00:00.000Z' },
      { jobId: 'unfed', askedAt: startedAt, attempts: 0 },
      { jobId: 'told', askedAt: startedAt, attempts: 0, lastActivity: '2026-11-14T12:00:00.000Z' },
    ]);
  });
});

describe('jobs left unasked for lack of time', () => {
  const late = (...ids: string[]) =>
    ids.map((id) => ended(entryOf(id), { outcome: 'not_attempted', because: 'time' }));

  it('go on as soon as may be, in a follow-up that need not list any job', async () => {
    const someone = new Someone();
    expect(await comingBack(late('a', 'b'), { followUps: someone })).toEqual({
      followUp: { name: 'follow-up-1', at: '2026-11-23T12:00:00.250Z', round: 1, jobs: 0, rest: true },
      comingBackFor: new Set(),
      takesRest: true,
      warnings: [],
    });
    expect(someone.orders).toMatchObject([
      { chain: { sweepId: 'sweep-1', round: 1, rest: true }, at: now, jobs: [] },
    ]);
  });

  it('go on together with those left closing', async () => {
    const someone = new Someone();
    const { followUp, takesRest } = await comingBack([...left('c'), ...late('a')], { followUps: someone });
    expect(followUp).toMatchObject({ jobs: 1, rest: true });
    expect(takesRest).toBe(true);
    expect(someone.orders[0]?.jobs.map(({ jobId }) => jobId)).toEqual(['c']);
  });

  it('go on although all that are left closing wait in another follow-up', async () => {
    const someone = new Someone(['c']);
    const { followUp, comingBackFor } = await comingBack([...left('c'), ...late('a')], {
      followUps: someone,
    });
    expect(followUp).toMatchObject({ jobs: 0, rest: true });
    expect(comingBackFor).toEqual(new Set(['c']));
  });

  it('are listed when they are stuck, and need no other follow-up', async () => {
    const stuck = foundClosing('stuck', {}, { verdict: { verdict: 'force', reason: 'stuck' } });
    const { followUp, takesRest } = await comingBack([
      ended(stuck, { outcome: 'not_attempted', because: 'time' }),
    ]);
    expect(followUp).toEqual({ name: 'follow-up-1', at: '2026-11-23T12:15:00.250Z', round: 1, jobs: 1 });
    expect(takesRest).toBe(false);
  });

  it.each<[string, Given, string]>([
    ['followUp is off', { payload: { followUp: false } }, 'followUp is false'],
    [
      'the last round is over',
      {
        payload: {
          followUp: { after: '2m', max: 2 },
          force: { stuckFor: null },
          followUpOf: { sweepId: 'first', round: 2, rest: true, jobs: [] },
        },
      },
      'given up after 2 follow-ups (followUp.max)',
    ],
    [
      'there is no scheduler',
      { followUps: undefined },
      'no scheduler is set up for follow-ups (the command can do them itself with --wait)',
    ],
  ])('are a warning when %s', async (_when, given, why) => {
    expect(await comingBack(late('a', 'b'), given)).toEqual(
      nobody(
        `2 jobs did not fit into the time and no follow-up takes them: ${why}. The next sweep looks at them again`,
      ),
    );
  });

  it('are left by a sweep that is bound to a plan, unless its follow-ups are bound to it as well', async () => {
    const free = new Someone();
    expect(await comingBack([...left('c'), ...late('a')], { followUps: free, isPlanned: true })).toEqual({
      followUp: { name: 'follow-up-1', at: '2026-11-23T12:15:00.250Z', round: 1, jobs: 1 },
      comingBackFor: new Set(['c']),
      takesRest: false,
      warnings: [
        '1 job did not fit into the time and no follow-up takes it: a schedule cannot carry the approved plan. The next sweep looks at it again',
      ],
    });
    expect(free.orders[0]?.chain).not.toHaveProperty('rest');
    const bound = Object.assign(new Someone(), { holdsToPlan: true });
    const { takesRest } = await comingBack(late('a'), { followUps: bound, isPlanned: true });
    expect(takesRest).toBe(true);
  });
});

describe('no follow-up', () => {
  const round = (number: number) => ({
    sweepId: 'first',
    round: number,
    jobs: [{ jobId: 'a', askedAt: '2026-11-23T11:00:00Z', attempts: 1 }],
  });

  it('when the request turns it off', async () => {
    expect(
      await comingBack(left('a', 'b'), { payload: { followUp: false, force: { stuckFor: null } } }),
    ).toEqual(nobody('2 jobs are still closing and no follow-up is scheduled: followUp is false'));
  });

  it('after the last round', async () => {
    const followUp = { after: '2m', max: 2 };
    const force = { stuckFor: null };
    expect(
      (await comingBack(left('a'), { payload: { followUp, force, followUpOf: round(1) } })).followUp,
    ).toMatchObject({ round: 2 });
    expect(await comingBack(left('a'), { payload: { followUp, force, followUpOf: round(2) } })).toEqual(
      nobody(
        '1 job is still closing and no follow-up is scheduled: given up after 2 follow-ups (followUp.max)',
      ),
    );
  });

  it('when there is no scheduler', async () => {
    expect(await comingBack(left('a'), { followUps: undefined })).toEqual(
      nobody(
        '1 job is still closing and no follow-up is scheduled: no scheduler is set up for follow-ups (the command can do them itself with --wait)',
      ),
    );
  });

  it('when the time that is left is for the report', async () => {
    const late = nobody(
      '1 job is still closing and no follow-up is scheduled: no time was left to arrange it',
    );
    expect(await comingBack(left('a'), { leftMs: 1_000 })).toEqual(late);
    expect(await comingBack(left('a'), { leftMs: 500 })).toEqual(late);
    expect((await comingBack(left('a'), { leftMs: 1_001 })).followUp).toMatchObject({ round: 1 });
  });

  it('when the scheduler fails, and the report says what it said', async () => {
    const failing = (error: unknown): FollowUps => ({
      pending: async () => new Set(),
      arrange: () => Promise.reject(error as Error),
    });
    expect(await comingBack(left('a'), { followUps: failing(new Error('throttled')) })).toEqual(
      nobody('1 job is still closing and no follow-up is scheduled: throttled'),
    );
    expect(await comingBack(left('a'), { followUps: failing('odd') })).toEqual(
      nobody('1 job is still closing and no follow-up is scheduled: odd'),
    );
  });

  it('for the new ones when their order fails; those that wait in another are come back for all the same', async () => {
    const someone = new Someone(['a', 'b']);
    const followUps: FollowUps = {
      pending: (cluster) => someone.pending(cluster),
      arrange: () => Promise.reject(new Error('throttled')),
    };
    expect(await comingBack(left('a', 'b', 'c'), { followUps })).toEqual({
      followUp: null,
      comingBackFor: new Set(['a', 'b']),
      takesRest: false,
      warnings: ['1 job is still closing and no follow-up is scheduled: throttled'],
    });
  });

  it.each([
    [60_000, 8_000, 'within 8 s'],
    [3_500, 2_500, 'within 3 s'],
  ])(
    'when the scheduler is silent: %i ms before the deadline it is given %i',
    async (leftMs, waited, within) => {
      const clock = new VirtualClock(now);
      const hang = async (signal: AbortSignal) => {
        await clock.sleep(hour, signal);
        throw new Error('unheard');
      };
      const someone = new Someone();
      for (const followUps of [
        { pending: (_cluster, signal) => hang(signal), arrange: (order) => someone.arrange(order) },
        { pending: (cluster) => someone.pending(cluster), arrange: (_order, signal) => hang(signal) },
      ] satisfies FollowUps[]) {
        const before = clock.now();
        expect(await comingBack(left('a'), { followUps, clock, leftMs })).toEqual(
          nobody(
            `1 job is still closing and no follow-up is scheduled: the scheduler did not answer ${within}`,
          ),
        );
        expect(clock.now() - before).toBe(waited);
      }
    },
  );
});
