/** @module Plans the changes that make a group match the file. Changes nothing itself. */
import { SchedulerError } from '../base/errors.ts';
import type { ReadSchedule, ScheduleOrder, SchedulerApi } from './api.ts';
import { isOver, type ScheduleTarget, toOrder } from './definition.ts';
import { type Difference, differences } from './difference.ts';
import { readSchedules } from './read-schedules.ts';
import type { ScheduleDefinition } from './schedule-file.ts';
import { invokes, notOurs, ownerOf } from './schedule-names.ts';

/** The planned change of one schedule. */
export type Change =
  | { readonly action: 'create'; readonly name: string; readonly order: ScheduleOrder }
  | {
      readonly action: 'update';
      readonly name: string;
      readonly order: ScheduleOrder;
      readonly differences: readonly Difference[];
      /** When the schedule was last modified before the plan. An update must not undo a later modification. */
      readonly seen: Date | undefined;
    }
  | { readonly action: 'delete'; readonly name: string; readonly seen: Date | undefined }
  /** A schedule in the group has the name of a schedule in the file, but is not ours. */
  | { readonly action: 'blocked'; readonly name: string; readonly note: string }
  | { readonly action: 'none'; readonly name: string; readonly note?: string };

export interface SchedulePlan {
  readonly group: string;
  readonly createGroup: boolean;
  readonly changes: readonly Change[];
}

export interface PlanOptions {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Whether to delete our schedules that are not in the file. */
  readonly prune: boolean;
  readonly signal: AbortSignal;
}

/** Compares the file's schedules with the schedules in the group. */
export async function planSchedules(
  api: SchedulerApi,
  definitions: readonly ScheduleDefinition[],
  target: ScheduleTarget,
  { now, prune, signal }: PlanOptions,
): Promise<SchedulePlan> {
  const { group } = target;
  if (!(await api.groupExists(group, signal))) {
    return {
      group,
      createGroup: true,
      changes: definitions.map((each) => planOne(each, undefined, target, now)),
    };
  }
  const listed = await api.listSchedules(group, signal);
  const there = new Map(listed.map((summary) => [summary.Name ?? '', summary]));
  const wanted = new Set(definitions.map(({ name }) => name));
  const found = await readSchedules(
    api,
    group,
    [...wanted].filter((name) => there.has(name)),
    signal,
  );
  const extra = [...there.values()].filter(({ Name = '' }) => !wanted.has(Name));
  return {
    group,
    createGroup: false,
    changes: [
      ...definitions.map((each) => planOne(each, found.get(each.name), target, now)),
      ...extra.flatMap(({ Name: name = '', LastModificationDate: seen, Target }): Change[] => {
        if (!invokes(Target?.Arn, target.functionArn))
          return [{ action: 'none', name, note: notOurs(Target?.Arn) }];
        // break: prune-owner
        const owner = ownerOf(name);
        if (owner === 'follow-up') return [];
        if (owner === 'deployment') return [{ action: 'none', name, note: 'belongs to the deployment' }];
        return prune
          ? [{ action: 'delete', name, seen }]
          : [{ action: 'none', name, note: 'not in the file; --prune deletes it' }];
      }),
    ],
  };
}

function planOne(
  definition: ScheduleDefinition,
  found: ReadSchedule | undefined,
  target: ScheduleTarget,
  now: number,
): Change {
  const { name } = definition;
  if (found && !invokes(found.Target?.Arn, target.functionArn)) {
    const note = `${notOurs(found.Target?.Arn)}; choose another name, or set functionArn to that function`;
    return { action: 'blocked', name, note };
  }
  const order = toOrder(definition, target, found?.State);
  if (isOver(order, now)) {
    // the service accepts a schedule that is never due, but does not document what happens to it
    const what = definition.expression.startsWith('at(') ? 'its time is past' : 'it never runs again';
    return { action: 'none', name, note: `${what}: not changed` };
  }
  if (!found) return { action: 'create', name, order };
  const changed = differences(order, found, now);
  if (changed.length > 0)
    return { action: 'update', name, order, differences: changed, seen: found.LastModificationDate };
  const paused = definition.state === undefined && found.State === 'DISABLED';
  return paused ? { action: 'none', name, note: 'paused by hand' } : { action: 'none', name };
}

/** The error if a schedule was changed after the plan was made. */
export const changedMeanwhile = (name: string) =>
  new SchedulerError(`schedule ${name} was changed by someone else meanwhile: check it and plan again`);
