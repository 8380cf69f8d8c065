/** @module Helpers that the endpoints for indices and documents share. */
import { ElasticsearchError } from '../errors.ts';
import type { Call } from '../http/call.ts';
import type { Privilege } from '../security.ts';
import type { Index, Indices } from '../state/indices.ts';
import { isHidden } from '../state/results-index.ts';

export const indexAction = (action: string): readonly [Privilege, string] => ['index', `indices:${action}`];
// Parameters that clients and tests send, but that have no effect in the simulator.
const ignored = [
  'refresh timeout master_timeout wait_for_active_shards routing pipeline require_alias require_data_stream',
  'ignore_unavailable allow_no_indices expand_wildcards op_type include_type_name local flat_settings version',
  'include_defaults if_seq_no if_primary_term version_type wait_if_ongoing force rest_total_hits_as_int features',
  'allow_partial_search_results typed_keys realtime preference list_executed_pipelines _source _source_includes _source_excludes',
].flatMap((names) => names.split(' '));

/** Makes the handler of an index or document endpoint. The handler accepts the common parameters and ignores them. */
export function plain(act: (call: Call, indices: Indices) => object | { status: number; body?: object }) {
  return (call: Call) => {
    call.query.ignore(...ignored);
    return () => {
      const result = act(call, call.context.cluster.indices);
      return 'status' in result && typeof result.status === 'number'
        ? (result as { status: number; body?: object })
        : { body: result };
    };
  };
}

export function newId(call: Call): string {
  const { cluster } = call.context;
  return cluster.random.id(20, 'document', cluster.nextAllocation());
}

/** The existing indices that the request's path names. @throws 404 if an index is missing */
export function existing(call: Call, indices: Indices): readonly Index[] {
  const expression = call.parameters.index ?? '_all';
  if (/^_(?!all$)/.test(expression))
    throw new ElasticsearchError(400, {
      type: 'invalid_index_name_exception',
      reason: `Invalid index name [${expression}], must not start with '_'.`,
      metadata: { index: expression, index_uuid: '_na_' },
    });
  const { found, missing } = indices.resolve(expression);
  const lenient = call.query.text('ignore_unavailable');
  // A `.ml-*` index counts as existing even if `indices` lacks it, because its content is derived from the jobs.
  const absent = missing.find((name) => !isHidden(name));
  if (absent !== undefined && lenient !== 'true') throw missingIndex(absent);
  return found;
}

export function missingIndex(name: string): ElasticsearchError {
  return new ElasticsearchError(404, {
    type: 'index_not_found_exception',
    reason: `no such index [${name}]`,
    metadata: {
      'resource.type': 'index_or_alias',
      'resource.id': name,
      index_uuid: '_na_',
      index: name,
    },
  });
}

export function written(name: string, id: string, result: string, version: number, sequence: number): object {
  return {
    _index: name,
    _id: id,
    _version: version,
    result,
    _shards: { total: 2, successful: 1, failed: 0 },
    _seq_no: sequence,
    _primary_term: 1,
  };
}
