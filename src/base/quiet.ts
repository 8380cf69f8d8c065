/**
 * @module Imported before anything else by the function and the command: keeps libraries from printing what passes
 * through them. What they print of requests and files includes credentials.
 */

// `debug`, which the Elasticsearch client prints whole requests with, and `yaml`, which prints the files it reads
for (const name of ['DEBUG', 'LOG_TOKENS', 'LOG_STREAM']) delete process.env[name];

// Node 22.12 and earlier cannot leave the environment out of their diagnostic reports
if ('excludeEnv' in process.report) process.report.excludeEnv = true;

/** The warning that NODE_DEBUG needs, if it is set: its channels are Node's own, and were opened before any module ran. */
export function debugWarning({
  NODE_DEBUG,
}: Readonly<Record<string, string | undefined>>): string | undefined {
  return NODE_DEBUG?.trim()
    ? 'NODE_DEBUG is set: Node may print requests with their credentials; unset it and delete what it printed'
    : undefined;
}
