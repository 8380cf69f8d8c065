/**
 * @module Reads request bodies as the server does: only declared fields, each of its declared kind. Anything else is an
 * error that names the parser, field, line and column.
 */

import { distance } from 'fastest-levenshtein';
import { isJsonObject } from '../../../src/base/json.ts';
import { ElasticsearchError, type ErrorCause } from '../errors.ts';
import { type JsonPath, locate } from './line-and-column.ts';

export type JsonObject = Record<string, unknown>;

/** The text of a value that is already known to be a string or a number. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Source text and the parser's position in it. */
export interface Place {
  readonly text: string;
  readonly path: JsonPath;
}

export type Field =
  | 'string'
  | 'stringOrNull'
  | 'boolean'
  | 'integer'
  | 'number'
  | 'strings'
  | 'object'
  | 'objectOrNull'
  | 'any'
  | { readonly nested: ObjectParser }
  | { readonly list: ObjectParser }
  /**
   * A value of a simple kind with an additional check. An error from the check becomes the cause of the parser's error.
   */
  | { readonly kind: 'string' | 'integer' | 'object' | 'any'; readonly check: (value: never) => unknown };

export interface ObjectParser {
  readonly name: string;
  readonly fields: Readonly<Record<string, Field>>;
}

/** Reads `value` with `parser`. The result has only declared fields, with numbers and booleans converted. */
export function parseObject(parser: ObjectParser, value: unknown, place: Place): JsonObject {
  if (!isJsonObject(value))
    throw parseError(place, place.path, `[${parser.name}] Expected START_OBJECT but was: ${token(value)}`);
  const result: JsonObject = {};
  for (const [name, entry] of Object.entries(value)) {
    const path = [...place.path, name];
    const field = Object.hasOwn(parser.fields, name) ? parser.fields[name] : undefined;
    if (field === undefined)
      throw parseError(
        place,
        path,
        `[${parser.name}] unknown field [${name}]${suggestion(name, Object.keys(parser.fields))}`,
        'key',
      );
    result[name] = parseField(parser, name, field, entry, { text: place.text, path });
  }
  return result;
}

function parseField(parser: ObjectParser, name: string, field: Field, value: unknown, place: Place): unknown {
  const unsupported = () =>
    parseError(place, place.path, `[${parser.name}] ${name} doesn't support values of type: ${token(value)}`);
  const failed = (error: unknown) => failedToParse(parser, name, place, error);
  if (typeof field === 'object') {
    if ('nested' in field) {
      if (!isJsonObject(value)) throw unsupported();
      return attempt(() => parseObject(field.nested, value, place), failed);
    }
    if ('list' in field) {
      const list: unknown[] = Array.isArray(value) ? value : [value];
      if (!Array.isArray(value) && !isJsonObject(value)) throw unsupported();
      return attempt(
        () =>
          list.map((entry, index) =>
            parseObject(field.list, entry, { text: place.text, path: [...place.path, index] }),
          ),
        failed,
      );
    }
    const simple = parseField(parser, name, field.kind, value, place);
    return attempt(() => field.check(simple as never), failed);
  }
  switch (field) {
    case 'any':
      return value;
    case 'stringOrNull':
      if (value === null || typeof value === 'string') return value;
      throw unsupported();
    case 'string':
      if (typeof value === 'string') return value;
      throw unsupported();
    case 'boolean':
      if (typeof value === 'boolean') return value;
      if (value === 'true' || value === 'false') return value === 'true';
      if (typeof value === 'string')
        throw failed(
          new ElasticsearchError(400, {
            type: 'illegal_argument_exception',
            reason: `Failed to parse value [${value}] as only [true] or [false] are allowed.`,
          }),
        );
      throw unsupported();
    case 'integer':
    case 'number':
      return parseNumber(field, value, unsupported, failed);
    case 'strings':
      if (typeof value === 'string') return [value];
      if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value;
      throw unsupported();
    case 'object':
    case 'objectOrNull':
      if (isJsonObject(value) || (value === null && field === 'objectOrNull')) return value;
      throw unsupported();
  }
}

function parseNumber(
  field: 'integer' | 'number',
  value: unknown,
  unsupported: () => Error,
  failed: (error: unknown) => Error,
): number {
  if (typeof value !== 'number' && typeof value !== 'string') throw unsupported();
  const number = Number(value);
  if (value !== '' && Number.isFinite(number)) return field === 'integer' ? Math.trunc(number) : number;
  throw failed(
    new ElasticsearchError(400, {
      type: 'number_format_exception',
      reason: `For input string: "${value}"`,
    }),
  );
}

function attempt<T>(run: () => T, failed: (error: unknown) => Error): T {
  try {
    return run();
  } catch (error) {
    throw failed(error);
  }
}

class ParseError extends ElasticsearchError {
  /** Where in the body the error is. An error that wraps this one reports the same position. */
  readonly at: JsonPath;

  constructor(cause: ErrorCause, at: JsonPath) {
    super(400, cause);
    this.at = at;
  }
}

function parseError(
  place: Place,
  path: JsonPath,
  message: string,
  which: 'key' | 'value' = 'value',
  causedBy?: ErrorCause,
): ParseError {
  const { line, column } = locate(place.text, path, which);
  return new ParseError(
    {
      type: 'x_content_parse_exception',
      reason: `[${line}:${column}] ${message}`,
      caused_by: causedBy,
    },
    path,
  );
}

function failedToParse(parser: ObjectParser, name: string, place: Place, error: unknown): Error {
  if (!(error instanceof ElasticsearchError)) return error as Error;
  const at = error instanceof ParseError ? error.at : place.path;
  return parseError(place, at, `[${parser.name}] failed to parse field [${name}]`, 'value', error.details);
}

function token(value: unknown): string {
  if (value === null) return 'VALUE_NULL';
  if (Array.isArray(value)) return 'START_ARRAY';
  if (typeof value === 'string') return 'VALUE_STRING';
  if (typeof value === 'number') return 'VALUE_NUMBER';
  return typeof value === 'boolean' ? 'VALUE_BOOLEAN' : 'START_OBJECT';
}

/** Names that are more than half similar to `name`, the most similar first. */
export function near(name: string, candidates: readonly string[]): readonly string[] {
  return candidates
    .map((candidate) => ({
      candidate,
      likeness: 1 - distance(name, candidate) / Math.max(name.length, candidate.length),
    }))
    .filter(({ likeness }) => likeness > 0.5)
    .sort((a, b) => b.likeness - a.likeness)
    .map(({ candidate }) => candidate);
}

function suggestion(name: string, candidates: readonly string[]): string {
  const found = near(name, candidates);
  if (found.length === 0) return '';
  return found.length === 1 ? ` did you mean [${found[0]}]?` : ` did you mean any of [${found.join(', ')}]?`;
}
