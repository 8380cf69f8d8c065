/** @module `filter_path`: the parts of a response that the caller wants (`a.b`, `*`, `**`), or does not (`-a.b`). */
import { wildcard } from '../state/expressions.ts';

type Step = { readonly deep: true } | { readonly deep: false; readonly matches: (name: string) => boolean };
type Filter = readonly Step[];

/** Makes a function that filters response bodies; undefined when there is nothing to filter. */
export function compileFilterPath(text: string | undefined): ((value: unknown) => unknown) | undefined {
  const patterns = (text ?? '')
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '');
  if (patterns.length === 0) return undefined;
  const excludes = patterns.filter((pattern) => pattern.startsWith('-')).map((p) => compile(p.slice(1)));
  const includes = patterns.filter((pattern) => !pattern.startsWith('-')).map(compile);
  return (value) => {
    const kept = includes.length > 0 ? include(value, includes) : value;
    const left = excludes.length > 0 && kept !== undefined ? exclude(kept, excludes) : kept;
    return left ?? {};
  };
}

function compile(pattern: string): Filter {
  // a dot that belongs to a name is written \.
  return pattern.split(/(?<!\\)\./).map((part): Step => {
    const name = part.replaceAll('\\.', '.');
    if (name === '**') return { deep: true };
    if (!name.includes('*')) return { deep: false, matches: (other) => other === name };
    return { deep: false, matches: wildcard(name) };
  });
}

/** The filters that go on below the field `name`; `whole` when one of them ends there. */
function below(filters: readonly Filter[], name: string): { whole: boolean; rest: Filter[] } {
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
  for (const filter of filters) enter(filter);
  return { whole, rest };
}

function include(value: unknown, filters: readonly Filter[]): unknown {
  if (Array.isArray(value)) {
    const kept = value.map((entry) => include(entry, filters)).filter((entry) => entry !== undefined);
    return kept.length > 0 ? kept : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const result: Record<string, unknown> = {};
  let any = false;
  for (const [name, entry] of Object.entries(value)) {
    if (entry === undefined) continue;
    const { whole, rest } = below(filters, name);
    const kept: unknown = whole ? entry : rest.length > 0 ? include(entry, rest) : undefined;
    if (kept === undefined) continue;
    result[name] = kept;
    any = true;
  }
  return any ? result : undefined;
}

function exclude(value: unknown, filters: readonly Filter[]): unknown {
  if (Array.isArray(value)) return value.map((entry) => exclude(entry, filters));
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(value)) {
    const { whole, rest } = below(filters, name);
    if (whole) continue;
    const kept = rest.length > 0 ? exclude(entry, rest) : entry;
    // an object that lost all of its fields goes, too
    if (rest.length > 0 && isEmpty(kept) && !isEmpty(entry)) continue;
    result[name] = kept;
  }
  return result;
}

const isEmpty = (value: unknown) =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;
