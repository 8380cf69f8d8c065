/** @module The checks of the scheduler: the settings that schedules and follow-ups need, and the group they live in. */
import * as z from 'zod';
import { type SchedulerApi, schedulerApi } from '../../scheduler/api.ts';
import { ownerOf } from '../../scheduler/names.ts';
import { deadLetterArn, settingsShape } from '../../scheduler/schedule-schema.ts';
import type { Environment } from '../../settings.ts';
import type { Clock } from '../../sweep/clock.ts';
import { JobsweepError } from '../../sweep/errors.ts';
import { plural, quote } from '../../sweep/text.ts';
import { type Finding, finding, note, ok } from './finding.ts';

const settings = {
  JOBSWEEP_SCHEDULE_GROUP: {
    schema: settingsShape.group,
    without: 'follow-ups and schedules have no group to live in',
  },
  JOBSWEEP_SCHEDULER_ROLE_ARN: {
    schema: settingsShape.roleArn,
    without: 'the Scheduler has no role to invoke the function with',
  },
  JOBSWEEP_FUNCTION_ARN: {
    schema: settingsShape.functionArn,
    without: 'the function itself knows its ARN, and this command does not: it can make no schedules',
  },
  JOBSWEEP_DLQ_ARN: {
    schema: deadLetterArn,
    without: 'deliveries that fail for good are lost without a trace',
  },
} as const;
type Setting = keyof typeof settings;

const check = (name: string) => `setting ${name}`;

/** None configured is told, and no finding: `--wait` and cron do without. */
export async function schedulerFindings(
  environment: Environment,
  clock: Clock,
  signal: AbortSignal,
): Promise<Finding[]> {
  const names = Object.keys(settings) as Setting[];
  const value = (name: Setting) => environment[name]?.trim() || undefined;
  if (names.every((name) => value(name) === undefined))
    return [note('scheduler', 'none is configured: slow jobs are left to the next sweep, or to --wait')];
  const group = value('JOBSWEEP_SCHEDULE_GROUP');
  return [
    ...names.map((name) => settingFinding(name, value(name))),
    ...(group === undefined || !isValid('JOBSWEEP_SCHEDULE_GROUP', group)
      ? []
      : await groupFindings(group, clock, signal)),
  ];
}

function settingFinding(name: Setting, value: string | undefined): Finding {
  if (value !== undefined)
    return isValid(name, value)
      ? ok(check(name), value)
      : finding(
          check(name),
          `${quote(value)} is not ${expected(name)}`,
          'Take it from the outputs of the deployment.',
        );
  if (name === 'JOBSWEEP_FUNCTION_ARN' || name === 'JOBSWEEP_DLQ_ARN')
    return note(check(name), `not set: ${settings[name].without}`);
  return finding(
    check(name),
    `not set: ${settings[name].without}`,
    'Take it from the outputs of the deployment.',
  );
}

const isValid = (name: Setting, value: string) => z.safeParse(settings[name].schema, value).success;

function expected(name: Setting): string {
  const result = z.safeParse(settings[name].schema, '\n');
  return result.success ? 'valid' : (result.error.issues[0]?.message ?? 'valid');
}

async function groupFindings(group: string, clock: Clock, signal: AbortSignal): Promise<Finding[]> {
  const api: SchedulerApi = schedulerApi({ clock });
  try {
    if (!(await api.groupExists(group, signal)))
      return [
        finding(
          'schedule group',
          `there is no group ${quote(group)} in this account and region`,
          'Deploy, or check the region and the name.',
        ),
      ];
    const schedules = await api.listSchedules(group, signal);
    const owners = Map.groupBy(schedules, ({ Name = '' }) => ownerOf(Name));
    const count = (owner: ReturnType<typeof ownerOf>) => owners.get(owner)?.length ?? 0;
    const recurring = count('file') + count('deployment');
    const paused = schedules.filter(
      ({ State, Name = '' }) => State === 'DISABLED' && ownerOf(Name) !== 'follow-up',
    ).length;
    const found = `${plural(recurring, 'recurring schedule')}, ${paused} of them paused; ${plural(count('follow-up'), 'follow-up')} waiting`;
    return [
      ok('schedule group', `${group} has ${found}`),
      // nobody but the service itself can try a role, and it does so when a schedule is made
      note('scheduler’s role', 'whether the Scheduler may assume it shows when the first schedule is made'),
    ];
  } catch (error) {
    if (!(error instanceof JobsweepError)) throw error;
    return [
      finding(
        'schedule group',
        error.message,
        'Check the credentials, the region, and that the policy allows scheduler:GetScheduleGroup and scheduler:ListSchedules.',
      ),
    ];
  }
}
