/** @module Reads a payload into a request: checks it against the schema and describes every problem for people. */
import * as z from 'zod/mini';
import { didYouMean } from '../../base/did-you-mean.ts';
import { formatDuration } from '../../base/duration.ts';
import { fieldName, firstProblems, InvalidRequestError, type Problem } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import { quote } from '../../base/text.ts';
import { type RequestPayload, requestSchema, type SweepRequest } from './request-schema.ts';

/** A request, and the warnings from reading it. */
export interface ReadRequest {
  readonly request: SweepRequest;
  readonly warnings: readonly string[];
}

/**
 * Reads a payload. Ignores `$schema`. The bare event of a schedule without an `Input` counts as a dry run.
 * @throws {InvalidRequestError} with every problem found, each naming field, value and what was expected.
 */
export function parseRequest(payload: unknown): ReadRequest {
  if (isJsonObject(payload) && payload['detail-type'] === 'Scheduled Event') {
    return {
      request: requestSchema.parse({ dryRun: true, ...bareTrigger(payload) }),
      warnings: [
        'the schedule that started this sweep has no Input, so this is a dry run and nothing is closed: give it a payload, for example {"idleFor": "48h"}',
      ],
    };
  }
  const result = requestSchema.safeParse(withoutSchema(payload), { reportInput: true });
  if (!result.success)
    throw new InvalidRequestError(
      firstProblems(result.error.issues.values().flatMap((issue) => describe(issue))),
    );
  const conflict = unreachableForce(result.data);
  if (conflict) throw new InvalidRequestError([conflict]);
  return { request: result.data, warnings: [] };
}

/** The request as a payload with every field, so that a follow-up does not depend on defaults. */
export function toPayload(request: SweepRequest): RequestPayload {
  return z.encode(requestSchema, request);
}

function withoutSchema(payload: unknown): unknown {
  if (!isJsonObject(payload)) return payload;
  const { $schema: _ignored, ...fields } = payload;
  return fields;
}

/** The trigger in the envelope that a schedule without an `Input` sends, from EventBridge Scheduler or from a rule. */
function bareTrigger({ resources, time }: Record<string, unknown>): Pick<RequestPayload, 'trigger'> {
  const scheduleArn = Array.isArray(resources) ? (resources[0] as unknown) : undefined;
  const complete =
    typeof scheduleArn === 'string' && scheduleArn !== '' && typeof time === 'string' && time !== '';
  return complete ? { trigger: { scheduleArn, scheduledTime: time } } : {};
}

/**
 * A problem if `force.stuckFor` is so long that a stuck job could be forced only after the last follow-up, when no
 * sweep is left to force it.
 */
function unreachableForce({ force, followUp }: SweepRequest): Problem | undefined {
  if (followUp === false) return undefined;
  const last = followUp.after * followUp.max;
  const stuckFor = force.stuckFor ?? 0; // null: stuck jobs are never forced
  if (stuckFor <= last) return undefined;
  return {
    field: 'force.stuckFor',
    path: ['force', 'stuckFor'],
    message:
      `force.stuckFor: expected at most followUp.after × followUp.max, which is ${formatDuration(last)}, got "${formatDuration(stuckFor)}"` +
      ' (after that no follow-up is left to force the job): shorten it, raise followUp.max, or set it to null to never force stuck jobs',
  };
}

type Issue = z.core.$ZodIssue;
type Path = Problem['path'];

/**
 * Turns one of zod's issues into problems. Each names a field, its value and what was expected. The problem of an
 * unknown field also suggests the known field with the most similar name.
 */
function* describe(issue: Issue, prefix: Path = []): Generator<Problem, undefined> {
  const path: Path = [...prefix, ...(issue.path as Path)]; // zod's type allows symbols, but JSON and YAML have none
  if (issue.code === 'invalid_union') {
    // A value that resembles one member of a union gets the problems of that member, because they help more than
    // "matches none of them".
    const branch = issue.errors.find((errors) => errors.some(({ path: place }) => place.length > 0));
    if (branch) {
      for (const inner of branch) yield* describe(inner, path);
      return;
    }
  }
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys)
      yield { field: fieldName([...path, key]), path: [...path, key], message: unknownField(path, key) };
    return;
  }
  const field = fieldName(path);
  yield {
    field,
    path,
    message: `${field || 'the payload'}: expected ${issue.message}, got ${quote(issue.input)}`,
  };
}

function unknownField(path: Path, key: string): string {
  const fields = everyField();
  const known = fieldsAt(path, fields);
  // The exact name in another section is a better suggestion than a similar name in this one: `maxJobs` at the top
  // level resembles `jobs`, but means `fuse.maxJobs`.
  const elsewhere = fields.filter(
    (field) => !field.startsWith('followUpOf') && (field === key || field.endsWith(`.${key}`)),
  );
  const nearest = didYouMean(key, known);
  const hint =
    elsewhere.length > 0
      ? `did you mean ${elsewhere.join(' or ')}?`
      : nearest === undefined
        ? `the fields here are ${known.join(', ')}`
        : `did you mean ${fieldName([...path, nearest])}?`;
  return `${quote(fieldName([...path, key])).slice(1, -1)} is an unknown field; ${hint}`;
}

/** The fields of an object's schema, even inside wrappers: defaults, a union with `false`, a list. */
function unwrap(schema: z.core.$ZodType): Record<string, z.core.$ZodType> | undefined {
  if (schema instanceof z.ZodMiniObject) return schema.def.shape as Record<string, z.core.$ZodType>;
  if (schema instanceof z.ZodMiniArray) return unwrap(schema.def.element);
  if (schema instanceof z.ZodMiniUnion)
    return schema.def.options.map((option) => unwrap(option)).find((shape) => shape !== undefined);
  if (schema instanceof z.ZodMiniPrefault || schema instanceof z.ZodMiniOptional)
    return unwrap(schema.def.innerType);
  return undefined;
}

/** The path of every field of the request, such as `close.timeout` or `followUpOf.jobs.jobId`. */
function everyField(schema: z.core.$ZodType = requestSchema, prefix = ''): string[] {
  return Object.entries(unwrap(schema) ?? {}).flatMap(([key, inner]) => [
    `${prefix}${key}`,
    ...everyField(inner, `${prefix}${key}.`),
  ]);
}

/** The names of the fields directly below a path. */
function fieldsAt(path: Path, fields: readonly string[]): string[] {
  const prefix = path.map((key) => (typeof key === 'string' ? `${key}.` : '')).join('');
  return fields
    .filter((field) => field.startsWith(prefix))
    .map((field) => field.slice(prefix.length))
    .filter((field) => !field.includes('.'));
}
