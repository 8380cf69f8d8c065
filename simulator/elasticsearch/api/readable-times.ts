/** @module `human=true`: adds a readable field `<name>_string` next to each timestamp. */
import type { Call } from '../http/call.ts';

const timestamps = new Set([
  'create_time',
  'finished_time',
  'earliest_record_timestamp',
  'latest_record_timestamp',
  'last_data_time',
  'latest_empty_bucket_timestamp',
  'latest_sparse_bucket_timestamp',
  'log_time',
  'timestamp',
]);

/** Returns `value`, with readable timestamps added if the request asks for them. */
export function humanized({ query }: Call, value: object): object {
  return query.flag('human', false) ? (addStrings(value) as object) : value;
}

function addStrings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(addStrings);
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(value)) {
    if (typeof entry === 'number' && timestamps.has(name))
      result[`${name}_string`] = new Date(entry).toISOString();
    result[name] = addStrings(entry);
  }
  return result;
}
