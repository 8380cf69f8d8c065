/** @module `_bulk`: each action is on one line, and its document on the next. */
import type { Call } from '../http/call.ts';
import type { ItemResult } from '../state/data-stream-store.ts';
import type { Indices } from '../state/indices.ts';
import { type JsonRecord, parseRecords } from '../state/records.ts';
import { written } from './index-calls.ts';
import { addToStream, authorizeWrites, autoCreateOff, streamItem } from './stream-writes.ts';

export function bulk(call: Call, indices: Indices, newId: () => string): object {
  const lines = parseRecords(call.body.text);
  const now = call.context.cluster.clock.now();
  const items: object[] = [];
  const { streams } = call.context.cluster;
  if (call.parameters.index !== undefined && streams.names(call.parameters.index))
    authorizeWrites(call, [call.parameters.index]);
  let hasErrors = false;
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
    if (streams.names(name)) {
      const added = addToStream(call, name, id, action, given);
      hasErrors ||= 'error' in added;
      items.push(streamItem(action, name, id, added));
      continue;
    }
    const result = refusal(call, indices, { name, id, action });
    if (result) {
      hasErrors = true;
      items.push(streamItem(action, name, id, result));
      continue;
    }
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
  return { took: 1, errors: hasErrors, items };
}

/** The error for an item that a plain index refuses. */
function refusal(
  { context: { cluster } }: Call,
  indices: Indices,
  { name, id, action }: { readonly name: string; readonly id: string; readonly action: string },
): ItemResult | undefined {
  const index = indices.get(name);
  if (!index && cluster.settings.text('action.auto_create_index') === 'false') return autoCreateOff(name);
  if (action !== 'create' || !index?.documents.has(id)) return undefined;
  const reason = `[${id}]: version conflict, document already exists (current version [1])`;
  return { status: 409, error: { type: 'version_conflict_engine_exception', reason } };
}
