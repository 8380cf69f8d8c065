/** @module The schema of the schedule file: one variant reads the file, and one is published for editors. */

import * as z from 'zod';
import { durationPattern, parseDuration } from '../base/duration.ts';
import { isJsonObject } from '../base/json.ts';
import { clusterName, requestSchema } from '../sweep/request/request-schema.ts';
import { isTimeZone } from './local-time.ts';
import {
  deadLetterArnRule,
  functionArnRule,
  groupRule,
  kmsKeyArnRule,
  roleArnRule,
  type TextRule,
} from './schedule-arns.ts';
import { nameExpected, namePattern } from './schedule-names.ts';

/** A pattern and its description, which the schema and the error messages share. */
const text = (pattern: RegExp, expected: string) =>
  z.string({ error: expected }).regex(pattern, { error: expected });
const textBy = ({ pattern, expected }: TextRule) => text(pattern, expected);

/** Settings for all schedules in a file. The environment has variables for the same settings. */
export const settingsShape = {
  group: textBy(groupRule)
    .optional()
    .meta({ description: 'The schedule group; JOBSWEEP_SCHEDULE_GROUP when left out.' }),
  functionArn: textBy(functionArnRule)
    .optional()
    .meta({ description: 'The function to invoke; JOBSWEEP_FUNCTION_ARN when left out.' }),
  roleArn: textBy(roleArnRule).optional().meta({
    description: 'The role that the Scheduler assumes; JOBSWEEP_SCHEDULER_ROLE_ARN when left out.',
  }),
};

const deadLetterArn = z
  .union([textBy(deadLetterArnRule), z.null()], { error: deadLetterArnRule.expected })
  .optional();

function duration(min: string, max: string, step: string) {
  const expected = `a duration from ${min} to ${max}, in whole ${step}, such as "${min}"`;
  const [minMs = 0, maxMs = 0, unit = 1] = [min, max, step === 'minutes' ? '1m' : '1s'].map(parseDuration);
  return text(durationPattern, expected).refine(
    (value) => {
      const ms = parseDuration(value) ?? -1;
      return ms >= minMs && ms <= maxMs && ms % unit === 0;
    },
    { error: expected },
  );
}

const moment = () =>
  z.iso.datetime({
    offset: true,
    error: 'an ISO date-time with its offset, such as "2026-12-01T00:00:00+01:00"',
  });

export const retryShape = {
  maxAge: duration('60s', '24h', 'seconds')
    .default('1h')
    .meta({ description: 'The age at which an undelivered invocation is given up.' }),
  attempts: z
    .int({ error: 'a whole number from 0 to 185' })
    .min(0, { error: 'a whole number from 0 to 185' })
    .max(185, { error: 'a whole number from 0 to 185' })
    .default(10)
    .meta({ description: 'How often an undelivered invocation is retried.' }),
};

/** Maximum number of clusters in one file. A test simulates a night with as many clusters. */
export const maxClusters = 1_000;

const cluster = () => text(clusterName, 'the name of a cluster: 1 to 40 of a-z, 0-9 and -');
const countOfClusters = `a whole number from 1 to ${maxClusters}`;
const secretsPattern = 'what the names of secrets begin with, followed by *, such as "jobsweep/*"';
const clustersExpected =
  'a list of clusters, {"secrets": "jobsweep/*"} for those that have a secret, or {"file": "clusters.yml"}';

export const clusterSecretsShape = {
  // the characters that the name of a secret may contain, and `*` at the end
  secrets: text(/^[\w/+=.@-]+\*$/, secretsPattern).meta({
    description: 'The beginning of secrets and `*`: a cluster for each secret of that name.',
  }),
  except: z
    .array(cluster(), { error: 'a list of clusters' })
    .default([])
    .meta({ description: 'Clusters to leave out, and other secrets that the pattern matches.' }),
  max: z
    .int({ error: countOfClusters })
    .min(1, { error: countOfClusters })
    .max(maxClusters, { error: countOfClusters })
    .default(maxClusters)
    .meta({ description: 'More clusters than this are an error. Packaging plans for as many.' }),
};

export const clusterFileShape = {
  file: z.string({ error: 'the name of a file' }).min(1, { error: 'the name of a file' }).meta({
    description:
      'A file (JSON or YAML) with a list of clusters, or a file for `--clusters`. Relative to this file.',
  }),
};

/** `describe` in schedule-file.ts relies on the order of the alternatives: a list, secrets, a file. */
const clusters = z.union(
  [
    z.array(cluster(), { error: 'a list of clusters' }),
    z.strictObject(clusterSecretsShape),
    z.strictObject(clusterFileShape),
  ],
  { error: clustersExpected },
);
/** Where to find the names of an entry's clusters, if they are not in the entry itself. */
export type ClusterSource = Exclude<z.output<typeof clusters>, readonly string[]>;

export const rollCallShape = {
  of: z
    .array(text(namePattern, nameExpected), { error: 'a list of schedules of this file' })
    .min(1, { error: 'a list of schedules of this file, at least one' })
    .optional()
    .meta({
      description: 'The schedules whose clusters must have reported. Default: all that are not paused.',
    }),
  within: duration('15m', '14d', 'minutes')
    .optional()
    .meta({ description: 'How far back a report counts. Default: 26h.' }),
};

const isObject = (issue: { readonly code?: string }) =>
  issue.code === 'invalid_type' ? 'an object' : undefined;

export function scheduleShape<R extends z.core.$ZodType>(request: R) {
  return {
    name: text(namePattern, nameExpected).meta({ description: 'Unique in the group; it cannot be changed.' }),
    description: z
      .string({ error: 'a text of at most 512 characters' })
      .max(512, { error: 'a text of at most 512 characters' })
      .optional(),
    rate: z.string({ error: 'a rate, such as "12 hours"' }).optional().meta({
      description: 'An interval in minute(s), hour(s) or day(s), such as "12 hours". Or use `cron` or `at`.',
    }),
    cron: z.string({ error: 'six cron fields, such as "0 2 * * ? *"' }).optional().meta({
      description:
        'Minutes, hours, day of month, month, day of week (1 is Sunday), year. One of the two days is ?.',
    }),
    at: z.string({ error: 'a local date-time, such as "2026-12-01T02:00:00"' }).optional().meta({
      description: 'Once, at a date-time in `timezone` without offset, such as "2026-12-01T02:00:00".',
    }),
    timezone: z
      .string({ error: 'an IANA time zone, such as "Europe/Berlin"' })
      .refine(isTimeZone, { error: 'an IANA time zone in its exact spelling, such as "Europe/Berlin"' })
      .default('UTC')
      .meta({ description: 'The IANA time zone of `cron` and `at`, daylight saving included.' }),
    start: moment().optional().meta({
      description:
        'The first moment at which it may run. A `rate` counts from it; without it, it runs at once.',
    }),
    end: moment().optional().meta({ description: 'The last moment at which it may run.' }),
    window: duration('1m', '24h', 'minutes').optional().meta({
      description: 'How much later than due it may run (flexible time window). If omitted, it runs when due.',
    }),
    state: z.enum(['enabled', 'paused'], { error: '"enabled" or "paused"' }).optional().meta({
      description: 'If omitted, a new schedule is enabled, and one paused by hand stays paused.',
    }),
    clusters: clusters.optional().meta({
      description:
        'One schedule for each of these clusters, called `name.cluster`. Needs a `window`, over which they spread.',
    }),
    request,
    rollCall: z
      .strictObject(rollCallShape, { error: isObject })
      .optional()
      .meta({ description: 'Instead of `request`: checks which clusters have not reported.' }),
    retry: z.strictObject(retryShape, { error: isObject }).prefault({}),
    deadLetterArn: deadLetterArn.meta({
      description: 'The queue for invocations that were given up; null for none. Default: the file’s.',
    }),
    afterCompletion: z
      .enum(['keep', 'delete'], { error: '"keep" or "delete"' })
      .default('keep')
      .meta({ description: 'What happens to the schedule after its last run.' }),
    kmsKeyArn: textBy(kmsKeyArnRule).optional().meta({
      description: 'The customer key that the payload is encrypted with. Default: JOBSWEEP_KMS_KEY_ARN.',
    }),
  };
}

function fileSchema<R extends z.core.$ZodType>(request: R) {
  return z
    .strictObject(
      {
        $schema: z.string().optional(),
        ...settingsShape,
        deadLetterArn: deadLetterArn.meta({
          description:
            'The queue for invocations that were given up; null for none. Default: JOBSWEEP_DLQ_ARN.',
        }),
        schedules: z.array(
          z
            .strictObject(scheduleShape(request), { error: isObject })
            .meta({ anyOf: [{ required: ['request'] }, { required: ['rollCall'] }] }),
          { error: 'a list of schedules' },
        ),
      },
      {
        error: (issue) => (issue.code === 'invalid_type' ? 'an object with a list `schedules`' : undefined),
      },
    )
    .meta({
      // fields in which people put YAML anchors, to which other fields refer
      patternProperties: { '^x-': {} },
      title: 'jobsweep schedules',
      description: 'Recurring sweeps, for `jobsweep schedules apply`.',
    });
}

/** The published schema, which includes the full schema of each schedule's request. */
export const scheduleFileSchema = fileSchema(
  z.optional(
    // a copy of the request's schema, because its metadata here differs from that of the original
    requestSchema
      .clone(undefined, { parent: true })
      .register(z.globalRegistry, { id: 'request', description: 'The payload of each sweep.' }),
  ),
);

// The reader accepts any object as a request, because `parseRequest` checks it later with better messages. (`z.record`
// would drop a field `__proto__`, and the rest could be a valid request.)
export const readableFile = fileSchema(
  z
    .custom<Readonly<Record<string, unknown>>>(isJsonObject, { error: 'an object, the request of the sweep' })
    .optional(),
);
