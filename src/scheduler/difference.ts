/** @module Compares a wanted schedule with the existing one, field by field. Uses the file's names for the fields. */
import { isDeepStrictEqual } from 'node:util';
import { formatDuration } from '../base/duration.ts';
import { isJsonObject } from '../base/json.ts';
import type { ReadSchedule, ScheduleOrder } from './api.ts';
import { nextRun } from './definition.ts';
import { triggerAttributes } from './schedule-input.ts';

/** A field that differs. `from` or `to` is undefined if the field is missing there. */
export interface Difference {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** All fields in which `wanted` differs from `found`; empty if an update would change nothing. */
export function differences(wanted: ScheduleOrder, found: ReadSchedule, now: number): readonly Difference[] {
  const to = fields(wanted);
  const from = fields(found);
  if (sameStart(wanted, found, now)) to.set('start', from.get('start'));
  return [...new Set([...to.keys(), ...from.keys()])]
    .map((field) => ({ field, from: from.get(field), to: to.get(field) }))
    .filter((difference) => !isDeepStrictEqual(difference.from, difference.to));
}

/**
 * Whether a past start in the file and the start in the service have the same effect: both schedules are next due at
 * the same time. The two starts can differ, because `withFreshStart` replaces an old start before it is sent.
 */
function sameStart(wanted: ScheduleOrder, found: ReadSchedule, now: number): boolean {
  if (wanted.StartDate === undefined || wanted.StartDate.getTime() > now) return false;
  return nextRun(wanted, now) === nextRun(found, now);
}

function fields(schedule: ScheduleOrder | ReadSchedule): Map<string, unknown> {
  const { Target, FlexibleTimeWindow } = schedule;
  const { Arn, RoleArn, Input, RetryPolicy, DeadLetterConfig, ...others } = Target ?? {};
  const [, kind = 'expression', body = schedule.ScheduleExpression] =
    /^(rate|cron|at)\((.*)\)$/.exec(schedule.ScheduleExpression ?? '') ?? [];
  const { MaximumEventAgeInSeconds = 86_400, MaximumRetryAttempts = 185 } = RetryPolicy ?? {};
  return new Map<string, unknown>([
    ['description', schedule.Description || undefined],
    [kind, body],
    ['timezone', schedule.ScheduleExpressionTimezone ?? 'UTC'],
    ['start', schedule.StartDate?.toISOString()],
    ['end', schedule.EndDate?.toISOString()],
    ['window', minutes(FlexibleTimeWindow?.MaximumWindowInMinutes)],
    ['state', schedule.State === 'DISABLED' ? 'paused' : 'enabled'],
    ['functionArn', Arn],
    ['roleArn', RoleArn],
    ['deadLetterArn', DeadLetterConfig?.Arn],
    ['retry.maxAge', formatDuration(MaximumEventAgeInSeconds * 1000)],
    ['retry.attempts', MaximumRetryAttempts],
    ['afterCompletion', schedule.ActionAfterCompletion === 'DELETE' ? 'delete' : 'keep'],
    ['kmsKeyArn', schedule.KmsKeyArn],
    ...requestFields(Input),
    ...Object.entries(others).map(([name, value]): [string, unknown] => [`target.${name}`, value]),
  ]);
}

const minutes = (count: number | undefined) =>
  count === undefined ? undefined : formatDuration(count * 60_000);

/**
 * The fields of the request in the Input, with a dotted name for each nested field. An Input that is not an object is a
 * single field.
 */
function requestFields(input: string | undefined): [string, unknown][] {
  let payload: unknown;
  try {
    payload = JSON.parse(input ?? '');
  } catch {
    return [['request', input]];
  }
  if (!isJsonObject(payload)) return [['request', payload]];
  const { trigger, ...request } = payload;
  // shown as a single field: users care whether the attributes are present, not how they are written
  const attributes = isDeepStrictEqual(trigger, triggerAttributes) ? 'context attributes' : trigger;
  return [['request.trigger', attributes], ...leaves(request, 'request')];
}

function leaves(value: Record<string, unknown>, path: string): [string, unknown][] {
  return Object.entries(value).flatMap(([key, inner]): [string, unknown][] =>
    isJsonObject(inner) && Object.keys(inner).length > 0
      ? leaves(inner, `${path}.${key}`)
      : [[`${path}.${key}`, inner]],
  );
}
