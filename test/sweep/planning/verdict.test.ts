import { describe, expect, it } from 'vitest';
import type { JobSnapshot } from '../../../src/sweep/planning/inventory.ts';
import { type History, judgeBy } from '../../../src/sweep/planning/verdict.ts';
import type { RequestPayload } from '../../../src/sweep/request/request-schema.ts';
import { keepReasons } from '../../../src/sweep/vocabulary.ts';
import { day, hour, idleJob, minute, now, requestOf } from '../../support/jobs.ts';

const judge = (job: Partial<JobSnapshot>, payload: RequestPayload = {}, history: History = {}) => {
  const { verdict, reason } = judgeBy(requestOf(payload)).judge(idleJob(job), now, history);
  return `${verdict} ${reason}`;
};

const datafeed = (state: string, lookback: 'running' | 'done' | 'unknown' = 'done') => ({
  datafeed: { datafeedId: 'd', state, lookback },
});

describe('the times that decide whether a job is idle', () => {
  it('a job is closed if its last data and its process are both older than idleFor', () => {
    expect(judge({})).toBe('close idle');
  });

  it('a job that has been idle for exactly idleFor is closed, and a job that has been idle a millisecond less is kept', () => {
    expect(judge({ lastDataTime: now - 48 * hour })).toBe('close idle');
    expect(judge({ lastDataTime: now - 48 * hour + 1 })).toBe('keep recent_data');
  });

  it('a job is kept if a back-fill of years-old records arrived a minute ago', () => {
    expect(judge({ lastDataTime: now - minute, latestRecordTime: now - 1000 * day })).toBe(
      'keep recent_data',
    );
  });

  it('an idle job is closed even if its newest record is recent by event time', () => {
    expect(judge({ latestRecordTime: now })).toBe('close idle');
  });

  it('a job is kept if its data is old but it was reopened an hour ago', () => {
    expect(judge({ openedAt: now - hour, lastDataTime: now - 400 * day })).toBe('keep recently_opened');
  });

  it('a job with data from the future is kept, because a clock that runs ahead is no reason to close', () => {
    expect(judge({ lastDataTime: now + day })).toBe('keep recent_data');
  });

  it('an opened job without a process is kept, because it is moving between nodes', () => {
    expect(judge({ openedAt: undefined, nodeId: undefined })).toBe('keep no_process');
  });

  it('a never-fed job that has been open for idleFor is closed, unless the request contains `neverFed: keep`', () => {
    expect(judge({ lastDataTime: undefined })).toBe('close never_fed');
    expect(judge({ lastDataTime: undefined, openedAt: now - hour })).toBe('keep recently_opened');
    expect(judge({ lastDataTime: undefined }, { neverFed: 'keep' })).toBe('keep never_fed');
    expect(judge({}, { neverFed: 'keep' })).toBe('close idle');
  });

  it('a failed job whose last activity is unknown is kept', () => {
    expect(judge({ state: 'failed', openedAt: undefined, lastDataTime: undefined })).toBe('keep no_clock');
  });

  it('if a job’s times were lost with its process, the job is judged by the activity that earlier sweeps saw', () => {
    const closing = { state: 'closing', openedAt: undefined, lastDataTime: undefined } as const;
    expect(judge(closing)).toBe('keep no_clock');
    expect(judge(closing, {}, { lastActivity: now - 5 * day })).toBe('wait already_closing');
  });
});

describe('signs that a job is busy or must not be touched', () => {
  it.each<[string, Partial<JobSnapshot>, string]>([
    ['blocked by a reset', { blocked: 'reset' }, 'keep blocked'],
    ['being opened', { state: 'opening', openedAt: undefined }, 'keep opening'],
    [
      'in a state that this version does not know',
      { state: undefined, reportedState: 'hibernating' },
      'keep unknown_state',
    ],
    ['forecasting', { runningForecasts: 1 }, 'keep forecast_running'],
    ['fed by a look-back', datafeed('started', 'running'), 'keep lookback_running'],
    ['fed by a real-time datafeed', datafeed('started'), 'keep datafeed_running'],
    ['fed by a datafeed that starts', datafeed('starting', 'unknown'), 'keep datafeed_running'],
    ['fed by a datafeed that stops', datafeed('stopping', 'unknown'), 'keep datafeed_running'],
    [
      'fed by a datafeed in a state that is not known',
      datafeed('napping', 'unknown'),
      'keep datafeed_running',
    ],
    ['managed by one of Elastic’s apps', { managed: true }, 'keep managed'],
    ['protected', { protection: { kind: 'always' } }, 'keep protected'],
    ['protected until later', { protection: { kind: 'until', until: now + 1 } }, 'keep protected'],
    ['no longer protected', { protection: { kind: 'until', until: now } }, 'close idle'],
    ['protected by something unreadable', { protection: { kind: 'unreadable' } }, 'keep protected'],
  ])('a job that is %s (%j) gets the verdict and reason: %s', (_what, job, expected) => {
    expect(judge(job)).toBe(expected);
  });

  it('a job with a real-time datafeed is closed if the request allows it, unless the datafeed may still be in its look-back', () => {
    expect(judge(datafeed('started'), { runningDatafeeds: 'stop' })).toBe('close idle');
    expect(judge(datafeed('started', 'running'), { runningDatafeeds: 'stop' })).toBe('keep lookback_running');
    expect(judge(datafeed('started', 'unknown'), { runningDatafeeds: 'stop' })).toBe('keep lookback_running');
  });

  describe('a job that is opening although its process runs', () => {
    const stuck = { state: 'opening', nodeId: 'n', openedAt: now - 5 * day } as const;
    const close = { stuckOpening: 'close' } as const;

    it('if a job is opening although its process runs, it is closed only if the request allows it', () => {
      expect(judge(stuck)).toBe('keep opening');
      expect(judge(stuck, close)).toBe('close stuck_opening');
      expect(judge({ ...stuck, lastDataTime: undefined }, close)).toBe('close stuck_opening');
      expect(judge(stuck, { ...close, states: ['failed'] })).toBe('close stuck_opening');
    });

    it('a job that is opening is kept while it opens normally, or if no process is known', () => {
      const young = (minutes: number) => ({ ...stuck, openedAt: now - minutes * 60_000 });
      const often = { ...close, idleFor: '1m' };
      expect(judge(young(90), often)).toBe('close stuck_opening');
      expect(judge(young(89), often)).toBe('keep opening');
      expect(judge(young(90), close)).toBe('keep recently_opened');
      expect(judge({ ...stuck, nodeId: undefined }, close)).toBe('keep opening');
      expect(judge({ ...stuck, openedAt: undefined }, close)).toBe('keep opening');
      expect(judge({ ...stuck, lastDataTime: now - day }, close)).toBe('keep recent_data');
      expect(judge({ ...stuck, protection: { kind: 'always' } }, close)).toBe('keep protected');
    });
  });

  it('a managed job is closed only if the request allows it', () => {
    expect(judge({ managed: true }, { managed: 'close' })).toBe('close idle');
  });
});

describe('jobs that a request excludes by name or by state', () => {
  it('a job excluded by id, group or wildcard is kept, whatever other rules apply', () => {
    expect(judge({}, { exclude: 'idle-1' })).toBe('keep excluded');
    expect(judge({ groups: ['team-a'] }, { exclude: ['x', 'team-a'] })).toBe('keep excluded');
    expect(judge({ lastDataTime: now }, { exclude: 'idle-*' })).toBe('keep excluded');
    expect(judge({}, { exclude: ['idle', '*-2'] })).toBe('close idle');
  });

  it('a job in a state that the request does not choose is kept', () => {
    expect(judge({}, { states: ['failed'] })).toBe('keep state_not_chosen');
    expect(judge({ state: 'closing' }, { states: ['opened'] })).toBe('keep state_not_chosen');
  });

  it('a job in a follow-up is judged in any state, because an earlier sweep asked it to close', () => {
    const payload: RequestPayload = { states: ['failed'] };
    expect(judge({ state: 'closing' }, payload, { awaited: true })).toBe('wait already_closing');
    expect(judge({}, payload, { awaited: true })).toBe('close idle');
    expect(judge({}, payload, { awaited: false })).toBe('keep state_not_chosen');
  });
});

describe('forced closes', () => {
  const failed = { state: 'failed', openedAt: undefined } as const;
  const closing = { state: 'closing' } as const;

  it('a failed job is forced if it is idle, and kept if it has recent data', () => {
    expect(judge(failed)).toBe('force failed');
    expect(judge({ ...failed, lastDataTime: now - hour })).toBe('keep recent_data');
  });

  it('a failed job is never forced if force.failed or force.exclude forbids it', () => {
    expect(judge(failed, { force: { failed: false } })).toBe('keep force_not_allowed');
    expect(judge(failed, { force: { exclude: ['idle-*'] } })).toBe('keep force_not_allowed');
  });

  it('the stale forecasts of a failed job are ignored', () => {
    expect(judge({ ...failed, runningForecasts: 2 })).toBe('force failed');
  });

  it('a failed job is kept if it is protected, managed or fed by a running datafeed', () => {
    expect(judge({ ...failed, protection: { kind: 'always' } })).toBe('keep protected');
    expect(judge({ ...failed, managed: true })).toBe('keep managed');
    expect(judge({ ...failed, ...datafeed('started') })).toBe('keep datafeed_running');
  });

  it('a sweep waits for a closing job until the job counts as stuck, measured from its first close request', () => {
    expect(judge(closing)).toBe('wait already_closing');
    expect(judge(closing, {}, { askedAt: now - 75 * minute + 1 })).toBe('wait already_closing');
    expect(judge(closing, {}, { askedAt: now - 75 * minute })).toBe('force stuck');
  });

  it('a sweep keeps waiting for a stuck job if force.stuckFor or force.exclude forbids forcing the job', () => {
    const history = { askedAt: now - 10 * hour };
    expect(judge(closing, { force: { stuckFor: null } }, history)).toBe('wait already_closing');
    expect(judge(closing, { force: { exclude: 'idle-1' } }, history)).toBe('wait already_closing');
  });

  it('an open job is judged without regard to its earlier close request', () => {
    expect(judge({ state: 'opened' }, {}, { askedAt: now - 10 * hour })).toBe('close idle');
  });

  it('if a closing job had recent data, it is kept and therefore never forced', () => {
    expect(judge({ ...closing, lastDataTime: now - hour }, {}, { askedAt: now - 10 * hour })).toBe(
      'keep recent_data',
    );
  });
});

it('if several reasons apply, the first one in the contract’s order is given', () => {
  const everything: JobSnapshot = idleJob({
    state: undefined,
    lastDataTime: now,
    openedAt: now,
    protection: { kind: 'always' },
    managed: true,
    blocked: 'delete',
    runningForecasts: 1,
    ...datafeed('started', 'running'),
  });
  const holding = judgeBy(requestOf({ exclude: '*', states: ['failed'], neverFed: 'keep' }))
    .rules(everything, now, { flapping: true })
    .filter(({ holds }) => holds)
    .map(({ reason }) => reason);
  expect(holding).toEqual(Object.keys(keepReasons).filter((reason) => holding.includes(reason as never)));
  expect(holding.slice(0, 5)).toEqual(['excluded', 'recent_data', 'recently_opened', 'protected', 'managed']);
});

it('a sweep keeps a flapping job, or waits for it if it is already closing', () => {
  expect(judge({}, {}, { flapping: true })).toBe('keep flapping');
  expect(judge({ state: 'failed' }, {}, { flapping: true })).toBe('keep flapping');
  expect(judge({ state: 'closing' }, {}, { flapping: true })).toBe('wait already_closing');
});
