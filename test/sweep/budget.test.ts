import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { Budget } from '../../src/sweep/budget.ts';
import { minute } from '../support/jobs.ts';

describe('the time for one close', () => {
  const allow = (remaining: number, wanted: number, phases: 1 | 2 = 1) =>
    new Budget(new VirtualClock(), remaining).allow(wanted, phases);

  it('a close gets the requested timeout if there is enough time, and the client waits ten seconds longer for the answer', () => {
    expect(allow(15 * minute, 2 * minute)).toEqual({ timeoutMs: 120_000, answerMs: 130_000 });
  });

  it('the time for a close is shortened so that its answer arrives before the sweep has to end', () => {
    const allowed = allow(minute, 2 * minute);
    expect(allowed?.timeoutMs).toBeLessThan(40_000);
    expect(allowed?.answerMs).toBeLessThanOrEqual(45_000);
  });

  it('the timeout of a close is halved if datafeeds must stop first, because the server applies it to each of the two steps', () => {
    expect(allow(minute, 2 * minute, 2)?.timeoutMs).toBeLessThanOrEqual(
      (allow(minute, 2 * minute)?.timeoutMs ?? 0) / 2,
    );
  });

  it('a close is not allowed if the time left is too short to learn its result', () => {
    expect(allow(2_000, 2 * minute)).toBeUndefined();
    expect(allow(0, 100)).toBeUndefined();
    expect(allow(10_000, 100)).toBeDefined();
  });
});

describe('the time reserved for the end of a sweep', () => {
  const workMs = (remaining: number, readMs: number) => {
    const budget = new Budget(new VirtualClock(), remaining);
    budget.readTook(readMs);
    return budget.left();
  };

  it('a sweep reserves time for its final steps: a quarter of the time before its deadline, but at most twenty seconds', () => {
    expect(workMs(minute, 0)).toBe(45_000);
    expect(workMs(15 * minute, 0)).toBe(15 * minute - 20_000);
  });

  it('after a slow read, a sweep reserves time for its final steps: at least three times that read’s duration, but at most twenty seconds', () => {
    expect(workMs(minute, 5_000)).toBe(45_000);
    expect(workMs(minute, 6_000)).toBe(42_000);
    expect(workMs(minute, 30_000)).toBe(40_000);
    expect(workMs(1_000, 300)).toBe(100);
    expect(workMs(1_000, 400)).toBe(0);
    expect(workMs(15 * minute, 6_000)).toBe(15 * minute - 20_000);
  });

  it('the time left before the deadline is never negative', async () => {
    const clock = new VirtualClock();
    const budget = new Budget(clock, minute);
    expect(budget.untilDeadline()).toBe(60_000);
    await clock.advance(59_000);
    expect(budget.untilDeadline()).toBe(1_000);
    await clock.advance(2_000);
    expect(budget.untilDeadline()).toBe(0);
  });

  it('an interrupt can shorten the time until the deadline, but never extends it', () => {
    const budget = new Budget(new VirtualClock(), minute);
    budget.endWithin(10_000);
    expect(budget.untilDeadline()).toBe(10_000);
    budget.endWithin(30_000);
    expect(budget.untilDeadline()).toBe(10_000);
  });
});
