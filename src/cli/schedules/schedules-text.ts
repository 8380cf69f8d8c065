/** @module Schedules as text for a terminal: the list, the planned changes and their results. */

import { plural, printable, quote } from '../../base/text.ts';
import type { Change, SchedulePlan } from '../../scheduler/schedule-plan.ts';
import { inAllForms } from '../output/forms.ts';
import type { Renderings } from '../output/output.ts';
import { sheetTable } from '../output/sheet.ts';
import { type Column, table } from '../output/table.ts';

/** A schedule in the output of `list`, and its JSON format. */
export interface ListedSchedule {
  readonly name: string;
  readonly state: 'enabled' | 'paused';
  /** `other` invokes another function; `file` is any schedule of ours that is neither a follow-up nor deployed. */
  readonly owner: 'file' | 'follow-up' | 'deployment' | 'other';
  /** The ARN of the function or other target that the schedule invokes. */
  readonly target: string | null;
  readonly expression: string;
  readonly timezone: string;
  /** An ISO date-time; null if the schedule is paused or has no more runs. */
  readonly nextRun: string | null;
  /** Null if the payload is not a jobsweep request. */
  readonly cluster: string | null;
  readonly description: string | null;
}

/** The result of one change, and its JSON format. */
export interface ChangeResult {
  readonly name: string;
  readonly action: Change['action'] | 'pause' | 'resume';
  readonly outcome: 'done' | 'unchanged' | 'failed' | 'unknown' | 'not_attempted';
  readonly error?: string;
}

const columns: readonly Column<ListedSchedule>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'SCHEDULE', value: ({ expression }) => expression, min: 12 },
  { title: 'ZONE', value: ({ timezone }) => timezone, leftOut: 1 },
  { title: 'NEXT RUN', value: ({ nextRun }) => nextRun ?? '-' },
  { title: 'CLUSTER', value: ({ cluster }) => cluster ?? '?', leftOut: 2 },
  {
    title: 'OF',
    value: ({ owner, target }) => (owner === 'other' ? `not ours: ${target}` : owner),
    leftOut: 3,
  },
];

export const listRenderings = (
  group: string,
  schedules: readonly ListedSchedule[],
  width?: number,
): Renderings =>
  inAllForms({
    text: () =>
      schedules.length === 0
        ? `no schedule in group ${group}\n`
        : `${table(schedules, columns, { width })}\n`,
    value: schedules,
    each: schedules,
    sheet: () => ({
      title: `Schedules of the group ${group}`,
      lines: [plural(schedules.length, 'schedule')],
      tables: [sheetTable(columns, schedules)],
    }),
  });

const marks = { create: '+', update: '~', delete: '-', blocked: '!', none: ' ' } as const;

/** The plan: a line for each schedule and for each field that changes. */
export function planText({ group, createGroup, changes }: SchedulePlan): string {
  const lines = changes.flatMap((change) => {
    const head = `${marks[change.action]} ${change.name}`;
    if (change.action === 'create')
      return [`${head}: ${change.order.ScheduleExpression} ${change.order.ScheduleExpressionTimezone}`];
    if (change.action === 'blocked') return [`${head}: ${change.note}`];
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
    `${count('update')} to update, ${count('delete')} to delete, ${count('none')} unchanged${count('blocked') > 0 ? `, ${count('blocked')} not possible` : ''}`;
  return `${[...lines.map(printable), sum].join('\n')}\n`;
}

/** The JSON format of a change, without the request to the scheduler. */
function changeJson(change: Change): object {
  const { action, name } = change;
  if (action === 'update')
    return {
      name,
      action,
      // JSON has no undefined, so a missing field becomes null.
      differences: change.differences.map(({ field, from = null, to = null }) => ({ field, from, to })),
    };
  const note = 'note' in change ? change.note : undefined;
  return { name, action, ...(note !== undefined && { note }) };
}

export const planRenderings = (plan: SchedulePlan): Renderings => {
  const { group, createGroup, changes } = plan;
  const changesJson = changes.map(changeJson);
  return inAllForms({
    text: () => planText(plan),
    value: { group, createGroup, changes: changesJson },
    each: changesJson,
    sheet: () => ({
      title: `Plan for the schedules of the group ${group}`,
      lines: planText(plan).trimEnd().split('\n').slice(-1),
      tables: [{ head: ['Name', 'Action', 'What'], rows: changes.flatMap(changeRows) }],
    }),
  });
};

function changeRows(change: Change): string[][] {
  if (change.action !== 'update')
    return [[change.name, change.action, 'note' in change ? (change.note ?? '') : '']];
  return change.differences.map(({ field, from, to }) => [
    change.name,
    'update',
    `${field}: ${quote(from, 200)} → ${quote(to, 200)}`,
  ]);
}

const done = {
  create: 'created',
  update: 'updated',
  delete: 'deleted',
  pause: 'paused',
  resume: 'resumed',
  blocked: 'applied',
  none: 'unchanged',
} as const;

export const resultRenderings = (group: string, results: readonly ChangeResult[]): Renderings =>
  inAllForms({
    text: () => resultText(group, results),
    value: { group, results },
    each: results,
    sheet: () => ({
      title: `Schedules of the group ${group}`,
      lines: [],
      tables: [
        {
          head: ['Name', 'Action', 'Outcome', 'Error'],
          rows: results.map(({ name, action, outcome, error = '' }) => [name, action, outcome, error]),
        },
      ],
    }),
  });

function resultText(group: string, results: readonly ChangeResult[]): string {
  const lines = results
    .filter(({ action }) => action !== 'none')
    .map(({ name, action, outcome, error }) => {
      if (outcome === 'done') return `${name}: ${done[action]}`;
      if (outcome === 'unchanged') return `${name}: already ${done[action]}`;
      if (outcome === 'unknown') return `${name}: may be ${done[action]}, please check: ${error}`;
      return `${name}: not ${done[action]}: ${error ?? 'not attempted'}`;
    });
  const rest = results.filter(({ action }) => action === 'none').length;
  if (rest > 0) lines.push(`${plural(rest, 'schedule')} of group ${group} unchanged`);
  return `${lines.map(printable).join('\n')}\n`;
}
