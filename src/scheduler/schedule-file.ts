/**
 * @module The file that lists recurring schedules: its schema, and the definitions that it holds once every part of
 * it is valid, payloads included.
 */
import { closest } from 'fastest-levenshtein';
import * as z from 'zod';
import { durationPattern, parseDuration } from '../sweep/duration.ts';
import { InvalidRequestError, type Problem } from '../sweep/errors.ts';
import { parseRequest, type RequestPayload, requestSchema } from '../sweep/request.ts';
import { quote } from '../sweep/text.ts';
import { InvalidExpressionError, parseExpression } from './expression.ts';
import { nameExpected, namePattern, ownerOf } from './names.ts';
import { isTimeZone, nextDue } from './occurrences.ts';
import { bytesOf, maxInputBytes, toInput } from './payload.ts';

/** A pattern and the words for it, which the schema and its messages share. */
const text = (pattern: RegExp, expected: string) =>
  z.string({ error: expected }).regex(pattern, { error: expected });

function duration(min: string, max: string, step: string) {
  const expected = `a duration from ${min} to ${max}, in whole ${step}, as "${min}"`;
  const [least = 0, most = 0, unit = 1] = [min, max, step === 'minutes' ? '1m' : '1s'].map(parseDuration);
  return text(durationPattern, expected).refine(
    (value) => {
      const ms = parseDuration(value) ?? -1;
      return ms >= least && ms <= most && ms % unit === 0;
    },
    { error: expected },
  );
}

const moment = () =>
  z.iso.datetime({
    offset: true,
    error: 'an ISO date-time with its offset, as "2026-12-01T00:00:00+01:00"',
  });

/** What a file may say for all its schedules, and the environment instead. */
export const settingsShape = {
  group: text(namePattern, `the name of a schedule group: ${nameExpected}`)
    .optional()
    .meta({ description: 'The schedule group; JOBSWEEP_SCHEDULE_GROUP when left out.' }),
  functionArn: text(
    /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$-]+)?$/,
    'the ARN of a Lambda function',
  )
    .optional()
    .meta({ description: 'The function to invoke; JOBSWEEP_FUNCTION_ARN when left out.' }),
  roleArn: text(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, 'the ARN of an IAM role')
    .optional()
    .meta({
      description: 'The role that the Scheduler assumes; JOBSWEEP_SCHEDULER_ROLE_ARN when left out.',
    }),
};

export const deadLetterArn = z
  .union(
    [
      text(
        /^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[\w-]+$/,
        'the ARN of an SQS queue that is not FIFO, or null for none',
      ),
      z.null(),
    ],
    { error: 'the ARN of an SQS queue that is not FIFO, or null for none' },
  )
  .optional();

const retryShape = {
  maxAge: duration('60s', '24h', 'seconds')
    .default('1h')
    .meta({ description: 'How old an invocation may get before it is given up.' }),
  attempts: z
    .int({ error: 'a whole number from 0 to 185' })
    .min(0, { error: 'a whole number from 0 to 185' })
    .max(185, { error: 'a whole number from 0 to 185' })
    .default(10)
    .meta({ description: 'How often an invocation that could not be delivered is tried again.' }),
};

const isObject = (issue: { readonly code?: string }) =>
  issue.code === 'invalid_type' ? 'an object' : undefined;

function scheduleShape<R extends z.core.$ZodType>(request: R) {
  return {
    name: text(namePattern, nameExpected).meta({ description: 'Unique in the group; it cannot be changed.' }),
    description: z
      .string({ error: 'a text of at most 512 characters' })
      .max(512, { error: 'a text of at most 512 characters' })
      .optional(),
    rate: z.string({ error: 'a rate, as "12 hours"' }).optional().meta({
      description: 'Every so many minute(s), hour(s) or day(s), as "12 hours"; or `cron`, or `at`.',
    }),
    cron: z.string({ error: 'six cron fields, as "0 2 * * ? *"' }).optional().meta({
      description:
        'Minutes, hours, day of month, month, day of week (1 is Sunday), year; one of the two days is ?.',
    }),
    at: z
      .string({ error: 'a local date-time, as "2026-12-01T02:00:00"' })
      .optional()
      .meta({ description: 'Once, at a date-time of `timezone` without offset, as "2026-12-01T02:00:00".' }),
    timezone: z
      .string({ error: 'an IANA time zone, as "Europe/Berlin"' })
      .refine(isTimeZone, { error: 'an IANA time zone in its own spelling, as "Europe/Berlin"' })
      .default('UTC')
      .meta({ description: 'The IANA time zone of `cron` and `at`, daylight saving included.' }),
    start: moment().optional().meta({
      description: 'The first moment at which it may run. A `rate` counts from it, or else runs at once.',
    }),
    end: moment().optional().meta({ description: 'The last moment at which it may run.' }),
    window: duration('1m', '24h', 'minutes').optional().meta({
      description: 'It may run up to so much later than due (flexible time window); else it does not.',
    }),
    state: z.enum(['enabled', 'paused'], { error: '"enabled" or "paused"' }).optional().meta({
      description: 'When left out: enabled when it is made, and what was paused by hand stays paused.',
    }),
    request,
    retry: z.strictObject(retryShape, { error: isObject }).prefault({}),
    deadLetterArn: deadLetterArn.meta({
      description: 'The queue for invocations given up, null for none; the file’s when left out.',
    }),
    afterCompletion: z
      .enum(['keep', 'delete'], { error: '"keep" or "delete"' })
      .default('keep')
      .meta({ description: 'What becomes of the schedule after its last run.' }),
    kmsKeyArn: text(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)\/[\w/-]+$/, 'the ARN of a KMS key')
      .optional()
      .meta({ description: 'The customer key that the payload is encrypted with.' }),
  };
}

function fileSchema<R extends z.core.$ZodType>(request: R) {
  return z
    .strictObject(
      {
        $schema: z.string().optional(),
        ...settingsShape,
        deadLetterArn: deadLetterArn.meta({
          description: 'The queue for invocations given up, null for none; JOBSWEEP_DLQ_ARN when left out.',
        }),
        schedules: z.array(z.strictObject(scheduleShape(request), { error: isObject }), {
          error: 'a list of schedules',
        }),
      },
      {
        error: (issue) => (issue.code === 'invalid_type' ? 'an object with a list `schedules`' : undefined),
      },
    )
    .meta({
      title: 'jobsweep schedules',
      description: 'Recurring sweeps, as `jobsweep schedules apply` makes them.',
    });
}

/** The schema that is published: the request of each schedule in full. */
export const scheduleFileSchema = fileSchema(
  // a copy, as what is said of it here is not what is said of the request itself
  requestSchema
    .clone(undefined, { parent: true })
    .register(z.globalRegistry, { id: 'request', description: 'The payload of each sweep.' }),
);

// For reading, a request is anything: `parseRequest` checks it, and says more about what is wrong.
const readableFile = fileSchema(
  z.record(z.string(), z.unknown(), { error: 'an object, the request of the sweep' }),
);
type FileEntry = z.output<typeof readableFile>['schedules'][number];

/** One schedule of a file, complete with defaults. */
export interface ScheduleDefinition {
  readonly name: string;
  readonly description: string | undefined;
  /** `rate(…)`, `cron(…)` or `at(…)`. */
  readonly expression: string;
  readonly timezone: string;
  /** Epoch milliseconds. */
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly windowMinutes: number | undefined;
  /** Undefined: whatever it is, enabled when it is new. */
  readonly state: 'enabled' | 'paused' | undefined;
  /** The request as it was written, defaults not filled in. */
  readonly payload: RequestPayload;
  readonly retry: { readonly maxAgeSeconds: number; readonly attempts: number };
  /** `null`: none, whatever the file or the environment has for all. */
  readonly deadLetterArn: string | null | undefined;
  readonly afterCompletion: 'keep' | 'delete';
  readonly kmsKeyArn: string | undefined;
}

export interface ScheduleFile {
  readonly group: string | undefined;
  readonly functionArn: string | undefined;
  readonly roleArn: string | undefined;
  readonly deadLetterArn: string | null | undefined;
  readonly schedules: readonly ScheduleDefinition[];
}

/**
 * Reads the value of a schedule file.
 * @throws {InvalidRequestError} with every problem of every schedule: of its form first, then of its meaning.
 */
export function readScheduleFile(value: unknown): ScheduleFile {
  const result = readableFile.safeParse(value, { reportInput: true });
  if (!result.success) throw invalidFile(result.error.issues.flatMap((issue) => describe(issue, value)));
  const { schedules, $schema: _editor, ...settings } = result.data;
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  const definitions = schedules.map((entry, index) => {
    const at: Complain = (key, message, deeper = []) => {
      const path = ['schedules', index, key];
      problems.push({ ...problem(path, message), path: [...path, ...deeper] });
    };
    const before = seen.get(entry.name);
    if (before !== undefined) at('name', `${quote(entry.name)} stands twice, first in schedules[${before}]`);
    seen.set(entry.name, index);
    if (ownerOf(entry.name) !== 'file')
      at(
        'name',
        `${quote(entry.name)} begins like the names of the ${ownerOf(entry.name)}s; take one that does not`,
      );
    const expression = readExpression(entry, at);
    checkTimes(entry, expression, at);
    checkRequest(entry.request, at);
    return define(entry, expression ?? '');
  });
  if (problems.length > 0) throw invalidFile(problems);
  return {
    group: settings.group,
    functionArn: settings.functionArn,
    roleArn: settings.roleArn,
    deadLetterArn: settings.deadLetterArn,
    schedules: definitions,
  };
}

/** Tells a problem of one field; `deeper` is where within it, for its place in the file. */
type Complain = (key: string, message: string, deeper?: Problem['path']) => void;

function readExpression(entry: FileEntry, complain: Complain): string | undefined {
  const given = (['rate', 'cron', 'at'] as const).filter((kind) => entry[kind] !== undefined);
  const [kind] = given;
  if (kind === undefined || given.length > 1) {
    complain(
      kind ?? 'name',
      `expected exactly one of rate, cron and at, got ${given.length === 0 ? 'none' : given.join(' and ')}`,
    );
    return undefined;
  }
  const expression = `${kind}(${entry[kind]})`;
  try {
    parseExpression(expression);
    return expression;
  } catch (error) {
    if (!(error instanceof InvalidExpressionError)) throw error;
    complain(kind, `expected ${error.message}`);
    return undefined;
  }
}

function checkTimes(entry: FileEntry, expression: string | undefined, complain: Complain): void {
  const { start, end } = entry;
  if (start !== undefined && end !== undefined && Date.parse(end) < Date.parse(start))
    complain('end', `expected a moment after start, got ${quote(end)}`);
  if (entry.at !== undefined)
    for (const key of ['start', 'end'] as const)
      if (entry[key] !== undefined) complain(key, 'means nothing to a schedule with at; leave it out');
  if (expression === undefined) return;
  const recurrence = { expression: parseExpression(expression), timezone: entry.timezone, anchor: 0 };
  // looked for from 1970 on: a date that is merely past is told by the plan
  if (entry.cron !== undefined && nextDue(recurrence, 0) === undefined)
    complain('cron', `names no moment at all, got ${quote(entry.cron)}`);
}

function checkRequest(request: Record<string, unknown>, complain: Complain): void {
  for (const key of ['trigger', 'followUpOf'])
    if (key in request) complain('request', `${key} is not for people to set; leave it out`, [key]);
  try {
    parseRequest(request);
  } catch (error) {
    if (!(error instanceof InvalidRequestError)) throw error;
    for (const { message, path } of error.problems) complain('request', message, path);
    return;
  }
  const bytes = bytesOf(toInput(withoutSchema(request)));
  if (bytes > maxInputBytes)
    complain('request', `is ${bytes} bytes as an Input, and at most ${maxInputBytes} fit a schedule`);
}

function define(entry: FileEntry, expression: string): ScheduleDefinition {
  const instant = (value: string | undefined) => (value === undefined ? undefined : Date.parse(value));
  const ms = (value: string) => parseDuration(value) ?? 0;
  return {
    name: entry.name,
    description: entry.description || undefined,
    expression,
    timezone: entry.timezone,
    start: instant(entry.start),
    end: instant(entry.end),
    windowMinutes: entry.window === undefined ? undefined : ms(entry.window) / 60_000,
    state: entry.state,
    payload: withoutSchema(entry.request),
    retry: { maxAgeSeconds: ms(entry.retry.maxAge) / 1000, attempts: entry.retry.attempts },
    deadLetterArn: entry.deadLetterArn,
    afterCompletion: entry.afterCompletion,
    kmsKeyArn: entry.kmsKeyArn,
  };
}

/** An editor's help, of no use to the function. */
function withoutSchema({ $schema: _editor, ...request }: Record<string, unknown>): RequestPayload {
  return request;
}

const invalidFile = (problems: readonly Problem[]) => new InvalidRequestError(problems, 'the schedule file');

function problem(path: Problem['path'], message: string): Problem {
  const field = path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`))
    .join('');
  return { field, path, message: field === '' ? message : `${field}: ${message}` };
}

function describe(issue: z.core.$ZodIssue, value: unknown): Problem[] {
  const path = issue.path.filter((key) => typeof key !== 'symbol');
  if (issue.code !== 'unrecognized_keys')
    return [problem(path, `expected ${issue.message}, got ${quote(valueAt(value, path))}`)];
  const known = knownFields(path);
  return issue.keys.map((key) =>
    problem(
      [...path, key],
      `is an unknown field; did you mean ${closest(key, known)}? (${known.join(', ')})`,
    ),
  );
}

function knownFields(path: Problem['path']): string[] {
  if (path.length === 0) return [...Object.keys(settingsShape), 'deadLetterArn', 'schedules'];
  return Object.keys(path.at(-1) === 'retry' ? retryShape : scheduleShape(requestSchema));
}

function valueAt(value: unknown, path: Problem['path']): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null
        ? (inner as Record<string | number, unknown>)[key]
        : undefined,
    value,
  );
}
