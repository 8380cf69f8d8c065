/**
 * @module Data streams: their templates, backing indices, mappings, and write errors. Limited to what writers and
 * readers of logs use: documents are created, never changed.
 */
import { ElasticsearchError, type ErrorCause } from '../errors.ts';
import type { Stack } from '../versions.ts';
import { wildcard } from './expressions.ts';
import type { Document } from './indices.ts';

export interface IndexTemplate {
  readonly name: string;
  readonly patterns: readonly string[];
  readonly priority: number;
  readonly isDataStream: boolean;
  /** Whether the template may create an index even if the cluster setting forbids automatic creation. */
  readonly allowsAutoCreate: boolean;
  readonly body: Document;
}

interface BackingIndex {
  readonly name: string;
  readonly created: number;
  readonly mappings: Document;
  readonly documents: Map<string, Document>;
  isClosed: boolean;
  isBlocked: boolean;
}

export interface DataStream {
  readonly name: string;
  readonly template: string;
  readonly backing: BackingIndex[];
  lifecycle: Document | undefined;
}

export interface StoredHit {
  readonly index: string;
  readonly id: string;
  readonly source: Document;
}

/** The result of one item of a bulk request. */
export type ItemResult =
  | { readonly status: 201; readonly index: string; readonly sequence: number }
  | { readonly status: number; readonly error: ErrorCause };

/** The built-in template for logs. A cluster has it unless `stack.templates.enabled` is false. */
const builtIn: IndexTemplate = {
  name: 'logs',
  patterns: ['logs-*-*'],
  priority: 100,
  isDataStream: true,
  allowsAutoCreate: true,
  body: { template: { mappings: { date_detection: false } } },
};

const refused = (
  status: number,
  type: string,
  reason: string,
  metadata?: ErrorCause['metadata'],
): ItemResult => ({
  status,
  error: { type, reason, ...(metadata && { metadata }) },
});

export class DataStreams {
  readonly #streams = new Map<string, DataStream>();
  readonly #templates = new Map<string, IndexTemplate>();
  readonly #stack: Stack;
  #sequence = 0;
  /** How many more bulk items to reject, as if the write queue were full. */
  #rejections = 0;
  readonly #hasBuiltIn: () => boolean;

  constructor(stack: Stack, hasBuiltIn: () => boolean) {
    this.#stack = stack;
    this.#hasBuiltIn = hasBuiltIn;
  }

  get(name: string): DataStream | undefined {
    return this.#streams.get(name);
  }

  putTemplate(template: IndexTemplate): void {
    this.#templates.set(template.name, template);
  }

  deleteTemplate(name: string): boolean {
    return this.#templates.delete(name);
  }

  /** Rejects the next `items` bulk items with 429, like a node with a full write queue. */
  rejectNext(items: number): void {
    this.#rejections = items;
  }

  /** The template that applies to a new index: of those that match, the one with the highest priority. */
  templateOf(name: string): IndexTemplate | undefined {
    return [...(this.#hasBuiltIn() ? [builtIn] : []), ...this.#templates.values()]
      .filter(({ patterns }) => patterns.some((pattern) => wildcard(pattern)(name)))
      .sort((a, b) => b.priority - a.priority)[0];
  }

  /** Whether a write to this name goes to a data stream: one that exists, or one that a template would create. */
  names(name: string): boolean {
    return this.#streams.has(name) || this.templateOf(name)?.isDataStream === true;
  }

  matching(expression: string): DataStream[] {
    const tokens = expression.split(',').map(wildcard);
    return [...this.#streams.values()].filter(
      ({ name, backing }) =>
        tokens.some((matches) => matches(name)) ||
        backing.some((index) => tokens.some((matches) => matches(index.name))),
    );
  }

  create(name: string, now: number): DataStream {
    const template = this.templateOf(name);
    if (!template?.isDataStream)
      throw new ElasticsearchError(400, {
        type: 'illegal_argument_exception',
        reason: `no matching index template found for data stream [${name}]`,
      });
    const inner = (template.body.template ?? {}) as Document;
    const stream: DataStream = {
      name,
      template: template.name,
      backing: [],
      lifecycle: inner.lifecycle as Document | undefined,
    };
    this.#streams.set(name, stream);
    this.#addBacking(stream, template, now);
    return stream;
  }

  /** Creates a new backing index for new documents. Document ids are unique only within one backing index. */
  rollover(name: string, now: number): { readonly from: string; readonly to: string } {
    const stream = this.#streams.get(name);
    const template = this.templateOf(name);
    if (!stream || !template) throw missing(name);
    const from = writeIndex(stream).name;
    this.#addBacking(stream, template, now);
    return { from, to: writeIndex(stream).name };
  }

  delete(name: string): boolean {
    return this.#streams.delete(name);
  }

  /** Deletes a backing index with its documents, as a lifecycle does. */
  dropBacking(name: string): boolean {
    for (const { backing } of this.#streams.values()) {
      const at = backing.findIndex((index) => index.name === name);
      if (at >= 0 && at < backing.length - 1) return backing.splice(at, 1).length > 0;
    }
    return false;
  }

  /** Closes or opens backing indices, or blocks or allows writes to them. */
  change(expression: string, changes: Partial<Pick<BackingIndex, 'isClosed' | 'isBlocked'>>): number {
    const tokens = expression.split(',').map(wildcard);
    const found = this.matching(expression).flatMap(({ name, backing }) =>
      backing.filter((index) => tokens.some((matches) => matches(name) || matches(index.name))),
    );
    for (const index of found) Object.assign(index, changes);
    return found.length;
  }

  /** Creates one document. The data stream must exist. */
  add(name: string, id: string, source: Document): ItemResult {
    const stream = this.#streams.get(name);
    if (!stream) return refused(404, 'index_not_found_exception', `no such index [${name}]`, { index: name });
    const index = writeIndex(stream);
    if (this.#rejections > 0) {
      this.#rejections -= 1;
      return refused(
        429,
        'es_rejected_execution_exception',
        'rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0, all_bytes=0]',
      );
    }
    if (index.isClosed) return refused(400, 'index_closed_exception', 'closed', { index: index.name });
    if (index.isBlocked)
      return refused(
        403,
        'cluster_block_exception',
        `index [${index.name}] blocked by: [FORBIDDEN/8/index write (api)];`,
      );
    if (index.documents.has(id))
      return refused(
        409,
        'version_conflict_engine_exception',
        `[${id}]: version conflict, document already exists (current version [1])`,
        { index: index.name },
      );
    const problem = problemOf(source, index.mappings);
    if (problem !== undefined)
      return refused(
        400,
        this.#stack === '7.17' ? 'mapper_parsing_exception' : 'document_parsing_exception',
        `[1:1] failed to parse: ${problem}`,
      );
    this.#sequence += 1;
    index.documents.set(id, source);
    return { status: 201, index: index.name, sequence: this.#sequence };
  }

  hits(expression: string): StoredHit[] {
    return this.matching(expression).flatMap(({ backing }) =>
      backing
        .filter(({ isClosed }) => !isClosed)
        .flatMap(({ name, documents }) =>
          [...documents].map(([id, source]) => ({ index: name, id, source })),
        ),
    );
  }

  #addBacking(stream: DataStream, template: IndexTemplate, now: number): void {
    const { mappings = {} } = (template.body.template ?? {}) as { mappings?: Document };
    const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '.');
    const generation = String(stream.backing.length + 1).padStart(6, '0');
    stream.backing.push({
      name: `.ds-${stream.name}-${day}-${generation}`,
      created: now,
      mappings,
      documents: new Map(),
      isClosed: false,
      isBlocked: false,
    });
  }
}

export function writeIndex({ backing, name }: DataStream): BackingIndex {
  const last = backing.at(-1);
  if (!last) throw new Error(`the data stream ${name} has no backing index`);
  return last;
}

function missing(name: string): ElasticsearchError {
  return new ElasticsearchError(404, {
    type: 'index_not_found_exception',
    reason: `no such index [${name}]`,
    metadata: { index: name },
  });
}

/** Why a document does not fit the mapping; undefined if it fits. */
function problemOf(source: Document, mappings: Document): string | undefined {
  if (source['@timestamp'] === undefined) return 'data stream timestamp field [@timestamp] is missing';
  return problemIn(source, (mappings.properties ?? {}) as Document, '');
}

function problemIn(source: Document, properties: Document, prefix: string): string | undefined {
  for (const [name, value] of Object.entries(source)) {
    const field = `${prefix}${name}`;
    const mapping = (properties[name] ?? {}) as { type?: string; properties?: Document };
    for (const each of [value].flat()) {
      if (each === null) continue;
      const isObject = typeof each === 'object';
      if (isObject && mapping.type !== undefined)
        return `failed to parse field [${field}] of type [${mapping.type}]`;
      if (!isObject && mapping.properties)
        return `object mapping for [${field}] tried to parse field [${name}] as object, but found a concrete value`;
      const inner = isObject
        ? problemIn(each as Document, mapping.properties ?? {}, `${field}.`)
        : fits(each, mapping.type)
          ? undefined
          : `failed to parse field [${field}] of type [${mapping.type}] with value '${JSON.stringify(each)}'`;
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

/** Whether `value` can be indexed as `type`. Text types accept every scalar. */
function fits(value: unknown, type: string | undefined): boolean {
  switch (type) {
    case 'long':
      return Number.isFinite(Number(value)) && value !== '' && typeof value !== 'boolean';
    case 'double':
      return Number.isFinite(Number(value)) && value !== '';
    case 'boolean':
      return typeof value === 'boolean' || value === 'true' || value === 'false';
    case 'date':
      return typeof value === 'number' || (typeof value === 'string' && isDate(value));
    default:
      return true;
  }
}

/** Whether a text has the default format of a date, `strict_date_optional_time||epoch_millis`. */
const isDate = (text: string) =>
  /^\d+$/.test(text) ||
  (/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text) &&
    !Number.isNaN(Date.parse(text)));
