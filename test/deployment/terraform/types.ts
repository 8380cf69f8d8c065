/** @module Converts an input to the type of its variable, as Terraform does. */
import type { Node } from './expressions.ts';

const nameOf = ({ type, meta }: Node) => (type === 'function' ? meta?.name : meta?.value) as string;

const textOf = ({ meta }: Node) => (meta?.value ?? '') as string;

/** Converts `value` to the type that `node` stands for and `source` spells out. @throws if that is impossible. */
export function converted(node: Node, value: unknown, at: string, source: string): unknown {
  const [inner] = node.children;
  const fail = () => new Error(`${at}: expected ${nameOf(node)}, got ${JSON.stringify(value)}`);
  if (value === null || value === undefined) return null;
  switch (nameOf(node)) {
    case 'any':
      return value;
    case 'string':
      if (typeof value === 'number' || typeof value === 'boolean') return `${value}`;
      if (typeof value !== 'string') throw fail();
      return value;
    case 'number':
      if (typeof value === 'object' || value === '' || Number.isNaN(Number(value))) throw fail();
      return Number(value);
    case 'bool':
      if (typeof value === 'boolean') return value;
      if (value !== 'true' && value !== 'false') throw fail();
      return value === 'true';
    case 'list':
    case 'set':
      if (!Array.isArray(value) || inner === undefined) throw fail();
      return value.map((each, index) => converted(inner, each, `${at}[${index}]`, source));
    case 'map':
      if (typeof value !== 'object' || Array.isArray(value) || inner === undefined) throw fail();
      return Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, converted(inner, each, `${at}.${key}`, source)]),
      );
    case 'object':
      if (typeof value !== 'object' || Array.isArray(value) || inner === undefined) throw fail();
      return objectOf(inner, value as Record<string, unknown>, at, source);
    default:
      throw new Error(`${at}: the type ${nameOf(node)} is not known here`);
  }
}

/** Like Terraform, drops the members that the type does not name. */
function objectOf(type: Node, value: Record<string, unknown>, at: string, source: string) {
  const members: [string, unknown][] = [];
  for (let index = 0; index < type.children.length; index += 2) {
    const [key, member] = type.children.slice(index, index + 2);
    if (key === undefined || member === undefined) throw new Error(`${at}: a member without a type`);
    const name = Buffer.from(source).toString('utf8', key.range?.start.byte, key.range?.end.byte);
    const isOptional = nameOf(member) === 'optional';
    const [inner, standard] = isOptional ? member.children : [member];
    if (inner === undefined) throw new Error(`${at}.${name}: no type`);
    const given = value[name] ?? null;
    if (given === null && !isOptional && !(name in value)) throw new Error(`${at}: ${name} is required`);
    members.push([name, converted(inner, given ?? defaultOf(standard), `${at}.${name}`, source)]);
  }
  return Object.fromEntries(members);
}

function defaultOf(node: Node | undefined): unknown {
  if (node === undefined) return null;
  if (node.type === 'object' && node.children.length === 0) return {};
  if (node.type === 'tuple' && node.children.length === 0) return [];
  if (node.type === 'template') return node.children.map(textOf).join('');
  if (node.type === 'literalValue') {
    const text = textOf(node);
    return node.meta?.type === 'number' ? Number(text) : text === 'null' ? null : text === 'true';
  }
  throw new Error(`a default of the type ${node.type} is not known here`);
}
