/** @module The checks of the scheduler: the settings that schedules and follow-ups need, and their schedule group. */

import type { Clock } from '../../base/clock.ts';
import { InvalidSettingError, JobsweepError } from '../../base/errors.ts';
import { plural, quote } from '../../base/text.ts';
import { type SchedulerApi, schedulerApi } from '../../scheduler/api.ts';
import { SchedulerCallError } from '../../scheduler/api-errors.ts';
import { invokes, ownerOf } from '../../scheduler/schedule-names.ts';
import type { Environment } from '../../settings/environment.ts';
import {
  readSchedulerSettings,
  type SchedulerSetting,
  schedulerSettings,
} from '../../settings/scheduler-settings.ts';
import { schedulerUnreachable } from './aws-hops.ts';
import { type Finding, finding, note, ok } from './finding.ts';

/** The consequence of each missing setting. */
const without: Record<SchedulerSetting, string> = {
  JOBSWEEP_SCHEDULE_GROUP: 'follow-ups and schedules need a group',
  JOBSWEEP_SCHEDULER_ROLE_ARN: 'the Scheduler needs a role to invoke the function',
  JOBSWEEP_FUNCTION_ARN:
    'the function knows its own ARN, but this command does not, and so cannot create schedules',
  JOBSWEEP_DLQ_ARN: 'deliveries that fail for good are lost without a trace',
  JOBSWEEP_KMS_KEY_ARN: 'a key of the service encrypts new schedules',
};

const check = (name: string) => `setting ${name}`;

/** A missing scheduler is only a note, because `--wait` and cron work without one. */
export async function schedulerFindings(
  environment: Environment,
  clock: Clock,
  signal: AbortSignal,
): Promise<Finding[]> {
  const value = (name: SchedulerSetting) => environment[name]?.trim() || undefined;
  if (schedulerSettings.every((name) => value(name) === undefined))
    return [
      note('scheduler', 'not configured: jobs that close slowly are left to the next sweep or to --wait'),
    ];
  const group = value('JOBSWEEP_SCHEDULE_GROUP');
  return [
    ...schedulerSettings.map((name) => settingFinding(name, value(name))),
    ...(group === undefined || problemOf('JOBSWEEP_SCHEDULE_GROUP', group) !== undefined
      ? []
      : await groupFindings(group, value('JOBSWEEP_FUNCTION_ARN'), environment, clock, signal)),
  ];
}

function settingFinding(name: SchedulerSetting, value: string | undefined): Finding {
  if (value !== undefined) {
    const problem = problemOf(name, value);
    return problem === undefined
      ? ok(check(name), value)
      : finding(check(name), problem, 'Take it from the outputs of the deployment.');
  }
  if (name !== 'JOBSWEEP_SCHEDULE_GROUP' && name !== 'JOBSWEEP_SCHEDULER_ROLE_ARN')
    return note(check(name), `not set: ${without[name]}`);
  return finding(check(name), `not set: ${without[name]}`, 'Take it from the outputs of the deployment.');
}

/** Why a value is invalid, worded as in the function and in `schedules`; undefined if it is valid. */
function problemOf(name: SchedulerSetting, value: string): string | undefined {
  try {
    readSchedulerSettings({ [name]: value });
    return undefined;
  } catch (error) {
    if (!(error instanceof InvalidSettingError)) throw error;
    return error.message;
  }
}

async function groupFindings(
  group: string,
  functionArn: string | undefined,
  environment: Environment,
  clock: Clock,
  signal: AbortSignal,
): Promise<Finding[]> {
  const api: SchedulerApi = schedulerApi({ clock, environment });
  try {
    if (!(await api.groupExists(group, signal)))
      return [
        finding(
          'schedule group',
          `there is no group ${quote(group)} in this account and region`,
          'Deploy, or check the region and the name.',
        ),
      ];
    const listed = await api.listSchedules(group, signal);
    const schedules = listed.filter(
      ({ Target }) => functionArn === undefined || invokes(Target?.Arn, functionArn),
    );
    const owners = Map.groupBy(schedules, ({ Name = '' }) => ownerOf(Name));
    const count = (owner: ReturnType<typeof ownerOf>) => owners.get(owner)?.length ?? 0;
    const recurring = count('file') + count('deployment');
    const paused = schedules.filter(
      ({ State, Name = '' }) => State === 'DISABLED' && ownerOf(Name) !== 'follow-up',
    ).length;
    const others = listed.length - schedules.length;
    const found = `${plural(recurring, 'recurring schedule')}, ${paused} of them paused; ${plural(count('follow-up'), 'follow-up')} waiting${others > 0 ? `; ${others} not ours: they invoke another target` : ''}`;
    return [
      ok('schedule group', `${group} has ${found}`),
      // Only EventBridge Scheduler can test the role. It does so when a schedule is created.
      note(
        'scheduler’s role',
        'cannot be checked in advance: the Scheduler first assumes it when a schedule is created',
      ),
    ];
  } catch (error) {
    if (!(error instanceof JobsweepError)) throw error;
    if (error instanceof SchedulerCallError && error.kind === 'unreachable')
      return await schedulerUnreachable(error, environment, signal);
    return [
      finding(
        'schedule group',
        error.message,
        'Check the credentials, the region, and that the policy allows scheduler:GetScheduleGroup and scheduler:ListSchedules.',
      ),
    ];
  }
}
