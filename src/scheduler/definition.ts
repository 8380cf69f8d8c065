/** @module A schedule of the file as the service's own members, and the times at which it falls due. */
import type { ReadSchedule, ScheduleOrder } from './api.ts';
import { parseExpression } from './expression.ts';
import { nextDue, type Recurrence } from './occurrences.ts';
import type { ScheduleDefinition } from './schedule-file.ts';
import { toInput } from './schedule-input.ts';

/** Where a file's schedules live and what they wake. */
export interface ScheduleTarget {
  readonly group: string;
  readonly functionArn: string;
  readonly roleArn: string;
  readonly deadLetterArn: string | undefined;
}

/** The whole schedule, nothing left to the service's defaults but what is absent. `state` for one that does not say. */
export function toOrder(
  definition: ScheduleDefinition,
  target: ScheduleTarget,
  state: 'ENABLED' | 'DISABLED' = 'ENABLED',
): ScheduleOrder {
  const { windowMinutes, retry } = definition;
  const queue =
    definition.deadLetterArn === undefined ? target.deadLetterArn : (definition.deadLetterArn ?? undefined);
  return {
    Name: definition.name,
    GroupName: target.group,
    ScheduleExpression: definition.expression,
    ScheduleExpressionTimezone: definition.timezone,
    State: definition.state === undefined ? state : definition.state === 'paused' ? 'DISABLED' : 'ENABLED',
    ActionAfterCompletion: definition.afterCompletion === 'delete' ? 'DELETE' : 'NONE',
    FlexibleTimeWindow:
      windowMinutes === undefined
        ? { Mode: 'OFF' }
        : { Mode: 'FLEXIBLE', MaximumWindowInMinutes: windowMinutes },
    Target: {
      Arn: target.functionArn,
      RoleArn: target.roleArn,
      Input: toInput(definition.payload),
      RetryPolicy: {
        MaximumEventAgeInSeconds: retry.maxAgeSeconds,
        MaximumRetryAttempts: retry.attempts,
      },
      ...(queue === undefined ? {} : { DeadLetterConfig: { Arn: queue } }),
    },
    ...(definition.description === undefined ? {} : { Description: definition.description }),
    ...(definition.start === undefined ? {} : { StartDate: new Date(definition.start) }),
    ...(definition.end === undefined ? {} : { EndDate: new Date(definition.end) }),
    ...(definition.kmsKeyArn === undefined ? {} : { KmsKeyArn: definition.kmsKeyArn }),
  };
}

/** Everything of a schedule that was read which an update must send again, or it would go back to its default. */
export function orderOf(schedule: ReadSchedule): ScheduleOrder {
  const { Arn: _arn, CreationDate: _made, LastModificationDate: _changed, ...members } = schedule;
  return {
    ...members,
    Name: schedule.Name,
    ScheduleExpression: schedule.ScheduleExpression,
    Target: schedule.Target,
    FlexibleTimeWindow: schedule.FlexibleTimeWindow ?? { Mode: 'OFF' },
  };
}

/**
 * When the schedule is next due after `now`, whatever its state; undefined when never again, or when its expression
 * is not one that this project knows. A `rate` without a start counts from when it was made.
 */
export function nextRun(schedule: ScheduleOrder | ReadSchedule, now: number): number | undefined {
  const recurrence = recurrenceOf(schedule);
  return recurrence && nextDue(recurrence, now);
}

/** Whether the schedule has nothing more to come: its one time or its end is past. */
export const isOver = (schedule: ScheduleOrder | ReadSchedule, now: number) =>
  recurrenceOf(schedule) !== undefined && nextRun(schedule, now) === undefined;

/**
 * The same schedule with a start that the service takes today: it refuses one older than five minutes. For a `cron`
 * a past start means nothing any more; a `rate` starts again at its own next time, so that it keeps its rhythm.
 */
export function withFreshStart(order: ScheduleOrder, now: number): ScheduleOrder {
  const { StartDate, ...others } = order;
  if (StartDate === undefined || StartDate.getTime() > now) return order;
  const next = recurrenceOf(order)?.expression.kind === 'rate' ? nextRun(order, now) : undefined;
  return next === undefined ? others : { ...others, StartDate: new Date(next) };
}

function recurrenceOf(schedule: ScheduleOrder | ReadSchedule): Recurrence | undefined {
  try {
    return {
      expression: parseExpression(schedule.ScheduleExpression ?? ''),
      timezone: schedule.ScheduleExpressionTimezone ?? 'UTC',
      start: schedule.StartDate?.getTime(),
      end: schedule.EndDate?.getTime(),
      anchor: ('CreationDate' in schedule ? schedule.CreationDate?.getTime() : undefined) ?? 0,
    };
  } catch {
    return undefined;
  }
}
