/**
 * @module Writes the module as one file that needs no provider: each resource and each data source becomes a local
 * value with its arguments. Terraform itself can then check every expression of the module without a registry.
 */
import { templateParts } from './expressions.ts';
import type { Module } from './plan.ts';
import { attributesOf } from './provider.ts';

type Body = Readonly<Record<string, unknown>>;

const reference = /(?<![\w.])(data\.)?(aws_\w+)\.(\w+)/g;

/** The name of the local value that stands for a resource. */
const localName = (type: string, name: string, isData = false) => `${isData ? 'data__' : ''}${type}__${name}`;

/** Rewrites an expression: resources become local values, and the variables of a block get other names. */
function rewritten(source: string, names: Readonly<Record<string, string>>): string {
  let text = source.replaceAll(
    reference,
    (_all, data: string | undefined, type: string, name: string) =>
      `local.${localName(type, name, data !== undefined)}`,
  );
  for (const [from, to] of Object.entries(names))
    text = text.replaceAll(new RegExp(`(?<![\\w.])${from.replace('.', '\\.')}\\b`, 'g'), to);
  return text;
}

/** Writes a value of the parsed JSON in Terraform's language. */
function written(value: unknown, names: Readonly<Record<string, string>>): string {
  if (Array.isArray(value)) return `[${value.map((each) => written(each, names)).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, inner]) => `(${written(key, names)}) = ${written(inner, names)}`)
      .join(', ')}}`;
  if (typeof value !== 'string') return JSON.stringify(value);
  const parts = templateParts(value);
  const [first] = parts;
  if (parts.length === 1 && typeof first === 'object') return `(${rewritten(first.source, names)})`;
  const text = parts.map((part) =>
    typeof part === 'string'
      ? JSON.stringify(part).slice(1, -1).replaceAll('${', '$${')
      : `\${${rewritten(part.source, names)}}`,
  );
  return `"${text.join('')}"`;
}

const meta = ['for_each', 'depends_on', 'lifecycle'];

/** Writes the arguments of a block as an object. Nested blocks become lists of objects. */
function objectOf(body: Body, names: Readonly<Record<string, string>>): string {
  const { dynamic = {}, ...own } = body;
  const lists: Record<string, string[]> = {};
  const members: string[] = [];
  for (const [name, value] of Object.entries(own)) {
    if (meta.includes(name)) continue;
    const isBlocks =
      Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'object');
    if (isBlocks) lists[name] = [`[${value.map((each) => objectOf(each as Body, names)).join(', ')}]`];
    else members.push(`${name} = ${written(value, names)}`);
  }
  for (const [name, blocks] of Object.entries(
    dynamic as Record<string, { for_each: unknown; content: Body[] }[]>,
  )) {
    const inner = { ...names, [`${name}.value`]: `${name}_item`, [`${name}.key`]: `${name}_key` };
    const made = blocks.map(
      ({ for_each, content: [content = {}] }) =>
        `[for ${name}_key, ${name}_item in ${written(for_each, names)} : ${objectOf(content, inner)}]`,
    );
    lists[name] = [...(lists[name] ?? []), ...made];
  }
  for (const [name, each] of Object.entries(lists)) members.push(`${name} = concat(${each.join(', ')})`);
  return `{${members.join(', ')}}`;
}

function resource(type: string, name: string, body: Body, isData: boolean): string {
  const address = `${isData ? 'data.' : ''}${type}.${name}`;
  const unknown = (key: string) =>
    `{${attributesOf(type)
      .map((attribute) => `${attribute} = "⟦${address}${key}.${attribute}⟧"`)
      .join(', ')}}`;
  if (body.for_each === undefined) return `merge(${unknown('')}, ${objectOf(body, {})})`;
  const names = { 'each.key': 'each_key', 'each.value': 'each_value' };
  return `{ for each_key, each_value in ${written(body.for_each, {})} : each_key => merge(${unknown(`[\${each_key}]`)}, ${objectOf(body, names)}) }`;
}

/**
 * The text of the file, to be used next to the module's file of variables. Its local value `everything` holds the
 * resources and data sources by address, the outputs, and the local values.
 */
export function withoutProvider({ locals, resources, data, outputs }: Module): string {
  const blocks = [
    ...Object.entries(data).map((each) => [...each, true] as const),
    ...Object.entries(resources).map((each) => [...each, false] as const),
  ].flatMap(([type, named, isData]) =>
    Object.entries(named).map(([name, [body = {}]]) => ({ type, name, body, isData })),
  );
  const list = (members: readonly string[]) => `{\n${members.map((each) => `      ${each}\n`).join('')}    }`;
  const everything = {
    blocks: blocks.map(
      ({ type, name, isData }) =>
        `"${isData ? 'data.' : ''}${type}.${name}" = local.${localName(type, name, isData)}`,
    ),
    outputs: Object.entries(outputs).map(([name, { value }]) => `${name} = ${written(value, {})}`),
    locals: Object.keys(locals).map((name) => `${name} = local.${name}`),
  };
  return [
    'locals {',
    ...Object.entries(locals).map(([name, value]) => `  ${name} = ${written(value, {})}`),
    ...blocks.map(
      ({ type, name, body, isData }) =>
        `  ${localName(type, name, isData)} = ${resource(type, name, body, isData)}`,
    ),
    '  everything = {',
    ...Object.entries(everything).map(([name, members]) => `    ${name} = ${list(members)}`),
    '  }',
    '}\n',
  ].join('\n');
}
