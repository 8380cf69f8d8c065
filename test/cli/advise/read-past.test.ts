import { expect, it } from 'vitest';
import { advisedJobs } from '../../../src/cli/advise/read-past.ts';
import type { Evidence } from '../../../src/sweep/advising/evidence.ts';
import { joinInventory } from '../../../src/sweep/planning/inventory.ts';
import { parseRequest } from '../../../src/sweep/request/read-request.ts';

const now = Date.parse('2026-11-23T12:00:00Z');

it('if a job has no config or no stats, the advice counts the job as left out', () => {
  const config = (jobId: string) => ({ jobId, groups: [], managed: undefined, protection: undefined });
  const stats = (jobId: string) => ({
    jobId,
    state: 'opened',
    openForMs: 86_400_000,
    lastDataTime: now - 3 * 86_400_000,
    runningForecasts: 0,
  });
  const jobs = joinInventory({
    configs: [config('whole'), config('without-stats')],
    stats: [stats('whole'), stats('without-config')],
    datafeeds: [],
    readAt: now,
  });

  const advised = advisedJobs(
    jobs,
    parseRequest({}).request,
    new Map(),
    ({ jobId }) => ({ jobId }) as unknown as Evidence,
    now,
  );

  expect(Object.fromEntries(advised.map(({ evidence, leftOut }) => [evidence.jobId, leftOut]))).toEqual({
    whole: false,
    'without-config': true,
    'without-stats': true,
  });
});
