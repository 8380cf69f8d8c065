/**
 * @module Validates a stage's parameters during packaging, so that no deployment fails because of an invalid parameter.
 */
import * as z from 'zod';
import { didYouMean } from '../src/base/did-you-mean.ts';
import { InvalidSettingError } from '../src/base/errors.ts';
import { quote } from '../src/base/text.ts';
import { roleArnRule, type TextRule } from '../src/scheduler/schedule-arns.ts';
import { namePattern } from '../src/scheduler/schedule-names.ts';
import { clusterName, notifyWhens } from '../src/sweep/request/request-schema.ts';
import { networkConflicts, networkParameters } from './network.ts';
import { tags } from './tags.ts';

/** A number, or a string that contains one, because `--param` can pass only strings. */
function whole(min: number, max: number, expected = `a whole number from ${min} to ${max}`) {
  return z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)], { error: expected })
    .pipe(z.int({ error: expected }).min(min, { error: expected }).max(max, { error: expected }));
}

const text = (pattern: RegExp, expected: string) =>
  z.string({ error: expected }).regex(pattern, { error: expected });
/** A text or `none`, because `--param` cannot pass an empty string. */
const optional = (pattern: RegExp, expected: string) =>
  text(new RegExp(`^(none)?$|${pattern.source}`), `${expected}, or none`).transform((value) =>
    value === '' || value === 'none' ? undefined : value,
  );
const optionalBy = ({ pattern, expected }: TextRule) => optional(pattern, expected);

const oneOf = <const T extends readonly [string, ...string[]]>(values: T, or = '') =>
  z.enum(values, { error: `one of ${values.filter((value) => value !== '').join(', ')}${or}` });

// The retention times, in days, that CloudWatch Logs accepts.
const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
const days = `one of ${retentionDays.join(', ')} (days)`;

const clusterNames = 'names of clusters with commas, each 1 to 40 of a-z, 0-9 and -';
const secretName = (expected: string) => optional(/^(ssm:)?[\w/+=.@-]{1,512}$/, expected);

const concurrency = 'a whole number from 1 to 1000, or none';

const parameters = z.strictObject({
  ...networkParameters,
  alarmTopicArn: optional(/^arn:aws[a-z-]*:sns:/, 'the ARN of an SNS topic'),
  architecture: oneOf(['arm64', 'x86_64']),
  clusters: z
    .string({ error: clusterNames })
    .transform((list) => [
      ...new Set(
        list
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== ''),
      ),
    ])
    .refine((names) => names.every((name) => clusterName.test(name)), { error: clusterNames }),
  clustersSecret: secretName('the name of a secret, or "ssm:" and the name of a parameter'),
  functionRoleArn: optionalBy(roleArnRule),
  kmsKeyArn: optional(
    // refuses the ARN of an alias, because the roles' policies cannot name a key by its alias
    /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/,
    'the ARN of a KMS key, not of an alias',
  ),
  logLevel: oneOf(
    ['', 'TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'],
    ', or empty for plain text without a level',
  ).transform((value) => value || undefined),
  logRetentionDays: whole(1, 3653).refine((value) => retentionDays.includes(value), { error: days }),
  logsOnRemoval: oneOf(['delete', 'keep']),
  // the limits of Lambda: `maximumEventAge` in seconds, `memorySize` in megabytes
  maximumEventAge: whole(60, 21_600),
  memorySize: whole(128, 10_240),
  // an alarm evaluates at most seven days (168 hours) of data
  missingAfterHours: whole(1, 168),
  permissionsBoundaryArn: optional(
    /^arn:aws[a-z-]*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/,
    'the ARN of an IAM policy',
  ),
  reportsNamespace: optional(/^[a-z0-9_.]{1,100}$/, '1 to 100 of a-z, 0-9, _ and .'),
  reportsSecret: optional(/^[\w/+=.@-]{1,512}$/, 'the name of a secret'),
  notifyEventBusArn: optional(/^arn:aws[a-z-]*:events:/, 'the ARN of an event bus'),
  notifyTopicArn: optional(/^arn:aws[a-z-]*:sns:(?!.*\.fifo$)/, 'the ARN of a standard SNS topic'),
  notifyTopicKeyArn: optional(/^arn:aws[a-z-]*:kms:/, 'the ARN of a KMS key'),
  notifyWhen: z.enum(notifyWhens, { error: `one of ${notifyWhens.join(', ')}` }),
  reservedConcurrency: z.union([z.literal('none').transform(() => undefined), whole(1, 1000, concurrency)], {
    error: concurrency,
  }),
  rolePath: optional(
    /^\/([\w+=,.@-]+\/)*$/,
    'a path that begins and ends with "/", such as "/teams/search/"',
  ).transform((value) => (value === '/' ? undefined : value)),
  scheduleGroup: text(namePattern, 'the name of a schedule group'),
  schedulerRoleArn: optionalBy(roleArnRule),
  schedules: z
    .string({ error: 'a schedule file, or "none"' })
    .min(1, { error: 'a schedule file, or "none"' }),
  schedulesBy: z.enum(['stack', 'command'], { error: 'stack or command' }),
  secret: secretName('the name of a secret, or "ssm:" and the name of a parameter'),
  secretKeyArn: optional(/^arn:aws[a-z-]*:kms:/, 'the ARN of a KMS key'),
  secretPrefix: optional(
    /^(ssm:)?[\w/+=.@-]{1,400}$/,
    'what the names of secrets begin with, or "ssm:" and what the names of parameters begin with',
  ),
  successDestinationArn: optional(
    /^arn:aws[a-z-]*:(sqs|sns|events|lambda):/,
    'the ARN of a queue, a topic, an event bus or a function',
  ),
  tags,
  tracing: oneOf(['Active', 'PassThrough']),
});
export type Parameters = z.output<typeof parameters>;

export const parameterNames = Object.keys(parameters.shape);

/** @throws {InvalidSettingError} if any parameter is invalid; the message names all invalid parameters. */
export function readParameters(given: unknown): Parameters {
  const result = parameters.safeParse(given, { reportInput: true });
  const problems = result.success
    ? [...networkConflicts(result.data), ...conflicts(result.data)]
    : result.error.issues.flatMap(describe);
  if (result.success && problems.length === 0) return result.data;
  throw new InvalidSettingError(problems.join('; '));
}

function describe(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((name) => {
      const nearest = didYouMean(name, parameterNames);
      const hint = nearest === undefined ? parameterNames.join(', ') : `did you mean ${nearest}?`;
      return `param ${name}: unknown; ${hint}`;
    });
  return [`param ${issue.path.join('.')}: expected ${issue.message}, got ${quote(issue.input)}`];
}

/** Problems with parameters that have no effect because another parameter is set. */
function conflicts(given: Parameters): string[] {
  if (given.functionRoleArn === undefined || given.schedulerRoleArn === undefined) return [];
  return (['permissionsBoundaryArn', 'rolePath'] as const)
    .filter((name) => given[name] !== undefined)
    .map(
      (name) =>
        `param ${name}: has no effect, because functionRoleArn and schedulerRoleArn name existing roles; leave it out`,
    );
}
