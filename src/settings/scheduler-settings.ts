/**
 * @module The group and the target of schedules: from the command line, the file, or the environment. The deployed
 * function reads settings with this module, too, so the module imports neither the schema of the schedule file nor the
 * code for due times.
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
import type { Environment } from './environment.ts';

const settings = {
  JOBSWEEP_SCHEDULE_GROUP: groupRule,
  JOBSWEEP_SCHEDULER_ROLE_ARN: roleArnRule,
  JOBSWEEP_FUNCTION_ARN: functionArnRule,
  JOBSWEEP_DLQ_ARN: deadLetterArnRule,
  JOBSWEEP_KMS_KEY_ARN: kmsKeyArnRule,
} as const;
export type SchedulerSetting = keyof typeof settings;
export const schedulerSettings = Object.keys(settings) as SchedulerSetting[];

/**
 * The settings in the environment; undefined for each setting that is not set.
 * @throws {InvalidSettingError} that names all invalid values.
 */
export function readSchedulerSettings(
  env: Environment,
): Readonly<Record<SchedulerSetting, string | undefined>> {
  return collect((take) => {
    const entries = schedulerSettings.map((name) => [name, take(name, given(env[name]))]);
    return Object.fromEntries(entries) as Record<SchedulerSetting, string | undefined>;
  });
}

/**
 * The group to list, and the function that its schedules invoke, if known. @throws {InvalidSettingError} that names all
 * problems.
 */
export function listSettings(
  asked: string | undefined,
  env: Environment,
): { readonly group: string; readonly functionArn: string | undefined } {
  return collect(
    (take) => ({
      group: takeGroup(take, asked, env) as string,
      functionArn: take('JOBSWEEP_FUNCTION_ARN', given(env.JOBSWEEP_FUNCTION_ARN)),
    }),
    env,
  );
}

/** The group and the function whose schedules may be changed. @throws {InvalidSettingError} that names all problems. */
export function ownSettings(
  asked: string | undefined,
  env: Environment,
): { readonly group: string; readonly functionArn: string } {
  return collect(
    (take) => ({
      group: takeGroup(take, asked, env) as string,
      functionArn: take(
        'JOBSWEEP_FUNCTION_ARN',
        given(env.JOBSWEEP_FUNCTION_ARN),
        'JOBSWEEP_FUNCTION_ARN is not set: only schedules that invoke that function may be changed; take it from the outputs of the deployment',
      ) as string,
    }),
    env,
  );
}

const takeGroup = (take: Take, asked: string | undefined, env: Environment) =>
  take(
    'JOBSWEEP_SCHEDULE_GROUP',
    asked ?? given(env.JOBSWEEP_SCHEDULE_GROUP),
    'JOBSWEEP_SCHEDULE_GROUP is not set: set it, or name the group with --group; it is in the outputs of the deployment',
  );

/** The settings that a file's schedules share. @throws {InvalidSettingError} that names all problems. */
export function targetOf(file: ScheduleFile, asked: string | undefined, env: Environment): ScheduleTarget {
  const queue = file.deadLetterArn === undefined ? given(env.JOBSWEEP_DLQ_ARN) : file.deadLetterArn;
  return collect((take) => {
    const needed = (field: string, variable: SchedulerSetting, value: string | undefined) =>
      take(
        variable,
        value ?? given(env[variable]),
        `${field}: expected one, got nothing; set it in the schedule file, or set ${variable}`,
      ) as string;
    return {
      group: needed('group', 'JOBSWEEP_SCHEDULE_GROUP', asked ?? file.group),
      functionArn: needed('functionArn', 'JOBSWEEP_FUNCTION_ARN', file.functionArn),
      roleArn: needed('roleArn', 'JOBSWEEP_SCHEDULER_ROLE_ARN', file.roleArn),
      deadLetterArn: take('JOBSWEEP_DLQ_ARN', queue ?? undefined),
      kmsKeyArn: take('JOBSWEEP_KMS_KEY_ARN', given(env.JOBSWEEP_KMS_KEY_ARN)),
    };
  }, env);
}

/** The trimmed value. Undefined if it is blank, because a template may have an empty parameter. */
const given = (value: string | undefined) => value?.trim() || undefined;

/**
 * Returns the value, and records a problem if the value is invalid. An undefined value is a problem only if `missing`,
 * the text of that problem, is given.
 */
type Take = (variable: SchedulerSetting, value: string | undefined, missing?: string) => string | undefined;

/**
 * Reads several settings, so that one error names all their problems. With `env`, the error also reports a missing
 * region.
 */
function collect<T>(read: (take: Take) => T, env?: Environment): T {
  const problems: string[] = [];
  const result = read((variable, value, missing) => {
    const { pattern, expected } = settings[variable];
    if (value === undefined) problems.push(...(missing === undefined ? [] : [missing]));
    else if (!pattern.test(value)) problems.push(`${variable}: expected ${expected}, got ${quote(value)}`);
    return value;
  });
  if (problems.length === 0) return result;
  if (env && !given(env.AWS_REGION))
    problems.push('AWS_REGION is not set: set it, unless your AWS profile names the region');
  throw new InvalidSettingError(problems.join('\n'));
}
