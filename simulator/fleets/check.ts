/** @module Validates fleet files. Returns the fleet, or every problem with the path of its field. */
import * as z from 'zod';
import { knownFieldsHint } from '../../src/base/did-you-mean.ts';
import { fieldName, firstProblems, type Problem } from '../../src/base/errors.ts';
import { quote } from '../../src/base/text.ts';
import { type Fleet, fleetSchema } from './schema.ts';

type Path = readonly (string | number)[];
export type CheckedFleet =
  | { readonly fleet: Fleet; readonly problems?: undefined }
  | { readonly problems: readonly Problem[] };

/** Checks the content of a fleet file. Every problem names the field, its value and what was expected. */
export function checkFleet(value: unknown): CheckedFleet {
  const result = fleetSchema.safeParse(value, { reportInput: true });
  if (!result.success)
    return { problems: firstProblems(result.error.issues.values().flatMap((issue) => describe(issue, []))) };
  const fleet = value as Fleet;
  const problems = firstProblems(contradictions(fleet));
  return problems.length > 0 ? { problems } : { fleet };
}

function* describe(issue: z.core.$ZodIssue, prefix: Path): Generator<Problem, undefined> {
  const path = [...prefix, ...issue.path].filter((key) => typeof key !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) yield problem([...path, key], unknownField(path, key));
    return;
  }
  if (issue.code === 'invalid_union') {
    // for an object, the problems with the object variant are more helpful than "matches no variant"
    const deeper = issue.errors.find((errors) =>
      errors.some((error) => error.path.length > 0 || error.code === 'unrecognized_keys'),
    );
    if (deeper) {
      for (const inner of deeper) yield* describe(inner, path);
      return;
    }
  }
  const expected = issue.message.replace(/^Invalid input: /, '').replace(/^expected |, received .*$/gs, '');
  yield problem(path, `expected ${expected}, got ${quote(issue.input)}`);
}

function problem(path: Path, message: string): Problem {
  const field = fieldName(path);
  return { field, path, message: `${field || 'the fleet'}: ${message}` };
}

function unknownField(path: Path, key: string): string {
  const known = fieldsAt(path);
  return known.length > 0 ? `an unknown field; ${knownFieldsHint(key, known)}` : 'an unknown field';
}

function fieldsAt(path: Path): string[] {
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

/** Problems across fields: duplicate names, unknown nodes, events for unknown jobs. */
function contradictions(fleet: Fleet): Problem[] {
  const problems: Problem[] = [];
  const nodes = fleet.nodes?.map((node) => node.name) ?? ['ml-0', 'ml-1', 'ml-2'];
  for (const [index, name] of nodes.entries())
    if (nodes.indexOf(name) < index)
      problems.push(problem(['nodes', index, 'name'], `${quote(name)} is the name of another node already`));
  const ids = new Map<string, number>();
  const datafeeds = new Map<string, number>();
  for (const [index, { jobId, node, datafeed }] of (fleet.jobs ?? []).entries()) {
    const earlier = ids.get(jobId);
    if (earlier !== undefined)
      problems.push(
        problem(['jobs', index, 'jobId'], `${quote(jobId)} is the id of jobs[${earlier}] already`),
      );
    ids.set(jobId, index);
    if (typeof node === 'string' && !nodes.includes(node))
      problems.push(
        problem(
          ['jobs', index, 'node'],
          `there is no node ${quote(node)}; the nodes are ${nodes.join(', ')}`,
        ),
      );
    const feedId = datafeed?.datafeedId;
    if (feedId === undefined) continue;
    if (datafeeds.has(feedId))
      problems.push(
        problem(
          ['jobs', index, 'datafeed', 'datafeedId'],
          `${quote(feedId)} is the datafeed of jobs[${datafeeds.get(feedId)}] already`,
        ),
      );
    datafeeds.set(feedId, index);
  }
  for (const [index, { groups = [] }] of (fleet.jobs ?? []).entries())
    for (const [at, group] of groups.entries())
      if (ids.has(group))
        problems.push(
          problem(
            ['jobs', index, 'groups', at],
            `${quote(group)} is the id of a job, and ids and groups share one namespace`,
          ),
        );
  for (const [index, { event, jobId, node }] of (fleet.events ?? []).entries()) {
    const aboutJob = /^(data|job|source)/.test(event);
    if (aboutJob && (jobId === undefined || !ids.has(jobId)))
      problems.push(
        problem(['events', index, 'jobId'], `expected the id of a job of this fleet, got ${quote(jobId)}`),
      );
    if (event === 'nodeLeaves' && (node === undefined || !nodes.includes(node)))
      problems.push(
        problem(['events', index, 'node'], `expected one of ${nodes.join(', ')}, got ${quote(node)}`),
      );
  }
  return problems;
}
