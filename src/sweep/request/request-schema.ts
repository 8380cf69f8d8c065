/**
 * @module The schema of a request: the only place that knows its fields, limits and defaults (docs/contract.md §1). The
 * `SweepRequest` type and `schemas/request.schema.json` are made from it.
 */
// zod/mini: loading it and building this schema takes 5 ms of a cold start, the full zod 16 ms.
import * as z from 'zod/mini';
import { formatDuration, parseDuration } from '../../base/duration.ts';

/** Expectations that several fields share, as error messages and descriptions show them. */
const expectations = {
  name: 'a non-empty job id, group or wildcard',
  perNode: '"auto", a whole number from 1 to 100, or null for no limit',
  duration: 'a duration: a whole number and one of ms, s, m, h, d, such as "48h"',
} as const;

/** Adds the description that editors and the documentation show. */
function described<T extends z.core.$ZodType>(schema: T, description: string): T {
  z.globalRegistry.add(schema, { description });
  return schema;
}

/** Refuses a value that passed the schema's own checks. */
function refuse(context: z.core.ParsePayload, expected: string): never {
  // Stryker disable next-line StringLiteral: the code of a custom issue is never shown
  context.issues.push({ code: 'custom', message: expected, input: context.value });
  return z.NEVER;
}

interface DurationLimits {
  readonly min?: string;
  readonly max?: string;
}

/** A duration: a text such as `2m` in the payload, a number of milliseconds in the request. */
function duration({ min, max }: DurationLimits = {}) {
  const least = min === undefined ? 1 : (parseDuration(min) as number);
  const most = max === undefined ? Number.MAX_SAFE_INTEGER : (parseDuration(max) as number);
  const range = [min && `at least ${min}`, max && `at most ${max}`].filter(Boolean).join(', ');
  const expected = range ? `${expectations.duration}, ${range}` : expectations.duration;
  return z.codec(
    described(z.string({ error: expected }).check(z.regex(/^[1-9][0-9]*(ms|s|m|h|d)$/)), expected),
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

/** Names as one string with commas, or as a list whose entries may contain commas too. Spaces are trimmed. */
function names(least: 0 | 1) {
  const what = `a list of names or one string with commas, each name ${expectations.name}`;
  const expected = least === 0 ? what : `${what}, and at least one`;
  const name = z.string({ error: expectations.name }).check(z.minLength(1));
  // The list needs its own message, because zod shows the message of a union only if the value resembles none of its
  // members.
  const list = z.array(name, { error: expected }).check(z.minLength(least));
  return z.codec(described(z.union([name, list], { error: expected }), expected), z.array(z.string()), {
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

/** An object that is filled with its defaults when it is omitted. */
const section = <T extends z.core.$ZodLooseShape>(shape: T) => z.prefault(object(shape), {} as never);

const orOff = ', or null to turn the fuse off';
const share = `a number over 0, up to 1${orOff}`;
const moment = () =>
  z.iso.datetime({ offset: true, error: 'an ISO date-time, such as "2026-11-23T02:00:00Z"' });

const text = (expected: string) => z.string({ error: expected }).check(z.minLength(1));

const someJobs = 'a list of at least one job';

const followUpOf = object({
  sweepId: text('the id of a sweep').check(z.maxLength(256, { error: 'an id of at most 256 characters' })),
  round: count(1),
  rest: described(
    z.optional(flag()),
    'Also judge the whole request again, because the sweep before had no time for all of its jobs.',
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
}).check(
  z.check<Partial<{ rest: unknown; jobs: unknown }>>(
    ({ value: { rest, jobs }, issues }) => {
      // Without `rest`, a follow-up without jobs has nothing to do.
      if (rest !== true && Array.isArray(jobs) && jobs.length === 0)
        issues.push({ code: 'custom', message: someJobs, input: jobs, path: ['jobs'] });
    },
    // runs even if another field is wrong, so that one answer names every wrong field
    { when: ({ value }) => typeof value === 'object' && value !== null },
  ),
);
// The rule that `jobs` may be empty only with `rest`, as JSON Schema for editors.
z.globalRegistry.add(followUpOf, {
  anyOf: [
    { required: ['rest'], properties: { rest: { const: true } } },
    { properties: { jobs: { minItems: 1 } } },
  ],
});

const close = section({
  timeout: described(
    z.prefault(duration({ min: '100ms', max: '30m' }), '2m'),
    'Timeout of one close request; shortened to the time that is left.',
  ),
  batch: described(z._default(count(1, 100), 20), 'Maximum number of jobs in one close request.'),
  concurrency: described(
    z._default(count(1, 32), 32),
    'Maximum number of close requests in flight, forced ones included.',
  ),
  perNode: described(
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
    'Maximum number of jobs of one node closing at once: a number, or "auto" for half of the node’s processors (4 if they are unknown); null: no limit.',
  ),
});

const force = section({
  failed: described(
    z._default(flag(), true),
    'Force idle jobs in state `failed`, which only force can close.',
  ),
  stuckFor: described(
    z.prefault(
      z.union([duration(), z.null()], { error: `${expectations.duration}, or null for never` }),
      '75m',
    ),
    'Force an idle job that is still `closing` this long after its close was first requested or seen; null: never.',
  ),
  exclude: described(z.prefault(names(0), []), 'Ids, groups and wildcards of jobs that are never forced.'),
  max: described(z._default(count(0), 10), 'Maximum number of jobs forced in one sweep.'),
});

const fuse = section({
  maxJobs: described(
    z._default(
      z.union([count(0, undefined, orOff), z.null()], { error: `a whole number, 0 or more${orOff}` }),
      500,
    ),
    'Refuse to act when more jobs than this would be closed; null: off.',
  ),
  maxShare: described(
    z._default(
      z.union([z.number().check(z.gt(0, { error: share }), z.maximum(1, { error: share })), z.null()], {
        error: share,
      }),
      0.5,
    ),
    'Refuse to act when more than this share of the open jobs would be closed; null: off.',
  ),
  massIdle: described(
    z._default(flag(), true),
    'Refuse to act when many jobs stopped getting data together: an ingest outage, not idleness.',
  ),
});

const followUp = z.union(
  [
    z.literal(false),
    z.strictObject({
      after: described(
        z.prefault(duration({ min: '2m' }), '15m'),
        'How long after the sweep to check the jobs left closing.',
      ),
      max: described(z._default(count(1, 20), 6), 'Maximum number of follow-ups.'),
    }),
  ],
  { error: 'false, or an object with `after` and `max`' },
);

const states = z
  .array(oneOf(['opened', 'closing', 'failed']), { error: 'a list of "opened", "closing", "failed"' })
  .check(z.minLength(1, { error: 'at least one of "opened", "closing", "failed"' }));

export const notifyWhens = ['always', 'changes', 'problems', 'never'] as const;
/** When a sweep sends a notification. */
export type NotifyWhen = (typeof notifyWhens)[number];

/** The allowed names of a cluster. */
export const clusterName = /^[a-z0-9-]{1,40}$/;

export const requestSchema = z.strictObject(
  {
    cluster: described(
      z._default(
        z
          .string({ error: 'the name of a cluster' })
          .check(z.regex(clusterName, { error: 'the name of a cluster: 1 to 40 of a-z, 0-9 and -' })),
        'default',
      ),
      'Name of the connection settings to use. Never an address or a credential.',
    ),
    jobs: described(
      z.prefault(names(1), ['*']),
      'Ids, groups and wildcards of the jobs to judge. Only used to select listed jobs; a close names concrete ids.',
    ),
    exclude: described(
      z.prefault(names(0), []),
      'Ids, groups and wildcards of jobs to keep; takes precedence over `jobs`.',
    ),
    states: described(z._default(states, ['opened', 'closing', 'failed']), 'Which job states to act on.'),
    allowNoMatch: described(
      z._default(flag(), true),
      'If false, a name in `jobs` that matches no job is an error, and nothing is closed.',
    ),
    idleFor: described(
      z.prefault(duration({ min: '1m' }), '48h'),
      'Close a job whose last activity is at least this long ago.',
    ),
    neverFed: described(
      z._default(oneOf(['close', 'keep']), 'close'),
      'A job that never had data: close it once it has been open for `idleFor`, or keep it.',
    ),
    runningDatafeeds: described(
      z._default(oneOf(['keep', 'stop']), 'keep'),
      'A job whose datafeed is not stopped: keep it, or stop the datafeed and close the job.',
    ),
    stuckOpening: described(
      z._default(oneOf(['keep', 'close']), 'keep'),
      'An idle job that has been `opening` for 90 minutes or more although its process runs: keep it, or close it.',
    ),
    managed: described(
      z._default(oneOf(['keep', 'close']), 'keep'),
      'A job that Elastic’s own apps manage: keep it, or close it.',
    ),
    dryRun: described(z._default(flag(), false), 'Decide and report, but change nothing in the cluster.'),
    close: described(close, 'How to close.'),
    force: described(force, 'When force is allowed.'),
    fuse: described(fuse, 'Limits that stop a sweep before it closes anything.'),
    followUp: described(z.prefault(followUp, {}), 'Follow-ups for jobs left closing; false turns them off.'),
    notify: described(
      z.optional(
        object({
          when: described(
            oneOf(notifyWhens),
            'Notify about all sweeps, those with changes or problems, those with problems, or none.',
          ),
        }),
      ),
      'Notifications; the settings name their targets.',
    ),
    trigger: described(
      z.optional(
        object({
          scheduleArn: text('the ARN of a schedule'),
          scheduledTime: text('the time of a schedule'),
        }),
      ),
      'Added by a schedule through the Scheduler’s context attributes.',
    ),
    followUpOf: described(z.optional(followUpOf), 'Set by follow-ups only: the jobs to check again.'),
  },
  { error: 'an object such as {"idleFor": "48h"}' },
);
z.globalRegistry.add(requestSchema, {
  title: 'jobsweep request',
  description: 'The payload of one sweep. Every field is optional.',
});

/** A valid request with all defaults. Durations are milliseconds, names are lists. */
export type SweepRequest = z.output<typeof requestSchema>;
/** A request as people write it. */
export type RequestPayload = z.input<typeof requestSchema>;
export type FollowUpOf = z.output<typeof followUpOf>;
