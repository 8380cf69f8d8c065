/**
 * @module Validates requests against the constraints in the service model, with the service's own messages, and
 * converts their fields for the rest of the simulator.
 */
import * as z from 'zod';
import { invalid } from './errors.ts';
import { readExpression } from './recurrence.ts';
import { isZone } from './zone.ts';

export const name = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[0-9a-zA-Z-_.]+$/);
export const clientToken = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[a-zA-Z0-9-_]+$/);
export const state = z.enum(['ENABLED', 'DISABLED']);
export const groupArn = z
  .string()
  .min(1)
  .max(1011)
  .regex(/^arn:aws[a-z-]*:scheduler:[a-z0-9-]+:\d{12}:schedule-group\/[0-9a-zA-Z-_.]+$/);
export const tags = z
  .array(z.object({ Key: z.string().min(1).max(128), Value: z.string().min(1).max(256) }))
  .max(200);
export const page = z.object({
  NamePrefix: name.optional(),
  NextToken: z.string().min(1).max(2048).optional(),
  MaxResults: z.coerce.number().int().min(1).max(100).default(100),
});

const parameters = z.looseObject({}).optional();

const target = z.object({
  Arn: z.string().min(1).max(1600),
  RoleArn: z
    .string()
    .min(1)
    .max(1600)
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/),
  Input: z.string().min(1).optional(),
  RetryPolicy: z
    .object({
      MaximumEventAgeInSeconds: z.int().min(60).max(86_400).default(86_400),
      MaximumRetryAttempts: z.int().min(0).max(185).default(185),
    })
    .prefault({}),
  DeadLetterConfig: z
    .object({
      Arn: z
        .string()
        .min(1)
        .max(1600)
        .regex(/^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[a-zA-Z0-9-_]+$/)
        .optional(),
    })
    .optional(),
  EcsParameters: parameters,
  EventBridgeParameters: parameters,
  EventBridgePutEventsV2Parameters: parameters,
  EventBridgePutRawEventsParameters: parameters,
  KinesisParameters: parameters,
  SageMakerPipelineParameters: parameters,
  SqsParameters: parameters,
});

const schedule = z.object({
  ScheduleExpression: z.string().min(1).max(256),
  ScheduleExpressionTimezone: z.string().min(1).max(50).default('UTC'),
  StartDate: z.number().optional(),
  EndDate: z.number().optional(),
  Description: z.string().max(512).optional(),
  State: state.default('ENABLED'),
  KmsKeyArn: z
    .string()
    .min(1)
    .max(2048)
    .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)\/[0-9a-zA-Z-_]*$/)
    .optional(),
  ActionAfterCompletion: z.enum(['NONE', 'DELETE']).default('NONE'),
  FlexibleTimeWindow: z.object({
    Mode: z.enum(['OFF', 'FLEXIBLE']),
    MaximumWindowInMinutes: z.int().min(1).max(1440).optional(),
  }),
  Target: target,
  GroupName: name.default('default'),
  ClientToken: clientToken.optional(),
});

/** The fields of a create or update request, with the service's defaults. Dates are epoch seconds. */
export type ScheduleInput = z.output<typeof schedule>;

/** Parses `value`. @throws the service's 400, which lists every violated constraint */
export function read<T extends z.core.$ZodType>(
  schema: T,
  value: unknown,
  at: readonly string[] = [],
): z.output<T> {
  const result = z.safeParse(schema, withoutNulls(value), { reportInput: true });
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const path = [...at, ...issue.path.map(String)].map(lowerCamel).join('.');
    const shown = issue.input === undefined ? '' : ` '${asText(issue.input)}'`;
    return `Value${shown} at '${path}' failed to satisfy constraint: ${constraint(issue)}`;
  });
  throw invalid(
    `${problems.length} validation error${problems.length === 1 ? '' : 's'} detected: ${problems.join('; ')}`,
  );
}

/** Parses the body of a create or update request. Some dates must not be before `now`, in epoch milliseconds. */
export function readSchedule(body: unknown, now: number): ScheduleInput {
  const input = read(schedule, body);
  const expression = readExpression(input.ScheduleExpression);
  if (!expression) throw invalid(`Invalid Schedule Expression ${input.ScheduleExpression}.`);
  const { ScheduleExpressionTimezone: zone, StartDate: start, EndDate: end, FlexibleTimeWindow } = input;
  if (!isZone(zone)) throw invalid(`Invalid Schedule Expression Timezone ${zone}.`);
  if ((FlexibleTimeWindow.Mode === 'FLEXIBLE') !== (FlexibleTimeWindow.MaximumWindowInMinutes !== undefined))
    throw invalid('MaximumWindowInMinutes must be specified exactly when the Mode is FLEXIBLE.');
  if (expression.kind !== 'at') {
    if (start !== undefined && start * 1000 < now - 300_000)
      throw invalid('The StartDate you specify cannot be earlier than 5 minutes ago.');
    if (end !== undefined && end * 1000 < now)
      throw invalid('The EndDate you specify cannot be in the past.');
    if (start !== undefined && end !== undefined && end < start)
      throw invalid('The EndDate you specify must come after the StartDate.');
  }
  checkTargetInput(input.Target);
  return input;
}

export const isLambda = (arn: string) => /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:/.test(arn);

function checkTargetInput({ Arn, Input }: ScheduleInput['Target']): void {
  if (Input === undefined) return;
  if (Buffer.byteLength(Input) > 256 * 1024)
    throw invalid('The Input you specify exceeds the maximum size of 256 KB.');
  if (!isLambda(Arn)) return;
  try {
    JSON.parse(Input);
  } catch {
    throw invalid('The Input you specify for this target must be well-formed JSON.');
  }
}

/** The service treats `null` as a missing field. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => (member === null ? [] : [[key, withoutNulls(member)]])),
  );
}

const asText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const lowerCamel = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

function constraint(issue: z.core.$ZodIssue): string {
  if (issue.input === undefined) return 'Member must not be null';
  if (issue.code === 'too_small')
    return `Member must have ${measured(issue.origin)} greater than or equal to ${issue.minimum}`;
  if (issue.code === 'too_big')
    return `Member must have ${measured(issue.origin)} less than or equal to ${issue.maximum}`;
  if (issue.code === 'invalid_format' && 'pattern' in issue)
    return `Member must satisfy regular expression pattern: ${String(issue.pattern).slice(1, -1)}`;
  if (issue.code === 'invalid_value')
    return `Member must satisfy enum value set: [${issue.values.join(', ')}]`;
  if (issue.code === 'invalid_type') return `Member must be of type ${issue.expected}`;
  return issue.message;
}

const measured = (origin: string) => (origin === 'string' || origin === 'array' ? 'length' : 'value');
