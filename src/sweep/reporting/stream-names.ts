/**
 * @module The names of the data streams for reports, and of the fields that the code refers to. The complete field lists
 * are in another module, because the function does not need them to write reports.
 */

/** One data stream for sweeps, one for jobs: a list of jobs inside one document could not be charted. */
export const datasets = { sweep: 'jobsweep.sweep', job: 'jobsweep.job' } as const;
export type StreamKind = keyof typeof datasets;

/** The name of a data stream, `logs-jobsweep.sweep-default` for example. */
export const streamName = (kind: StreamKind, namespace: string): string =>
  `logs-${datasets[kind]}-${namespace}`;

/** Matches both data streams in all namespaces. */
export const streamPattern = 'logs-jobsweep.*-*';

/**
 * The privileges for writing. `auto_configure` creates the data streams; `create_doc` adds documents but cannot change
 * any.
 */
export const writePrivileges = ['auto_configure', 'create_doc'] as const;

/** Converts camel case to snake case: `forceClosed` becomes `force_closed`. */
export const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Nests dotted names: `{"a.b": 1}` becomes `{"a": {"b": 1}}`. Undefined values are left out. */
export function nested(flat: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const whole: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(flat)) {
    if (value === undefined) continue;
    const path = name.split('.');
    const last = path.pop() ?? name;
    let inner = whole;
    for (const key of path) {
      inner[key] ??= {};
      inner = inner[key] as Record<string, unknown>;
    }
    inner[last] = value;
  }
  return whole;
}
