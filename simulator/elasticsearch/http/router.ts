/**
 * @module Finds the handler for a path. Each segment of a route is literal or a `{parameter}`. Literal segments take
 * precedence.
 */

export interface Match<T> {
  readonly route: T;
  readonly parameters: Readonly<Record<string, string>>;
}

interface Branch<T> {
  readonly literals: Map<string, Branch<T>>;
  parameter?: { readonly branch: Branch<T> };
  readonly methods: Map<string, { readonly route: T; readonly names: readonly string[] }>;
}

const branch = <T>(): Branch<T> => ({ literals: new Map(), methods: new Map() });

export type Routed<T> =
  | { readonly kind: 'found'; readonly match: Match<T> }
  | { readonly kind: 'wrong method'; readonly allowed: readonly string[] }
  | { readonly kind: 'unknown' };

export class Router<T> {
  readonly #root = branch<T>();

  add(method: string, path: string, route: T): void {
    const names: string[] = [];
    let at = this.#root;
    for (const segment of path.split('/').slice(1)) {
      if (segment.startsWith('{')) {
        names.push(segment.slice(1, -1));
        at.parameter ??= { branch: branch() };
        at = at.parameter.branch;
      } else {
        const next = at.literals.get(segment) ?? branch<T>();
        at.literals.set(segment, next);
        at = next;
      }
    }
    at.methods.set(method, { route, names });
  }

  /** Finds a handler. Empty segments are kept, so that `//_close` has an empty id. A trailing slash is ignored. */
  find(method: string, path: string): Routed<T> {
    const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    const segments = trimmed.split('/').slice(1);
    const ends: { readonly branch: Branch<T>; readonly values: readonly string[] }[] = [];
    collect(this.#root, segments, 0, [], ends);
    for (const { branch: end, values } of ends) {
      const found = end.methods.get(method) ?? (method === 'HEAD' ? end.methods.get('GET') : undefined);
      if (!found) continue;
      const parameters = Object.fromEntries(found.names.map((name, index) => [name, values[index] ?? '']));
      return { kind: 'found', match: { route: found.route, parameters } };
    }
    const allowed = [...new Set(ends.flatMap((end) => [...end.branch.methods.keys()]))];
    return allowed.length > 0 ? { kind: 'wrong method', allowed } : { kind: 'unknown' };
  }
}

function collect<T>(
  at: Branch<T>,
  segments: readonly string[],
  depth: number,
  values: readonly string[],
  ends: { readonly branch: Branch<T>; readonly values: readonly string[] }[],
): void {
  if (depth === segments.length) {
    if (at.methods.size > 0) ends.push({ branch: at, values });
    return;
  }
  const segment = segments[depth] ?? '';
  const literal = at.literals.get(segment);
  if (literal) collect(literal, segments, depth + 1, values, ends);
  if (at.parameter) collect(at.parameter.branch, segments, depth + 1, [...values, decode(segment)], ends);
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
