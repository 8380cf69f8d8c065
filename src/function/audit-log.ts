/**
 * @module Writes the function's log lines. These lines are the record of what a sweep did. No log level may drop them,
 * neither Powertools' variables nor Lambda's own setting.
 */
import type { Context } from 'aws-lambda';
import { shownInJson } from '../base/text.ts';
import type { Environment } from '../settings/environment.ts';

export type Level = 'INFO' | 'WARN' | 'ERROR';

/** Writes one JSON line. */
export type WriteLine = (level: Level, message: string, fields: object) => void;

/** Lambda's log levels, from the least to the most severe. */
const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/**
 * If the log format is JSON, Lambda drops lines whose `level` is below AWS_LAMBDA_LOG_LEVEL, and treats a line without
 * a level or an RFC 3339 `timestamp` as INFO. So a line keeps its level, or gets the lowest level that is not dropped.
 */
export function stampOf(
  level: Level,
  environment: Environment,
): { readonly level: string; readonly timestamp: string } {
  const lowest = levels.indexOf(environment.AWS_LAMBDA_LOG_LEVEL?.trim().toUpperCase() ?? '');
  return {
    level: levels[Math.max(lowest, levels.indexOf(level))] ?? level,
    timestamp: new Date().toISOString(),
  };
}

/** JSON does not escape all characters that can manipulate a terminal, and logs are read on terminals. */
const escaped = (_key: string, value: unknown) =>
  // break: log-escapes
  typeof value === 'string' ? shownInJson(value) : value;

/** The id of the first invocation of this process. */
let coldRequestId: string | undefined;

/** Returns the function that writes the log lines of one invocation. */
export function auditLog(context: Context, environment: Environment): WriteLine {
  coldRequestId ??= context.awsRequestId;
  const invocation = {
    service: 'jobsweep',
    cold_start: context.awsRequestId === coldRequestId,
    function_arn: context.invokedFunctionArn,
    function_memory_size: context.memoryLimitInMB,
    function_name: context.functionName,
    function_request_id: context.awsRequestId,
  };
  return (level, message, fields) => {
    // Not `console`: Lambda's runtime filters and rewrites its output.
    const line = { ...stampOf(level, environment), message, ...invocation, ...fields };
    process.stdout.write(`${JSON.stringify(line, escaped)}\n`);
  };
}

/** Maximum number of queued bytes for which `flushLog` does not wait, unless it is called with `all`. */
const maxQueued = 64 * 1024;

/**
 * Waits until queued lines are written. Without `all`, it waits only if many lines are queued. Lambda freezes the
 * process when the handler returns, so lines that are still queued are written by the next invocation or never. Gives
 * up if the log is closed, or after `limitMs`.
 */
export async function flushLog(limitMs: number, all = false): Promise<void> {
  const { stdout } = process;
  if (stdout.destroyed || stdout.writableLength <= (all ? 0 : maxQueued)) return;
  const flushed = Promise.withResolvers<void>();
  const limit = setTimeout(flushed.resolve, Math.max(0, limitMs));
  stdout.write('', () => flushed.resolve());
  await flushed.promise;
  clearTimeout(limit);
}

/**
 * The fields of an error that are logged. Other fields are left out, because they may contain answers from AWS or the
 * cluster.
 */
export function errorFields(error: Error): object {
  const { name, message, stack, cause } = error;
  return { name, message, stack, ...(cause instanceof Error && { cause: errorFields(cause) }) };
}
