/**
 * @module Carries out a roll call: finds out which of the expected clusters have not reported, and writes a log line,
 * metrics and a message. Loaded on demand.
 */
import type { Context } from 'aws-lambda';
import type { Environment } from '../settings/environment.ts';
import { type RollCallResult, rollCallResult } from '../sweep/reporting/roll-call.ts';
import { runbookLink } from '../sweep/reporting/runbook.ts';
import { parseRollCall } from '../sweep/request/roll-call-request.ts';
import type { WriteLine } from './audit-log.ts';
import { reportedClusters } from './reported-clusters.ts';

export interface RollCallContext {
  readonly environment: Environment;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly context: Context;
  readonly write: WriteLine;
  /** Sends the result to people. Does not throw. */
  readonly announce: (result: RollCallResult) => Promise<void> | undefined;
}

/**
 * The metrics of a roll call. Their dimension is the function, because a cluster that has not reported has no metrics.
 */
export const rollCallMetrics = {
  expectedClusters: 'clusters that the last roll call expected',
  missingClusters: 'those of them that had not reported',
} as const;

/** Time kept for the log and the messages, in milliseconds. */
const reserveMs = 15_000;

/**
 * @throws {InvalidRequestError} if the payload is invalid.
 * @throws {RollCallError} if CloudWatch does not answer, because it is then unknown which clusters are missing.
 */
export async function rollCall(
  event: unknown,
  { environment, now, context, write, announce }: RollCallContext,
): Promise<RollCallResult> {
  const call = parseRollCall(event);
  // An event may arrive late, so the period is counted back from the time for which the roll call was scheduled.
  const from = Math.min(call.scheduledAt ?? now, now) - call.withinMs;
  const limit = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - reserveMs));
  const reported = await reportedClusters(call.clusters, { from, to: now }, environment, limit);
  const result = rollCallResult(call, reported, now);
  const metrics = {
    Namespace: 'jobsweep',
    Dimensions: [['service', 'function']],
    Metrics: Object.keys(rollCallMetrics).map((Name) => ({ Name, Unit: 'Count' })),
  };
  const values: Record<keyof typeof rollCallMetrics, number> = {
    expectedClusters: result.expected,
    missingClusters: result.missing.length,
  };
  const level = result.missing.length > 0 ? 'WARN' : 'INFO';
  write(level, 'roll call finished', {
    ...result,
    function: context.functionName,
    ...values,
    ...(result.missing.length > 0 && { runbook: runbookLink('alarm-roll-call') }),
    _aws: { Timestamp: Date.now(), CloudWatchMetrics: [metrics] },
  });
  await announce(result);
  return result;
}
