/** @module Where schedules live and what they wake: from the command line, the file, or the environment. */
import * as z from 'zod';
import { InvalidSettingError } from '../sweep/errors.ts';
import { quote } from '../sweep/text.ts';
import type { ScheduleTarget } from './definition.ts';
import type { ScheduleFile } from './schedule-file.ts';
import { deadLetterArn, settingsShape } from './schedule-schema.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The group: what was asked for, the file's, or JOBSWEEP_SCHEDULE_GROUP. @throws {InvalidSettingError} */
export function groupOf(asked: string | undefined, file: string | undefined, env: Environment): string {
  return needed(
    'group',
    'JOBSWEEP_SCHEDULE_GROUP',
    settingsShape.group,
    asked ?? file ?? given(env.JOBSWEEP_SCHEDULE_GROUP),
  );
}

/** Everything that a file's schedules share. @throws {InvalidSettingError} when something is missing or wrong. */
export function targetOf(file: ScheduleFile, asked: string | undefined, env: Environment): ScheduleTarget {
  const queue = file.deadLetterArn === undefined ? given(env.JOBSWEEP_DLQ_ARN) : file.deadLetterArn;
  return {
    group: groupOf(asked, file.group, env),
    functionArn: needed(
      'functionArn',
      'JOBSWEEP_FUNCTION_ARN',
      settingsShape.functionArn,
      file.functionArn ?? given(env.JOBSWEEP_FUNCTION_ARN),
    ),
    roleArn: needed(
      'roleArn',
      'JOBSWEEP_SCHEDULER_ROLE_ARN',
      settingsShape.roleArn,
      file.roleArn ?? given(env.JOBSWEEP_SCHEDULER_ROLE_ARN),
    ),
    deadLetterArn: checked('JOBSWEEP_DLQ_ARN', deadLetterArn, queue) ?? undefined,
  };
}

/** Set and not empty: a template that leaves a parameter blank has not set it. */
const given = (value: string | undefined) => value?.trim() || undefined;

function needed<T>(
  field: string,
  variable: string,
  schema: z.ZodType<T | undefined>,
  value: string | undefined,
): T {
  const found = checked(variable, schema, value);
  if (found === undefined)
    throw new InvalidSettingError(
      `${field}: expected one, got nothing; set it in the schedule file, or set ${variable}`,
    );
  return found;
}

function checked<T>(variable: string, schema: z.ZodType<T>, value: unknown): T {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  throw new InvalidSettingError(
    `${variable}: expected ${result.error.issues[0]?.message}, got ${quote(value)}`,
  );
}
