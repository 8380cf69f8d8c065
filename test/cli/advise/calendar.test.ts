import { describe, expect, it } from 'vitest';
import { calendarOf } from '../../../src/cli/advise/calendar.ts';
import type { Evidence } from '../../../src/sweep/advising/evidence.ts';
import { knownPastOf } from '../../../src/sweep/advising/known-past.ts';

const hour = 3_600_000;
const day = 24 * hour;
const asOf = Date.parse('2026-05-20T12:00:00Z');
const daysAgo = (days: number) => asOf - days * day;

/** The marks of a job's last eight days, one for each day, oldest first. */
function marks(evidence: Omit<Evidence, 'jobId' | 'datafeedRuns'>): string {
  const past = knownPastOf({ jobId: 'job', datafeedRuns: false, ...evidence }, undefined, daysAgo(8));
  return calendarOf(past, daysAgo(8), asOf)
    .map(({ mark }) => mark)
    .join('');
}

describe('the calendar of a job', () => {
  it('the calendar shows no data on the day of a close if the job’s newest data was days old at the close', () => {
    const closedAt = asOf - hour;
    expect(
      marks({
        now: { at: asOf, state: 'closed', lastData: daysAgo(5.5) },
        finishedTime: closedAt,
        snapshots: [
          { at: daysAgo(5.9), latestRecord: daysAgo(6), atClose: false },
          { at: closedAt, latestRecord: daysAgo(5.5), atClose: true },
        ],
      }),
    ).toBe('??█????·');
  });

  it('the calendar shows a job that was closed and opened again today as silent, not as having data', () => {
    const openedAt = asOf - hour;
    expect(
      marks({
        now: { at: asOf, state: 'opened', lastData: daysAgo(5.5), openedAt },
        snapshots: [
          { at: daysAgo(5.9), latestRecord: daysAgo(6), atClose: false },
          { at: asOf - 2 * hour, latestRecord: daysAgo(5.5), atClose: true },
        ],
      }),
    ).toMatch(/·$/);
  });

  it('the calendar shows data on all days between two snapshots if data came between them and no silence is known', () => {
    expect(
      marks({
        now: { at: asOf, state: 'opened', lastData: asOf - 1_000, openedAt: daysAgo(20) },
        snapshots: [
          { at: daysAgo(1.5), latestRecord: daysAgo(1.6), atClose: false },
          { at: daysAgo(0.5), latestRecord: daysAgo(0.6), atClose: false },
        ],
      }),
    ).toMatch(/██$/);
  });
});
