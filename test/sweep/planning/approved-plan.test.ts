import { describe, expect, it } from 'vitest';
import { isAsPlanned, plannedJobs } from '../../../src/sweep/planning/approved-plan.ts';
import type { JobSnapshot } from '../../../src/sweep/planning/inventory.ts';
import { judgeBy } from '../../../src/sweep/planning/verdict.ts';
import { idleJob, now, requestOf } from '../../support/jobs.ts';

const second = 1_000;
const feed = (state: string) => ({ datafeedId: 'd', state, lookback: 'done' }) as const;
/** The job as an approved plan records it. */
function planOf(job: JobSnapshot) {
  const planned = plannedJobs([{ job, verdict: { verdict: 'close' } }]).get(job.jobId);
  if (!planned) throw new Error('the plan has no such job');
  return planned;
}

describe('a plan', () => {
  it('a plan records the jobs to close, to force and to wait for, but not the jobs to keep', () => {
    const entries = (['close', 'force', 'wait', 'keep'] as const).map((verdict) => ({
      job: idleJob({ jobId: verdict }),
      verdict: { verdict },
    }));
    expect([...plannedJobs(entries).keys()]).toEqual(['close', 'force', 'wait']);
  });

  it('a saved plan contains each job’s state and times, and whether its datafeed ran', () => {
    expect(planOf(idleJob({ datafeed: feed('started') }))).toEqual({
      state: 'opened',
      lastDataTime: idleJob().lastDataTime,
      openedAt: idleJob().openedAt,
      datafeedRuns: true,
    });
    expect(planOf(idleJob({ datafeed: undefined })).datafeedRuns).toBe(false);
    expect(planOf(idleJob({ datafeed: feed('stopped') })).datafeedRuns).toBe(false);
  });
});

describe('a job that may have changed since the plan', () => {
  const openedAt = now - 100 * 3_600_000;
  const planned = planOf(idleJob({ openedAt }));
  const still = (changes: Partial<JobSnapshot>, plan = planned) =>
    isAsPlanned(idleJob({ openedAt, ...changes }), plan);

  it('a job counts as unchanged since the plan if nothing happened to it', () => {
    expect(still({})).toBe(true);
  });

  it.each<[string, Partial<JobSnapshot>]>([
    ['it got data', { lastDataTime: now }],
    ['the time of its last data is missing', { lastDataTime: undefined }],
    ['it failed', { state: 'failed' }],
    ['it was opened again', { openedAt: now }],
    ['it has lost its process', { openedAt: undefined }],
    ['its datafeed runs', { datafeed: feed('started') }],
    ['its datafeed begins to run', { datafeed: feed('starting') }],
  ])('a job counts as changed since the plan if %s', (_, changes) => {
    expect(still(changes)).toBe(false);
  });

  it('a job counts as unchanged since the plan if its opening time is at most 30 s later than in the plan', () => {
    expect(still({ openedAt: openedAt + 30 * second })).toBe(true);
    expect(still({ openedAt: openedAt + 30 * second + 1 })).toBe(false);
  });

  it('a job counts as unchanged since the plan even if its opening time is now earlier than in the plan', () => {
    for (const off of [30 * second, 3_600 * second]) expect(still({ openedAt: openedAt - off })).toBe(true);
  });

  it('a job whose datafeed ran in the plan counts as unchanged if the datafeed has stopped since then or is still running', () => {
    const running = planOf(idleJob({ openedAt, datafeed: feed('started') }));
    expect(still({ datafeed: feed('stopped') }, running)).toBe(true);
    expect(still({ datafeed: feed('started') }, running)).toBe(true);
  });

  it('a job counts as unchanged since the plan if it has started to close, unless it has got data since the plan', () => {
    expect(still({ state: 'closing', openedAt: undefined })).toBe(true);
    expect(still({ state: 'closing', openedAt: undefined, lastDataTime: now })).toBe(false);
  });

  it('a job counts as changed since the plan if it has a process now but had none in the plan', () => {
    expect(isAsPlanned(idleJob({ openedAt }), planOf(idleJob({ openedAt: undefined })))).toBe(false);
  });

  it('a job counts as unchanged since the plan if it still has no process', () => {
    const failed = planOf(idleJob({ state: 'failed', openedAt: undefined }));
    expect(isAsPlanned(idleJob({ state: 'failed', openedAt: undefined }), failed)).toBe(true);
  });
});

describe('a sweep that carries out a plan', () => {
  const judge = (planned: ReturnType<typeof planOf> | null | undefined) =>
    judgeBy(requestOf()).judge(idleJob(), now, { planned }).reason;

  it('a sweep that carries out a plan closes the plan’s jobs, and keeps jobs that are not in it or have changed', () => {
    expect(judge(planOf(idleJob()))).toBe('idle');
    expect(judge(null)).toBe('not_as_planned');
    expect(judge(planOf(idleJob({ lastDataTime: now - 90 * 86_400_000 })))).toBe('not_as_planned');
    expect(judge(undefined)).toBe('idle');
  });
});
