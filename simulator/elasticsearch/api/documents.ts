/** @module Writing, reading, counting and searching documents in plain indices. */
import { type Route, route } from '../http/call.ts';
import { parseRecords } from '../state/records.ts';
import { countsDocument, isHidden } from '../state/results-index.ts';
import { bulk } from './bulk.ts';
import { existing, indexAction, missingIndex, newId, plain, written } from './index-calls.ts';
import { namesNotifications, searchNotifications } from './notifications.ts';
import { search } from './search.ts';
import { searchStreams } from './stream-search.ts';

export const documentsRoutes: readonly Route[] = [
  route(
    'index',
    'PUT POST',
    ['/{index}/_doc', '/{index}/_doc/{id}', '/{index}/_create/{id}'],
    indexAction('data/write/index'),
    plain((call, indices) => {
      const { index: name = '', id = newId(call) } = call.parameters;
      const [source = {}] = parseRecords(call.body.text);
      const { created, version, sequence } = indices.store(
        name,
        id,
        source,
        call.context.cluster.clock.now(),
      );
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
    indexAction('data/read/get'),
    plain((call, indices) => {
      const { index: name = '', id = '' } = call.parameters;
      const virtual = countsDocument(call.context.cluster, name, id);
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
    indexAction('data/write/delete'),
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
    indexAction('data/write/bulk'),
    plain((call, indices) => bulk(call, indices, () => newId(call))),
  ),
  route(
    'count',
    'GET POST',
    ['/_count', '/{index}/_count'],
    indexAction('data/read/search'),
    plain((call, indices) => {
      const { found } = search(call, existing(call, indices));
      return { count: found, _shards: shards };
    }),
  ),
  route('search', 'GET POST', ['/_search', '/{index}/_search'], indexAction('data/read/search'), (call) => {
    call.query.ignore('size', 'from', 'q', 'sort', 'track_total_hits');
    return plain((inner, indices) => {
      if (namesNotifications(inner.parameters.index)) return searchNotifications(inner);
      const { index } = inner.parameters;
      if (index !== undefined && namesStream(index) && indices.resolve(index).found.length === 0)
        return searchStreams(inner, index);
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

/** The names of data streams for logs begin with `logs-`. */
const namesStream = (expression: string) => expression.startsWith('logs-');

const shards = { total: 1, successful: 1, skipped: 0, failed: 0 };
