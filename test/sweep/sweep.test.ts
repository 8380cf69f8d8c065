import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import {
  AccessDeniedError,
  ClusterUnreachableError,
  NoSuchJobError,
  StoppedError,
  UnreadableInventoryError,
} from '../../src/base/errors.ts';
import { readCluster } from '../../src/sweep/planning/read-cluster.ts';
import type { Cluster, FollowUpOrder, FollowUps } from '../../src/sweep/ports.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { planSweep, type SweepContext, type SweepOrder, sweep } from '../../src/sweep/sweep.ts';
import { outcomes } from '../../src/sweep/vocabulary.ts';
import { day, hour, minute, now, requestOf } from '../support/jobs.ts';
import { SmallCluster, type SmallJob } from '../support/small-cluster.ts';

interface Given {
  readonly payload?: RequestPayload;
  /** Replaces methods of the small cluster. */
  readonly cluster?: Partial<Cluster>;
  readonly order?: Partial<SweepOrder>;
  readonly setup?: Partial<SweepContext>;
  readonly clock?: VirtualClock;
}

/** Starts a sweep over these jobs. Returns a promise of its report, its close requests so far, and its input. */
function sweeping(jobs: readonly SmallJob[], given: Given = {}) {
  const { payload, clock = new VirtualClock(now) } = given;
  const cluster = new SmallCluster(clock, jobs, given.cluster);
  const order = { sweepId: 'sweep-1', request: requestOf(payload), ...given.order };
  const setup = { cluster, clock, remainingMs: 15 * minute, ...given.setup };
  return { report: sweep(order, setup), closes: cluster.closes, clock, order, setup };
}

const reportOf = (jobs: readonly SmallJob[], given: Given = {}) => sweeping(jobs, given).report;
/** Runs a sweep, checks that it sends no close request, and returns its report. */
async function leftAlone(jobs: readonly SmallJob[], given: Given = {}): Promise<SweepReport> {
  const { report, closes } = sweeping(jobs, given);
  const found = await report;
  expect(closes).toEqual([]);
  return found;
}
/** `job outcome` for each job in the report. */
const fates = ({ jobs }: SweepReport) => jobs.map(({ jobId, outcome }) => `${jobId} ${outcome}`).sort();
/** The class and message of the error that ended the sweep before it closed anything. */
async function endOf(jobs: readonly SmallJob[], given: Given = {}): Promise<unknown> {
  const { report, closes } = sweeping(jobs, given);
  const error = await report.then(
    () => 'a report',
    (reason: unknown) => reason,
  );
  expect(closes).toEqual([]);
  return error;
}

const zeros = Object.fromEntries(Object.values(outcomes).map(({ count }) => [count, 0]));
const idle: SmallJob = { jobId: 'idle' };
const busy: SmallJob = { jobId: 'busy', lastData: minute };
const closed: SmallJob = { jobId: 'closed', state: 'closed' };
const failed = (jobId: string): SmallJob => ({ jobId, state: 'failed' });
const closing: SmallJob = { jobId: 'closing', state: 'closing' };
const doneWith = (...warnings: string[]) => ({ status: 'done', warnings });

describe('a sweep', () => {
  it('a sweep with a deadline of only ten seconds still closes a job', async () => {
    const report = await reportOf([{ ...idle, closeTakes: 500 }], { setup: { remainingMs: 10_000 } });
    expect(fates(report)).toEqual(['idle closed']);
  });

  it('a sweep closes idle jobs, keeps the others, and reports all of them', async () => {
    const { report, closes, order, setup } = sweeping(
      [
        { ...idle, closeTakes: 2_000, modelBytes: 7_000_000 },
        busy,
        closed,
        { jobId: 'other', lastData: hour },
      ],
      { payload: { jobs: ['idle', 'busy', 'closed'] } },
    );
    expect(await report).toEqual({
      sweepId: 'sweep-1',
      cluster: { name: 'default', id: 'uuid-1', version: '9.2.1' },
      request: { idleFor: '48h', jobs: ['idle', 'busy', 'closed'] },
      dryRun: false,
      status: 'done',
      startedAt: '2026-11-23T12:00:00.000Z',
      durationMs: 2_000,
      counts: { ...zeros, open: 3, listed: 2, idle: 1, closed: 1, kept: 1 },
      kept: { recent_data: 1 },
      freedBytes: 7_000_000,
      freedReservedBytes: 0,
      jobs: [
        {
          jobId: 'idle',
          state: 'opened',
          lastActivity: '2026-11-18T12:00:00.000Z',
          idleMs: 5 * day,
          verdict: 'close',
          reason: 'idle',
          outcome: 'closed',
          attempts: 1,
          memoryBytes: 7_000_000,
          nodeId: 'node-a',
          askedAt: '2026-11-23T12:00:00.000Z',
          closedAt: '2026-11-23T12:00:02.000Z',
          settledAt: '2026-11-23T12:00:02.000Z',
          batch: 1,
        },
      ],
      fuse: null,
      followUp: null,
      warnings: [],
      places: [{ nodeId: 'node-a', places: 4, because: 'unknown' }],
    });
    expect(closes).toEqual(['idle']);
    const { decisions } = await planSweep(order, setup);
    expect(decisions.map(({ jobId }) => jobId)).toEqual(['busy']);
  });

  it('a sweep without an observer closes idle jobs', async () => {
    expect(fates(await reportOf([idle], { setup: { observer: {} } }))).toEqual(['idle closed']);
    const clock = new VirtualClock(now);
    const setup = { cluster: new SmallCluster(clock, [idle]), clock, remainingMs: 15 * minute };
    expect(fates(await sweep({ sweepId: 'sweep-1', request: requestOf() }, setup))).toEqual(['idle closed']);
  });

  it('a sweep reports each warning only once, with escaped characters: first the request’s warnings, then the sweep’s, then the cluster’s', async () => {
    const { warnings } = await reportOf([busy, { ...idle, jobId: 'typo', protection: 'yes' }], {
      payload: { jobs: ['*', 'nothing'] },
      order: { warnings: ['read with care', 'said twice'] },
      cluster: { warnings: () => ['said twice', 'a node \u001b[2J is slow'] },
    });
    expect(warnings).toEqual([
      'read with care',
      'said twice',
      'jobs: "nothing" matches no job of the cluster',
      'custom_settings.jobsweep of typo cannot be read, so the job is protected: expected {"protect": true} or {"protectUntil": "<ISO date or date-time with zone>"}',
      'a node \\u{1b}[2J is slow',
    ]);
  });

  it('if a sweep finds a job already closing, the report says when the job was first seen closing', async () => {
    const { report } = sweeping([closing, idle], { payload: { dryRun: true } });
    const { jobs } = await report;
    expect(jobs.map(({ jobId, askedAt }) => [jobId, askedAt])).toEqual([
      ['closing', '2026-11-23T12:00:00.000Z'],
      ['idle', undefined],
    ]);
    const known = await reportOf([closing], {
      payload: { dryRun: true },
      order: { histories: new Map([['closing', { askedAt: now - hour }]]) },
    });
    expect(known.jobs[0]?.askedAt).toBe('2026-11-23T11:00:00.000Z');
  });

  it('a sweep judges a job by the job’s history from earlier reports', async () => {
    const histories = new Map([['idle', { flapping: true }]]);
    const { kept } = await leftAlone([idle], { order: { histories } });
    expect(kept).toEqual({ flapping: 1 });
  });

  it('a sweep that carries out a plan closes the plan’s unchanged jobs and keeps the others', async () => {
    const seen = { lastDataTime: now - 5 * day, openedAt: now - 30 * day, datafeedRuns: false };
    const planned = new Map([['idle', { state: 'opened', ...seen }]]);
    const report = await reportOf([idle, { jobId: 'new' }], { order: { planned } });
    expect(fates(report)).toEqual(['idle closed', 'new kept']);
    expect(report.kept).toEqual({ not_as_planned: 1 });
  });
});

describe('a name that matches no job', () => {
  const payload = { jobs: ['idle', 'nothing', 'no-*'] };

  it('a name that matches no job causes a warning', async () => {
    expect(await reportOf([idle], { payload })).toMatchObject(
      doneWith('jobs: "nothing", "no-*" matches no job of the cluster'),
    );
  });

  it('a name that matches no job is an error when allowNoMatch is false', async () => {
    const error = await endOf([idle], { payload: { ...payload, allowNoMatch: false } });
    expect(error).toBeInstanceOf(NoSuchJobError);
    expect((error as Error).message).toBe(
      'jobs: "nothing", "no-*" matches no job of the cluster, and allowNoMatch is false; nothing was closed',
    );
  });

  it.each([
    [{ exclude: ['idel'] }, 'exclude: "idel"', '; did you mean "idle"?'],
    [{ exclude: ['capcity-*'] }, 'exclude: "capcity-*"', '; did you mean "capacity-*"?'],
    [
      { exclude: ['capcity*', 'gone'] },
      'exclude: "capcity*", "gone"',
      '; did you mean "capacity*" instead of "capcity*"?',
    ],
    [{ exclude: ['team_b', 'team-a', '*'] }, 'exclude: "team_b"', '; did you mean "team-a"?'],
    [{ force: { exclude: ['*-busy'] } }, 'force.exclude: "*-busy"', ' from force'],
  ])('an exclusion %j that matches no job causes a warning', async (payload, names, hint) => {
    const jobs: SmallJob[] = [idle, { jobId: 'capacity-plan', groups: ['team-a'] }];
    const { warnings, status } = await reportOf(jobs, { payload });
    expect(warnings).toEqual([`${names} matches no job of the cluster, so it keeps no job${hint}`]);
    expect(status).toBe('done');
  });

  it('if many exclusions match no job, the warning lists ten of them', async () => {
    const exclude = Array.from({ length: 5_000 }, (_, index) => `deleted-${index}`);
    const { warnings } = await reportOf([idle], { payload: { exclude } });
    expect(warnings).toEqual([
      expect.stringMatching(/^exclude: "deleted-0", .*, "deleted-9" and 4990 more matches no job/),
    ]);
  });

  it('there is no warning if every name matches a job, even a closed one, or if the sweep is a follow-up', async () => {
    const all = { jobs: ['idle', 'closed'], allowNoMatch: false };
    expect(await reportOf([idle, closed], { payload: all })).toMatchObject(doneWith());
    const jobs = [{ jobId: 'idle', askedAt: new Date(now).toISOString(), attempts: 1 }];
    expect(
      await reportOf([{ ...idle, state: 'closed' }], {
        payload: { ...payload, allowNoMatch: false, followUpOf: { sweepId: 'first', round: 1, jobs } },
      }),
    ).toMatchObject(doneWith());
  });
});

describe('data from the future', () => {
  const ahead = (ms: number): SmallJob[] => [
    busy,
    { jobId: 'ahead', lastData: -ms },
    { jobId: 'new', lastData: null, openFor: hour },
  ];

  it('data up to five minutes in the future causes no warning', async () => {
    expect(await reportOf(ahead(5 * minute))).toMatchObject(doneWith());
  });

  it.each([
    [5 * minute + 1, 5],
    [5.6 * minute, 6],
    [90 * minute, 90],
  ])('data more than five minutes in the future causes a warning: %i ms', async (ms, minutes) => {
    expect(await reportOf(ahead(ms))).toMatchObject(
      doneWith(
        `a job's last data is ${minutes} minutes in the future: the clocks of the cluster and of this machine differ`,
      ),
    );
  });
});

describe('an API key without the privilege to close jobs', () => {
  const mayClose = async () => false;
  const lacking = 'the credentials lack the cluster privilege manage_ml: they can plan but not sweep';

  it('a plan with an API key that lacks the privilege to close jobs succeeds with a warning', async () => {
    expect(
      await leftAlone([idle, failed('failed')], { payload: { dryRun: true }, cluster: { mayClose } }),
    ).toMatchObject(doneWith(lacking));
  });

  it('a sweep with an API key that lacks the privilege to close jobs succeeds with a warning if there is nothing to close', async () => {
    const report = await leftAlone([busy, closing], { cluster: { mayClose }, payload: { followUp: false } });
    expect(report.warnings.at(0)).toBe(lacking);
    expect(fates(report)).toEqual(['closing closing']);
  });

  it.each([
    ['close', [busy, idle]],
    ['close with force', [failed('failed'), busy]],
  ])('without the privilege to close jobs, a sweep fails if there is something to %s', async (_how, jobs) => {
    const error = await endOf(jobs, { cluster: { mayClose } });
    expect(error).toBeInstanceOf(AccessDeniedError);
    expect(error).toMatchObject({
      status: 403,
      message: `${lacking}; nothing was closed. Use a key with manage_ml, or a dry run`,
    });
  });

  it('a sweep is allowed when the server does not report privileges', async () => {
    const report = await reportOf([idle], { cluster: { mayClose: async () => undefined } });
    expect(report).toMatchObject(doneWith());
    expect(fates(report)).toEqual(['idle closed']);
  });
});

describe('a dry run', () => {
  const payload = { dryRun: true, force: { max: 2 } };

  it('a dry run reports what a sweep would do, changes nothing and schedules no follow-up', async () => {
    const orders: string[] = [];
    const followUps = {
      pending: async () => {
        orders.push('pending');
        return new Set<string>();
      },
    } as unknown as FollowUps;
    const report = await leftAlone([idle, failed('failed'), closing, busy], {
      payload,
      setup: { followUps },
    });
    expect(report).toMatchObject({ ...doneWith(), dryRun: true, fuse: null, followUp: null, freedBytes: 0 });
    expect(report.counts).toEqual({
      ...zeros,
      open: 4,
      listed: 4,
      idle: 2,
      closing: 1,
      notAttempted: 2,
      kept: 1,
    });
    expect(report.jobs.map(({ jobId, notAttemptedBecause }) => [jobId, notAttemptedBecause])).toEqual([
      ['closing', undefined],
      ['failed', 'dry_run'],
      ['idle', 'dry_run'],
    ]);
    expect(orders).toEqual([]);
  });

  it('a dry run warns if more jobs would be forced than force.max allows', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => failed(`failed-${index}`));
    expect(await leftAlone([...many(2), idle], { payload })).toMatchObject(doneWith());
    expect(await leftAlone([...many(3), idle], { payload })).toMatchObject(
      doneWith(
        '3 jobs would be closed with force, but force.max allows 2 per sweep: the next sweep takes the rest',
      ),
    );
  });
});

describe('a fuse', () => {
  const upgrade = { upgradeMode: async () => true };

  it('a fuse stops a sweep before it changes anything', async () => {
    const many = Array.from({ length: 3 }, (_, index) => failed(`failed-${index}`));
    const report = await leftAlone([idle, ...many, busy, closed], {
      cluster: upgrade,
      payload: { force: { max: 2 } },
    });
    expect(report).toMatchObject({
      status: 'refused',
      fuse: { name: 'upgrade_mode', idle: 4, open: 5, limit: null },
      followUp: null,
      warnings: [],
    });
    expect(report.counts).toMatchObject({ idle: 4, notAttempted: 4, kept: 1 });
    expect(new Set(report.jobs.map((job) => job.notAttemptedBecause))).toEqual(new Set(['fuse']));
  });

  it('if a fuse stops a sweep, the sweep warns about jobs already closing, because it schedules no follow-up', async () => {
    const report = await leftAlone([idle, closing, { ...closing, jobId: 'closing-too' }, busy], {
      cluster: upgrade,
    });
    expect(report).toMatchObject({
      status: 'refused',
      fuse: { idle: 1, open: 4 },
      warnings: ['2 jobs left closing without a follow-up, because a fuse stopped the sweep'],
    });
    const one = await leftAlone([closing], { cluster: upgrade });
    expect(one.warnings).toEqual([
      '1 job left closing without a follow-up, because a fuse stopped the sweep',
    ]);
    expect(fates(report)).toEqual(['closing closing', 'closing-too closing', 'idle not_attempted']);
  });

  it('a fuse also refuses a dry run, and the report then has no warnings', async () => {
    const many = Array.from({ length: 3 }, (_, index) => failed(`failed-${index}`));
    const report = await leftAlone([...many, closing], {
      cluster: upgrade,
      payload: { dryRun: true, force: { max: 2 } },
    });
    expect(report).toMatchObject({ status: 'refused', dryRun: true, warnings: [] });
    expect(new Set(report.jobs.map((job) => job.notAttemptedBecause))).toEqual(new Set([undefined, 'fuse']));
  });

  it('the mass_idle fuse compares the number of jobs that fell silent together with the number of open jobs that ever had data', async () => {
    const series = (count: number, name: string, job: Partial<SmallJob>) =>
      Array.from({ length: count }, (_, index): SmallJob => ({ jobId: `${name}-${index}`, ...job }));
    const jobs = [
      ...series(15, 'silent', { lastData: 3 * day }),
      ...series(21, 'busy', { lastData: minute }),
      ...series(12, 'never-fed', { lastData: null }),
      ...series(9, 'closed', { state: 'closed' }),
    ];
    const report = await leftAlone(jobs);
    expect(report.fuse).toEqual({
      name: 'mass_idle',
      idle: 27,
      open: 48,
      limit: 12,
      together: { jobs: 15, from: '2026-11-20T12:00:00.000Z', to: '2026-11-20T12:00:00.000Z' },
    });
  });
});

describe('a sweep that cannot finish everything', () => {
  const slow: SmallJob = { jobId: 'slow', closeTakes: hour };
  const quick = { close: { timeout: '1s', batch: 1, concurrency: 1 } } as const;

  it('a sweep has the status partial and warns if no follow-up is scheduled for the closing jobs', async () => {
    const report = await reportOf([slow], { payload: quick });
    expect(report).toMatchObject({
      status: 'partial',
      followUp: null,
      warnings: [
        '1 job is still closing and no follow-up is scheduled: no scheduler is set up for follow-ups (the command can do them itself with --wait)',
      ],
    });
    expect(fates(report)).toEqual(['slow closing']);
  });

  it('a sweep that schedules a follow-up for the closing jobs has the status done', async () => {
    const orders: FollowUpOrder[] = [];
    const followUps: FollowUps = {
      pending: async () => new Set(),
      arrange: async (order) => {
        orders.push(order);
        return { name: 'later', at: order.at, jobIds: order.jobs.map(({ jobId }) => jobId) };
      },
    };
    const report = await reportOf([slow], { payload: quick, setup: { followUps } });
    expect(report).toMatchObject(doneWith());
    const at = Date.parse(report.startedAt) + report.durationMs + 15 * minute;
    expect(report.followUp).toEqual({ name: 'later', at: new Date(at).toISOString(), round: 1, jobs: 1 });
    expect(orders.map(({ chain, jobs }) => ({ chain, jobs }))).toEqual([
      {
        chain: { sweepId: 'sweep-1', round: 1 },
        jobs: [
          {
            jobId: 'slow',
            askedAt: '2026-11-23T12:00:00.000Z',
            attempts: 1,
            lastActivity: '2026-11-18T12:00:00.000Z',
          },
        ],
      },
    ]);
  });

  it('a sweep warns how many jobs got no close request for lack of time', async () => {
    const jobs = [0, 1, 2, 3].map((index) => ({
      jobId: `slow-${index}`,
      closeTakes: hour,
      modelBytes: 9 - index,
    }));
    const report = await reportOf([...jobs, failed('failed')], {
      payload: { close: { timeout: '1m', batch: 1, concurrency: 1 }, followUp: false, force: { max: 0 } },
      setup: { remainingMs: 40_000 },
    });
    expect(fates(report)).toEqual([
      'failed not_attempted',
      'slow-0 closing',
      'slow-1 closing',
      'slow-2 not_attempted',
      'slow-3 not_attempted',
    ]);
    expect(report.status).toBe('partial');
    expect(report.warnings).toEqual([
      '2 jobs are still closing and no follow-up is scheduled: followUp is false',
      '2 jobs did not fit into the time and no follow-up takes them: followUp is false. The next sweep looks at them again',
    ]);
  });

  it.each([
    ['an unexpected error', new Error('boom')],
    ['a thrown value that is not an error', 'boom'],
  ])('a sweep gives each job an outcome even if %s ends it', async (_what, thrown) => {
    const report = await reportOf(
      [
        { ...idle, modelBytes: 900_000_000 },
        { jobId: 'next' },
        closing,
        busy,
        { jobId: 'later', modelBytes: 5 },
      ],
      {
        payload: { close: { batch: 1, concurrency: 1 }, followUp: false },
        cluster: { close: () => Promise.reject(thrown) },
      },
    );
    expect(report.status).toBe('partial');
    expect(report.warnings.at(0)).toBe('a bug ended the closing early, please report it: boom');
    expect(fates(report)).toEqual(['closing closing', 'idle error', 'later error', 'next error']);
    const errors = Object.fromEntries(report.jobs.map(({ jobId, error }) => [jobId, error]));
    const bug = { status: 0, type: 'internal_error', reason: 'boom' };
    expect(errors).toMatchObject({ next: bug, later: bug, idle: { type: 'reopened' } });
  });
});

describe('a cluster that cannot be read', () => {
  it('a sweep ends with the error of a read that fails', async () => {
    const error = new ClusterUnreachableError('no answer');
    const cluster = { datafeedStats: () => Promise.reject(error) };
    expect(await endOf([idle], { cluster })).toBe(error);
  });

  /** A read that ends only when it is cancelled. */
  const hanging = {
    jobStats: (signal: AbortSignal) =>
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('given up')));
      }),
  };

  it('if the cluster cannot be read in the time left, the sweep ends with an error that gives advice', async () => {
    const { report, clock } = sweeping([idle], { cluster: hanging, setup: { remainingMs: 60_000 } });
    const ended = report.catch((error: unknown) => error);
    await clock.sleep(44_999);
    expect(await Promise.race([ended, Promise.resolve('still reading')])).toBe('still reading');
    await clock.sleep(1);
    expect(await ended).toBeInstanceOf(UnreadableInventoryError);
    expect(await ended).toMatchObject({
      message: 'the cluster was not read within the time left; nothing was closed. Give the sweep more time',
    });
  });

  it('if the time is up and a pending read fails with its own error, the sweep ends with that error', async () => {
    const silent = new ClusterUnreachableError('it did not answer');
    const jobStats = (signal: AbortSignal) =>
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(silent));
      });
    const { report, clock } = sweeping([idle], { cluster: { jobStats }, setup: { remainingMs: 60_000 } });
    const ended = report.catch((error: unknown) => error);
    await clock.sleep(45_000);
    expect(await ended).toBe(silent);
  });

  it('if a sweep is interrupted before it could read the cluster, it ends with an error that says so', async () => {
    const stop = new AbortController();
    const { report, clock } = sweeping([idle], { cluster: hanging, setup: { stop: stop.signal } });
    const ended = report.catch((error: unknown) => error);
    await clock.sleep(1_000);
    stop.abort();
    expect(await ended).toBeInstanceOf(StoppedError);
    expect(await ended).toMatchObject({
      message: 'interrupted before the cluster was read; nothing was closed',
    });
  });

  it('a sweep starts all reads of the cluster at the same time', async () => {
    const clock = new VirtualClock(now);
    const cluster = new SmallCluster(clock, [{ ...idle, feed: 'stopped', groups: ['web'] }], {
      upgradeMode: async () => undefined,
      largestNodeProcessors: () => undefined,
      mayClose: async () => false,
      identify: async (signal) => {
        await clock.sleep(1_500, signal);
        return { id: 'hash', version: null };
      },
    });
    const found = await readCluster(cluster, clock, new AbortController().signal);
    expect(found).toEqual({
      identity: { id: 'hash', version: null },
      upgradeMode: undefined,
      mayClose: false,
      readAt: now + 1_500,
      jobs: [expect.objectContaining({ jobId: 'idle', groups: ['web'], openedAt: now + 1_500 - 30 * day })],
    });
    expect(found.jobs[0]?.datafeed).toMatchObject({
      datafeedId: 'feed-idle',
      state: 'stopped',
      lookback: 'done',
    });
  });
});

describe('a stopped sweep', () => {
  const quick = { close: { batch: 1, concurrency: 1 } } as const;
  /** The small cluster, but from `moment` on, a read of states by ids ends only when it is cancelled. */
  const silentFrom = (clock: VirtualClock, jobs: readonly SmallJob[], moment: number): Partial<Cluster> => {
    const small = new SmallCluster(clock, jobs);
    return {
      jobStats: async (signal, ids) => {
        if (clock.now() >= moment && ids) await clock.sleep(hour, signal);
        return small.jobStats(signal, ids);
      },
    };
  };

  it('a stopped sweep sends no more close requests and reports the remaining jobs as not attempted because of the signal', async () => {
    const clock = new VirtualClock(now);
    const stop = new AbortController();
    clock.at(now + 1_000, () => stop.abort());
    const jobs = [{ ...idle, closeTakes: hour, modelBytes: 900_000_000 }, { jobId: 'next' }];
    const { report, closes } = sweeping(jobs, {
      clock,
      payload: { ...quick, followUp: false },
      setup: { stop: stop.signal },
    });
    const { jobs: ended, warnings, status, durationMs } = await report;
    expect(
      ended.map(({ jobId, outcome, notAttemptedBecause }) => [jobId, outcome, notAttemptedBecause]),
    ).toEqual([
      ['idle', 'closing', undefined],
      ['next', 'not_attempted', 'signal'],
    ]);
    expect(closes).toEqual(['idle']);
    expect([status, durationMs]).toEqual(['partial', 1_000]);
    expect(warnings).toEqual(['1 job is still closing and no follow-up is scheduled: followUp is false']);
  });

  it.each([
    ['while it closes jobs', 1_000],
    ['before it starts', 0],
  ])(
    'a sweep that is stopped %s has eight more seconds to end, six of them for the last reading',
    async (_when, moment) => {
      const clock = new VirtualClock(now);
      const stop = new AbortController();
      if (moment === 0) stop.abort();
      else clock.at(now + moment, () => stop.abort());
      const { report } = sweeping([closing], {
        clock,
        payload: { followUp: false },
        cluster: silentFrom(clock, [closing], now),
        setup: { stop: stop.signal },
      });
      const { durationMs, jobs } = await report;
      expect(durationMs).toBe(moment + 6_000);
      expect(jobs.map(({ outcome }) => outcome)).toEqual(['closing']);
    },
  );
});

describe('a follow-up', () => {
  const askedAt = '2026-11-23T11:30:00.000Z';
  const lastActivity = '2026-11-19T12:00:00.000Z';
  const following = (
    ids: readonly string[],
    changes: { lastActivity?: string; attempts?: number; askedAt?: string } = {},
    payload: RequestPayload = {},
  ): Given => ({
    payload: {
      ...payload,
      followUpOf: {
        sweepId: 'first',
        round: 2,
        jobs: ids.map((jobId) => ({ jobId, askedAt, attempts: 2, ...changes })),
      },
    },
  });

  it('a follow-up reports each of its jobs, and no other', async () => {
    const jobs = [
      { ...idle, state: 'closed' },
      { jobId: 'again', lastData: minute },
      { jobId: 'open' },
      { jobId: 'else' },
    ];
    const given = following(['idle', 'again', 'open', 'deleted'], { lastActivity });
    const { report, closes, order, setup } = sweeping(jobs, given);
    const { jobs: ended, ...rest } = await report;
    expect(rest).toMatchObject({ ...doneWith(), followUpOf: { sweepId: 'first', round: 2 } });
    expect(rest.counts).toEqual({ ...zeros, open: 3, listed: 4, idle: 1, closed: 2, gone: 1, kept: 1 });
    expect(closes).toEqual(['open']);
    expect(Object.fromEntries(ended.map(({ jobId, ...job }) => [jobId, job]))).toEqual({
      idle: {
        state: 'closed',
        lastActivity,
        idleMs: 4 * day,
        verdict: 'wait',
        reason: 'already_closing',
        outcome: 'closed',
        attempts: 2,
        memoryBytes: 1_000_000,
        askedAt,
        closedAt: '2026-11-23T12:00:00.000Z',
      },
      // the job was opened again after its close, so the earlier close request no longer counts
      again: {
        state: 'opened',
        lastActivity: '2026-11-23T11:59:00.000Z',
        idleMs: minute,
        verdict: 'keep',
        reason: 'recent_data',
        outcome: 'kept',
        attempts: 2,
        memoryBytes: 1_000_000,
        nodeId: 'node-a',
      },
      open: {
        state: 'opened',
        lastActivity,
        idleMs: 4 * day,
        verdict: 'close',
        reason: 'idle',
        outcome: 'closed',
        attempts: 3,
        memoryBytes: 1_000_000,
        nodeId: 'node-a',
        askedAt: '2026-11-23T12:00:00.000Z',
        closedAt: '2026-11-23T12:00:00.000Z',
        settledAt: '2026-11-23T12:00:00.000Z',
        batch: 1,
      },
      deleted: {
        state: 'unknown',
        lastActivity,
        idleMs: 4 * day,
        verdict: 'wait',
        reason: 'already_closing',
        outcome: 'gone',
        attempts: 2,
        askedAt,
      },
    });
    const { decisions } = await planSweep(order, setup);
    expect(decisions.find(({ jobId }) => jobId === 'deleted')?.job).toEqual({
      jobId: 'deleted',
      target: undefined,
      reportedState: 'unknown',
      state: undefined,
      groups: [],
      runningForecasts: 0,
      protection: { kind: 'none' },
      managed: false,
    });
  });

  it('a follow-up reads no job again when every outcome is known', async () => {
    const report = await leftAlone([closed], following(['closed', 'deleted']));
    expect([report.durationMs, fates(report)]).toEqual([0, ['closed closed', 'deleted gone']]);
    expect(report.jobs.map((job) => job.lastActivity)).toEqual(['2026-11-18T12:00:00.000Z', undefined]);
  });

  it('a follow-up waits for a job that is still closing, and forces one that is stuck', async () => {
    const jobs = [closing, { ...closing, jobId: 'stuck' }];
    const { report, closes } = sweeping(jobs, {
      payload: {
        followUp: false,
        force: { stuckFor: '45m' },
        followUpOf: {
          sweepId: 'first',
          round: 1,
          jobs: [
            { jobId: 'closing', askedAt, attempts: 1 },
            { jobId: 'stuck', askedAt: '2026-11-23T11:15:00.000Z', attempts: 1 },
          ],
        },
      },
    });
    expect(fates(await report)).toEqual(['closing closing', 'stuck force_closed']);
    expect(closes).toEqual(['force stuck']);
  });

  it('a follow-up uses the history from earlier reports, but prefers the history in its own payload', async () => {
    const histories = new Map([
      ['again', { flapping: true, lastActivity: now - 9 * day, askedAt: now - day }],
    ]);
    const jobs = [{ jobId: 'again', lastData: null, openFor: 10 * day }];
    const given = { ...following(['again'], { lastActivity }), order: { histories } };
    const [job] = (await leftAlone(jobs, given)).jobs;
    expect(job).toMatchObject({ reason: 'flapping', lastActivity });
    const [without] = (await leftAlone(jobs, { ...following(['again']), order: { histories } })).jobs;
    expect(without).toMatchObject({ reason: 'flapping', lastActivity: '2026-11-14T12:00:00.000Z' });
  });

  it('a follow-up that lists a job twice reports the job once, with the data of the later entry', async () => {
    const jobs = [
      { jobId: 'closed', askedAt, attempts: 1 },
      { jobId: 'closed', askedAt, attempts: 4 },
    ];
    const report = await leftAlone([closed], {
      payload: { followUpOf: { sweepId: 'first', round: 1, jobs } },
    });
    expect(report.jobs.map(({ jobId, attempts }) => [jobId, attempts])).toEqual([['closed', 4]]);
  });
});

it('a sweep handles 150,000 jobs, each on its own node', async () => {
  using clock = new VirtualClock(now);
  const ids = Array.from({ length: 150_000 }, (_, index) => `job-${index}`);
  const cluster: Cluster = {
    identify: async () => ({ id: 'c', version: null }),
    upgradeMode: async () => false,
    largestNodeProcessors: () => undefined,
    mayClose: async () => true,
    jobConfigs: async () => ids.map((jobId) => ({ jobId, groups: [] })),
    jobStats: async () =>
      ids.map((jobId) => ({
        jobId,
        state: 'opened',
        nodeId: jobId,
        openForMs: 30 * day,
        lastDataTime: now - 5 * day,
        runningForecasts: 0,
      })),
    datafeedStats: async () => [],
    close: async () => ({ kind: 'acknowledged' }),
    warnings: () => [],
  };
  const order = { sweepId: 's', request: requestOf({ fuse: { maxJobs: null, maxShare: null } }) };
  const { counts, fuse } = await sweep(order, { cluster, clock, remainingMs: 60_000 });
  expect({ listed: counts.listed, fuse: fuse?.name }).toEqual({ listed: 150_000, fuse: 'mass_idle' });
});
