/** @module The supported queries: match all, one value, a range, ids, and combinations of these. */
import { ElasticsearchError } from '../errors.ts';
import type { Call } from '../http/call.ts';
import { wildcard } from '../state/expressions.ts';
import type { Document, Index } from '../state/indices.ts';

type Test = (source: Document, id: string) => boolean;

export function search(call: Call, indices: readonly Index[]): { hits: object[]; found: number } {
  const request = (call.body.present ? call.body.json() : {}) as {
    query?: Document;
    size?: number;
    from?: number;
  };
  const test = compileQuery(request.query ?? { match_all: {} });
  const size = call.query.integer('size') ?? request.size ?? 10;
  const from = call.query.integer('from') ?? request.from ?? 0;
  const found: object[] = [];
  for (const index of indices)
    for (const [id, { source }] of index.documents)
      if (test(source, id)) found.push({ _index: index.name, _id: id, _score: 1, _source: source });
  return { hits: found.slice(from, from + size), found: found.length };
}

export function compileQuery(query: Document): Test {
  const [kind = 'match_all', body] = Object.entries(query)[0] ?? [];
  const [field = '', given] = Object.entries((body ?? {}) as Document)[0] ?? [];
  switch (kind) {
    case 'match_all':
      return () => true;
    case 'term':
    case 'match': {
      const wanted =
        typeof given === 'object' && given !== null
          ? ((given as Document).value ?? (given as Document).query)
          : given;
      return (source) => String(fieldOf(source, field)) === String(wanted);
    }
    case 'terms':
      return (source) => ((given ?? []) as unknown[]).map(String).includes(String(fieldOf(source, field)));
    case 'prefix': {
      const start = typeof given === 'object' && given !== null ? (given as Document).value : given;
      return (source) => textIn(source, field).startsWith(String(start));
    }
    case 'wildcard': {
      const pattern = typeof given === 'object' && given !== null ? (given as Document).value : given;
      const matches = wildcard(String(pattern));
      return (source) => matches(textIn(source, field));
    }
    case 'exists':
      return (source) => fieldOf(source, String(given)) !== undefined;
    case 'ids':
      return (_source, id) => ((given ?? []) as unknown[]).includes(id);
    case 'range': {
      const { gte, gt, lte, lt } = given as Record<string, number | string | undefined>;
      return (source) => {
        const value = comparable(fieldOf(source, field));
        if (value === undefined) return false;
        const [from, after, to, before] = [gte, gt, lte, lt].map(comparable);
        return !(
          (from !== undefined && value < from) ||
          (after !== undefined && value <= after) ||
          (to !== undefined && value > to) ||
          (before !== undefined && value >= before)
        );
      };
    }
    case 'bool':
      return compileBool(body as Document);
    default:
      throw new ElasticsearchError(400, { type: 'parsing_exception', reason: `unknown query [${kind}]` });
  }
}

/** The value of a field that is named by its dotted path or its literal name. `name.raw` falls back to `name`. */
const fieldOf = (source: Document, field: string): unknown =>
  source[field] ?? source[field.replace(/\.raw$/, '')] ?? innerField(source, field);

function innerField(source: Document, field: string): unknown {
  let value: unknown = source;
  for (const key of field.split('.'))
    value = typeof value === 'object' && value !== null ? (value as Document)[key] : undefined;
  return value;
}

/** Dates are compared as epoch milliseconds. */
function comparable(value: unknown): number | string | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  return /^\d{4}-\d{2}-\d{2}T/.test(value) ? Date.parse(value) : value;
}

function textIn(source: Document, field: string): string {
  const value = fieldOf(source, field);
  return typeof value === 'string' ? value : '';
}

function compileBool(body: Document): Test {
  const clauses = (name: string) => [body[name] ?? []].flat().map((query) => compileQuery(query as Document));
  const must = [...clauses('must'), ...clauses('filter')];
  const not = clauses('must_not');
  const should = clauses('should');
  return (source, id) =>
    must.every((test) => test(source, id)) &&
    !not.some((test) => test(source, id)) &&
    (should.length === 0 || must.length > 0 || should.some((test) => test(source, id)));
}
