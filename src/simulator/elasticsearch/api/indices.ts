/** @module Plain indices and documents: only as much as people and tests need around a datafeed. */
import { ElasticsearchError } from '../errors.ts';
import { type Call, type Privilege, type Route, route } from '../http/call.ts';
import type { Document, Index, Indices } from '../state/indices.ts';
import { parseRecords } from '../state/records.ts';
import { closeResults, countsDocument, dropResults, isHidden } from '../state/results-index.ts';
import { bulk } from './bulk.ts';
import { search } from './search.ts';

const index = (action: string): readonly [Privilege, string] => ['index', `indices:${action}`];
// Parameters that clients and tests send along, and that change nothing here.
const ignored = [
  'refresh timeout master_timeout wait_for_active_shards routing pipeline require_alias require_data_stream',
  'ignore_unavailable allow_no_indices expand_wildcards op_type include_type_name local flat_settings version',
  'include_defaults if_seq_no if_primary_term version_type wait_if_ongoing force rest_total_hits_as_int features',
  'typed_keys realtime preference list_executed_pipelines _source _source_includes _source_excludes',
].flatMap((names) => names.split(' '));

/** A handler that takes the many parameters of these APIs without looking at them. */
function plain(act: (call: Call, indices: Indices) => object | { status: number; body?: object }) {
  return (call: Call) => {
    call.query.ignore(...ignored);
    return () => {
      const result = act(call, call.world.cluster.indices);
      return 'status' in result && typeof result.status === 'number'
        ? (result as { status: number; body?: object })
        : { body: result };
    };
  };
}

export const indicesRoutes: readonly Route[] = [
  route(
    'indices.create',
    'PUT',
    '/{index}',
    index('admin/create'),
    plain((call, indices) => {
      const given = (call.body.present ? call.body.json() : {}) as Record<string, Document>;
      const name = call.parameters.index ?? '';
      indices.create(name, given, call.world.cluster.clock.now());
      return { acknowledged: true, shards_acknowledged: true, index: name };
    }),
  ),
  route(
    'indices.delete',
    'DELETE',
    '/{index}',
    index('admin/delete'),
    plain((call, indices) => {
      for (const { name } of existing(call, indices)) indices.delete(name);
      dropResults(call.world.cluster, call.parameters.index ?? '');
      return { acknowledged: true };
    }),
  ),
  route(
    'indices.get',
    'GET HEAD',
    '/{index}',
    index('admin/get'),
    plain((call, indices) =>
      byName(existing(call, indices), (entry) => ({
        aliases: aliasesOf(entry),
        mappings: entry.mappings,
        settings: settingsOf(entry),
      })),
    ),
  ),
  route(
    'indices.get_mapping',
    'GET',
    ['/_mapping', '/{index}/_mapping'],
    index('admin/mappings/get'),
    plain((call, indices) => byName(existing(call, indices), ({ mappings }) => ({ mappings }))),
  ),
  route(
    'indices.put_mapping',
    'PUT POST',
    '/{index}/_mapping',
    index('admin/mapping/put'),
    plain((call, indices) => {
      const given = call.body.json() as Document;
      for (const entry of existing(call, indices))
        entry.mappings = {
          ...entry.mappings,
          ...given,
          properties: { ...(entry.mappings.properties as object), ...(given.properties as object) },
        };
      return { acknowledged: true };
    }),
  ),
  route(
    'indices.get_settings',
    'GET',
    ['/_settings', '/{index}/_settings'],
    index('monitor/settings/get'),
    plain((call, indices) => byName(existing(call, indices), (entry) => ({ settings: settingsOf(entry) }))),
  ),
  route(
    'indices.put_settings',
    'PUT',
    ['/_settings', '/{index}/_settings'],
    index('admin/settings/update'),
    plain((call, indices) => {
      for (const entry of existing(call, indices))
        entry.settings = { ...entry.settings, ...(call.body.json() as Document) };
      return { acknowledged: true };
    }),
  ),
  route(
    'indices.get_alias',
    'GET HEAD',
    ['/_alias', '/_alias/{name}', '/{index}/_alias', '/{index}/_alias/{name}'],
    index('admin/aliases/get'),
    plain((call, indices) => byName(existing(call, indices), (entry) => ({ aliases: aliasesOf(entry) }))),
  ),
  route(
    'indices.put_alias',
    'PUT POST',
    ['/{index}/_alias/{name}', '/{index}/_aliases/{name}'],
    index('admin/aliases'),
    plain((call, indices) => {
      for (const entry of existing(call, indices)) entry.aliases.add(call.parameters.name ?? '');
      return { acknowledged: true };
    }),
  ),
  route(
    'indices.refresh',
    'POST GET',
    (
      '/_refresh /{index}/_refresh /_flush /{index}/_flush /_forcemerge /{index}/_forcemerge' +
      ' /_cache/clear /{index}/_cache/clear'
    ).split(' '),
    index('admin/refresh'),
    plain((call, indices) => {
      existing(call, indices);
      return { _shards: { total: 2, successful: 1, failed: 0 } };
    }),
  ),
  route(
    'indices.open_close',
    'POST',
    ['/{index}/_open', '/{index}/_close'],
    index('admin/open'),
    plain((call, indices) => {
      existing(call, indices);
      closeResults(call.world.cluster, call.parameters.index ?? '', call.path.endsWith('_close'));
      return { acknowledged: true, shards_acknowledged: true };
    }),
  ),
  route(
    'index',
    'PUT POST',
    ['/{index}/_doc', '/{index}/_doc/{id}', '/{index}/_create/{id}'],
    index('data/write/index'),
    plain((call, indices) => {
      const { index: name = '', id = newId(call) } = call.parameters;
      const [source = {}] = parseRecords(call.body.text);
      const { created, version, sequence } = indices.store(name, id, source, call.world.cluster.clock.now());
      return {
        status: created ? 201 : 200,
        body: written(name, id, created ? 'created' : 'updated', version, sequence),
      };
    }),
  ),
  route(
    'get',
    'GET HEAD',
    ['/{index}/_doc/{id}', '/{index}/_source/{id}'],
    index('data/read/get'),
    plain((call, indices) => {
      const { index: name = '', id = '' } = call.parameters;
      const virtual = countsDocument(call.world.cluster, name, id);
      const stored = indices.get(name)?.documents.get(id);
      const source = stored?.source ?? virtual;
      if (!source && !indices.get(name) && !isHidden(name)) throw missingIndex(name);
      if (!source) return { status: 404, body: { _index: name, _id: id, found: false } };
      if (call.path.includes('/_source/')) return { status: 200, body: source };
      return {
        _index: name,
        _id: id,
        _version: stored?.version ?? 1,
        _seq_no: stored?.sequence ?? 0,
        _primary_term: 1,
        found: true,
        _source: source,
      };
    }),
  ),
  route(
    'delete',
    'DELETE',
    '/{index}/_doc/{id}',
    index('data/write/delete'),
    plain((call, indices) => {
      const { index: name = '', id = '' } = call.parameters;
      const found = indices.remove(name, id);
      return { status: found ? 200 : 404, body: written(name, id, found ? 'deleted' : 'not_found', 2, 1) };
    }),
  ),
  route(
    'bulk',
    'POST PUT',
    ['/_bulk', '/{index}/_bulk'],
    index('data/write/bulk'),
    plain((call, indices) => bulk(call, indices, () => newId(call))),
  ),
  route(
    'count',
    'GET POST',
    ['/_count', '/{index}/_count'],
    index('data/read/search'),
    plain((call, indices) => {
      const { found } = search(call, existing(call, indices));
      return { count: found, _shards: shards };
    }),
  ),
  route('search', 'GET POST', ['/_search', '/{index}/_search'], index('data/read/search'), (call) => {
    call.query.ignore('size', 'from', 'q', 'sort', 'track_total_hits');
    return plain((inner, indices) => {
      const { hits, found } = search(inner, existing(inner, indices));
      const asInteger = inner.query.text('rest_total_hits_as_int') === 'true';
      return {
        took: 1,
        timed_out: false,
        _shards: shards,
        hits: { total: asInteger ? found : { value: found, relation: 'eq' }, max_score: 1, hits },
      };
    })(call);
  }),
];

const shards = { total: 1, successful: 1, skipped: 0, failed: 0 };

function newId(call: Call): string {
  const { cluster } = call.world;
  return cluster.random.id(20, 'document', cluster.nextAllocation());
}

/** The indices that the path names. @throws 404 for one that is named and does not exist */
function existing(call: Call, indices: Indices): readonly Index[] {
  const expression = call.parameters.index ?? '_all';
  if (/^_(?!all$)/.test(expression))
    throw new ElasticsearchError(400, {
      type: 'invalid_index_name_exception',
      reason: `Invalid index name [${expression}], must not start with '_'.`,
      metadata: { index: expression, index_uuid: '_na_' },
    });
  const { found, missing } = indices.resolve(expression);
  const lenient = call.query.text('ignore_unavailable');
  // the results of jobs are shown as part of their stats; their indices are there for whoever looks
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

function byName(found: readonly Index[], view: (index: Index) => object): object {
  return Object.fromEntries(found.map((entry) => [entry.name, view(entry)]));
}

const aliasesOf = (entry: Index) => Object.fromEntries([...entry.aliases].map((name) => [name, {}]));

function settingsOf(entry: Index): object {
  return {
    index: {
      number_of_shards: '1',
      number_of_replicas: '1',
      uuid: entry.uuid,
      creation_date: String(entry.created),
      provided_name: entry.name,
      ...(entry.settings.index as object),
    },
  };
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
