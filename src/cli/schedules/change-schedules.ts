/** @module Changes the schedules of a group, a few at a time. A failed change does not stop the others. */

import pMap from 'p-map';
import { InvalidSettingError, SchedulerError } from '../../base/errors.ts';
import { quote } from '../../base/text.ts';
import type { ReadSchedule } from '../../scheduler/api.ts';
import { type FailureKind, SchedulerCallError } from '../../scheduler/api-errors.ts';
import { nextRun } from '../../scheduler/definition.ts';
import { readSchedules } from '../../scheduler/read-schedules.ts';
import {
  carryOut,
  type OwnSchedulesContext,
  remove,
  type SchedulesContext,
  setState,
} from '../../scheduler/schedule-changes.ts';
import { invokes, notOurs, ownerOf } from '../../scheduler/schedule-names.ts';
import type { SchedulePlan } from '../../scheduler/schedule-plan.ts';
import type { ExitCode } from '../io.ts';
import type { ChangeResult, ListedSchedule } from './schedules-text.ts';

export type { OwnSchedulesContext, SchedulesContext } from '../../scheduler/schedule-changes.ts';

/** All schedules of the group. Without `functionArn`, it is unknown which of them are ours. */
export async function listGroup(
  { api, clock, group, signal }: SchedulesContext,
  functionArn: string | undefined,
): Promise<readonly ListedSchedule[]> {
  const names = (await api.listSchedules(group, signal)).map(({ Name = '' }) => Name);
  const found = await readSchedules(api, group, names, signal);
  return names.flatMap((name) => {
    const schedule = found.get(name);
    return schedule ? [listed(name, schedule, functionArn, clock.now())] : [];
  });
}

function listed(
  name: string,
  schedule: ReadSchedule,
  functionArn: string | undefined,
  now: number,
): ListedSchedule {
  const target = schedule.Target?.Arn;
  const isOurs = functionArn === undefined || invokes(target, functionArn);
  const paused = schedule.State === 'DISABLED';
  const next = paused ? undefined : nextRun(schedule, now);
  return {
    name,
    state: paused ? 'paused' : 'enabled',
    owner: isOurs ? ownerOf(name) : 'other',
    target: target ?? null,
    expression: schedule.ScheduleExpression ?? '',
    timezone: schedule.ScheduleExpressionTimezone ?? 'UTC',
    nextRun: next === undefined ? null : new Date(next).toISOString(),
    cluster: clusterOf(schedule.Target?.Input),
    description: schedule.Description || null,
  };
}

function clusterOf(input: string | undefined): string | null {
  try {
    const payload = JSON.parse(input ?? '') as { readonly cluster?: unknown };
    return typeof payload.cluster === 'string' ? payload.cluster : 'default';
  } catch {
    return null;
  }
}

/** Applies the plan. @throws {SchedulerError} before anything is changed, if the group cannot be created. */
export async function applyPlan(plan: SchedulePlan, context: OwnSchedulesContext): Promise<Done> {
  if (plan.createGroup) await makeGroup(context);
  return await makeChanges(plan.changes, context.signal, async (change) => {
    await carryOut(change, context);
    return change.action !== 'none';
  });
}

async function makeGroup({ api, group, signal }: SchedulesContext): Promise<void> {
  try {
    await api.createGroup(group, signal);
  } catch (error) {
    // On a conflict, the group already exists: someone else created it, or our own request did and its answer was lost.
    if (!(error instanceof SchedulerCallError) || error.kind !== 'conflict') throw error;
  }
}

/**
 * Pauses or resumes schedules if `ask` resolves to true; otherwise returns undefined.
 * @throws {InvalidSettingError} before anything is changed, if a name does not exist or is not ours.
 */
export async function changeState(
  names: readonly string[],
  action: 'pause' | 'resume',
  context: OwnSchedulesContext,
  ask: () => Promise<boolean>,
): Promise<Done | undefined> {
  await mustBeOurs(names, context);
  if (!(await ask())) return undefined;
  const state = action === 'pause' ? 'DISABLED' : 'ENABLED';
  return await makeChanges(
    names.map((name) => ({ name, action })),
    context.signal,
    ({ name }) => setState(name, state, context),
  );
}

/**
 * Deletes schedules if `ask` resolves to true; otherwise returns undefined. @throws {InvalidSettingError} like
 * `changeState`.
 */
export async function deleteNamed(
  names: readonly string[],
  context: OwnSchedulesContext,
  ask: () => Promise<boolean>,
): Promise<Done | undefined> {
  const deployed = names.filter((name) => ownerOf(name) === 'deployment');
  if (deployed.length > 0)
    throw new InvalidSettingError(
      `${deployed.map((name) => quote(name)).join(', ')} belongs to the deployment, whose stack cannot be updated once it is deleted: remove it from the deployment's schedules and deploy, or pause it; nothing was deleted`,
    );
  await mustBeOurs(names, context);
  if (!(await ask())) return undefined;
  return await makeChanges(
    names.map((name) => ({ name, action: 'delete' as const })),
    context.signal,
    async ({ name }) => {
      await remove(name, context);
      return true;
    },
  );
}

async function mustBeOurs(
  names: readonly string[],
  { api, group, signal, functionArn }: OwnSchedulesContext,
): Promise<void> {
  const listed = await api.listSchedules(group, signal);
  const there = listed.map(({ Name = '' }) => Name);
  const unknown = names.filter((name) => !there.includes(name));
  if (unknown.length > 0)
    throw new InvalidSettingError(
      `no schedule ${unknown.map((name) => quote(name)).join(', ')} in group ${group}, which has ${there.join(', ') || 'none'}; nothing was changed`,
    );
  const foreign = listed.filter(
    ({ Name = '', Target }) => names.includes(Name) && !invokes(Target?.Arn, functionArn),
  );
  if (foreign.length > 0)
    throw new InvalidSettingError(
      `${foreign.map(({ Name, Target }) => `schedule ${quote(Name)} is ${notOurs(Target?.Arn)}`).join('; ')}; nothing was changed. Only schedules that invoke ${functionArn} (JOBSWEEP_FUNCTION_ARN) may be changed.`,
    );
}

/** The result of each change, and the exit code. */
export interface Done {
  readonly results: readonly ChangeResult[];
  /** 0 after success; 5 if the scheduler refused or was unreachable and nothing was changed; otherwise 3. */
  readonly exit: ExitCode;
}

// Failures of the whole scheduler, not of one schedule.
const unusable: ReadonlySet<FailureKind> = new Set(['unreachable', 'busy', 'denied', 'unreadable']);

/** Maximum number of changes in flight. With a thousand schedules, this makes about twenty requests a second. */
const changesAtOnce = 8;

/**
 * Makes the changes, and returns their results in order. Continues after a failure, unless the scheduler cannot be
 * reached.
 */
async function makeChanges<C extends Pick<ChangeResult, 'name' | 'action'>>(
  changes: readonly C[],
  signal: AbortSignal,
  act: (change: C) => Promise<boolean>,
): Promise<Done> {
  const results: ChangeResult[] = [];
  const failures = new Set<FailureKind | 'other'>();
  const make = async (change: C): Promise<ChangeResult> => {
    const { name, action } = change;
    if (signal.aborted) failures.add('unreachable');
    if (failures.has('unreachable') && action !== 'none') return { name, action, outcome: 'not_attempted' };
    try {
      return { name, action, outcome: (await act(change)) ? 'done' : 'unchanged' };
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error;
      failures.add(error instanceof SchedulerCallError ? error.kind : 'other');
      // The command was stopped while a request was in flight: the service may have carried it out.
      const isUnknown = signal.aborted && error instanceof SchedulerCallError && error.kind === 'unreachable';
      return { name, action, outcome: isUnknown ? 'unknown' : 'failed', error: error.message };
    }
  };
  // The first request is sent alone, to find out whether the scheduler can be reached.
  const alone = changes.findIndex(({ action }) => action !== 'none') + 1;
  for (const change of changes.slice(0, alone)) results.push(await make(change));
  results.push(...(await pMap(changes.slice(alone), make, { concurrency: changesAtOnce })));
  if (failures.size === 0) return { results, exit: 0 };
  const nothing = results.every(({ outcome }) => outcome !== 'done');
  const all = [...failures].every((kind) => kind !== 'other' && unusable.has(kind));
  return { results, exit: nothing && all && !signal.aborted ? 5 : 3 };
}
