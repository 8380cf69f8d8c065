/** @module Data streams and the requests that manage them: templates, lifecycles, rollovers. */
import { notFound } from '../errors.ts';
import { type Route, route } from '../http/call.ts';
import { type DataStream, writeIndex } from '../state/data-stream-store.ts';
import type { Document } from '../state/indices.ts';
import { indexAction, plain } from './index-calls.ts';
import { missingStream } from './stream-writes.ts';

export const dataStreamsRoutes: readonly Route[] = [
  route(
    'indices.put_index_template',
    'PUT POST',
    '/_index_template/{name}',
    ['manage', 'indices:admin/index_template/put'],
    plain((call) => {
      const body = call.body.json() as Document;
      const {
        index_patterns: patterns = [],
        priority = 0,
        data_stream: stream,
        allow_auto_create: auto,
      } = body;
      call.context.cluster.streams.putTemplate({
        name: call.parameters.name ?? '',
        patterns: [patterns].flat() as string[],
        priority: priority as number,
        isDataStream: stream !== undefined,
        allowsAutoCreate: auto === true,
        body,
      });
      return { acknowledged: true };
    }),
  ),
  route(
    'indices.delete_index_template',
    'DELETE',
    '/_index_template/{name}',
    ['manage', 'indices:admin/index_template/delete'],
    plain((call) => {
      const { name = '' } = call.parameters;
      if (!call.context.cluster.streams.deleteTemplate(name))
        throw notFound(`index template matching [${name}] not found`);
      return { acknowledged: true };
    }),
  ),
  route(
    'ilm.put_lifecycle',
    'PUT',
    '/_ilm/policy/{name}',
    ['manage', 'cluster:admin/ilm/put'],
    plain((call) => {
      call.body.json();
      return { acknowledged: true };
    }),
  ),
  route(
    'indices.get_data_stream',
    'GET',
    ['/_data_stream', '/_data_stream/{name}'],
    indexAction('admin/data_stream/get'),
    plain((call) => {
      const { name = '*' } = call.parameters;
      const found = call.context.cluster.streams.matching(name);
      if (found.length === 0 && !name.includes('*')) throw missingStream(name);
      return { data_streams: found.map(viewOf) };
    }),
  ),
  route(
    'indices.create_data_stream',
    'PUT',
    '/_data_stream/{name}',
    indexAction('admin/data_stream/create'),
    plain((call) => {
      call.context.cluster.streams.create(call.parameters.name ?? '', call.context.cluster.clock.now());
      return { acknowledged: true };
    }),
  ),
  route(
    'indices.delete_data_stream',
    'DELETE',
    '/_data_stream/{name}',
    indexAction('admin/data_stream/delete'),
    plain((call) => {
      const { name = '' } = call.parameters;
      if (!call.context.cluster.streams.delete(name)) throw missingStream(name);
      return { acknowledged: true };
    }),
  ),
  route(
    'indices.put_data_lifecycle',
    'PUT',
    '/_data_stream/{name}/_lifecycle',
    indexAction('admin/data_stream/lifecycle/put'),
    plain((call) => {
      const lifecycle = call.body.json() as Document;
      for (const stream of call.context.cluster.streams.matching(call.parameters.name ?? ''))
        stream.lifecycle = lifecycle;
      return { acknowledged: true };
    }),
  ),
  route(
    'indices.rollover',
    'POST',
    '/{name}/_rollover',
    indexAction('admin/rollover'),
    plain((call) => {
      const { name = '' } = call.parameters;
      const { from, to } = call.context.cluster.streams.rollover(name, call.context.cluster.clock.now());
      return {
        acknowledged: true,
        shards_acknowledged: true,
        old_index: from,
        new_index: to,
        rolled_over: true,
      };
    }),
  ),
];

const viewOf = (stream: DataStream) => ({
  name: stream.name,
  timestamp_field: { name: '@timestamp' },
  indices: stream.backing.map(({ name }) => ({ index_name: name })),
  generation: stream.backing.length,
  write_index: writeIndex(stream).name,
  status: 'GREEN',
  template: stream.template,
  ...(stream.lifecycle && { lifecycle: { enabled: true, ...stream.lifecycle } }),
});
