import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/sweep/closing/ledger.ts';
import {
  afterLook,
  askAgain,
  errorOf,
  isOpenAgain,
  type NextStep,
  nextStep,
  type Phase,
  reopenedError,
} from '../../../src/sweep/closing/next-step.ts';
import { judgeBy } from '../../../src/sweep/planning/verdict.ts';
import type { CloseAnswer, JobStats } from '../../../src/sweep/ports.ts';
import type { RequestPayload } from '../../../src/sweep/request/request-schema.ts';
import { askedOnce, entryOf, foundClosing, refusal, statsOf } from '../../support/entries.ts';
import { day, idleJob, minute, now, requestOf } from '../../support/jobs.ts';

const error = refusal(500);
const acknowledged: CloseAnswer = { kind: 'acknowledged' };
const missing: CloseAnswer = { kind: 'missing', jobIds: ['other'], error };
const failedJobs: CloseAnswer = { kind: 'failed_jobs', error };
const timedOut: CloseAnswer = { kind: 'timed_out', error };
const busy: CloseAnswer = { kind: 'busy', error };
const denied: CloseAnswer = { kind: 'denied', error };
const lost: CloseAnswer = { kind: 'lost', reason: 'socket hang up' };
const failing = (status: number): CloseAnswer => ({ kind: 'error', error: refusal(status) });
const everyAnswer = [acknowledged, missing, failedJobs, timedOut, busy, denied, failing(500), lost];

const stats = (state: string, openForMs?: number) => statsOf('idle-1', state, { openForMs });
const wait: NextStep = { step: 'wait' };
const leave: NextStep = { step: 'leave' };
const again = (delayMs: number, force = false): NextStep => ({ step: 'again', delayMs, force });
const settled = (outcome: 'gone' | 'closed' | 'force_closed' | 'already_closed') => ({
  step: 'settle',
  outcome: { outcome },
});
const givesUp = (error: object) => ({ step: 'settle', outcome: { outcome: 'error', error } });
const openAgain = {
  status: 200,
  type: 'reopened',
  reason: 'the job is open again after it was asked to close',
};
const acknowledgedYet = (state: string) => ({
  status: 200,
  type: 'reopened',
  reason: `the server acknowledged the close, and the job is ${state}`,
});

const step = (entry: Entry, seen: JobStats | undefined, phase: Phase, payload: RequestPayload = {}) =>
  nextStep(entry, seen, phase, { judge: judgeBy(requestOf(payload)), now, readAt: now });
const afterAnswer = (entry: Entry, seen: JobStats | undefined, answer: CloseAnswer) =>
  step(entry, seen, { phase: 'answered', answer });
const watching = (entry: Entry, seen: JobStats | undefined, over = false, payload: RequestPayload = {}) =>
  step(entry, seen, { phase: 'watched', over }, payload);

describe('a job whose request is in flight', () => {
  it.each(['opened', 'opening', 'closing', 'closed', 'failed', 'hibernating'])(
    'while a request is in flight, the sweep waits for a job that is %s, because it reads the job again after the answer',
    (state) => {
      expect(step(askedOnce(), stats(state, 10_000), { phase: 'in_flight' })).toEqual(wait);
    },
  );

  it('while a request is in flight, the sweep waits for a job of that request even if the job no longer exists', () => {
    expect(step(askedOnce(), undefined, { phase: 'in_flight' })).toEqual(wait);
  });
});

describe('a job whose request was answered', () => {
  it.each(everyAnswer)(
    'after the answer `$kind`, a job that is closed, closing or deleted needs no further close request',
    (answer) => {
      expect(afterAnswer(askedOnce(), stats('closed'), answer)).toEqual(settled('closed'));
      expect(afterAnswer(askedOnce({ forced: true }), stats('closed'), answer)).toEqual(
        settled('force_closed'),
      );
      expect(afterAnswer(askedOnce(), stats('closing'), answer)).toEqual(wait);
      expect(afterAnswer(askedOnce(), undefined, answer)).toEqual(settled('gone'));
    },
  );

  it.each<[string, CloseAnswer, number]>([
    ['an acknowledgement that did nothing', acknowledged, 2_000],
    ['another job of the request being gone', missing, 0],
    ['another job of the request having failed', failedJobs, 0],
    ['a timeout', timedOut, 2_000],
    ['a busy server that does not say how long', busy, 5_000],
    ['a busy server that wants 7 s', { kind: 'busy', retryAfterMs: 7_000, error }, 7_000],
    ['a busy server that wants no pause', { kind: 'busy', retryAfterMs: 0, error }, 0],
    ['an error of the server', failing(500), 2_000],
    ['501, which is not from a gateway', failing(501), 2_000],
    ['502, from a gateway', failing(502), 5_000],
    ['503, between masters', failing(503), 5_000],
    ['no answer', lost, 2_000],
  ])(
    'if a job is still open after the answer, the pause before its next close request depends on the answer: %s',
    (_what, answer, delayMs) => {
      expect(afterAnswer(askedOnce(), stats('opened'), answer)).toEqual(again(delayMs));
      expect(afterAnswer(askedOnce(), stats('opening'), answer)).toEqual(again(delayMs));
    },
  );

  it.each([acknowledged, timedOut, failing(503), lost])(
    'after the answer `$kind`, a job that failed is forced at once',
    (answer) => {
      expect(afterAnswer(askedOnce(), stats('failed'), answer)).toEqual(again(0, true));
    },
  );

  it.each(['opened', 'opening', 'failed'])(
    'a job that stays %s is asked to close three times, but not a fourth time',
    (state) => {
      const lastError = refusal(503);
      const stepAfter = (asks: number) =>
        afterAnswer(askedOnce({ asks, lastError }), stats(state), failedJobs);
      expect(stepAfter(2)).toEqual(again(0, state === 'failed'));
      expect(stepAfter(3)).toEqual(givesUp(lastError));
    },
  );

  it.each(['opened', 'opening', 'failed'])(
    'if the privilege to close is missing, a job that is %s is not asked to close again',
    (state) => {
      const lastError = refusal(403, 'security_exception');
      expect(afterAnswer(askedOnce({ lastError }), stats(state), denied)).toEqual(givesUp(lastError));
    },
  );

  it('if a job’s state is unknown after the answer, the sweep gives up with the error from the job’s last close', () => {
    const lastError = refusal(500, 'odd');
    expect(afterAnswer(askedOnce({ lastError }), stats('hibernating'), failing(500))).toEqual(
      givesUp(lastError),
    );
  });

  it('the report gives a job’s state if the sweep gives up on the job and the server reported no error', () => {
    expect(afterAnswer(askedOnce(), stats('hibernating'), acknowledged)).toEqual(
      givesUp(acknowledgedYet('hibernating')),
    );
    expect(afterAnswer(askedOnce({ asks: 3 }), stats('opened'), acknowledged)).toEqual(
      givesUp(acknowledgedYet('opened')),
    );
  });

  it('a job that was reopened after its close request is not asked to close again', () => {
    expect(afterAnswer(askedOnce(), stats('opened', 10_000), acknowledged)).toEqual(givesUp(openAgain));
    expect(afterAnswer(askedOnce(), stats('opening', 10_000), acknowledged)).toEqual(givesUp(openAgain));
    expect(afterAnswer(askedOnce(), stats('opened', day), acknowledged)).toEqual(again(2_000));
  });

  it('after a lost answer, the sweep waits for a job whose datafeed is still stopping', () => {
    const stopping = askedOnce({ stopsDatafeed: 'datafeed-idle-1' });
    expect(afterAnswer(stopping, stats('opened'), lost)).toEqual(wait);
    expect(afterAnswer(stopping, stats('opened'), timedOut)).toEqual(again(2_000));
    expect(afterAnswer(stopping, stats('failed'), lost)).toEqual(again(0, true));
  });
});

describe('a job that is polled', () => {
  it('a polled job gets its outcome when it closes or is deleted, and is polled while it is closing', () => {
    expect(watching(askedOnce(), undefined)).toEqual(settled('gone'));
    expect(watching(foundClosing('idle-1'), stats('closed'))).toEqual(settled('already_closed'));
    expect(watching(askedOnce(), stats('closing'))).toEqual(wait);
  });

  it('a sweep stops polling a job that is still closing after close.timeout', () => {
    expect(watching(askedOnce(), stats('closing'), true)).toEqual(leave);
  });

  it('a polled job that failed is forced if it may get another close request', () => {
    const lastError = refusal(408);
    expect(watching(askedOnce({ asks: 2, lastError }), stats('failed'))).toEqual(again(0, true));
    expect(watching(askedOnce({ asks: 3, lastError }), stats('failed'))).toEqual(givesUp(lastError));
  });

  it.each(['opened', 'opening'])(
    'a polled job that is %s gets another close request, unless it has had three',
    (state) => {
      const lastError = refusal(408);
      expect(watching(askedOnce({ asks: 2, lastError }), stats(state))).toEqual(again(0));
      expect(watching(askedOnce({ asks: 3, lastError }), stats(state))).toEqual(givesUp(lastError));
      expect(watching(askedOnce({ asks: 3 }), stats(state))).toEqual(givesUp(acknowledgedYet(state)));
    },
  );

  it('a sweep gives up on a polled job in an unknown state if the sweep requested the close, and otherwise reads the job again', () => {
    expect(watching(askedOnce(), stats('hibernating'))).toEqual(givesUp(acknowledgedYet('hibernating')));
    expect(watching(foundClosing('idle-1'), stats('hibernating'))).toEqual(again(0));
  });

  it('a polled job is reported as an error if it was reopened after its close request', () => {
    expect(watching(askedOnce(), stats('opened', 10_000))).toEqual(givesUp(openAgain));
  });

  it('if a polled job that got no close request is open again, the sweep reads and judges it again', () => {
    expect(watching(entryOf('idle-1'), stats('opened', 10_000))).toEqual(again(0));
  });

  it('if a polled job’s datafeed is stopping, the sweep sends another close request only after close.timeout', () => {
    const stopping = askedOnce({ stopsDatafeed: 'datafeed-idle-1' });
    expect(watching(stopping, stats('opened'))).toEqual(wait);
    expect(watching(stopping, stats('opened'), true)).toEqual(again(0));
    expect(watching(askedOnce(), stats('opened'))).toEqual(again(0));
  });
});

describe('a job that is still closing after close.timeout', () => {
  const stuck = { asks: 1, askedAt: now - 75 * minute };
  const ended = (entry = askedOnce(stuck), payload: RequestPayload = {}) =>
    watching(entry, stats('closing'), true, payload);

  it('a job still closing after close.timeout is forced if force.stuckFor has passed since its first close request', () => {
    expect(ended()).toEqual(again(0, true));
    expect(ended(askedOnce({ ...stuck, askedAt: now - 75 * minute + 1 }))).toEqual(leave);
    expect(watching(askedOnce(stuck), stats('closing'))).toEqual(wait);
  });

  it('a job still closing after close.timeout is forced with its third close request, but not with a fourth', () => {
    expect(ended(askedOnce({ ...stuck, asks: 2 }))).toEqual(again(0, true));
    expect(ended(askedOnce({ ...stuck, asks: 3 }))).toEqual(leave);
  });

  it('a job still closing after close.timeout is left alone if the request forbids force or the job is not idle', () => {
    expect(ended(askedOnce(stuck), { force: { stuckFor: null } })).toEqual(leave);
    expect(ended(askedOnce(stuck), { force: { exclude: ['idle-*'] } })).toEqual(leave);
    expect(ended(askedOnce(stuck, { job: { lastDataTime: now - minute } }))).toEqual(leave);
  });
});

describe('the check before a close', () => {
  const looked = (
    entry: Entry,
    job = idleJob({ jobId: 'idle-1' }),
    force = false,
    payload: RequestPayload = {},
  ) => afterLook(entry, job, { judge: judgeBy(requestOf(payload)), now, force });
  const closing = { state: 'closing', openedAt: undefined } as const;
  const failed = { state: 'failed', openedAt: undefined } as const;
  const idle = { verdict: 'close', reason: 'idle' } as const;
  const toForce = { verdict: 'force', reason: 'failed' } as const;

  it('if the check before a close finds a job deleted or closed, the job gets its outcome without a close request', () => {
    const given = { judge: judgeBy(requestOf({})), now, force: false };
    expect(afterLook(entryOf('idle-1'), undefined, given)).toEqual(settled('gone'));
    expect(looked(entryOf('idle-1'), idleJob({ state: 'closed' }))).toEqual(settled('already_closed'));
    expect(looked(askedOnce(), idleJob({ state: 'closed' }))).toEqual(settled('closed'));
  });

  it('if nothing has changed at the check before a close, an idle job is closed and a failed job is forced', () => {
    expect(looked(entryOf('idle-1'))).toEqual({ step: 'ask', verdict: idle });
    expect(looked(entryOf('idle-1'), idleJob(failed), true)).toEqual({ step: 'ask', verdict: toForce });
  });

  it('the check before a close is repeated if a job must now be forced, or must no longer be forced', () => {
    expect(looked(entryOf('idle-1'), idleJob(failed))).toEqual({ step: 'again', verdict: toForce });
    expect(looked(entryOf('idle-1'), idleJob(), true)).toEqual({ step: 'again', verdict: idle });
  });

  it('the check before a close starts to poll a closing job, and keeps the job’s verdict if the job already got a close request', () => {
    const waits = { verdict: 'wait', reason: 'already_closing' };
    expect(looked(entryOf('idle-1'), idleJob(closing))).toEqual({ step: 'watch', verdict: waits });
    expect(looked(askedOnce(), idleJob(closing))).toEqual({ step: 'watch', verdict: idle });
  });

  it('if a job’s state has changed at more than eight checks before its close, the sweep gives up on the job', () => {
    const reason = (looks: number) => `the job changed its state at each of ${looks} looks`;
    expect(looked(Object.assign(entryOf('idle-1'), { looks: 8 }))).toMatchObject({ step: 'ask' });
    expect(looked(Object.assign(entryOf('idle-1'), { looks: 9 }))).toEqual({
      ...givesUp({ status: 0, type: 'unstable', reason: reason(9) }),
      verdict: idle,
    });
  });

  const busyJob = idleJob({ lastDataTime: now - 1_000 });

  it('if a job must now be kept and never got a close request, it is reported as revived', () => {
    expect(looked(entryOf('idle-1'), busyJob)).toEqual({
      step: 'settle',
      outcome: { outcome: 'revived' },
      verdict: { verdict: 'keep', reason: 'recent_data' },
    });
  });

  it.each([
    ['opened again in the same second as the request', { openedAt: now - minute }, {}, openAgain],
    ['opened again seconds later', { openedAt: now - 1_000 }, {}, openAgain],
    [
      'open again after an error',
      { openedAt: now - minute },
      { lastError: refusal(408) },
      { ...openAgain, status: 408 },
    ],
    ['open with data after an acknowledgement', { lastDataTime: now }, {}, openAgain],
    ['open with data after an error', { lastDataTime: now }, { lastError: refusal(429) }, refusal(429)],
    ['protected after an acknowledgement', { protection: { kind: 'always' } as const }, {}, openAgain],
  ])(
    'a job is never reported as revived after its close request, even if it is %s',
    (_what, changes, noted, reported) => {
      expect(looked(askedOnce(noted), idleJob(changes))).toEqual(givesUp(reported));
    },
  );

  it('if a job failed while closing and must not be forced, the check before its close reports the job as an error', () => {
    const noForce = { force: { failed: false } };
    const failedError = {
      status: 200,
      type: 'failed',
      reason: 'the job failed while it was being closed, and force is not allowed',
    };
    expect(looked(askedOnce(), idleJob(failed), false, noForce)).toEqual(givesUp(failedError));
    expect(looked(askedOnce({ lastError: refusal(409) }), idleJob(failed), false, noForce)).toEqual(
      givesUp(refusal(409)),
    );
  });
});

describe('the error of a close request', () => {
  it('the error of a failed close request is the server’s own error', () => {
    for (const answer of [missing, failedJobs, timedOut, busy, denied, failing(500)])
      expect(errorOf(answer)).toEqual(error);
  });

  it('a close request without an answer has the error no_answer', () => {
    expect(errorOf(lost)).toEqual({ status: 0, type: 'no_answer', reason: 'socket hang up' });
  });

  it('a close request that the server acknowledged has no error', () => {
    expect(errorOf(acknowledged)).toBeUndefined();
  });
});

describe('the age of a job’s process', () => {
  it('the age of a job’s process shows that the job was reopened, even if that was in the same second as the close request', () => {
    // the close request was sent a minute ago
    expect(isOpenAgain(askedOnce(), stats('opened', minute), now)).toBe(true);
    expect(isOpenAgain(askedOnce(), stats('opened', 1_000), now)).toBe(true);
    expect(isOpenAgain(askedOnce(), stats('opened', minute + 29_999), now)).toBe(true);
    expect(isOpenAgain(askedOnce(), stats('opened', minute + 30_000), now)).toBe(false);
    expect(isOpenAgain(askedOnce(), stats('opened', 2 * minute), now)).toBe(false);
  });

  it('the start time of a job’s process is the beginning of the read minus the age of the process', () => {
    expect(isOpenAgain(askedOnce(), stats('opened', minute + 29_999), now - 1)).toBe(false);
  });

  it('a job does not count as reopened if the age of its process is unknown, or if it got no close request', () => {
    expect(isOpenAgain(askedOnce(), stats('opened'), now)).toBe(false);
    expect(isOpenAgain(entryOf('idle-1'), stats('opened', 1_000), now)).toBe(false);
  });

  it('a reopened job is reported with the error reopened and the HTTP status of the last answer to its close request', () => {
    expect(reopenedError(askedOnce())).toEqual(openAgain);
    expect(reopenedError(askedOnce({ lastError: refusal(408) }))).toEqual({ ...openAgain, status: 408 });
  });
});

describe('repeated close requests', () => {
  const asked = (asks: number, ...ids: string[]) => ids.map((id) => entryOf(id, { asks }));
  const named = (entries: readonly Entry[], answer: CloseAnswer) =>
    [...Map.groupBy(askAgain(entries, answer, now + 5_000), ({ company }) => company).values()].map((jobs) =>
      jobs.map(({ entry }) => entry.jobId),
    );

  it('repeated close requests are not forced, and not sent before the pause ends', () => {
    expect(askAgain(asked(1, 'a'), lost, now + 5_000)).toMatchObject([
      { entry: { jobId: 'a' }, force: false, notBefore: now + 5_000 },
    ]);
  });

  it.each([timedOut, lost, acknowledged, failing(500)])(
    'after the answer `$kind`, the jobs of a batch that are still open are divided between two requests',
    (answer) => {
      expect(named(asked(1, 'a', 'b', 'c', 'd', 'e'), answer)).toEqual([
        ['a', 'b', 'c'],
        ['d', 'e'],
      ]);
      expect(named(asked(1, 'a'), answer)).toEqual([['a']]);
    },
  );

  it.each([missing, failedJobs, busy])(
    'after the answer `$kind`, which names the cause, the jobs of a batch that are still open stay together in one request',
    (answer) => {
      expect(named(asked(1, 'a', 'b', 'c'), answer)).toEqual([['a', 'b', 'c']]);
    },
  );

  it.each([missing, timedOut])(
    'after the answer `$kind`, the third and last close request of a job names only that job',
    (answer) => {
      expect(named([...asked(1, 'a'), ...asked(2, 'b'), ...asked(0, 'c'), ...asked(2, 'd')], answer)).toEqual(
        answer === missing ? [['b'], ['d'], ['a', 'c']] : [['b'], ['d'], ['a'], ['c']],
      );
    },
  );

  it('no close request is repeated if no jobs are left', () => {
    expect(askAgain([], timedOut, now)).toEqual([]);
  });
});
