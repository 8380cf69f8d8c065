/** @module Job snapshots for tests of single decisions: by default an idle job, with changes as needed. */

import type { JobId } from '../../src/sweep/planning/concrete-id.ts';
import type { JobSnapshot } from '../../src/sweep/planning/inventory.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import type { RequestPayload, SweepRequest } from '../../src/sweep/request/request-schema.ts';

export const now = Date.parse('2026-11-23T12:00:00Z');
export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** A job that was opened a month ago and whose data stopped five days ago, with a stopped datafeed. */
export function idleJob(changes: Partial<JobSnapshot> = {}): JobSnapshot {
  const jobId = changes.jobId ?? 'idle-1';
  return {
    jobId,
    target: jobId as JobId,
    reportedState: changes.state ?? 'opened',
    state: 'opened',
    groups: [],
    nodeId: 'node-a',
    openedAt: now - 30 * day,
    lastDataTime: now - 5 * day,
    modelBytes: 10_000_000,
    runningForecasts: 0,
    protection: { kind: 'none' },
    managed: false,
    datafeed: { datafeedId: `datafeed-${jobId}`, state: 'stopped', lookback: 'unknown' },
    ...changes,
  };
}

export const requestOf = (payload: RequestPayload = {}): SweepRequest => parseRequest(payload).request;
