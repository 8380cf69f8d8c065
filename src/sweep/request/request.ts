/**
 * @module The payload of one sweep: the one place that knows its fields, their limits and their defaults
 * (docs/contract.md §1). The schema is also the source of the `SweepRequest` type and of `schemas/request.schema.json`.
 */
import { closest, distance } from 'fastest-levenshtein';
// The small edition: the whole one costs a cold start 16 ms to load and to build this schema with, this one 5.
import * as z from 'zod/mini';
import { formatDuration, parseDuration } from '../../base/duration.ts';
import { firstProblems, InvalidRequestError, type Problem } from '../../base/errors.ts';
import { quote } from '../../base/text.ts';

/** The words for people: what is expected of each field. The schema's checks and its error messages share them. */
const expectations = {
  name: 'a non-empty job id, group or wildcard',
  perNode: '"auto", a whole number from 1 to 100, or null for no limit',
  duration: 'a duration: a whole number and one of ms, s, m, h, d, as "48h"',
} as const;

/** The schema with what editors and the documentation say of it. */
function told<T extends z.core.$ZodType>(schema: T, description: string): T {
  z.globalRegistry.add(schema, { description });
  return schema;
}

/** Says that a value is not what was expected, where only its reading shows that. */
function refuse(context: z.core.ParsePayload, expected: string): never {
  // Stryker disable next-line StringLiteral: the kind of an issue of our own is nobody's business
  context.issues.push({ code: 'custom', message: expected, input: context.value });
  return z.NEVER;
}

interface DurationLimits {
  readonly min?: string;
  readonly max?: string;
}

/** A duration in the payload, milliseconds in the request. */
function duration({ min, max }: DurationLimits = {}) {
  const least = min === undefined ? 1 : (parseDuration(min) as number);
  const most = max === undefined ? Number.MAX_SAFE_INTEGER : (parseDuration(max) as number);
  const range = [min && `at least ${min}`, max && `at most ${max}`].filter(Boolean).join(', ');
  const expected = range ? `${expectations.duration}, ${range}` : expectations.duration;
  return z.codec(
    told(z.string({ error: expected }).check(z.regex(/^[1-9][0-9]*(ms|s|m|h|d)$/)), expected),
    z.number(),
    {
      decode: (text, context) => {
        const ms = parseDuration(text) ?? 0;
        // break: duration-limits
        return ms >= least && ms <= most ? ms : refuse(context, expected);
      },
      encode: (ms) => formatDuration(ms),
    },
  );
}

/** Names as one string with commas, or as a list of which each member may hold commas too; blanks are trimmed. */
function names(least: 0 | 1) {
  const what = `a list of names or one string with commas, each name ${expectations.name}`;
  const expected = least === 0 ? what : `${what}, and at least one`;
  const name = z.string({ error: expectations.name }).check(z.minLength(1));
  // the list says it by itself: a union shows its own words only when no branch comes near
  const list = z.array(name, { error: expected }).check(z.minLength(least));
  return z.codec(told(z.union([name, list], { error: expected }), expected), z.array(z.string()), {
    decode: (value, context) => {
      const list = (Array.isArray(value) ? value : [value])
        .flatMap((entry) => entry.split(','))
        .map((name) => name.trim());
      return list.every((name) => name !== '') ? list : refuse(context, expected);
    },
    encode: (list) => list,
  });
}

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `one of ${values.map((value) => `"${value}"`).join(', ')}` });

const flag = () => z.boolean({ error: 'true or false' });

function count(min: number, max?: number, orElse = '') {
  const range = max === undefined ? `a whole number, ${min} or more` : `a whole number from ${min} to ${max}`;
  const expected = range + orElse;
  const most = max === undefined ? [] : [z.maximum(max)];
  return z.int({ error: expected }).check(z.minimum(min), ...most);
}

/** An object that refuses unknown fields. */
// break: unknown-field
const object = <T extends z.core.$ZodLooseShape>(shape: T) => z.strictObject(shape, { error: 'an object' });

/** One that is complete with its own defaults when left out. */
const section = <T extends z.core.$ZodLooseShape>(shape: T) => z.prefault(object(shape), {} as never);

const orOff = ', or null to turn the fuse off';
const share = `a number over 0, up to 1${orOff}`;
const moment = () => z.iso.datetime({ offset: true, error: 'an ISO date-time, as "2026-11-23T02:00:00Z"' });

const text = (expected: string) => z.string({ error: expected }).check(z.minLength(1));

const someJobs = 'a list of at least one job';

const followUpOf = object({
  sweepId: text('the id of a sweep').check(z.maxLength(256, { error: 'an id of at most 256 characters' })),
  round: count(1),
  rest: told(
    z.optional(flag()),
    'Judge the whole request anew, besides these jobs: the sweep before had no time for all of them.',
  ),
  jobs: z.array(
    object({
      jobId: text('a job id'),
      askedAt: moment(),
      attempts: count(0),
      lastActivity: z.optional(moment()),
    }),
    { error: someJobs },
  ),
}).check(({ value: { rest, jobs }, issues }) => {
  // Without `rest`, a follow-up of no job has nothing to do.
  if (!rest && jobs.length === 0)
    issues.push({ code: 'custom', message: someJobs, input: jobs, path: ['jobs'] });
});
// The same rule for editors, as JSON Schema.
z.globalRegistry.add(followUpOf, {
  anyOf: [
    { required: ['rest'], properties: { rest: { const: true } } },
    { properties: { jobs: { minItems: 1 } } },
  ],
});

const close = section({
  timeout: told(
    z.prefault(duration({ min: '100ms', max: '30m' }), '2m'),
    'The most that one close request may be given; capped by the time that is left.',
  ),
  batch: told(z._default(count(1, 100), 20), 'The most jobs in one close request.'),
  concurrency: told(z._default(count(1, 32), 32), 'Close requests in flight at once, forced ones included.'),
  perNode: told(
    z._default(
      z.union(
        [
          z.literal('auto'),
          z.int({ error: expectations.perNode }).check(z.minimum(1), z.maximum(100)),
          z.null(),
        ],
        {
          error: expectations.perNode,
        },
      ),
      'auto',
    ),
    'How many jobs of one node this sweep has closing at once: a number, or "auto", half of the node’s processors (4 if they are unknown); null: no limit.',
  ),
});

const force = section({
  failed: told(z._default(flag(), true), 'Force idle jobs in state `failed`, which only force can close.'),
  stuckFor: told(
    z.prefault(
      z.union([duration(), z.null()], { error: `${expectations.duration}, or null for never` }),
      '75m',
    ),
    'Force an idle job still `closing` this long after it was first asked; null: never.',
  ),
  exclude: told(z.prefault(names(0), []), 'Names that are never forced.'),
  max: told(z._default(count(0), 10), 'The most jobs forced in one sweep.'),
});

const fuse = section({
  maxJobs: told(
    z._default(
      z.union([count(0, undefined, orOff), z.null()], { error: `a whole number, 0 or more${orOff}` }),
      500,
    ),
    'Refuse to act when more jobs than this would be closed; null: off.',
  ),
  maxShare: told(
    z._default(
      z.union([z.number().check(z.gt(0, { error: share }), z.maximum(1, { error: share })), z.null()], {
        error: share,
      }),
      0.5,
    ),
    'Refuse to act when more than this share of the open jobs would be closed; null: off.',
  ),
  massIdle: told(
    z._default(flag(), true),
    'Refuse to act when many jobs fell silent together: an ingest outage, not idleness.',
  ),
});

const followUp = z.union(
  [
    z.literal(false),
    z.strictObject({
      after: told(z.prefault(duration({ min: '2m' }), '15m'), 'When to look again at jobs left closing.'),
      max: told(z._default(count(1, 20), 6), 'How many times.'),
    }),
  ],
  { error: 'false, or an object with `after` and `max`' },
);

const states = z
  .array(oneOf(['opened', 'closing', 'failed']), { error: 'a list of "opened", "closing", "failed"' })
  .check(z.minLength(1, { error: 'at least one of "opened", "closing", "failed"' }));

/** What a cluster may be called. */
export const clusterName = /^[a-z0-9-]{1,40}$/;

export const requestSchema = z.strictObject(
  {
    cluster: told(
      z._default(
        z
          .string({ error: 'the name of a cluster' })
          .check(z.regex(clusterName, { error: 'the name of a cluster: 1 to 40 of a-z, 0-9 and -' })),
        'default',
      ),
      'Which connection settings to use, by name. Never an address or a credential.',
    ),
    jobs: told(
      z.prefault(names(1), ['*']),
      'Ids, groups and wildcards of the jobs to look at. Used to read; a close only names concrete ids.',
    ),
    exclude: told(z.prefault(names(0), []), 'Ids, groups and wildcards of jobs to keep; wins over `jobs`.'),
    states: told(z._default(states, ['opened', 'closing', 'failed']), 'Which job states to act on.'),
    allowNoMatch: told(
      z._default(flag(), true),
      'With false, a name in `jobs` that matches no job is an error, and nothing is closed.',
    ),
    idleFor: told(
      z.prefault(duration({ min: '1m' }), '48h'),
      'Close a job whose last activity is at least this long ago.',
    ),
    neverFed: told(
      z._default(oneOf(['close', 'keep']), 'close'),
      'A job that never had data: close it once it has been open for `idleFor`, or keep it.',
    ),
    runningDatafeeds: told(
      z._default(oneOf(['keep', 'stop']), 'keep'),
      'A job whose datafeed is not stopped: keep it, or close it, which stops the datafeed.',
    ),
    stuckOpening: told(
      z._default(oneOf(['keep', 'close']), 'keep'),
      'An idle job that has been `opening` for 90 minutes or more though its process runs: keep it, or close it.',
    ),
    managed: told(z._default(oneOf(['keep', 'close']), 'keep'), 'A job that Elastic’s own apps manage.'),
    dryRun: told(z._default(flag(), false), 'Decide and report; send nothing that changes the cluster.'),
    close: told(close, 'How to close.'),
    force: told(force, 'Where force is allowed.'),
    fuse: told(fuse, 'Limits that stop a sweep before it closes anything.'),
    followUp: told(z.prefault(followUp, {}), 'Coming back for jobs left closing; false turns it off.'),
    trigger: told(
      z.optional(
        object({
          scheduleArn: text('the ARN of a schedule'),
          scheduledTime: text('the time of a schedule'),
        }),
      ),
      'What a schedule adds through the Scheduler’s context attributes.',
    ),
    followUpOf: told(z.optional(followUpOf), 'Set by follow-ups only: the jobs to look at again.'),
  },
  { error: 'an object, as {"idleFor": "48h"}' },
);
z.globalRegistry.add(requestSchema, {
  title: 'jobsweep request',
  description: 'The payload of one sweep. Every field is optional.',
});

/** A valid request, complete with defaults; durations are milliseconds, names are lists. */
export type SweepRequest = z.output<typeof requestSchema>;
/** A request as people write it. */
export type RequestPayload = z.input<typeof requestSchema>;
export type FollowUpOf = z.output<typeof followUpOf>;

/** A request that was read, and what its reader should be told. */
export interface ReadRequest {
  readonly request: SweepRequest;
  readonly warnings: readonly string[];
}

/**
 * Reads a payload. `$schema` is ignored; the bare event of a schedule that has no `Input` counts as a dry run.
 * @throws {InvalidRequestError} with every problem found, each naming field, value and what was expected.
 */
export function parseRequest(payload: unknown): ReadRequest {
  if (isObject(payload) && payload['detail-type'] === 'Scheduled Event') {
    return {
      request: requestSchema.parse({ dryRun: true, ...bareTrigger(payload) }),
      warnings: [
        'the schedule that started this sweep has no Input, so nothing is closed (dry run): give it a payload that says what it wants, as {"idleFor": "48h"}',
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

/** The request as a payload again, every field said, for a follow-up that must not depend on defaults. */
export function toPayload(request: SweepRequest): RequestPayload {
  return z.encode(requestSchema, request);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function withoutSchema(payload: unknown): unknown {
  if (!isObject(payload)) return payload;
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

/** A stuck job that would be old enough for force only after the last follow-up: nobody would be there to do it. */
function unreachableForce({ force, followUp }: SweepRequest): Problem | undefined {
  if (followUp === false) return undefined;
  const last = followUp.after * followUp.max;
  const stuckFor = force.stuckFor ?? 0; // never: nobody has to be there
  if (stuckFor <= last) return undefined;
  return {
    field: 'force.stuckFor',
    path: ['force', 'stuckFor'],
    message:
      `force.stuckFor: expected at most followUp.after × followUp.max, which is ${formatDuration(last)}, got "${formatDuration(stuckFor)}"` +
      ' (nobody would be there to force the job): shorten it, raise followUp.max, or set it to null to never force stuck jobs',
  };
}

type Issue = z.core.$ZodIssue;
type Path = Problem['path'];

/** What zod found, in this project's words: field, value, expectation, and the nearest field that exists. */
function* describe(issue: Issue, prefix: Path = []): Generator<Problem, undefined> {
  const path: Path = [...prefix, ...(issue.path as Path)]; // an input of JSON or YAML has no symbols
  if (issue.code === 'invalid_union') {
    // The branch that the value is shaped like tells more than "matches none of them".
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
  const nearest = closest(key, known);
  // a name that another section has is no typo: fuse.maxJobs is nearer to `maxJobs` than `jobs` is
  const elsewhere = fields.filter(
    (field) => !field.startsWith('followUpOf') && (field === key || field.endsWith(`.${key}`)),
  );
  const hint =
    elsewhere.length > 0
      ? `did you mean ${elsewhere.join(' or ')}?`
      : similar(key, nearest)
        ? `did you mean ${fieldName([...path, nearest])}?`
        : `the fields here are ${known.join(', ')}`;
  return `${quote(fieldName([...path, key])).slice(1, -1)} is an unknown field; ${hint}`;
}

/** Whether a typo is a likely explanation: the nearest name of a list is always some name. */
function similar(key: string, name: string): boolean {
  const a = key.toLowerCase();
  const b = name.toLowerCase();
  return a.includes(b) || b.includes(a) || distance(a, b) <= Math.max(2, Math.floor(b.length / 2));
}

function fieldName(path: Path): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`))
    .join('');
}

/** The schema of an object, without what wraps it here: defaults, a union with `false`, a list. */
function unwrap(schema: z.core.$ZodType): Record<string, z.core.$ZodType> | undefined {
  if (schema instanceof z.ZodMiniObject) return schema.def.shape as Record<string, z.core.$ZodType>;
  if (schema instanceof z.ZodMiniArray) return unwrap(schema.def.element);
  if (schema instanceof z.ZodMiniUnion)
    return schema.def.options.map((option) => unwrap(option)).find((shape) => shape !== undefined);
  if (schema instanceof z.ZodMiniPrefault || schema instanceof z.ZodMiniOptional)
    return unwrap(schema.def.innerType);
  return undefined;
}

/** Every field of the request with its path, as `close.timeout`, `followUpOf.jobs.jobId`. */
function everyField(schema: z.core.$ZodType = requestSchema, prefix = ''): string[] {
  return Object.entries(unwrap(schema) ?? {}).flatMap(([key, inner]) => [
    `${prefix}${key}`,
    ...everyField(inner, `${prefix}${key}.`),
  ]);
}

/** Of all fields those right below a path, by their names there. */
function fieldsAt(path: Path, fields: readonly string[]): string[] {
  const prefix = path.map((key) => (typeof key === 'string' ? `${key}.` : '')).join('');
  return fields
    .filter((field) => field.startsWith(prefix))
    .map((field) => field.slice(prefix.length))
    .filter((field) => !field.includes('.'));
}
