/** @module Searches of data streams: a filter, a sort by several fields, pages by `search_after`, and counts by field. */
import { illegalArgument } from '../errors.ts';
import type { Call } from '../http/call.ts';
import type { Document } from '../state/indices.ts';
import { compileQuery } from './search.ts';
import { authorizeRead, missingStream } from './stream-writes.ts';

const window = 10_000;

type Order = 'asc' | 'desc';
interface Search {
  readonly query?: Document;
  readonly size?: number;
  readonly from?: number;
  readonly sort?: readonly Readonly<Record<string, Order | { readonly order: Order }>>[];
  readonly search_after?: readonly unknown[];
}

export function searchStreams(call: Call, expression: string): object {
  authorizeRead(call, expression);
  const { streams } = call.context.cluster;
  const found = streams.matching(expression);
  if (found.length === 0 && !expression.includes('*') && call.query.text('ignore_unavailable') !== 'true')
    throw missingStream(expression);
  const request = (call.body.present ? call.body.json() : {}) as Search;
  const { query = { match_all: {} }, size = 10, from = 0, sort = [], search_after: after } = request;
  if (from + size > window)
    throw illegalArgument(
      `Result window is too large, from + size must be less than or equal to: [${window}] but was [${from + size}].`,
    );
  if (after && after.length !== sort.length)
    throw illegalArgument(`search_after has ${after.length} value(s) but sort has ${sort.length}.`);
  const orders = sort.map((by) => {
    const [field = '', given] = Object.entries(by)[0] ?? [];
    return { field, descends: (typeof given === 'object' ? given.order : given) === 'desc' };
  });
  const matches = compileQuery(query);
  const hits = streams
    .hits(expression)
    .filter(({ source, id }) => matches(source, id))
    .map((hit) => ({ ...hit, sort: orders.map(({ field }) => sortValue(valueAt(hit.source, field))) }))
    .sort((a, b) => compare(a.sort, b.sort, orders));
  const page = hits.filter((hit) => !after || compare(hit.sort, after.map(sortValue), orders) > 0);
  return {
    took: 2,
    timed_out: false,
    _shards: { total: found.length, successful: found.length, skipped: 0, failed: 0 },
    hits: {
      total: { value: hits.length, relation: 'eq' },
      max_score: null,
      hits: page.slice(from, from + size).map(({ index, id, source, sort: values }) => ({
        _index: index,
        _id: id,
        _score: null,
        _source: source,
        ...(orders.length > 0 && { sort: values }),
      })),
    },
  };
}

/** The value of a field that is named by its dotted path. */
function valueAt(source: Document, field: string): unknown {
  let value: unknown = source;
  for (const key of field.split('.'))
    value = typeof value === 'object' && value !== null ? (value as Document)[key] : undefined;
  return value;
}

/** Dates are sorted, and returned, as epoch milliseconds. */
function sortValue(value: unknown): number | string | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return null;
  return /^\d{4}-\d{2}-\d{2}T/.test(value) ? Date.parse(value) : value;
}

function compare(
  a: readonly (number | string | null)[],
  b: readonly (number | string | null)[],
  orders: readonly { readonly descends: boolean }[],
): number {
  for (const [index, { descends }] of orders.entries()) {
    const [x, y] = [a[index] ?? null, b[index] ?? null];
    if (x === y) continue;
    // documents without a value come last, whether the order is ascending or descending
    if (x === null) return 1;
    if (y === null) return -1;
    return (x < y ? -1 : 1) * (descends ? -1 : 1);
  }
  return 0;
}
