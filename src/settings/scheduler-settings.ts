/**
 * @module The group and the target of schedules: from the command line, the file, or the environment. The deployed function
 * reads its settings here too, so this module imports neither the schedule file's schema nor its calendar.
 */
import { InvalidSettingError } from '../base/errors.ts';
import { quote } from '../base/text.ts';
import type { ScheduleTarget } from '../scheduler/definition.ts';
import {
  deadLetterArnRule,
  functionArnRule,
  groupRule,
  kmsKeyArnRule,
  roleArnRule,
} from '../scheduler/schedule-arns.ts';
import type { ScheduleFile } from '../scheduler/schedule-file.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const settings = {
  JOBSWEEP_SCHEDULE_GROUP: groupRule,
  JOBSWEEP_SCHEDULER_ROLE_ARN: roleArnRule,
  JOBSWEEP_FUNCTION_ARN: functionArnRule,
  JOBSWEEP_DLQ_ARN: deadLetterArnRule,
  JOBSWEEP_KMS_KEY_ARN: kmsKeyArnRule,
} as const;
export type SchedulerSetting = keyof typeof settings;
export const schedulerSettings = Object.keys(settings) as SchedulerSetting[];

/** The settings of the environment; undefined for those not set. @throws {InvalidSettingError} when a value is invalid. */
export function readSchedulerSettings(
  env: Environment,
): Readonly<Record<SchedulerSetting, string | undefined>> {
  const entries = schedulerSettings.map((name) => [name, checked(name, given(env[name]))]);
  return Object.fromEntries(entries) as Record<SchedulerSetting, string | undefined>;
}

/** The group: the given one, the file's, or JOBSWEEP_SCHEDULE_GROUP. @throws {InvalidSettingError} */
export function groupOf(asked: string | undefined, file: string | undefined, env: Environment): string {
  return needed('group', 'JOBSWEEP_SCHEDULE_GROUP', asked ?? file ?? given(env.JOBSWEEP_SCHEDULE_GROUP));
}

/** The function of JOBSWEEP_FUNCTION_ARN. @throws {InvalidSettingError} when it is missing or invalid. */
export function functionArnOf(env: Environment): string {
  const found = readSchedulerSettings(env).JOBSWEEP_FUNCTION_ARN;
  if (found !== undefined) return found;
  throw new InvalidSettingError(
    'JOBSWEEP_FUNCTION_ARN is not set: only schedules that invoke that function may be changed; take it from the outputs of the deployment',
  );
}

/** The settings that a file's schedules share. @throws {InvalidSettingError} when one is missing or invalid. */
export function targetOf(file: ScheduleFile, asked: string | undefined, env: Environment): ScheduleTarget {
  const queue = file.deadLetterArn === undefined ? given(env.JOBSWEEP_DLQ_ARN) : file.deadLetterArn;
  return {
    group: groupOf(asked, file.group, env),
    functionArn: needed(
      'functionArn',
      'JOBSWEEP_FUNCTION_ARN',
      file.functionArn ?? given(env.JOBSWEEP_FUNCTION_ARN),
    ),
    roleArn: needed(
      'roleArn',
      'JOBSWEEP_SCHEDULER_ROLE_ARN',
      file.roleArn ?? given(env.JOBSWEEP_SCHEDULER_ROLE_ARN),
    ),
    deadLetterArn: checked('JOBSWEEP_DLQ_ARN', queue),
    kmsKeyArn: checked('JOBSWEEP_KMS_KEY_ARN', given(env.JOBSWEEP_KMS_KEY_ARN)),
  };
}

/** The value unless it is blank: a template may have an empty parameter. */
const given = (value: string | undefined) => value?.trim() || undefined;

function needed(field: string, variable: SchedulerSetting, value: string | undefined): string {
  const found = checked(variable, value);
  if (found === undefined)
    throw new InvalidSettingError(
      `${field}: expected one, got nothing; set it in the schedule file, or set ${variable}`,
    );
  return found;
}

function checked(variable: SchedulerSetting, value: string | null | undefined): string | undefined {
  const { pattern, expected } = settings[variable];
  if (value === undefined || value === null || pattern.test(value)) return value ?? undefined;
  throw new InvalidSettingError(`${variable}: expected ${expected}, got ${quote(value)}`);
}
