/**
 * @module Notifies about a sweep that the function ran. A failed notification only causes a log line and a metric.
 * Loaded on demand. This module does not import `metrics.ts`, because shared code would make the bundles larger.
 */
import type { Context } from 'aws-lambda';
import type { Message } from '../notify/message.ts';
import { type NotifyContext, notify } from '../notify/notify.ts';
import { notifyWhen } from '../notify/notify-settings.ts';
import { rollCallFailure, rollCallMessage, shouldNotifyOf } from '../notify/roll-call-message.ts';
import { failureMessage, shouldNotify, sweepMessage } from '../notify/sweep-message.ts';
import type { SweepReport } from '../sweep/reporting/report.ts';
import type { RollCallResult } from '../sweep/reporting/roll-call.ts';
import { runbookLink } from '../sweep/reporting/runbook.ts';
import type { SweepRequest } from '../sweep/request/request-schema.ts';
import type { WriteLine } from './audit-log.ts';

export interface AnnounceContext extends Omit<NotifyContext, 'remainingMs'> {
  readonly context: Context;
  readonly write: WriteLine;
}

/**
 * The maximum time for notifications and, on the next line, the time kept for returning the report, in milliseconds.
 */
const maxMs = 12_000;
const timeToReturn = 2_000;

/** Sends a message to the configured targets. Does not throw. */
export async function announce(message: Message, own: AnnounceContext): Promise<void> {
  await announceIfAny(() => message, own);
}

/**
 * Sends the message that `makeMessage` returns, if any. Does not throw, because a notification error must not prevent a
 * sweep's report.
 */
async function announceIfAny(makeMessage: () => Message | undefined, own: AnnounceContext): Promise<void> {
  const { context, write } = own;
  try {
    const message = makeMessage();
    if (!message) return;
    const remainingMs = Math.min(maxMs, context.getRemainingTimeInMillis() - timeToReturn);
    const { sent, problems } = await notify(message, { ...own, remainingMs });
    for (const problem of problems)
      write('WARN', 'notification failed', { cluster: message.thread, ...problem, runbook });
    if (sent.length + problems.length > 0) publishResult(sent, problems.length, own);
  } catch (error) {
    write('WARN', 'notification failed', {
      target: 'all',
      why: 'a bug, please report it',
      runbook,
      error: stackOf(error),
    });
    publishResult([], 1, own);
  }
}

const runbook = runbookLink('alarm-notify-failed');

const stackOf = (error: unknown) => (error instanceof Error ? error.stack : String(error));

/** The number of targets that did not accept a message. */
export const notifyErrorsMetric = 'notifyErrors';

/**
 * Writes the metric after each message. Its value is the number of failures, even if that is 0, because a 0 shows that
 * notifications work. Its dimension is the function, because the cluster may be unknown.
 */
function publishResult(
  targets: readonly string[],
  errors: number,
  { write, context }: AnnounceContext,
): void {
  const metrics = {
    Namespace: 'jobsweep',
    Dimensions: [['service', 'function']],
    Metrics: [{ Name: notifyErrorsMetric, Unit: 'Count' }],
  };
  write('INFO', 'notification sent', {
    targets,
    function: context.functionName,
    [notifyErrorsMetric]: errors,
    _aws: { Timestamp: Date.now(), CloudWatchMetrics: [metrics] },
  });
}

/** Notifies about a report if the request or the environment asks for it. */
export async function announceReport(
  report: SweepReport,
  request: SweepRequest,
  own: AnnounceContext,
): Promise<void> {
  const when = notifyWhen(request.notify?.when, own.environment);
  const where = whereToLook('sweepId', report.sweepId, own);
  await announceIfAny(() => (shouldNotify(report, when) ? sweepMessage(report, where) : undefined), own);
}

/** Notifies about a sweep that ended without a report; `request` is undefined if the request could not be read. */
export async function announceFailure(
  error: Error & { readonly exitCode?: number },
  request: SweepRequest | undefined,
  own: AnnounceContext,
): Promise<void> {
  if (notifyWhen(request?.notify?.when, own.environment) === 'never') return;
  const { name, message, exitCode: exit = 1 } = error;
  const where = whereToLook('function_request_id', own.context.awsRequestId, own);
  await announceIfAny(
    () => failureMessage({ name, message, exit }, { cluster: request?.cluster }, where),
    own,
  );
}

/** Notifies about the result of a roll call: which of the expected clusters have not reported. */
export async function announceRollCall(result: RollCallResult, own: AnnounceContext): Promise<void> {
  const when = notifyWhen(undefined, own.environment);
  const where = whereToLook('function_request_id', own.context.awsRequestId, own);
  await announceIfAny(() => (shouldNotifyOf(result, when) ? rollCallMessage(result, where) : undefined), own);
}

/** Notifies that a roll call failed. */
export async function announceRollCallFailure(error: Error, own: AnnounceContext): Promise<void> {
  if (notifyWhen(undefined, own.environment) === 'never') return;
  await announce(
    rollCallFailure(error, whereToLook('function_request_id', own.context.awsRequestId, own)),
    own,
  );
}

/** Lines that say where to find the report. A scheduled invocation has no caller, so its report is only in the log. */
function whereToLook(field: string, id: string, { context }: AnnounceContext): string[] {
  return [
    `Report: log group \`${context.logGroupName}\`, request id \`${context.awsRequestId}\``,
    `Logs Insights: \`filter ${field} = "${id}"\``,
  ];
}
