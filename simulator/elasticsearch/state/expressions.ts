/** @module Expressions that name jobs or datafeeds: ids, groups, wildcards, lists, `_all` (docs/elasticsearch.md §2.3). */

export interface Names {
  /** Ids in order, so that the matches of a pattern are sorted. */
  readonly ids: () => readonly string[];
  readonly has: (id: string) => boolean;
  /** Groups and their members. Absent for datafeeds, which have no groups. */
  readonly groups?: () => ReadonlyMap<string, ReadonlySet<string>>;
}

export interface Resolved {
  readonly ids: readonly string[];
  /** Required names that matched nothing, in the order in which they were written. */
  readonly missing: readonly string[];
}

/** The maximum number of configs that one search returns; the server silently drops the rest. */
export const searchLimit = 10_000;

/** Resolves `expression`. An expression without any name means everything. */
export function resolve(expression: string, names: Names, allowNoMatch: boolean): Resolved {
  const tokens = expression
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
  if (isAll(tokens)) {
    const ids = names.ids();
    return { ids: ids.slice(0, searchLimit), missing: ids.length === 0 && !allowNoMatch ? ['*'] : [] };
  }
  const found = new Set<string>();
  const missing: string[] = [];
  for (const token of tokens) {
    const before = found.size;
    const matched = token.includes('*') ? matchPattern(token, names, found) : matchName(token, names, found);
    const required = !token.includes('*') || !allowNoMatch;
    if (!matched && found.size === before && required && !missing.includes(token)) missing.push(token);
  }
  return { ids: [...found].sort(byCodeUnit).slice(0, searchLimit), missing };
}

function isAll(tokens: readonly string[]): boolean {
  return tokens.length === 0 || (tokens.length === 1 && (tokens[0] === '_all' || tokens[0] === '*'));
}

function matchName(token: string, names: Names, found: Set<string>): boolean {
  const members = names.groups?.().get(token) ?? [];
  for (const id of members) found.add(id);
  if (names.has(token)) found.add(token);
  return names.has(token) || [...members].length > 0;
}

function matchPattern(token: string, names: Names, found: Set<string>): boolean {
  const matches = wildcard(token);
  let matched = false;
  for (const id of names.ids()) {
    if (!matches(id)) continue;
    found.add(id);
    matched = true;
  }
  for (const [group, members] of names.groups?.() ?? []) {
    if (!matches(group)) continue;
    for (const id of members) found.add(id);
    matched = true;
  }
  return matched;
}

/** Whether a text matches a pattern in which only `*` is special. */
export function wildcard(pattern: string): (text: string) => boolean {
  const stem = pattern.slice(0, -1);
  // The common case, made fast: a client that lists jobs by prefix compares dozens of patterns with thousands of ids.
  if (pattern.endsWith('*') && !stem.includes('*')) return (text) => text.startsWith(stem);
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}$`, 's');
  return (text) => expression.test(text);
}

/** Compares ids by code unit. Every list of ids has this order, because the server's index sorts keywords this way. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
