/** @module Fleet files: text in, a valid fleet out, or every mistake with its line and column. */
import { closest } from 'fastest-levenshtein';
import * as z from 'zod';
import { InvalidSettingError } from '../../sweep/errors.ts';
import { quote } from '../../sweep/text.ts';
import { type JsonPath, locate, toLocation } from '../elasticsearch/http/locate.ts';
import { type Fleet, fleetSchema } from './schema.ts';

/**
 * Reads a fleet file.
 * @throws {InvalidSettingError} with one line for each mistake: `file:line:column: field: what was expected`.
 */
export function readFleet(text: string, file: string): Fleet {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidSettingError(
      `${file}${placeOfSyntaxError(text, error)}: not valid JSON: ${(error as Error).message}`,
    );
  }
  const result = fleetSchema.safeParse(value, { reportInput: true });
  if (!result.success)
    throw new InvalidSettingError(
      `the fleet file is not valid:\n${result.error.issues
        .flatMap((issue) => describe(issue, []))
        .map(({ path, message, which }) => {
          const { line, column } = locate(text, path, which);
          return `  ${file}:${line}:${column}: ${message}`;
        })
        .join('\n')}`,
    );
  const fleet = value as Fleet;
  const problem = contradiction(fleet);
  if (problem) {
    const { line, column } = locate(text, problem.path);
    throw new InvalidSettingError(
      `the fleet file is not valid:\n  ${file}:${line}:${column}: ${problem.message}`,
    );
  }
  return fleet;
}

interface Mistake {
  readonly path: JsonPath;
  readonly message: string;
  readonly which: 'key' | 'value';
}

function describe(issue: z.core.$ZodIssue, prefix: JsonPath): Mistake[] {
  const path = [...prefix, ...issue.path].filter((key) => typeof key !== 'symbol');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: unknownField(path, key),
      which: 'key',
    }));
  if (issue.code === 'invalid_union') {
    // an object is compared with the branch that is one, which says more than "none of them"
    const deeper = issue.errors.find((errors) =>
      errors.some((error) => error.path.length > 0 || error.code === 'unrecognized_keys'),
    );
    if (deeper) return deeper.flatMap((inner) => describe(inner, path));
  }
  const expected = issue.message.replace(/^Invalid input: /, '');
  return [
    {
      path,
      message: `${fieldName(path)}: expected ${expected.replace(/^expected /, '')}, got ${quote(issue.input)}`,
      which: 'value',
    },
  ];
}

function unknownField(path: JsonPath, key: string): string {
  const known = fieldsAt(path);
  const near =
    known.length > 0 ? ` Did you mean ${closest(key, known)}? The fields here are ${known.join(', ')}.` : '';
  return `${fieldName([...path, key])} is an unknown field.${near}`;
}

function fieldName(path: JsonPath): string {
  return (
    path
      .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`))
      .join('') || 'the fleet'
  );
}

function fieldsAt(path: JsonPath): string[] {
  let schema: z.core.$ZodType | undefined = fleetSchema;
  for (const key of path) schema = below(unwrap(schema), key);
  const inner = unwrap(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

function below(schema: z.core.$ZodType | undefined, key: string | number): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodArray) return schema.element as z.core.$ZodType;
  if (schema instanceof z.ZodObject) return (schema.shape as Record<string, z.core.$ZodType>)[key];
  return undefined;
}

function unwrap(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return unwrap(schema.def.innerType);
  if (schema instanceof z.ZodUnion)
    return schema.options.map(unwrap).find((option) => option instanceof z.ZodObject);
  return schema;
}

/** What no single field can tell: names used twice, nodes that are not there. */
function contradiction(fleet: Fleet): { path: JsonPath; message: string } | undefined {
  const nodes = fleet.nodes?.map((node) => node.name) ?? ['ml-0', 'ml-1', 'ml-2'];
  const jobs = new Map<string, number>();
  for (const [index, job] of (fleet.jobs ?? []).entries()) {
    const earlier = jobs.get(job.jobId);
    if (earlier !== undefined)
      return {
        path: ['jobs', index, 'jobId'],
        message: `jobs[${index}].jobId: ${quote(job.jobId)} is the id of jobs[${earlier}] already`,
      };
    jobs.set(job.jobId, index);
    if (typeof job.node === 'string' && !nodes.includes(job.node))
      return {
        path: ['jobs', index, 'node'],
        message: `jobs[${index}].node: there is no node ${quote(job.node)}; the nodes are ${nodes.join(', ')}`,
      };
  }
  for (const [index, job] of (fleet.jobs ?? []).entries())
    for (const group of job.groups ?? [])
      if (jobs.has(group))
        return {
          path: ['jobs', index, 'groups'],
          message: `jobs[${index}].groups: ${quote(group)} is the id of a job; ids and groups share one namespace`,
        };
  return undefined;
}

function placeOfSyntaxError(text: string, error: unknown): string {
  const position = /position (\d+)/.exec((error as Error).message)?.[1];
  if (position === undefined) return '';
  const { line, column } = toLocation(text, Number(position));
  return `:${line}:${column}`;
}
