/** @module Schedules as text for a terminal: what there is, what would change, what was done. */
import type { Change, SchedulePlan } from '../../scheduler/schedule-plan.ts';
import { plural, printable, quote } from '../../sweep/text.ts';
import { type Column, table } from './table.ts';

/** A schedule as `list` tells it; also its JSON form. */
export interface ListedSchedule {
  readonly name: string;
  readonly state: 'enabled' | 'paused';
  /** Who made it: `file` for everything that is neither a sweep's follow-up nor of the deployment. */
  readonly owner: 'file' | 'follow-up' | 'deployment';
  readonly expression: string;
  readonly timezone: string;
  /** An ISO date-time; null when it is paused or has nothing more to come. */
  readonly nextRun: string | null;
  /** Null when the payload is not one of this project's. */
  readonly cluster: string | null;
  readonly description: string | null;
}

/** How one change ended; also its JSON form. */
export interface ChangeResult {
  readonly name: string;
  readonly action: Change['action'] | 'pause' | 'resume';
  readonly outcome: 'done' | 'unchanged' | 'failed' | 'not_attempted';
  readonly error?: string;
}

const columns: readonly Column<ListedSchedule>[] = [
  { title: 'NAME', value: ({ name }) => name, least: 12, cut: 'middle' },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'SCHEDULE', value: ({ expression }) => expression, least: 12 },
  { title: 'ZONE', value: ({ timezone }) => timezone, leftOut: 1 },
  { title: 'NEXT RUN', value: ({ nextRun }) => nextRun ?? '-' },
  { title: 'CLUSTER', value: ({ cluster }) => cluster ?? '?', leftOut: 2 },
  { title: 'OF', value: ({ owner }) => owner, leftOut: 3 },
];

export function listText(group: string, schedules: readonly ListedSchedule[], width?: number): string {
  return schedules.length === 0
    ? `no schedule in group ${group}\n`
    : `${table(schedules, columns, { width })}\n`;
}

const marks = { create: '+', update: '~', delete: '-', none: ' ' } as const;

/** The plan, a line for each schedule and one for each field that changes. */
export function planText({ group, createGroup, changes }: SchedulePlan): string {
  const lines = changes.flatMap((change) => {
    const head = `${marks[change.action]} ${change.name}`;
    if (change.action === 'create')
      return [`${head}: ${change.order.ScheduleExpression} ${change.order.ScheduleExpressionTimezone}`];
    if (change.action === 'none') return change.note === undefined ? [] : [`${head}: ${change.note}`];
    if (change.action === 'delete') return [head];
    return [
      head,
      ...change.differences.map(
        ({ field, from, to }) => `    ${field}: ${quote(from, 200)} → ${quote(to, 200)}`,
      ),
    ];
  });
  const count = (action: Change['action']) => changes.filter((change) => change.action === action).length;
  const sum =
    `group ${group}${createGroup ? ' (to be created)' : ''}: ${count('create')} to create, ` +
    `${count('update')} to update, ${count('delete')} to delete, ${count('none')} unchanged`;
  return `${[...lines.map(printable), sum].join('\n')}\n`;
}

const done = {
  create: 'created',
  update: 'updated',
  delete: 'deleted',
  pause: 'paused',
  resume: 'resumed',
  none: 'unchanged',
} as const;

export function resultText(group: string, results: readonly ChangeResult[]): string {
  const lines = results
    .filter(({ action }) => action !== 'none')
    .map(({ name, action, outcome, error }) => {
      if (outcome === 'done') return `${name}: ${done[action]}`;
      if (outcome === 'unchanged') return `${name}: is ${done[action]} already`;
      return `${name}: not ${done[action]}: ${error ?? 'not attempted'}`;
    });
  const rest = results.filter(({ action }) => action === 'none').length;
  if (rest > 0) lines.push(`${plural(rest, 'schedule')} of group ${group} unchanged`);
  return `${lines.map(printable).join('\n')}\n`;
}
