/**
 * @module Evaluates the Terraform expressions that the module uses, without a provider, so that a test can check what
 * the module would create. An unsupported expression throws an error.
 */
import { getExpressionAst } from '@cdktf/hcl2json';
import { entriesOf, functions } from './functions.ts';

export interface Node {
  readonly type: string;
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly children: readonly Node[];
  readonly range?: { readonly start: { readonly byte: number }; readonly end: { readonly byte: number } };
}

/** Resolves a name such as `var`, `local`, `each` or a resource type to its value. */
export type Scope = (name: string) => unknown;

/** An object whose members are computed on access, such as all locals. */
export class Lazy {
  readonly get: (member: string) => unknown;

  constructor(get: (member: string) => unknown) {
    this.get = get;
  }
}

/** The parts of a string of the parsed JSON: literal text, and the source of each `${…}`. */
export function templateParts(text: string): (string | { readonly source: string })[] {
  const parts: (string | { readonly source: string })[] = [];
  let literal = '';
  for (let at = 0; at < text.length; ) {
    if (text.startsWith('$${', at)) {
      literal += '${';
      at += 3;
    } else if (text.startsWith('${', at)) {
      const end = closingBrace(text, at + 2);
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push({ source: text.slice(at + 2, end) });
      at = end + 1;
    } else {
      literal += text[at];
      at += 1;
    }
  }
  if (literal !== '' || parts.length === 0) parts.push(literal);
  return parts;
}

/** The position of the brace that closes the one opened before `from`. Braces in quoted strings do not count. */
function closingBrace(text: string, from: number): number {
  for (let at = from, depth = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '"') at = closingQuote(text, at + 1);
    else if (sign === '{') depth += 1;
    else if (sign === '}' && depth === 0) return at;
    else if (sign === '}') depth -= 1;
  }
  throw new Error(`unclosed template: ${text}`);
}

function closingQuote(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text.startsWith('${', at)) at = closingBrace(text, at + 2);
    else if (text[at] === '"') return at;
  }
  throw new Error(`unclosed string: ${text}`);
}

/**
 * All expressions that were parsed so far. Cached, because tests read many modules that differ in only a few places.
 */
const parsed = new Map<string, Node>();

/** The parsed expressions of a module, by their source text. */
export class Expressions {
  readonly #nodes = new Map<string, Node>();

  /** Parses all expressions in a value of the parsed JSON. */
  async read(value: unknown): Promise<void> {
    if (typeof value === 'string') {
      for (const part of templateParts(value)) {
        if (typeof part === 'string' || this.#nodes.has(part.source)) continue;
        const node = parsed.get(part.source) ?? (await getExpressionAst('expression.tf', part.source));
        if (node === null) throw new Error(`no expression: ${part.source}`);
        parsed.set(part.source, node as Node);
        this.#nodes.set(part.source, node as Node);
      }
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        await this.read(key);
        await this.read(inner);
      }
    }
  }

  /** The syntax tree of a value that consists of one expression, such as a variable's type. */
  nodeOf(value: string): Node {
    const [part] = templateParts(value);
    const node = typeof part === 'object' ? this.#nodes.get(part.source) : undefined;
    if (node === undefined) throw new Error(`not an expression: ${value}`);
    return node;
  }

  /** Evaluates a part of the parsed JSON. */
  evaluate(value: unknown, scope: Scope): unknown {
    if (Array.isArray(value)) return value.map((each) => this.evaluate(each, scope));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [
          String(this.evaluate(key, scope)),
          this.evaluate(inner, scope),
        ]),
      );
    if (typeof value !== 'string') return value;
    const values = templateParts(value).map((part) => {
      if (typeof part === 'string') return part;
      const node = this.#nodes.get(part.source);
      if (node === undefined) throw new Error(`not read before: ${part.source}`);
      return resultOf(node, part.source, scope);
    });
    return values.length === 1 ? values[0] : values.map(asText).join('');
  }
}

function asText(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  throw new Error(`a template cannot hold ${JSON.stringify(value)}`);
}

const unescaped = (text: string) =>
  (JSON.parse(`"${text.replaceAll('\n', '\\n')}"`) as string).replaceAll('$${', '${');

function resultOf(node: Node, source: string, scope: Scope): unknown {
  const child = (index: number) => {
    const found = node.children[index];
    if (found === undefined) throw new Error(`${source}: ${node.type} has no part ${index}`);
    return resultOf(found, source, scope);
  };
  switch (node.type) {
    case 'literalValue':
      return literal(node);
    case 'template':
      return node.children.map((each) => asText(resultOf(each, source, scope))).join('');
    case 'templateWrap':
    case '':
      return child(0);
    case 'tuple':
      return node.children.map((each) => resultOf(each, source, scope));
    case 'object':
      return objectOf(node, source, scope);
    case 'scopeTraversal': {
      const [first, ...rest] = segmentsOf(node);
      return traverse(scope(String(first)), rest);
    }
    case 'relativeTraversal':
      return traverse(child(0), segmentsOf(node));
    case 'index':
      return traverse(child(0), [child(1) as string | number]);
    case 'splat':
      return splat(node, child(0));
    case 'conditional':
      return child(0) === true ? child(1) : child(2);
    case 'unaryOp':
      return node.meta?.operator === 'logicalNot' ? !child(0) : -(child(0) as number);
    case 'binaryOp':
      return binary(String(node.meta?.operator), child);
    case 'function':
      return call(node, source, scope);
    case 'for':
      return comprehension(node, source, scope);
    default:
      throw new Error(`${source}: an expression of the type ${node.type} is not known here`);
  }
}

function literal({ meta }: Node): unknown {
  const value = String(meta?.value);
  if (meta?.type === 'number') return Number(value);
  if (meta?.type === 'bool') return value === 'true';
  if (meta?.type === 'string') return unescaped(value);
  if (value === 'null') return null;
  throw new Error(`a literal of the type ${String(meta?.type)} is not known here`);
}

const segmentsOf = ({ meta }: Node): (string | number)[] =>
  (meta as { traversal: { readonly segment: string; readonly type: string }[] }).traversal.map(
    ({ segment, type }) => (type === 'indexTraversal' ? (JSON.parse(segment) as string | number) : segment),
  );

function traverse(value: unknown, segments: readonly (string | number)[]): unknown {
  return segments.reduce<unknown>((inner, segment) => {
    if (inner instanceof Lazy) return inner.get(String(segment));
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, segment))
      throw new Error(`no ${segment} in ${JSON.stringify(inner)}`);
    return (inner as Record<string | number, unknown>)[segment];
  }, value);
}

/** Supports only `list[*]`: a single value becomes a list of one, and null becomes an empty list. */
function splat({ meta }: Node, value: unknown): unknown {
  if (meta?.eachExpression !== meta?.anonSymbolExpression)
    throw new Error('a splat of members is not known here');
  if (value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function objectOf({ children }: Node, source: string, scope: Scope): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (let index = 0; index < children.length; index += 2) {
    const [key, value] = children.slice(index, index + 2);
    if (key === undefined || value === undefined) throw new Error(`${source}: an object without a value`);
    const name =
      key.children.length === 0
        ? Buffer.from(source).toString('utf8', key.range?.start.byte, key.range?.end.byte)
        : asText(resultOf(key, source, scope));
    entries.push([name, resultOf(value, source, scope)]);
  }
  return Object.fromEntries(entries);
}

function binary(operator: string, child: (index: number) => unknown): unknown {
  const left = child(0);
  if (operator === 'logicalAnd') return left === true && child(1);
  if (operator === 'logicalOr') return left === true || child(1);
  const right = child(1);
  if (operator === 'equal') return left === right;
  if (operator === 'notEqual') return left !== right;
  const [a, b] = [left as number, right as number];
  const results: Readonly<Record<string, number | boolean>> = {
    greaterThan: a > b,
    greaterThanOrEqual: a >= b,
    lessThan: a < b,
    lessThanOrEqual: a <= b,
    add: a + b,
    subtract: a - b,
    multiply: a * b,
    divide: a / b,
    modulo: a % b,
  };
  const result = results[operator];
  if (result === undefined || typeof left !== 'number' || typeof right !== 'number')
    throw new Error(`${JSON.stringify(left)} ${operator} ${JSON.stringify(right)} is not known here`);
  return result;
}

function call({ meta, children }: Node, source: string, scope: Scope): unknown {
  const name = String(meta?.name);
  const attempts = children.map((each) => () => resultOf(each, source, scope));
  if (name === 'can' || name === 'try') {
    for (const attempt of attempts) {
      try {
        const value = attempt();
        return name === 'can' ? true : value;
      } catch {
        if (name === 'can') return false;
      }
    }
    throw new Error(`${source}: nothing to try succeeds`);
  }
  const known = functions[name];
  if (known === undefined) throw new Error(`${source}: the function ${name} is not known here`);
  const values = attempts.map((attempt) => attempt());
  const expanded = meta?.expandedFinalArgument
    ? [...values.slice(0, -1), ...(values.at(-1) as unknown[])]
    : values;
  return known(...(expanded as never[]));
}

/** Evaluates `[for …]` and `{for …}`. Like Terraform, goes through the keys of a map in sorted order. */
function comprehension({ meta, children }: Node, source: string, scope: Scope): unknown {
  const { keyVar, valVar, openRangeValue, conditionalExpression, groupedValue } = meta as Record<
    string,
    string
  >;
  if (groupedValue as unknown as boolean) throw new Error(`${source}: a grouped for is not known here`);
  const [collection, ...rest] = children;
  const makesMap = openRangeValue === '{';
  const [key, value, condition] = makesMap ? rest : [undefined, ...rest];
  if (collection === undefined || value === undefined) throw new Error(`${source}: a for without a value`);
  const results: [string, unknown][] = [];
  for (const [at, each] of entriesOf(resultOf(collection, source, scope))) {
    const inner: Scope = (name) => (name === valVar ? each : name === keyVar ? at : scope(name));
    if (conditionalExpression && condition && resultOf(condition, source, inner) !== true) continue;
    results.push([
      key === undefined ? '' : asText(resultOf(key, source, inner)),
      resultOf(value, source, inner),
    ]);
  }
  return makesMap ? Object.fromEntries(results) : results.map(([, each]) => each);
}
