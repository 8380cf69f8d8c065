import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../simulator/clock.ts';
import { Budget } from '../../../src/sweep/budget.ts';
import type { Entry, Outcome } from '../../../src/sweep/closing/ledger.ts';
import type { FollowUpOrder, FollowUps } from '../../../src/sweep/ports.ts';
import { followUpOn } from '../../../src/sweep/reporting/follow-up.ts';
import type { RequestPayload } from '../../../src/sweep/request/request-schema.ts';
import { askedOnce, entryOf, foundClosing, refusal } from '../../support/entries.ts';
import { day, hour, minute, now, requestOf } from '../../support/jobs.ts';

/** A scheduler that only records the orders of follow-ups. `fits` is the number of jobs that fit into a follow-up. */
class RecordedFollowUps implements FollowUps {
  readonly orders: FollowUpOrder[] = [];
  readonly pendingReads: string[] = [];
  readonly #waiting: readonly string[];
  readonly #fits: number;

  constructor(waiting: readonly string[] = [], fits = 100) {
    this.#waiting = waiting;
    this.#fits = fits;
  }

  async pending(cluster: string): Promise<ReadonlySet<string>> {
    this.pendingReads.push(cluster);
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

const scheduleFor = (entries: readonly Entry[], given: Given = {}) => {
  const { payload = {}, leftMs = 20_000, clock = new VirtualClock(now) } = given;
  return followUpOn(entries, {
    sweepId: 'sweep-1',
    request: requestOf(payload),
    followUps: 'followUps' in given ? given.followUps : new RecordedFollowUps(),
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
/** Jobs that are still closing. */
const left = (...ids: string[]) => ids.map((id) => ended(foundClosing(id), { outcome: 'closing' }));
const noFollowUp = (...warnings: string[]) => ({
  followUp: null,
  comingBackFor: new Set(),
  takesRest: false,
  warnings,
});

describe('the jobs of a follow-up', () => {
  it('a follow-up lists the jobs left closing', async () => {
    const recorder = new RecordedFollowUps();
    expect(await scheduleFor(left('a', 'b'), { followUps: recorder })).toEqual({
      followUp: { name: 'follow-up-1', at: '2026-11-23T12:15:00.250Z', round: 1, jobs: 2 },
      comingBackFor: new Set(['a', 'b']),
      takesRest: false,
      warnings: [],
    });
    expect(recorder.pendingReads).toEqual(['default']);
  });

  it('a follow-up also lists the stuck jobs that force.max left for later', async () => {
    const stuck = foundClosing('stuck', {}, { verdict: { verdict: 'force', reason: 'stuck' } });
    const { comingBackFor } = await scheduleFor([
      ended(stuck, { outcome: 'not_attempted', because: 'limit' }),
    ]);
    expect(comingBackFor).toEqual(new Set(['stuck']));
  });

  it.each<[string, Entry, Outcome | undefined]>([
    ['closed', askedOnce(), { outcome: 'closed' }],
    ['gone', askedOnce(), { outcome: 'gone' }],
    ['reported as an error', askedOnce(), { outcome: 'error', error: refusal(500) }],
    [
      'not asked to close, because the sweep was stopped',
      entryOf('late'),
      { outcome: 'not_attempted', because: 'signal' },
    ],
    [
      'closed by force',
      foundClosing('forced', { forced: true }, { verdict: { verdict: 'force', reason: 'stuck' } }),
      { outcome: 'force_closed' },
    ],
    [
      'failed, and left for later because of force.max',
      entryOf('failed', {}, { verdict: { verdict: 'force', reason: 'failed' }, job: { state: 'failed' } }),
      { outcome: 'not_attempted', because: 'limit' },
    ],
    ['without an outcome', askedOnce(), undefined],
  ])('a follow-up lists no job that is %s', async (_what, entry, outcome) => {
    const recorder = new RecordedFollowUps();
    if (outcome) ended(entry, outcome);
    expect(await scheduleFor([entry], { followUps: recorder })).toEqual(noFollowUp());
    expect([recorder.pendingReads, recorder.orders]).toEqual([[], []]);
  });

  it('a job in a pending follow-up is not scheduled again', async () => {
    const recorder = new RecordedFollowUps(['a', 'elsewhere']);
    expect(await scheduleFor(left('a', 'b'), { followUps: recorder })).toEqual({
      followUp: { name: 'follow-up-1', at: '2026-11-23T12:15:00.250Z', round: 1, jobs: 1 },
      comingBackFor: new Set(['a', 'b']),
      takesRest: false,
      warnings: [],
    });
    expect(recorder.orders.map(({ jobs }) => jobs.map(({ jobId }) => jobId))).toEqual([['b']]);
  });

  it('no new follow-up is scheduled when all jobs are in a pending follow-up', async () => {
    const recorder = new RecordedFollowUps(['a', 'b', 'elsewhere']);
    expect(await scheduleFor(left('a', 'b'), { followUps: recorder })).toEqual({
      followUp: null,
      comingBackFor: new Set(['a', 'b']),
      takesRest: false,
      warnings: [],
    });
    expect(recorder.orders).toEqual([]);
  });

  it.each([
    [1, '2 jobs'],
    [2, '1 job'],
  ])('a follow-up lists only as many jobs as fit into its payload: %i of three', async (fits, short) => {
    expect(await scheduleFor(left('a', 'b', 'c'), { followUps: new RecordedFollowUps([], fits) })).toEqual({
      followUp: { name: 'follow-up-1', at: '2026-11-23T12:15:00.250Z', round: 1, jobs: fits },
      comingBackFor: new Set(['a', 'b', 'c'].slice(0, fits)),
      takesRest: false,
      warnings: [`${short} left closing did not fit into the follow-up; the next regular sweep checks them`],
    });
  });
});

describe('the request of a follow-up', () => {
  it('the first follow-up repeats the sweep’s request, without the fields that concern only that sweep', async () => {
    const recorder = new RecordedFollowUps();
    const payload: RequestPayload = {
      cluster: 'logs',
      idleFor: '3d',
      followUp: { after: '20m', max: 4 },
      trigger: {
        scheduleArn: 'arn:aws:scheduler:eu-west-1:1:schedule/a/b',
        scheduledTime: '2026-11-23T12:00:00Z',
      },
    };
    await scheduleFor(left('a'), { payload, followUps: recorder });
    const { trigger: _spent, ...rest } = requestOf(payload);
    expect(recorder.orders).toMatchObject([
      { chain: { sweepId: 'sweep-1', round: 1 }, at: now + 20 * minute, request: rest },
    ]);
    expect(Object.keys(recorder.orders[0]?.request ?? {}).sort()).toEqual(Object.keys(rest).sort());
    expect(recorder.pendingReads).toEqual(['logs']);
  });

  it('the follow-up of a follow-up is the next round of the same chain', async () => {
    const recorder = new RecordedFollowUps();
    const askedAt = new Date(now - hour).toISOString();
    const payload: RequestPayload = {
      followUpOf: { sweepId: 'first', round: 2, jobs: [{ jobId: 'a', askedAt, attempts: 1 }] },
    };
    const { followUp } = await scheduleFor(left('a'), { payload, followUps: recorder });
    expect(followUp).toEqual({ name: 'follow-up-3', at: '2026-11-23T12:15:00.250Z', round: 3, jobs: 1 });
    expect(recorder.orders.map(({ chain }) => chain)).toEqual([{ sweepId: 'first', round: 3 }]);
    expect(recorder.orders[0]?.request).not.toHaveProperty('followUpOf');
  });

  it('a follow-up lists, for each job, its last activity and the time and number of its close requests', async () => {
    const recorder = new RecordedFollowUps();
    const askedBefore = askedOnce({ asks: 2, askedAt: now - hour }, { earlierAttempts: 3 });
    const unfed = { lastDataTime: undefined, openedAt: undefined };
    await scheduleFor(
      [
        ended(askedBefore, { outcome: 'closing' }),
        ...left('found'),
        ended(foundClosing('unfed', {}, { job: unfed }), { outcome: 'closing' }),
        ended(foundClosing('told', {}, { job: unfed, history: { lastActivity: now - 9 * day } }), {
          outcome: 'closing',
        }),
      ],
      { followUps: recorder },
    );
    const startedAt = '2026-11-23T11:55:00.000Z';
    expect(recorder.orders[0]?.jobs).toStrictEqual([
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

describe('jobs left for lack of time', () => {
  const late = (...ids: string[]) =>
    ids.map((id) => ended(entryOf(id), { outcome: 'not_attempted', because: 'time' }));

  it('a follow-up for jobs left for lack of time starts as soon as possible, and needs no list of jobs', async () => {
    const recorder = new RecordedFollowUps();
    expect(await scheduleFor(late('a', 'b'), { followUps: recorder })).toEqual({
      followUp: { name: 'follow-up-1', at: '2026-11-23T12:00:00.250Z', round: 1, jobs: 0, rest: true },
      comingBackFor: new Set(),
      takesRest: true,
      warnings: [],
    });
    expect(recorder.orders).toMatchObject([
      { chain: { sweepId: 'sweep-1', round: 1, rest: true }, at: now, jobs: [] },
    ]);
  });

  it('jobs left for lack of time and jobs left closing share one follow-up', async () => {
    const recorder = new RecordedFollowUps();
    const { followUp, takesRest } = await scheduleFor([...left('c'), ...late('a')], { followUps: recorder });
    expect(followUp).toMatchObject({ jobs: 1, rest: true });
    expect(takesRest).toBe(true);
    expect(recorder.orders[0]?.jobs.map(({ jobId }) => jobId)).toEqual(['c']);
  });

  it('jobs left for lack of time get a follow-up even if all closing jobs are in a pending follow-up', async () => {
    const recorder = new RecordedFollowUps(['c']);
    const { followUp, comingBackFor } = await scheduleFor([...left('c'), ...late('a')], {
      followUps: recorder,
    });
    expect(followUp).toMatchObject({ jobs: 0, rest: true });
    expect(comingBackFor).toEqual(new Set(['c']));
  });

  it('when time runs out for an approved plan, its remaining jobs cause no warning if a pending follow-up lists them', async () => {
    const recorder = new RecordedFollowUps(['a']);
    const { followUp, comingBackFor, warnings } = await scheduleFor(late('a', 'b'), {
      followUps: recorder,
      isPlanned: true,
    });
    expect([followUp, comingBackFor]).toEqual([null, new Set(['a'])]);
    expect(warnings).toEqual([expect.stringContaining('1 job did not fit into the time')]);
  });

  it('a follow-up for stuck jobs left for lack of time lists these jobs, and does not judge the whole request again', async () => {
    const stuck = foundClosing('stuck', {}, { verdict: { verdict: 'force', reason: 'stuck' } });
    const { followUp, takesRest } = await scheduleFor([
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
  ])('jobs left for lack of time cause a warning when %s', async (_when, given, why) => {
    expect(await scheduleFor(late('a', 'b'), given)).toEqual(
      noFollowUp(
        `2 jobs did not fit into the time and no follow-up takes them: ${why}. The next sweep looks at them again`,
      ),
    );
  });

  it('when time runs out for an approved plan, its remaining jobs get a follow-up only if the follow-up can contain the plan', async () => {
    const free = new RecordedFollowUps();
    expect(await scheduleFor([...left('c'), ...late('a')], { followUps: free, isPlanned: true })).toEqual({
      followUp: { name: 'follow-up-1', at: '2026-11-23T12:15:00.250Z', round: 1, jobs: 1 },
      comingBackFor: new Set(['c']),
      takesRest: false,
      warnings: [
        '1 job did not fit into the time and no follow-up takes it: a follow-up cannot contain the approved plan. The next sweep looks at it again',
      ],
    });
    expect(free.orders[0]?.chain).not.toHaveProperty('rest');
    const bound = Object.assign(new RecordedFollowUps(), { holdsToPlan: true });
    const { takesRest } = await scheduleFor(late('a'), { followUps: bound, isPlanned: true });
    expect(takesRest).toBe(true);
  });
});

describe('reasons to schedule no follow-up', () => {
  const round = (number: number) => ({
    sweepId: 'first',
    round: number,
    jobs: [{ jobId: 'a', askedAt: '2026-11-23T11:00:00Z', attempts: 1 }],
  });

  it('no follow-up is scheduled when the request turns follow-ups off', async () => {
    expect(
      await scheduleFor(left('a', 'b'), { payload: { followUp: false, force: { stuckFor: null } } }),
    ).toEqual(noFollowUp('2 jobs are still closing and no follow-up is scheduled: followUp is false'));
  });

  it('no follow-up is scheduled after as many follow-ups as followUp.max allows', async () => {
    const followUp = { after: '2m', max: 2 };
    const force = { stuckFor: null };
    expect(
      (await scheduleFor(left('a'), { payload: { followUp, force, followUpOf: round(1) } })).followUp,
    ).toMatchObject({ round: 2 });
    expect(await scheduleFor(left('a'), { payload: { followUp, force, followUpOf: round(2) } })).toEqual(
      noFollowUp(
        '1 job is still closing and no follow-up is scheduled: given up after 2 follow-ups (followUp.max)',
      ),
    );
  });

  it('no follow-up is scheduled when there is no scheduler', async () => {
    expect(await scheduleFor(left('a'), { followUps: undefined })).toEqual(
      noFollowUp(
        '1 job is still closing and no follow-up is scheduled: no scheduler is set up for follow-ups (the command can do them itself with --wait)',
      ),
    );
  });

  it('no follow-up is scheduled when the time left is needed for the report', async () => {
    const late = noFollowUp(
      '1 job is still closing and no follow-up is scheduled: no time was left to schedule it',
    );
    expect(await scheduleFor(left('a'), { leftMs: 1_000 })).toEqual(late);
    expect(await scheduleFor(left('a'), { leftMs: 500 })).toEqual(late);
    expect((await scheduleFor(left('a'), { leftMs: 1_001 })).followUp).toMatchObject({ round: 1 });
  });

  it('no follow-up is scheduled when the scheduler fails, and the report contains the scheduler’s error', async () => {
    const failing = (error: unknown): FollowUps => ({
      pending: async () => new Set(),
      arrange: () => Promise.reject(error as Error),
    });
    expect(await scheduleFor(left('a'), { followUps: failing(new Error('throttled')) })).toEqual(
      noFollowUp('1 job is still closing and no follow-up is scheduled: throttled'),
    );
    expect(await scheduleFor(left('a'), { followUps: failing('odd') })).toEqual(
      noFollowUp('1 job is still closing and no follow-up is scheduled: odd'),
    );
  });

  it('if scheduling fails, jobs in a pending follow-up keep that follow-up, and the report warns that the other jobs have no follow-up', async () => {
    const recorder = new RecordedFollowUps(['a', 'b']);
    const followUps: FollowUps = {
      pending: (cluster) => recorder.pending(cluster),
      arrange: () => Promise.reject(new Error('throttled')),
    };
    expect(await scheduleFor(left('a', 'b', 'c'), { followUps })).toEqual({
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
    'with %i ms left before the deadline, the sweep waits %i ms for a scheduler that does not answer',
    async (leftMs, waited, within) => {
      const clock = new VirtualClock(now);
      const hang = async (signal: AbortSignal) => {
        await clock.sleep(hour, signal);
        throw new Error('unheard');
      };
      const recorder = new RecordedFollowUps();
      for (const followUps of [
        { pending: (_cluster, signal) => hang(signal), arrange: (order) => recorder.arrange(order) },
        { pending: (cluster) => recorder.pending(cluster), arrange: (_order, signal) => hang(signal) },
      ] satisfies FollowUps[]) {
        const before = clock.now();
        expect(await scheduleFor(left('a'), { followUps, clock, leftMs })).toEqual(
          noFollowUp(
            `1 job is still closing and no follow-up is scheduled: the scheduler did not answer ${within}`,
          ),
        );
        expect(clock.now() - before).toBe(waited);
      }
    },
  );
});
