/** @module Converts a schedule of the schedule file to the service's fields, and computes when a schedule is due. */
import type { ReadSchedule, ScheduleOrder } from './api.ts';
import { parseExpression } from './expression.ts';
import { nextDue, type Recurrence } from './occurrences.ts';
import type { ScheduleDefinition } from './schedule-file.ts';
import { toInput } from './schedule-input.ts';

/** The group of a file's schedules, the function that they invoke, and their shared settings. */
export interface ScheduleTarget {
  readonly group: string;
  readonly functionArn: string;
  readonly roleArn: string;
  readonly deadLetterArn: string | undefined;
  readonly kmsKeyArn: string | undefined;
}

/** The complete schedule for the service. `state` is used if the definition has no state. */
export function toOrder(
  definition: ScheduleDefinition,
  target: ScheduleTarget,
  state: 'ENABLED' | 'DISABLED' = 'ENABLED',
): ScheduleOrder {
  const { windowMinutes, retry } = definition;
  const kmsKeyArn = definition.kmsKeyArn ?? target.kmsKeyArn;
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
    ...(kmsKeyArn === undefined ? {} : { KmsKeyArn: kmsKeyArn }),
  };
}

/** All fields of an existing schedule that an update must repeat; omitted fields would return to their defaults. */
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
 * When the schedule is next due after `now`, even if it is paused; undefined if it is never due again, or if this
 * project cannot parse its expression. A `rate` without a start counts from the schedule's creation.
 */
export function nextRun(schedule: ScheduleOrder | ReadSchedule, now: number): number | undefined {
  const recurrence = recurrenceOf(schedule);
  return recurrence && nextDue(recurrence, now);
}

/** Whether the schedule never runs again, because its last possible time or its end is past. */
export const isOver = (schedule: ScheduleOrder | ReadSchedule, now: number) =>
  recurrenceOf(schedule) !== undefined && nextRun(schedule, now) === undefined;

/**
 * The same schedule with a start that the service accepts now. The service refuses a start that is more than five
 * minutes in the past. If the start is past, a `cron` gets no start, and a `rate` starts at its next due time, so that
 * it keeps its rhythm.
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
