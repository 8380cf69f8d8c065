/** @module The flags that set fields of the request: `--idle-for`, `--jobs`, `--exclude`, `--cluster`, `--set`. */
import type { Command } from 'commander';
import type { Problem } from '../../base/errors.ts';
import { InvalidSettingError } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import { printable } from '../../base/text.ts';
import { readDocument } from './document.ts';

export interface RequestOptions {
  readonly payload?: string | undefined;
  readonly idleFor?: string;
  readonly jobs?: readonly string[];
  readonly exclude?: readonly string[];
  readonly cluster?: string;
  readonly set?: readonly string[];
}

/** One field that a flag sets. */
export interface Flag {
  /** The flag as it was written, such as `--idle-for` or `--set close.batch=5`. */
  readonly name: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Collects the values of an option that may be repeated. */
export const collect = (value: string, earlier: readonly string[] = []): readonly string[] => [
  ...earlier,
  value,
];

/** Adds `-p` and the flags that override fields of its payload. */
export function withRequestOptions(command: Command): Command {
  return command
    .optionsGroup('Request:')
    .option('--idle-for <duration>', 'close jobs without activity for this long (default: 48h)')
    .option('--jobs <names>', 'ids, groups and wildcards to look at; may be repeated', collect)
    .option('--exclude <names>', 'ids, groups and wildcards to keep; may be repeated', collect)
    .option('--cluster <name>', 'which cluster of the settings, by name (default: default)')
    .option(
      '--set <field=value>',
      'any other field, such as close.timeout=5m; the value is JSON or else text',
      collect,
    )
    .option('-p, --payload <file>', 'the request as JSON: a file, - for standard input, or {…} itself');
}

/** The fields that flags set, in the order in which they apply. @throws {InvalidSettingError} */
export function flagsOf({ idleFor, jobs, exclude, cluster, set = [] }: RequestOptions): Flag[] {
  const named: readonly (readonly [string, string, unknown])[] = [
    ['--idle-for', 'idleFor', idleFor],
    ['--jobs', 'jobs', jobs],
    ['--exclude', 'exclude', exclude],
    ['--cluster', 'cluster', cluster],
  ];
  const fromSet = set.map(flagOfSet);
  const others = named
    .filter(([, , value]) => value !== undefined)
    .map(([name, field, value]) => ({ name, path: [field], value }));
  for (const { name, path } of others) {
    const same = fromSet.find((flag) => flag.path[0] === path[0]);
    if (same)
      throw new InvalidSettingError(`${name} and ${same.name} set the same field: leave out one of the two`);
  }
  return [...fromSet, ...others];
}

function flagOfSet(text: string): Flag {
  const name = `--set ${printable(text)}`;
  const [, field = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const path = field.split('.').map((key) => key.trim());
  if (path.includes(''))
    throw new InvalidSettingError(`${name}: expected a field and a value, for example close.timeout=5m`);
  return { name, path, value: jsonOrText(value, name) };
}

function jsonOrText(text: string, name: string): unknown {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  // Parsed again with `readDocument`, which refuses repeated keys. JSON.parse accepts them.
  return readDocument(text, name).value;
}

/**
 * `payload` with the fields that the flags set. Creates missing parent objects, and replaces parents that are not
 * objects.
 */
export function withFlags(payload: Readonly<Record<string, unknown>>, flags: readonly Flag[]): object {
  return flags.reduce<Readonly<Record<string, unknown>>>(
    (fields, { path, value }) => withField(fields, path, value),
    payload,
  );
}

function withField(
  fields: Readonly<Record<string, unknown>>,
  [key = '', ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  const own = Object.hasOwn(fields, key) ? fields[key] : undefined;
  return {
    ...fields,
    [key]: rest.length === 0 ? value : withField(isJsonObject(own) ? own : {}, rest, value),
  };
}

/** The flag that caused a problem in the request, if any. */
export function flagBehind({ path }: Problem, flags: readonly Flag[]): Flag | undefined {
  if (path.length === 0) return undefined;
  return flags.findLast((flag) =>
    flag.path.every((key, index) => index >= path.length || path[index] === key),
  );
}

/** The text of the problem, with the flag named instead of the field: `--idle-for: expected a duration …`. */
export function problemOfFlag({ name }: Flag, { field, message }: Problem): string {
  return `${name}: ${message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message}`;
}

/**
 * Warns about names that a flag drops from the payload: `--exclude` replaces the payload's list instead of adding to
 * it.
 */
export function droppedExclusions(
  payload: unknown,
  request: { readonly exclude: readonly string[]; readonly force: { readonly exclude: readonly string[] } },
  flags: readonly Flag[],
): string[] {
  const before = isJsonObject(payload) ? payload : {};
  const force = isJsonObject(before.force) ? before.force : {};
  return [
    ...dropped('exclude', namesIn(before.exclude), request.exclude, flags),
    ...dropped('force.exclude', namesIn(force.exclude), request.force.exclude, flags),
  ];
}

function dropped(
  field: string,
  before: readonly string[],
  after: readonly string[],
  flags: readonly Flag[],
): string[] {
  const gone = before.filter((name) => !after.includes(name));
  const flag = flagBehind({ field, path: field.split('.'), message: '' }, flags);
  if (gone.length === 0 || !flag) return [];
  return [
    `${flag.name} replaces ${field} of the payload, so these are no longer excluded: ${gone.join(', ')}`,
  ];
}

function namesIn(value: unknown): string[] {
  const list = Array.isArray(value) ? (value as unknown[]) : [value];
  return list
    .filter((entry) => typeof entry === 'string')
    .flatMap((entry) => entry.split(','))
    .map((name) => name.trim());
}
