/** @module Who comes back for slow jobs, by the settings: EventBridge Scheduler, loaded only when there is one to come back for. */

import type { Clock } from '../base/clock.ts';
import { InvalidSettingError } from '../base/errors.ts';
import type { FollowUps } from '../sweep/ports.ts';
import type { FollowUpOf } from '../sweep/request/request-schema.ts';
import type { Environment } from './find-connection.ts';
import { readSchedulerSettings } from './scheduler-settings.ts';

export interface FollowUpWorld {
  readonly environment: Environment;
  readonly clock: Clock;
  /** The function that runs now, which is the natural one to wake; wins only where the environment names none. */
  readonly invokedArn?: string | undefined;
  /** The request's `followUpOf`, when this sweep is itself a follow-up. */
  readonly running: FollowUpOf | undefined;
}

/**
 * Follow-ups through the schedule group of the settings; undefined when none of the settings for it are made. Their
 * connections end when they are disposed of.
 * @throws {InvalidSettingError} when one of the settings is not valid.
 */
export function followUpsFrom({
  environment,
  clock,
  invokedArn,
  running,
}: FollowUpWorld): (FollowUps & AsyncDisposable) | undefined {
  const settings = readSchedulerSettings(environment);
  const { JOBSWEEP_SCHEDULE_GROUP: group, JOBSWEEP_SCHEDULER_ROLE_ARN: roleArn } = settings;
  const { JOBSWEEP_FUNCTION_ARN: functionArn = invokedArn, JOBSWEEP_DLQ_ARN: dlqArn } = settings;
  if (!group && !roleArn) return undefined;
  const load = async () => {
    // Half a setup is told when it matters, as a warning of the report: it must not keep the jobs from being closed.
    if (!group) throw new InvalidSettingError('JOBSWEEP_SCHEDULE_GROUP is not set');
    if (!roleArn) throw new InvalidSettingError('JOBSWEEP_SCHEDULER_ROLE_ARN is not set');
    if (!functionArn) throw new InvalidSettingError('JOBSWEEP_FUNCTION_ARN is not set');
    const { schedulerFollowUps } = await import('../scheduler/follow-up-schedules.ts');
    return schedulerFollowUps({ group, roleArn, functionArn, dlqArn }, { clock, running });
  };
  let loading: ReturnType<typeof load> | undefined;
  const loaded = () => {
    loading ??= load();
    return loading;
  };
  return {
    pending: async (cluster, signal) => (await loaded()).pending(cluster, signal),
    arrange: async (order, signal) => (await loaded()).arrange(order, signal),
    [Symbol.asyncDispose]: async () => {
      const followUps = await loading?.catch(() => undefined);
      await followUps?.[Symbol.asyncDispose]();
    },
  };
}
