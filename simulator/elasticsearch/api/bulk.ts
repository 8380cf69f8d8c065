/** @module `_bulk`: one line per action, followed by its document. */
import type { Call } from '../http/call.ts';
import type { Indices } from '../state/indices.ts';
import { type JsonRecord, parseRecords } from '../state/records.ts';
import { written } from './index-calls.ts';

export function bulk(call: Call, indices: Indices, newId: () => string): object {
  const lines = parseRecords(call.body.text);
  const now = call.context.cluster.clock.now();
  const items: object[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [action = '', target] = Object.entries(lines[at] ?? {})[0] ?? [];
    const { _index, _id } = (target ?? {}) as JsonRecord;
    const name = typeof _index === 'string' ? _index : (call.parameters.index ?? '');
    const id = typeof _id === 'string' || typeof _id === 'number' ? String(_id) : newId();
    if (action === 'delete') {
      const found = indices.remove(name, id);
      items.push({
        delete: { ...written(name, id, found ? 'deleted' : 'not_found', 2, 1), status: found ? 200 : 404 },
      });
      continue;
    }
    at += 1;
    const given = lines[at] ?? {};
    const old = indices.get(name)?.documents.get(id)?.source;
    const source = action === 'update' ? { ...old, ...(given.doc as JsonRecord) } : given;
    const { created, version, sequence } = indices.store(name, id, source, now);
    items.push({
      [action]: {
        ...written(name, id, created ? 'created' : 'updated', version, sequence),
        status: created ? 201 : 200,
      },
    });
  }
  return { took: 1, errors: false, items };
}
