import { describe, expect, it } from 'vitest';
import {
  afterAnswer,
  askAgain,
  errorOf,
  goesToForce,
  type NextStep,
  reopened,
  reopenedError,
  whileWatching,
} from '../../../src/sweep/closing/next-step.ts';
import type { CloseAnswer } from '../../../src/sweep/ports.ts';
import type { RequestPayload } from '../../../src/sweep/request.ts';
import { judgeBy } from '../../../src/sweep/verdict.ts';
import { askedOnce, entryOf, refusal, statsOf } from '../../support/entries.ts';
import { day, minute, now, requestOf } from '../../support/jobs.ts';

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
const again = (delayMs: number, force = false): NextStep => ({ step: 'again', delayMs, force });
const givesUp = (told: object): NextStep => ({ step: 'give_up', error: told }) as NextStep;
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

describe('after an answer', () => {
  it.each(everyAnswer)('a job that is closed, closing or deleted needs nothing more: $kind', (answer) => {
    const entry = askedOnce();
    expect(afterAnswer(entry, stats('closed'), answer, now)).toEqual({ step: 'settle_closed' });
    expect(afterAnswer(entry, stats('closing'), answer, now)).toEqual({ step: 'watch' });
    expect(afterAnswer(entry, undefined, answer, now)).toEqual({ step: 'settle_gone' });
  });

  it.each<[string, CloseAnswer, number]>([
    ['an acknowledgement that did nothing', acknowledged, 2_000],
    ['another job of the request being gone', missing, 0],
    ['another job of the request having failed', failedJobs, 0],
    ['a timeout', timedOut, 2_000],
    ['a busy server that does not say how long', busy, 5_000],
    ['a busy server that wants 7 s', { kind: 'busy', retryAfterMs: 7_000, error }, 7_000],
    ['a busy server that wants no pause', { kind: 'busy', retryAfterMs: 0, error }, 0],
    ['an error of the server', failing(500), 2_000],
    ['501, the last that is no gateway’s', failing(501), 2_000],
    ['502, a gateway’s', failing(502), 5_000],
    ['503, between masters', failing(503), 5_000],
    ['no answer', lost, 2_000],
  ])(
    'a job still open after %s is asked again, after the pause that this needs',
    (_what, answer, delayMs) => {
      expect(afterAnswer(askedOnce(), stats('opened'), answer, now)).toEqual(again(delayMs));
      expect(afterAnswer(askedOnce(), stats('opening'), answer, now)).toEqual(again(delayMs));
    },
  );

  it.each([acknowledged, timedOut, failing(503), lost])(
    'a job that failed goes to force at once: $kind',
    (answer) => {
      expect(afterAnswer(askedOnce(), stats('failed'), answer, now)).toEqual(again(0, true));
    },
  );

  it.each(['opened', 'opening', 'failed'])(
    'a job that is %s is given a second and a third ask, and no fourth',
    (state) => {
      const lastError = refusal(503);
      const step = (asks: number) =>
        afterAnswer(askedOnce({ asks, lastError }), stats(state), failedJobs, now);
      expect(step(2)).toEqual(again(0, state === 'failed'));
      expect(step(3)).toEqual(givesUp(lastError));
    },
  );

  it.each(['opened', 'opening', 'failed'])(
    'a job that is %s is not asked again without the right to close',
    (state) => {
      const lastError = refusal(403, 'security_exception');
      expect(afterAnswer(askedOnce({ lastError }), stats(state), denied, now)).toEqual(givesUp(lastError));
    },
  );

  it('a job in a state that nobody knows is given up with the error of its last close', () => {
    const lastError = refusal(500, 'odd');
    expect(afterAnswer(askedOnce({ lastError }), stats('hibernating'), failing(500), now)).toEqual(
      givesUp(lastError),
    );
  });

  it('a job that is given up without an error is said to be what it is, in spite of the acknowledgement', () => {
    expect(afterAnswer(askedOnce(), stats('hibernating'), acknowledged, now)).toEqual(
      givesUp(acknowledgedYet('hibernating')),
    );
    expect(afterAnswer(askedOnce({ asks: 3 }), stats('opened'), acknowledged, now)).toEqual(
      givesUp(acknowledgedYet('opened')),
    );
  });

  it('a job that somebody opened again is not closed under their hands', () => {
    expect(afterAnswer(askedOnce(), stats('opened', 10_000), acknowledged, now)).toEqual(givesUp(openAgain));
    expect(afterAnswer(askedOnce(), stats('opening', 10_000), acknowledged, now)).toEqual(givesUp(openAgain));
    expect(afterAnswer(askedOnce(), stats('opened', day), acknowledged, now)).toEqual(again(2_000));
  });

  it('a job whose datafeed is being stopped is watched after a lost answer: the request may still be at work', () => {
    const stopping = askedOnce({ stopsDatafeed: 'datafeed-idle-1' });
    expect(afterAnswer(stopping, stats('opened'), lost, now)).toEqual({ step: 'watch' });
    expect(afterAnswer(stopping, stats('opened'), timedOut, now)).toEqual(again(2_000));
    expect(afterAnswer(stopping, stats('failed'), lost, now)).toEqual(again(0, true));
  });
});

describe('what is said of an answer', () => {
  it('is the server’s own error', () => {
    for (const answer of [missing, failedJobs, timedOut, busy, denied, failing(500)])
      expect(errorOf(answer)).toEqual(error);
  });

  it('is that there was none', () => {
    expect(errorOf(lost)).toEqual({ status: 0, type: 'no_answer', reason: 'socket hang up' });
  });

  it('is nothing for an acknowledgement', () => {
    expect(errorOf(acknowledged)).toBeUndefined();
  });
});

describe('while a job is watched', () => {
  const watching = whileWatching;

  it('it may be deleted, close, or go on closing until its time is over and longer', () => {
    expect(watching(askedOnce(), undefined, false, now)).toEqual({ step: 'settle_gone' });
    expect(watching(askedOnce(), stats('closed'), false, now)).toEqual({ step: 'settle_closed' });
    expect(watching(askedOnce(), stats('closing'), false, now)).toEqual({ step: 'watch' });
    expect(watching(askedOnce(), stats('closing'), true, now)).toEqual({ step: 'watch' });
  });

  it('and fails, it goes to force while an ask is left', () => {
    const lastError = refusal(408);
    expect(watching(askedOnce({ asks: 2, lastError }), stats('failed'), false, now)).toEqual(again(0, true));
    expect(watching(askedOnce({ asks: 3, lastError }), stats('failed'), false, now)).toEqual(
      givesUp(lastError),
    );
  });

  it.each(['opened', 'opening', 'hibernating'])(
    'and is %s, it is asked again while an ask is left',
    (state) => {
      const lastError = refusal(408);
      expect(watching(askedOnce({ asks: 2, lastError }), stats(state), false, now)).toEqual(again(0));
      expect(watching(askedOnce({ asks: 3, lastError }), stats(state), false, now)).toEqual(
        givesUp(lastError),
      );
      expect(watching(askedOnce({ asks: 3 }), stats(state), false, now)).toEqual(
        givesUp(acknowledgedYet(state)),
      );
    },
  );

  it('and was opened again after our ask, it is left to whoever did that', () => {
    expect(watching(askedOnce(), stats('opened', 10_000), false, now)).toEqual(givesUp(openAgain));
  });

  it('and was found closing, not asked, it is looked at again when it is open, however young its process', () => {
    expect(watching(entryOf('idle-1'), stats('opened', 10_000), false, now)).toEqual(again(0));
  });

  it('and its datafeed is being stopped, it stays open for as long as it is watched, and is asked again after that', () => {
    const stopping = askedOnce({ stopsDatafeed: 'datafeed-idle-1' });
    expect(watching(stopping, stats('opened'), false, now)).toEqual({ step: 'watch' });
    expect(watching(stopping, stats('opened'), true, now)).toEqual(again(0));
    expect(watching(askedOnce(), stats('opened'), false, now)).toEqual(again(0));
  });
});

describe('a job that still closes when its watch is over', () => {
  const stuck = { asks: 1, askedAt: now - 75 * minute };
  const forced = (entry = askedOnce(stuck), payload: RequestPayload = {}) =>
    goesToForce(entry, judgeBy(requestOf(payload)), now);

  it('goes to force from force.stuckFor after it was first asked', () => {
    expect(forced()).toBe(true);
    expect(forced(askedOnce({ ...stuck, askedAt: now - 75 * minute + 1 }))).toBe(false);
  });

  it('goes to force with its last ask, and not with a fourth', () => {
    expect(forced(askedOnce({ ...stuck, asks: 2 }))).toBe(true);
    expect(forced(askedOnce({ ...stuck, asks: 3 }))).toBe(false);
  });

  it('waits when the request does not allow force, or when its data says that it is busy', () => {
    expect(forced(askedOnce(stuck), { force: { stuckFor: null } })).toBe(false);
    expect(forced(askedOnce(stuck), { force: { exclude: ['idle-*'] } })).toBe(false);
    expect(forced(askedOnce(stuck, { job: { lastDataTime: now - minute } }))).toBe(false);
  });
});

describe('a process that started after the ask', () => {
  it('shows that the job was opened again; within a second of the ask it does not, as ages are whole seconds', () => {
    expect(reopened(askedOnce(), stats('opened', minute - 1_001), now)).toBe(true);
    expect(reopened(askedOnce(), stats('opened', minute - 1_000), now)).toBe(false);
    expect(reopened(askedOnce(), stats('opened', 2 * minute), now)).toBe(false);
  });

  it('is not seen where no process tells its age, or nobody asked', () => {
    expect(reopened(askedOnce(), stats('opened'), now)).toBe(false);
    expect(reopened(entryOf('idle-1'), stats('opened', 1_000), now)).toBe(false);
  });

  it('is said with the status of the last answer', () => {
    expect(reopenedError(askedOnce())).toEqual(openAgain);
    expect(reopenedError(askedOnce({ lastError: refusal(408) }))).toEqual({ ...openAgain, status: 408 });
  });
});

describe('the next requests for the jobs of a batch', () => {
  const asked = (asks: number, ...ids: string[]) => ids.map((id) => entryOf(id, { asks }));
  const named = (entries: ReturnType<typeof asked>, answer: CloseAnswer) =>
    askAgain(entries, answer, now + 5_000).map((batch) => batch.entries.map(({ jobId }) => jobId));

  it('are not forced, and not sent before their time', () => {
    const [entry] = asked(1, 'a');
    expect(askAgain(asked(1, 'a'), lost, now + 5_000)).toEqual([
      { entries: [entry], force: false, notBefore: now + 5_000 },
    ]);
  });

  it.each([timedOut, lost, acknowledged, failing(500)])(
    'halve it, the first half the larger: $kind',
    (answer) => {
      expect(named(asked(1, 'a', 'b', 'c', 'd', 'e'), answer)).toEqual([
        ['a', 'b', 'c'],
        ['d', 'e'],
      ]);
      expect(named(asked(1, 'a'), answer)).toEqual([['a']]);
    },
  );

  it.each([missing, failedJobs, busy])('ask it whole when it is known what was wrong: $kind', (answer) => {
    expect(named(asked(1, 'a', 'b', 'c'), answer)).toEqual([['a', 'b', 'c']]);
  });

  it.each([missing, timedOut])(
    'name each job alone with the last ask, before the others: $kind',
    (answer) => {
      expect(named([...asked(1, 'a'), ...asked(2, 'b'), ...asked(0, 'c'), ...asked(2, 'd')], answer)).toEqual(
        answer === missing ? [['b'], ['d'], ['a', 'c']] : [['b'], ['d'], ['a'], ['c']],
      );
    },
  );

  it('are none for no jobs', () => {
    expect(askAgain([], timedOut, now)).toEqual([]);
  });
});
