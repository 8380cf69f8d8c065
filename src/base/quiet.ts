/**
 * @module Keeps libraries from printing requests and files, which include credentials. The function and the
 * command import this module before anything else.
 */

// DEBUG makes the Elasticsearch client print whole requests. LOG_TOKENS and LOG_STREAM make `yaml` print the files that
// it reads.
for (const name of ['DEBUG', 'LOG_TOKENS', 'LOG_STREAM']) delete process.env[name];

// Node 22.12 and earlier cannot exclude the environment from diagnostic reports.
if ('excludeEnv' in process.report) process.report.excludeEnv = true;

/** A warning if NODE_DEBUG is set. Node reads it before any module runs, so this module cannot unset it in time. */
export function debugWarning({
  NODE_DEBUG,
}: Readonly<Record<string, string | undefined>>): string | undefined {
  return NODE_DEBUG?.trim()
    ? 'NODE_DEBUG is set: Node may print requests with their credentials; unset it and delete what it printed'
    : undefined;
}
