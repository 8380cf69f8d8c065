/** @module Plain indices: the few endpoints that people and tests need to work with a datafeed. */
import { type Route, route } from '../http/call.ts';
import type { Document, Index } from '../state/indices.ts';
import { closeResults, dropResults } from '../state/results-index.ts';
import { existing, indexAction, plain } from './index-calls.ts';

export const indicesRoutes: readonly Route[] = [
  route(
    'indices.create',
    'PUT',
    '/{index}',
    indexAction('admin/create'),
    plain((call, indices) => {
      const given = (call.body.present ? call.body.json() : {}) as Record<string, Document>;
      const name = call.parameters.index ?? '';
      indices.create(name, given, call.context.cluster.clock.now());
      return { acknowledged: true, shards_acknowledged: true, index: name };
    }),
  ),
  route(
    'indices.delete',
    'DELETE',
    '/{index}',
    indexAction('admin/delete'),
    plain((call, indices) => {
      if (call.context.cluster.streams.dropBacking(call.parameters.index ?? ''))
        return { acknowledged: true };
      for (const { name } of existing(call, indices)) indices.delete(name);
      dropResults(call.context.cluster, call.parameters.index ?? '');
      return { acknowledged: true };
    }),
  ),
  route(
    'indices.get',
    'GET HEAD',
    '/{index}',
    indexAction('admin/get'),
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
    indexAction('admin/mappings/get'),
    plain((call, indices) => byName(existing(call, indices), ({ mappings }) => ({ mappings }))),
  ),
  route(
    'indices.put_mapping',
    'PUT POST',
    '/{index}/_mapping',
    indexAction('admin/mapping/put'),
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
    indexAction('monitor/settings/get'),
    plain((call, indices) => byName(existing(call, indices), (entry) => ({ settings: settingsOf(entry) }))),
  ),
  route(
    'indices.put_settings',
    'PUT',
    ['/_settings', '/{index}/_settings'],
    indexAction('admin/settings/update'),
    plain((call, indices) => {
      const changes = call.body.json() as Document;
      const blocked = changes['index.blocks.write'];
      const { streams } = call.context.cluster;
      if (
        typeof blocked === 'boolean' &&
        streams.change(call.parameters.index ?? '', { isBlocked: blocked }) > 0
      )
        return { acknowledged: true };
      for (const entry of existing(call, indices)) entry.settings = { ...entry.settings, ...changes };
      return { acknowledged: true };
    }),
  ),
  route(
    'indices.get_alias',
    'GET HEAD',
    ['/_alias', '/_alias/{name}', '/{index}/_alias', '/{index}/_alias/{name}'],
    indexAction('admin/aliases/get'),
    plain((call, indices) => byName(existing(call, indices), (entry) => ({ aliases: aliasesOf(entry) }))),
  ),
  route(
    'indices.put_alias',
    'PUT POST',
    ['/{index}/_alias/{name}', '/{index}/_aliases/{name}'],
    indexAction('admin/aliases'),
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
    indexAction('admin/refresh'),
    plain((call, indices) => {
      if (!call.context.cluster.streams.get(call.parameters.index ?? '')) existing(call, indices);
      return { _shards: { total: 2, successful: 1, failed: 0 } };
    }),
  ),
  route(
    'indices.open_close',
    'POST',
    ['/{index}/_open', '/{index}/_close'],
    indexAction('admin/open'),
    plain((call, indices) => {
      const isClosed = call.path.endsWith('_close');
      const { cluster } = call.context;
      // unlike a real cluster, also closes the newest backing index of a data stream
      if (cluster.streams.change(call.parameters.index ?? '', { isClosed }) === 0) existing(call, indices);
      closeResults(cluster, call.parameters.index ?? '', isClosed);
      return { acknowledged: true, shards_acknowledged: true };
    }),
  ),
];

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
