/**
 * @module Computes what a Terraform module would create for given inputs: its resources with the values of their
 * arguments. An attribute that only AWS knows becomes a text such as `⟦aws_sqs_queue.failed.arn⟧`.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from '@cdktf/hcl2json';
import { Expressions, Lazy, type Scope } from './expressions.ts';
import { entriesOf } from './functions.ts';
import { converted } from './types.ts';

type Body = Readonly<Record<string, unknown>>;
type Blocks = Readonly<Record<string, Readonly<Record<string, readonly Body[]>>>>;

export interface Variable extends Body {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly validation?: readonly { readonly condition: string; readonly error_message: string }[];
}

/** A parsed module, before its evaluation. */
export interface Module {
  readonly variables: Readonly<Record<string, Variable>>;
  readonly outputs: Readonly<Record<string, Body>>;
  readonly locals: Body;
  readonly resources: Blocks;
  readonly data: Blocks;
  readonly calls: Readonly<Record<string, Body>>;
  readonly settings: Body;
  readonly providers: readonly string[];
  readonly expressions: Expressions;
}

/** A resource that the module would create. */
export interface PlannedResource {
  /** For example `aws_sqs_queue.failed` or `aws_scheduler_schedule.this[nightly]`. */
  readonly address: string;
  readonly type: string;
  /** Arguments that are null are left out. A block is a list of objects. */
  readonly values: Readonly<Record<string, unknown>>;
}

export interface Plan {
  readonly resources: readonly PlannedResource[];
  readonly data: readonly PlannedResource[];
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly locals: Readonly<Record<string, unknown>>;
  /** The arguments that this module passes to other modules, by module name. */
  readonly calls: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The placeholder for an attribute that only AWS knows. */
export const unknownValue = (what: string) => `⟦${what}⟧`;

type ParsedFile = Readonly<Record<string, Record<string, unknown> | Body[]>>;

/** Every file that was parsed so far, by its text. */
const parsed = new Map<string, Promise<ParsedFile>>();

function parsedFile(name: string, text: string): Promise<ParsedFile> {
  const file = parsed.get(text) ?? (parse(name, text) as Promise<ParsedFile>);
  parsed.set(text, file);
  return file;
}

/** Reads the module in a folder. `changed` replaces the text of files, by file name. */
export async function readModule(
  folder: string,
  changed: Readonly<Record<string, string>> = {},
): Promise<Module> {
  const names = new Set([...globSync('*.tf', { cwd: folder }), ...Object.keys(changed)]);
  const files = await Promise.all(
    [...names].sort().map(async (name) => {
      const text = changed[name] ?? readFileSync(path.join(folder, name), 'utf8');
      return await parsedFile(name, text);
    }),
  );
  const merged = <T>(block: string) => {
    const all: Record<string, T> = {};
    for (const file of files)
      for (const [name, value] of Object.entries(file[block] ?? {}))
        all[name] = {
          ...all[name],
          ...(Array.isArray(value) && block !== 'resource' ? value[0] : value),
        } as T;
    return all;
  };
  const expressions = new Expressions();
  for (const file of files) await expressions.read(file);
  const listed = (block: string) => files.flatMap((file) => (file[block] as Body[] | undefined) ?? []);
  return {
    variables: merged('variable'),
    outputs: merged('output'),
    locals: Object.assign({}, ...listed('locals')) as Body,
    resources: merged('resource'),
    data: merged('data'),
    calls: merged('module'),
    settings: Object.assign({}, ...listed('terraform')) as Body,
    providers: files.flatMap((file) => Object.keys(file.provider ?? {})),
    expressions,
  };
}

/** All inputs, with defaults filled in. @throws if an input is invalid, with the error message of its variable. */
export function readInputs({ variables, expressions }: Module, given: Body): Body {
  for (const name of Object.keys(given)) if (!(name in variables)) throw new Error(`no variable ${name}`);
  const inputs: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries(variables)) {
    if (!('default' in variable) && !(name in given)) throw new Error(`the variable ${name} is required`);
    const standard = expressions.evaluate(variable.default ?? null, () => {
      throw new Error(`the default of ${name} refers to something`);
    });
    const value =
      name in given && !(given[name] === null && variable.nullable === false) ? given[name] : standard;
    const type = String(variable.type);
    inputs[name] = converted(expressions.nodeOf(type), value, `var.${name}`, type.slice(2, -1));
  }
  const scope: Scope = (name) => {
    if (name !== 'var') throw new Error(`a validation refers to ${name}`);
    return inputs;
  };
  for (const [name, { validation = [] }] of Object.entries(variables))
    for (const { condition, error_message } of validation)
      if (expressions.evaluate(condition, scope) !== true)
        throw new Error(`var.${name}: ${String(expressions.evaluate(error_message, scope))}`);
  return inputs;
}

/**
 * Computes what the module creates. `hasAttribute` checks whether a type of resource or data source has an attribute.
 */
export function planOf(
  module: Module,
  given: Body,
  hasAttribute: (type: string, attribute: string) => boolean,
): Plan {
  const inputs = readInputs(module, given);
  const { expressions } = module;
  const known = new Map<string, unknown>();
  const once = <T>(key: string, compute: () => T): T => {
    if (!known.has(key)) {
      known.set(key, undefined);
      known.set(key, compute());
    }
    const value = known.get(key);
    if (value === undefined) throw new Error(`${key} refers to itself`);
    return value as T;
  };

  /**
   * The instances of a block, by their keys of `for_each`. A block without `for_each` has one instance, whose key is
   * undefined.
   */
  const instancesOf = (address: string, body: Body) =>
    once(address, () => {
      const keys = body.for_each === undefined ? undefined : expressions.evaluate(body.for_each, scope);
      const each = keys === undefined ? [[undefined, undefined] as const] : setOrMap(keys);
      return new Map(
        each.map(([key, value]) => {
          const inner: Scope = (name) => (name === 'each' ? { key, value } : scope(name));
          return [key, () => once(`${address}[${key}]`, () => valuesOf(expressions, body, inner))] as const;
        }),
      );
    });
  const attributesOf = (type: string, address: string, values: () => Body) =>
    new Lazy((attribute) => {
      if (!hasAttribute(type, attribute)) throw new Error(`${type} has no attribute ${attribute}`);
      if (type === 'aws_iam_policy_document' && attribute === 'json') return policyDocument(values());
      return values()[attribute] ?? unknownValue(`${address}.${attribute}`);
    });
  const group = (type: string, prefix: string, blocks: Readonly<Record<string, readonly Body[]>>) =>
    new Lazy((name) => {
      const body = blocks[name]?.[0];
      if (body === undefined) throw new Error(`no ${type}.${name} is declared`);
      const address = `${prefix}${type}.${name}`;
      const instances = instancesOf(address, body);
      const single = instances.get(undefined);
      if (single) return attributesOf(type, address, single);
      return new Lazy((key) => {
        const instance = instances.get(key);
        if (!instance) throw new Error(`no ${address}[${key}]`);
        return attributesOf(type, `${address}[${key}]`, instance);
      });
    });
  const roots: Readonly<Record<string, unknown>> = {
    var: inputs,
    path: { module: '.' },
    local: new Lazy((name) => {
      if (!(name in module.locals)) throw new Error(`no local ${name}`);
      return once(`local.${name}`, () => expressions.evaluate(module.locals[name], scope));
    }),
    module: new Lazy((name) => new Lazy((output) => unknownValue(`module.${name}.${output}`))),
    data: new Lazy((type) => group(type, 'data.', module.data[type] ?? {})),
  };
  const scope: Scope = (name) => {
    if (name in roots) return roots[name];
    const blocks = module.resources[name];
    if (blocks === undefined) throw new Error(`nothing is named ${name}`);
    return group(name, '', blocks);
  };

  const planned = (prefix: string, blocks: Blocks) =>
    Object.entries(blocks).flatMap(([type, named]) =>
      Object.entries(named).flatMap(([name, [body = {}]]) => {
        const address = `${prefix}${type}.${name}`;
        return [...instancesOf(address, body)].map(([key, values]) => ({
          type,
          address: key === undefined ? address : `${address}[${key}]`,
          values: values(),
        }));
      }),
    );
  const calls = Object.fromEntries(
    Object.entries(module.calls).map(([name, { source: _source, ...body }]) => [
      name,
      expressions.evaluate(body, scope) as Record<string, unknown>,
    ]),
  );
  const outputs = Object.fromEntries(
    Object.entries(module.outputs).map(([name, { value }]) => [name, expressions.evaluate(value, scope)]),
  );
  const locals = Object.fromEntries(
    Object.keys(module.locals).map((name) => [name, (roots.local as Lazy).get(name)]),
  );
  return {
    resources: planned('', module.resources),
    data: planned('data.', module.data),
    outputs,
    locals,
    calls,
  };
}

const setOrMap = (keys: unknown): [string, unknown][] =>
  Array.isArray(keys)
    ? keys.map((key): [string, unknown] => [String(key), key])
    : entriesOf(keys).map(([key, value]): [string, unknown] => [String(key), value]);

const meta = ['for_each', 'count', 'depends_on', 'lifecycle', 'provider', 'dynamic'];

/** The arguments of a block, including the blocks that `dynamic` creates. Like Terraform, leaves out null values. */
function valuesOf(expressions: Expressions, body: Body, scope: Scope): Record<string, unknown> {
  if ('count' in body) throw new Error('count is not known here: use for_each');
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (meta.includes(name)) continue;
    const isBlocks = Array.isArray(value) && value.every((each) => typeof each === 'object' && each !== null);
    values[name] =
      isBlocks && value.length > 0
        ? value.map((each) => valuesOf(expressions, each as Body, scope))
        : expressions.evaluate(value, scope);
  }
  const dynamic = (body.dynamic ?? {}) as Readonly<
    Record<string, readonly { readonly for_each: unknown; readonly content: readonly Body[] }[]>
  >;
  for (const [name, blocks] of Object.entries(dynamic)) {
    const made = blocks.flatMap(({ for_each, content: [content = {}] }) =>
      setOrList(expressions.evaluate(for_each, scope)).map(([key, value]) =>
        valuesOf(expressions, content, (asked) => (asked === name ? { key, value } : scope(asked))),
      ),
    );
    values[name] = [...((values[name] as unknown[] | undefined) ?? []), ...made];
  }
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) => value !== null && !(name in dynamic && (value as unknown[]).length === 0),
    ),
  );
}

const setOrList = (value: unknown) => (Array.isArray(value) ? [...value.entries()] : entriesOf(value));

/** The document that `data.aws_iam_policy_document` writes. */
function policyDocument({ statement = [] }: Body): string {
  const lists: Readonly<Record<string, string>> = {
    actions: 'Action',
    not_actions: 'NotAction',
    resources: 'Resource',
    not_resources: 'NotResource',
  };
  const Statement = (statement as readonly Body[]).map(
    ({ effect = 'Allow', sid, principals, condition, ...rest }) => {
      const result: Record<string, unknown> = { ...(sid !== undefined && { Sid: sid }), Effect: effect };
      for (const [name, value] of Object.entries(rest)) {
        const written = lists[name];
        if (written === undefined) throw new Error(`a statement's ${name} is not known here`);
        result[written] = value;
      }
      for (const { type, identifiers } of (principals ?? []) as readonly Body[])
        result.Principal =
          type === '*' ? '*' : { ...(result.Principal as object | undefined), [String(type)]: identifiers };
      const conditions: Record<string, Record<string, unknown>> = {};
      for (const { test, variable, values } of (condition ?? []) as readonly Body[])
        conditions[String(test)] = { ...conditions[String(test)], [String(variable)]: values };
      return { ...result, ...(condition !== undefined && { Condition: conditions }) };
    },
  );
  return JSON.stringify({ Version: '2012-10-17', Statement });
}
