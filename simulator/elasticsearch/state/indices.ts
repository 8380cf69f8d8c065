/**
 * @module Plain indices, limited to what datafeeds need. Mappings are not enforced, and only a few common queries work.
 */
import { ElasticsearchError } from '../errors.ts';
import { wildcard } from './expressions.ts';
import type { Records, Source } from './record-source.ts';
import { recordTime } from './records.ts';

export type Document = Record<string, unknown>;

interface StoredDocument {
  readonly source: Document;
  readonly version: number;
  readonly sequence: number;
}

export interface Index {
  readonly name: string;
  readonly uuid: string;
  readonly created: number;
  mappings: Document;
  settings: Document;
  readonly aliases: Set<string>;
  readonly documents: Map<string, StoredDocument>;
  /** Increases with every change, so that results calculated from the documents can be cached. */
  changes: number;
}

export class Indices {
  readonly #indices = new Map<string, Index>();
  #sequence = 0;

  get(name: string): Index | undefined {
    return this.#indices.get(name);
  }

  /** @throws 400 for an existing or invalid name */
  create(
    name: string,
    { mappings = {}, settings = {}, aliases = {} }: Record<string, Document>,
    now: number,
  ): Index {
    if (this.#indices.has(name))
      throw new ElasticsearchError(400, {
        type: 'resource_already_exists_exception',
        reason: `index [${name}/${this.#indices.get(name)?.uuid}] already exists`,
        metadata: { index: name },
      });
    const problem = invalidName(name);
    if (problem)
      throw new ElasticsearchError(400, {
        type: 'invalid_index_name_exception',
        reason: `Invalid index name [${name}], ${problem}`,
        metadata: { index: name, index_uuid: '_na_' },
      });
    const index: Index = {
      name,
      uuid: Buffer.from(`${name}-${now}`.padEnd(16, '.').slice(0, 16)).toString('base64url'),
      created: now,
      mappings,
      settings,
      aliases: new Set(Object.keys(aliases)),
      documents: new Map(),
      changes: 0,
    };
    this.#indices.set(name, index);
    return index;
  }

  delete(name: string): void {
    this.#indices.delete(name);
  }

  /** The indices that an expression of names, aliases and patterns matches. */
  resolve(expression: string): { readonly found: readonly Index[]; readonly missing: readonly string[] } {
    const found = new Set<Index>();
    const missing: string[] = [];
    for (const token of expression.split(',').map((part) => part.trim())) {
      const before = found.size;
      const all = token === '' || token === '_all' || token === '*';
      const matches = all ? () => true : wildcard(token);
      for (const index of this.#indices.values())
        if (matches(index.name) || [...index.aliases].some(matches)) found.add(index);
      if (found.size === before && !all && !token.includes('*')) missing.push(token);
    }
    return { found: [...found].sort((a, b) => (a.name < b.name ? -1 : 1)), missing };
  }

  /** Stores a document and creates its index if necessary. */
  store(
    name: string,
    id: string,
    source: Document,
    now: number,
  ): StoredDocument & { readonly created: boolean } {
    const index = this.#indices.get(name) ?? this.create(name, {}, now);
    const old = index.documents.get(id);
    this.#sequence += 1;
    const stored = { source, version: (old?.version ?? 0) + 1, sequence: this.#sequence };
    index.documents.set(id, stored);
    index.changes += 1;
    return { ...stored, created: old === undefined };
  }

  remove(name: string, id: string): boolean {
    const index = this.#indices.get(name);
    if (!index?.documents.delete(id)) return false;
    index.changes += 1;
    return true;
  }

  /** The records that a datafeed finds in `indices`, ordered by the time in `timeField`. */
  source(indices: string, timeField: string, fields: number): Source {
    let read: { readonly version: string; readonly times: readonly number[] } | undefined;
    const times = (): readonly number[] => {
      const { found } = this.resolve(indices);
      const version = found.map((index) => `${index.uuid}:${index.changes}`).join();
      if (read?.version !== version) read = { version, times: sortedTimes(found, timeField) };
      return read.times;
    };
    return {
      between: (from, to) => recordsBetween(times(), from, to, fields),
      first: (from) => times()[lowerBound(times(), from)],
    };
  }
}

function sortedTimes(indices: readonly Index[], timeField: string): number[] {
  const times: number[] = [];
  for (const { documents } of indices)
    for (const { source } of documents.values()) {
      const value = source[timeField];
      // dates in documents are epoch milliseconds or ISO 8601
      const time =
        typeof value === 'string' && !/^\d+$/.test(value) ? Date.parse(value) : recordTime(value, 'epoch_ms');
      if (time !== undefined && !Number.isNaN(time)) times.push(time);
    }
  return times.sort((a, b) => a - b);
}

function recordsBetween(
  times: readonly number[],
  from: number,
  to: number,
  fields: number,
): Records | undefined {
  const start = lowerBound(times, from);
  const end = lowerBound(times, to);
  const first = times[start];
  const last = times[end - 1];
  if (end <= start || first === undefined || last === undefined) return undefined;
  const count = end - start;
  return { count, first, last, bytes: count * 60, fields: count * fields };
}

/** The first position at which `times` is at least `value`. */
function lowerBound(times: readonly number[], value: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function invalidName(name: string): string | undefined {
  if (name !== name.toLowerCase()) return 'must be lowercase';
  if (/^[_\-+]/.test(name)) return "must not start with '_', '-', or '+'";
  if (/[\\/*?"<>| ,#]/.test(name))
    return `must not contain the following characters ['\\','/','*','?','"','<','>','|',' ','#',',']`;
  return name === '.' || name === '..' ? "must not be '.' or '..'" : undefined;
}
