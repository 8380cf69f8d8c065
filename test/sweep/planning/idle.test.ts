import { describe, expect, it } from 'vitest';
import { lastActivityOf } from '../../../src/sweep/planning/idle.ts';
import { idleJob } from '../../support/jobs.ts';

describe('the last activity of a job', () => {
  const clocks = (lastDataTime?: number, openedAt?: number) => idleJob({ lastDataTime, openedAt });

  it('the last activity of a job is the latest of its data, its opening and the activity that earlier sweeps saw', () => {
    expect(lastActivityOf(clocks(3, 2), 1)).toBe(3);
    expect(lastActivityOf(clocks(1, 3), 2)).toBe(3);
    expect(lastActivityOf(clocks(2, 1), 3)).toBe(3);
    expect(lastActivityOf(clocks(undefined, 2))).toBe(2);
    expect(lastActivityOf(clocks(), 1)).toBe(1);
  });

  it('the last activity of a job is unknown if there is no data, no opening time and no activity from earlier sweeps', () => {
    expect(lastActivityOf(clocks())).toBeUndefined();
  });

  it('the last activity of a job ignores the event time of its newest record', () => {
    expect(lastActivityOf({ ...clocks(1), latestRecordTime: 2 })).toBe(1);
  });
});
