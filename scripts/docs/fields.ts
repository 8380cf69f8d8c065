/**
 * @module The fields of a zod schema as rows of a table. To find out what a field accepts, the script gives the schema
 * an impossible value and reads the error message, so that the page describes the field in the words of that message.
 */
import * as z from 'zod';
import { code } from './markdown.ts';

interface JsonSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly $ref?: string;
}

/**
 * Values that no field accepts. The string comes first: if a field has a pattern, the error for a string is more
 * helpful than the error for a number.
 */
const impossible = ['\0', -0.5];

export interface FieldsOf {
  readonly schema: z.core.$ZodType;
  /** Returns a value for the schema in which only the field at `path` is set. */
  readonly probe: (path: readonly string[], value: unknown) => unknown;
  /** Selects the part of the schema that contains the fields, such as `schedules`. */
  readonly below?: (schema: JsonSchema) => JsonSchema;
  /** Fields to omit, because they have their own section or because users do not set them. */
  readonly without?: readonly string[];
}

/**
 * One row for each field: name, default, allowed values and meaning. The row of an object is followed by the rows of
 * its fields.
 */
export function fieldRows({ schema, probe, below = (whole) => whole, without = [] }: FieldsOf): string[][] {
  const walk = (fields: JsonSchema['properties'], path: readonly string[]): string[][] =>
    Object.entries(fields ?? {}).flatMap(([name, field]) => {
      const own = [...path, name];
      const dotted = own.join('.');
      if (without.includes(dotted)) return [];
      const inner = sectionOf(field);
      const expected =
        inner && !field.anyOf ? 'an object' : expectation(schema, (value) => probe(own, value));
      const standard =
        field.default === undefined || isEmpty(field.default) ? '' : code(JSON.stringify(field.default));
      return [[code(dotted), standard, expected, field.description ?? ''], ...walk(inner, own)];
    });
  return walk(below(z.toJSONSchema(schema, { io: 'input' }) as JsonSchema).properties, []);
}

const sectionOf = (field: JsonSchema): JsonSchema['properties'] =>
  field.properties ?? field.anyOf?.find(({ properties }) => properties !== undefined)?.properties;

const isEmpty = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;

/** The allowed values of the field that `probe` sets, as the error message words them. */
function expectation(schema: z.core.$ZodType, probe: (value: unknown) => unknown): string {
  for (const value of impossible) {
    const issues = z.safeParse(schema, probe(value)).error?.issues ?? [];
    if (new Set(issues.map(({ path }) => path.join('.'))).size > 1)
      throw new Error(`${JSON.stringify(probe(value))} is wrong in more than one field`);
    const [issue] = issues;
    if (issue) return deepestIssue(issue).message.replace(/^Invalid input: expected (\w+).*/, 'a $1');
  }
  throw new Error(`the schema takes ${JSON.stringify(probe(impossible[0]))}`);
}

/**
 * A value may match an alternative of a union except for an inner field. In that case, returns the error of that field.
 */
function deepestIssue(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const [inner] = issue.errors.find((branch) => branch.every(({ path }) => path.length > 0)) ?? [];
  return inner ? deepestIssue(inner) : issue;
}
