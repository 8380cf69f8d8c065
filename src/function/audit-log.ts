/**
 * @module The function's own log lines. They are the record of what a sweep did, so no log level drops them: not
 * Powertools' variables, and not the level that Lambda itself filters by.
 */
import type { Context } from 'aws-lambda';
import { shownInJson } from '../base/text.ts';
import type { Environment } from '../settings/find-connection.ts';

export type Level = 'INFO' | 'WARN' | 'ERROR';

/** Writes one JSON line. */
export type WriteLine = (level: Level, message: string, fields: object) => void;

/** From the least to the most severe, as Lambda names them. */
const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/**
 * With JSON as log format, Lambda drops each line whose `level` is below AWS_LAMBDA_LOG_LEVEL, and takes a line without
 * a level or an RFC 3339 `timestamp` for INFO. So a line carries its own level, or the lowest one that passes.
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

/** JSON leaves some characters as they are that act on a terminal, and logs are read on terminals. */
const escaped = (_key: string, value: unknown) =>
  // break: log-escapes
  typeof value === 'string' ? shownInJson(value) : value;

/** The first invocation of this process. */
let coldRequestId: string | undefined;

/** The writer of one invocation's lines. */
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
    // not `console`, which Lambda's runtime filters and rewrites
    const line = { ...stampOf(level, environment), message, ...invocation, ...fields };
    process.stdout.write(`${JSON.stringify(line, escaped)}\n`);
  };
}

/** More than this in the queue makes a writer of many lines wait, bytes. */
const maxQueued = 64 * 1024;

/**
 * Waits until the lines are out if many are queued, or, with `all`, if any are. Lambda freezes the process when the
 * handler returns: what is queued then is written by the next invocation, or never. Ends when the log is closed, or when
 * nothing has read it for `limitMs`.
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

/** What a line says of an error. Its other fields may hold what the SDK or the cluster answered, and stay out. */
export function errorFields(error: Error): object {
  const { name, message, stack, cause } = error;
  return { name, message, stack, ...(cause instanceof Error && { cause: errorFields(cause) }) };
}
