/** @module Items of a `_bulk` request for data streams: which items create a stream, and who may write. */
import { ElasticsearchError } from '../errors.ts';
import type { Call } from '../http/call.ts';
import type { ItemResult } from '../state/data-stream-store.ts';
import type { Document } from '../state/indices.ts';

/** @throws 403 for the whole request if the caller may not write to any of the streams in it */
export function authorizeWrites({ context: { security }, principal }: Call, names: readonly string[]): void {
  for (const name of names) {
    if (security.hasOnIndex(principal, name, 'create_doc')) continue;
    throw security.indexDenied(
      principal,
      name,
      'indices:data/write/bulk',
      'create_doc,create,delete,index,write,all',
    );
  }
}

export function addToStream(
  call: Call,
  name: string,
  id: string,
  action: string,
  source: Document,
): ItemResult {
  const { cluster, security } = call.context;
  const { streams } = cluster;
  if (action !== 'create')
    return {
      status: 400,
      error: {
        type: 'illegal_argument_exception',
        reason: 'only write ops with an op_type of create are allowed in data streams',
      },
    };
  if (!streams.get(name)) {
    const mayCreate =
      cluster.settings.text('action.auto_create_index') !== 'false' ||
      streams.templateOf(name)?.allowsAutoCreate === true;
    if (!mayCreate) return autoCreateOff(name);
    if (!security.hasOnIndex(call.principal, name, 'auto_configure')) {
      const { details, status } = security.indexDenied(
        call.principal,
        name,
        'indices:admin/auto_create',
        'auto_configure,create_index,manage,all',
      );
      return { status, error: details };
    }
    streams.create(name, cluster.clock.now());
  }
  return streams.add(name, id, source);
}

export const autoCreateOff = (name: string): ItemResult => ({
  status: 404,
  error: {
    type: 'index_not_found_exception',
    reason: `no such index [${name}] and [action.auto_create_index] is [false]`,
    metadata: { index: name, index_uuid: '_na_' },
  },
});

/** One item of the answer to a bulk request, in the server's format. */
export function streamItem(action: string, name: string, id: string, result: ItemResult): object {
  if ('error' in result) {
    const { metadata, caused_by: _cause, header: _header, ...error } = result.error;
    return { [action]: { _index: name, _id: id, status: result.status, error: { ...error, ...metadata } } };
  }
  return {
    [action]: {
      _index: result.index,
      _id: id,
      _version: 1,
      result: 'created',
      _shards: { total: 2, successful: 1, failed: 0 },
      _seq_no: result.sequence,
      _primary_term: 1,
      status: 201,
    },
  };
}

/** @throws 403 if the caller may not read one of the data streams in `expression` */
export function authorizeRead({ context: { security }, principal }: Call, expression: string): void {
  for (const name of expression.split(','))
    if (!security.hasOnIndex(principal, name, 'read'))
      throw security.indexDenied(principal, name, 'indices:data/read/search', 'read,all');
}

export function missingStream(name: string): ElasticsearchError {
  return new ElasticsearchError(404, {
    type: 'index_not_found_exception',
    reason: `no such index [${name}]`,
    metadata: { 'resource.type': 'index_or_alias', 'resource.id': name, index_uuid: '_na_', index: name },
  });
}
