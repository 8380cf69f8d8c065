/** @module The Lambda function: middy around `sweep()`. It takes a request and returns a report (docs/contract.md). */
import '../base/quiet.ts';

import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type { Clock } from '../base/clock.ts';
import { InvalidSettingError, JobsweepError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { debugWarning } from '../base/quiet.ts';
import { systemClock } from '../base/system-clock.ts';
import { ElasticsearchCluster } from '../elasticsearch/cluster.ts';
import { mayNotify } from '../notify/may-notify.ts';
import type { Environment } from '../settings/environment.ts';
import { findConnection, type ReadSecret } from '../settings/find-connection.ts';
import { followUpsFrom } from '../settings/follow-ups-from-settings.ts';
import { fitReport, maxAnswerBytes, maxLineBytes } from '../sweep/reporting/fit-report.ts';
import type { SweepReport } from '../sweep/reporting/report.ts';
import type { RollCallResult } from '../sweep/reporting/roll-call.ts';
import { errorAnchor, runbookLink } from '../sweep/reporting/runbook.ts';
import { parseRequest } from '../sweep/request/read-request.ts';
import { clusterName, type SweepRequest } from '../sweep/request/request-schema.ts';
import { carryOut, planSweep } from '../sweep/sweep.ts';
import { sweepIdOf } from '../sweep/sweep-id.ts';
import type { AnnounceContext } from './announce.ts';
import { auditLog, errorFields, flushLog, type WriteLine } from './audit-log.ts';
import { publishMetrics, publishValues } from './metrics.ts';

/** The environment and the clock of the function; tests pass their own clock. */
export interface FunctionContext {
  readonly environment: Environment;
  readonly clock: Clock;
}

/** Time kept for returning the report, in milliseconds, in case the log accepts no more lines. */
const timeToAnswer = 1_000;

// An error while a log line is written must not end the process: the sweep continues, and its caller gets the report.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

/**
 * Creates the handler. The handler takes a request and returns the report, or it takes a roll call and returns which of
 * the expected clusters have not reported.
 */
export function createHandler({ environment, clock }: FunctionContext) {
  return middy<unknown, SweepReport | RollCallResult>({ timeoutEarlyInMillis: 0 })
    .onError(({ error, event, context }) => reportFailure(error as Error, event, context, environment))
    .handler(async (event: unknown, context: Context): Promise<SweepReport | RollCallResult> => {
      if (isRollCall(event)) return await callRoll(event, context, { environment, clock });
      const { request, warnings } = parseRequest(event);
      // The first step, so that an invalid setting ends the sweep before any request is sent.
      await using followUps = followUpsFrom({
        environment,
        clock,
        invokedArn: context.invokedFunctionArn,
        running: request.followUpOf,
      });
      const readSecret = secretsOf(environment, context);
      const connection = await findConnection({ cluster: request.cluster, environment, readSecret });
      if (!connection) {
        throw new InvalidSettingError(
          'no cluster is configured: set ELASTICSEARCH_URL or ELASTICSEARCH_CLOUD_ID, or ELASTICSEARCH_SECRET',
        );
      }
      const debug = debugWarning(environment);
      const order = {
        sweepId: sweepIdOf(request.trigger, context.awsRequestId),
        request,
        warnings: debug === undefined ? warnings : [...warnings, debug],
      };
      const write = auditLog(context, environment);
      // `await using` closes the sockets when the sweep ends: a warm function would keep them open for minutes.
      await using cluster = new ElasticsearchCluster(connection, clock);
      const sweepContext = () => ({
        cluster,
        followUps,
        clock,
        remainingMs: context.getRemainingTimeInMillis(),
        observer: {
          notice: (notice: string) => write('INFO', 'sweep waits', { sweepId: order.sweepId, notice }),
        },
      });
      const made = await planSweep(order, sweepContext());
      const { report, plan } = await carryOut(made, sweepContext());
      const logTime = () => context.getRemainingTimeInMillis() - timeToAnswer;
      await logReport(report, write, logTime);
      publishMetrics(report, environment);
      const stored = { report, plan, swept: connection, environment, clock, remainingMs: logTime(), write };
      await Promise.all([
        loadNotices(environment).then((notices) =>
          notices?.announceReport(report, request, noticeContext(environment, context)),
        ),
        loadStoring(environment).then((storing) => storing?.storeSwept(stored)),
      ]);
      await flushLog(logTime(), true);
      return fitReport(report, maxAnswerBytes);
    });
}

/**
 * Finds which of the expected clusters have not reported. Loaded on demand: most functions sweep few clusters and are
 * never used for a roll call.
 */
async function callRoll(
  event: unknown,
  context: Context,
  { environment, clock }: FunctionContext,
): Promise<RollCallResult> {
  const { rollCall } = await import('./roll-call.ts');
  const notices = await loadNotices(environment);
  const result = await rollCall(event, {
    environment,
    now: clock.now(),
    context,
    write: auditLog(context, environment),
    announce: (called) => notices?.announceRollCall(called, noticeContext(environment, context)),
  });
  await flushLog(context.getRemainingTimeInMillis() - timeToAnswer, true);
  return result;
}

/** Logs why there is no report, publishes the metric for the cluster's alarm, and sends a notification. */
async function reportFailure(
  error: Error,
  event: unknown,
  context: Context,
  environment: Environment,
): Promise<void> {
  const write = auditLog(context, environment);
  const notices = await loadNotices(environment);
  const own = noticeContext(environment, context);
  if (isRollCall(event)) {
    write('ERROR', 'roll call failed', {
      error: errorFields(error),
      runbook: runbookLink('alarm-roll-call'),
    });
    return await notices?.announceRollCallFailure(error, own);
  }
  const cluster = clusterIn(event);
  const request = requestIn(event);
  write('ERROR', 'sweep failed', {
    // If the event contains no valid request, there is no sweep id.
    ...(request && { sweepId: sweepIdOf(request.trigger, context.awsRequestId) }),
    ...(cluster !== undefined && { cluster: { name: cluster } }),
    error: errorFields(error),
    runbook: runbookLink(errorAnchor(error.name, error instanceof JobsweepError ? error.exitCode : 1)),
  });
  if (cluster !== undefined) publishValues({ cluster }, { needsAttention: 1 }, environment);
  await notices?.announceFailure(error, request, own);
}

/** Loaded on demand: not every function has secrets. */
const secretsOf =
  (environment: Environment, context: Context): ReadSecret =>
  async (name) =>
    await (await import('./invocation-secrets.ts')).secretsOf(environment, context)(name);

/** Loaded on demand: a function without notifications starts without their code. */
const loadNotices = async (environment: Environment) =>
  mayNotify(environment) ? await import('./announce.ts').catch(() => undefined) : undefined;

/** Loaded on demand: a function that stores no reports in Elasticsearch starts without the code for it. */
const loadStoring = async (environment: Environment) =>
  Object.keys(environment).some((name) => name.startsWith('JOBSWEEP_REPORTS_'))
    ? await import('./store-swept.ts').catch(() => undefined)
    : undefined;

const noticeContext = (environment: Environment, context: Context): AnnounceContext => ({
  environment,
  context,
  write: auditLog(context, environment),
  readSecret: secretsOf(environment, context),
  clock: systemClock,
});

/** The cluster that the request in an event names; undefined if the name is invalid. */
function clusterIn(event: unknown): string | undefined {
  if (!isJsonObject(event)) return undefined;
  const { cluster = 'default' } = event;
  return typeof cluster === 'string' && clusterName.test(cluster) ? cluster : undefined;
}

const isRollCall = (event: unknown) => isJsonObject(event) && 'rollCall' in event;

/** The request in an event; undefined if the request is not valid. */
function requestIn(event: unknown): SweepRequest | undefined {
  try {
    return parseRequest(event).request;
  } catch {
    return undefined;
  }
}

/**
 * Logs the report. A scheduled invocation has no caller, so the log has the only copy. After each line, waits if too
 * much is queued, because tens of thousands of lines would otherwise pile up in memory.
 */
async function logReport(report: SweepReport, write: WriteLine, logTime: () => number): Promise<void> {
  const { sweepId, cluster, startedAt, followUpOf, jobs } = report;
  for (const job of jobs) {
    if (job.outcome === 'kept') continue;
    write('INFO', 'job swept', { sweepId, cluster, startedAt, ...(followUpOf && { followUpOf }), ...job });
    await flushLog(logTime());
  }
  const { jobs: _logged, ...rest } = fitReport({ ...report, jobs: [] }, maxLineBytes);
  write('INFO', 'sweep finished', rest);
}

export const handler = createHandler({ environment: process.env, clock: systemClock });
