/** @module `filter_path`: the parts of a response that the caller includes (`a.b`, `*`, `**`) or excludes (`-a.b`). */
import { wildcard } from '../state/expressions.ts';

type Step = { readonly deep: true } | { readonly deep: false; readonly matches: (name: string) => boolean };
type Filter = readonly Step[];

/** What remains of a field after the filters: the whole field, the part that `next` selects, or nothing. */
interface Below {
  readonly whole: boolean;
  readonly next: Position | undefined;
}

type FilterPath = ((value: unknown) => unknown) | undefined;

/** Clients send the same few filters with each request, so the latest ones stay compiled. */
const compiled = new Map<string, FilterPath>();
const maxCompiled = 50;

/** Compiles the filters to a function over response bodies; undefined without filters. */
export function compileFilterPath(text = ''): FilterPath {
  if (compiled.has(text)) return compiled.get(text);
  if (compiled.size === maxCompiled) compiled.clear();
  const filter = compileFilters(text);
  compiled.set(text, filter);
  return filter;
}

function compileFilters(text: string): FilterPath {
  const patterns = text
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '');
  if (patterns.length === 0) return undefined;
  const negative = patterns.filter((pattern) => pattern.startsWith('-'));
  const positive = patterns.filter((pattern) => !pattern.startsWith('-'));
  const includes = positive.length > 0 ? new Position(positive.map(compile)) : undefined;
  const excludes = negative.length > 0 ? new Position(negative.map((p) => compile(p.slice(1)))) : undefined;
  return (value) => {
    const kept = includes ? include(value, includes) : value;
    return (excludes && kept !== undefined ? exclude(kept, excludes) : kept) ?? {};
  };
}

function compile(pattern: string): Filter {
  // `\.` is a dot within a name
  return pattern.split(/(?<!\\)\./).map((part): Step => {
    const name = part.replaceAll('\\.', '.');
    if (name === '**') return { deep: true };
    if (!name.includes('*')) return { deep: false, matches: (other) => other === name };
    return { deep: false, matches: wildcard(name) };
  });
}

/** A position in the filters. Caches results by field name: ten thousand jobs share the same fifty names. */
class Position {
  readonly #filters: readonly Filter[];
  readonly #known = new Map<string, Below>();

  constructor(filters: readonly Filter[]) {
    this.#filters = filters;
  }

  below(name: string): Below {
    const known = this.#known.get(name);
    if (known) return known;
    const found = this.#work(name);
    this.#known.set(name, found);
    return found;
  }

  #work(name: string): Below {
    const rest: Filter[] = [];
    let whole = false;
    const enter = (filter: Filter) => {
      const [step, ...after] = filter;
      if (!step) return;
      if (step.deep) {
        rest.push(filter);
        if (after.length === 0) whole = true;
        else enter(after);
      } else if (step.matches(name)) {
        if (after.length === 0) whole = true;
        else rest.push(after);
      }
    };
    for (const filter of this.#filters) enter(filter);
    return { whole, next: rest.length > 0 ? new Position(rest) : undefined };
  }
}

function include(value: unknown, position: Position): unknown {
  if (Array.isArray(value)) {
    const kept: unknown[] = [];
    for (const entry of value) {
      const part = include(entry, position);
      if (part !== undefined) kept.push(part);
    }
    return kept.length > 0 ? kept : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const result: Record<string, unknown> = {};
  let any = false;
  for (const name in value) {
    const entry = (value as Record<string, unknown>)[name];
    if (entry === undefined) continue;
    const { whole, next } = position.below(name);
    const kept: unknown = whole ? entry : next && include(entry, next);
    if (kept === undefined) continue;
    result[name] = kept;
    any = true;
  }
  return any ? result : undefined;
}

function exclude(value: unknown, position: Position): unknown {
  if (Array.isArray(value)) return value.map((entry) => exclude(entry, position));
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(value)) {
    const { whole, next } = position.below(name);
    if (whole) continue;
    const kept = next ? exclude(entry, next) : entry;
    // an object whose fields were all removed is removed as well
    if (next && isEmpty(kept) && !isEmpty(entry)) continue;
    result[name] = kept;
  }
  return result;
}

const isEmpty = (value: unknown) =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;
