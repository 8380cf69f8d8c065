/** @module Sets up follow-ups from the settings. The client of EventBridge Scheduler is loaded only if it is needed. */

import type { Clock } from '../base/clock.ts';
import { InvalidSettingError } from '../base/errors.ts';
import type { FollowUps } from '../sweep/ports.ts';
import type { FollowUpOf } from '../sweep/request/request-schema.ts';
import type { Environment } from './environment.ts';
import { readSchedulerSettings } from './scheduler-settings.ts';

export interface FollowUpSetup {
  readonly environment: Environment;
  readonly clock: Clock;
  /** The ARN of the running function. Follow-ups invoke that function unless the environment names another one. */
  readonly invokedArn?: string | undefined;
  /** The request's `followUpOf` if this sweep is itself a follow-up. */
  readonly running: FollowUpOf | undefined;
}

/**
 * Follow-ups through the configured schedule group; undefined if neither the group nor the role is set. Disposing
 * closes the connections.
 * @throws {InvalidSettingError} if one of the settings is invalid.
 */
export function followUpsFrom({
  environment,
  clock,
  invokedArn,
  running,
}: FollowUpSetup): (FollowUps & AsyncDisposable) | undefined {
  const settings = readSchedulerSettings(environment);
  const { JOBSWEEP_SCHEDULE_GROUP: group, JOBSWEEP_SCHEDULER_ROLE_ARN: roleArn } = settings;
  const { JOBSWEEP_FUNCTION_ARN: functionArn = invokedArn } = settings;
  const { JOBSWEEP_DLQ_ARN: dlqArn, JOBSWEEP_KMS_KEY_ARN: kmsKeyArn } = settings;
  if (!group && !roleArn) return undefined;
  const load = async () => {
    // Missing settings must not end the sweep. If the sweep needs a follow-up, the error below becomes a warning in the
    // report.
    if (!group || !roleArn || !functionArn) {
      const missing = [
        ...(group ? [] : ['JOBSWEEP_SCHEDULE_GROUP']),
        ...(roleArn ? [] : ['JOBSWEEP_SCHEDULER_ROLE_ARN']),
        ...(functionArn ? [] : ['JOBSWEEP_FUNCTION_ARN']),
      ];
      throw new InvalidSettingError(
        `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set`,
      );
    }
    const { schedulerFollowUps } = await import('../scheduler/follow-up-schedules.ts');
    return schedulerFollowUps(
      { group, roleArn, functionArn, dlqArn, kmsKeyArn },
      { clock, environment, running },
    );
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
