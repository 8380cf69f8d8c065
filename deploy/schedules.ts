/** @module The recurring schedules of a deployment, from a file in the format of `jobsweep schedules`. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { InvalidRequestError, InvalidSettingError } from '../src/base/errors.ts';
import { documentError, readDocument } from '../src/cli/input/document.ts';
import { isOver, toOrder, withFreshStart } from '../src/scheduler/definition.ts';
import { expandSchedules, namesIn, notNames, sourcesOf } from '../src/scheduler/schedule-clusters.ts';
import {
  readScheduleFile,
  type ScheduleDefinition,
  type ScheduleEntry,
} from '../src/scheduler/schedule-file.ts';
import { stackMark } from '../src/scheduler/schedule-names.ts';
import type { Start } from './capacity.ts';
import { type Resources, schedulerRoleArn } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';

/** The content of a stage's schedule file. */
export interface StageSchedules {
  /**
   * The schedules. An entry with several clusters becomes one schedule for each. Empty if the clusters are not known
   * during packaging.
   */
  readonly definitions: readonly ScheduleDefinition[];
  /**
   * The clusters that the schedules sweep, without duplicates. Undefined if the clusters are not known during
   * packaging, because there is no schedule file, or because the file selects clusters by a pattern that only `jobsweep
   * schedules apply` can resolve.
   */
  readonly clusters: readonly string[] | undefined;
  /** How many sweeps each schedule starts, for `capacityWarnings`. */
  readonly starts: readonly Start[];
  readonly hasRollCall: boolean;
}

/**
 * Reads the schedule file of a stage. `none` means that there is no file, because the schedules are managed only with
 * `jobsweep schedules`. @throws {JobsweepError}
 */
export function readSchedules(file: string, root: string): StageSchedules {
  if (file === 'none') return { definitions: [], clusters: undefined, starts: [], hasRollCall: false };
  const document = readDocument(readText(path.resolve(root, file), `param schedules: ${file}`), file);
  try {
    const { schedules: entries, ...settings } = readScheduleFile(document.value);
    for (const [field, value] of Object.entries(settings))
      if (value !== undefined)
        throw new InvalidSettingError(`${file}: the deployment itself sets ${field}; leave it out`);
    return staged(entries, path.dirname(path.resolve(root, file)));
  } catch (error) {
    throw error instanceof InvalidRequestError ? documentError(document, error.problems) : error;
  }
}

function staged(entries: readonly ScheduleEntry[], folder: string): StageSchedules {
  const sources = [...sourcesOf(entries)];
  const found = new Map(
    sources.flatMap(([index, source]) =>
      'file' in source ? [[index, namesInFile(source.file, folder)]] : [],
    ),
  );
  const isKnown = found.size === sources.length;
  const definitions = isKnown ? expandSchedules(entries, found) : [];
  const sweeps = entries.filter(({ rollCall }) => !rollCall);
  return {
    definitions,
    clusters: isKnown
      ? [
          ...new Set(
            definitions.flatMap(({ payload }) =>
              'rollCall' in payload ? [] : [payload.cluster ?? 'default'],
            ),
          ),
        ]
      : undefined,
    starts: sweeps.map((entry) => ({
      when: `${entry.expression} ${entry.timezone}`,
      windowMinutes: entry.windowMinutes,
      sweeps: countOf(entry, found.get(entries.indexOf(entry))),
    })),
    hasRollCall: sweeps.length < entries.length,
  };
}

/** How many clusters an entry sweeps. If a pattern selects the clusters, this is the pattern's `max`. */
function countOf({ clusters }: ScheduleEntry, found: readonly string[] | undefined): number {
  if (clusters === undefined) return 1;
  if (found) return found.length;
  return 'max' in clusters ? clusters.max : 'file' in clusters ? 0 : clusters.length;
}

function namesInFile(name: string, folder: string): readonly string[] {
  const file = path.resolve(folder, name);
  const names = namesIn(readDocument(readText(file, name), name).value);
  if (names) return names;
  throw new InvalidSettingError(notNames(name));
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidSettingError(
      `${what} cannot be read (${(error as NodeJS.ErrnoException).code}); name a schedule file, or "none"`,
    );
  }
}

/**
 * The customer keys with which the schedules are encrypted. The Scheduler's role must be allowed to use them.
 * @throws {InvalidSettingError} if a key is given by its alias, because a policy cannot name a key by an alias.
 */
export function scheduleKeys(
  schedules: readonly ScheduleDefinition[],
  { kmsKeyArn }: Parameters,
): readonly string[] {
  const keys = new Set(kmsKeyArn === undefined ? [] : [kmsKeyArn]);
  for (const { name, kmsKeyArn: own } of schedules) {
    if (own === undefined) continue;
    if (own.includes(':alias/'))
      throw new InvalidSettingError(
        `schedules: ${name}: kmsKeyArn: expected the ARN of a key, got an alias, which a role's policy cannot name; use the ARN of its key`,
      );
    keys.add(own);
  }
  return [...keys];
}

/**
 * One `AWS::Scheduler::Schedule` for each schedule. The names of these schedules have a prefix that keeps `schedules
 * apply --prune` from deleting them.
 */
export function scheduleResources(
  schedules: readonly ScheduleDefinition[],
  parameters: Parameters,
  now: number,
): Resources {
  const resources: Resources = {};
  for (const definition of schedules) {
    const id = `Schedule${logicalPart(definition.name)}`;
    if (resources[id])
      throw new InvalidSettingError(
        `schedules: ${definition.name} and another differ only in characters that a template drops; rename one`,
      );
    resources[id] = { Type: 'AWS::Scheduler::Schedule', Properties: properties(definition, parameters, now) };
  }
  return resources;
}

/** Values for fields that `properties` then replaces with references to the stack's resources. */
const placeholders = { group: '', functionArn: '', roleArn: '', deadLetterArn: undefined };

function properties(
  definition: ScheduleDefinition,
  parameters: Parameters,
  now: number,
): Record<string, unknown> {
  const name = `${stackMark}${definition.name}`;
  if (name.length > 64)
    throw new InvalidSettingError(`schedules: ${definition.name} is too long: at most 58 characters`);
  const order = toOrder(definition, { ...placeholders, kmsKeyArn: parameters.kmsKeyArn });
  if (isOver(order, now))
    throw new InvalidSettingError(`schedules: ${definition.name} never runs again; remove it`);
  const { StartDate, EndDate, ActionAfterCompletion, Target, ...members } = withFreshStart(order, now);
  // CloudFormation has no property for `afterCompletion`, and a schedule must not delete itself from its stack
  if (ActionAfterCompletion === 'DELETE')
    throw new InvalidSettingError(
      `schedules: ${definition.name}: afterCompletion: delete cannot be used in a deployment; leave it out`,
    );
  const queue =
    definition.deadLetterArn === undefined
      ? { 'Fn::GetAtt': ['UndeliveredQueue', 'Arn'] }
      : definition.deadLetterArn;
  return {
    ...members,
    Name: name,
    GroupName: { Ref: 'ScheduleGroup' },
    ...(StartDate && { StartDate: StartDate.toISOString() }),
    ...(EndDate && { EndDate: EndDate.toISOString() }),
    Target: {
      Arn: { 'Fn::GetAtt': ['SweepLambdaFunction', 'Arn'] },
      RoleArn: schedulerRoleArn(parameters),
      Input: Target?.Input,
      RetryPolicy: Target?.RetryPolicy,
      ...(queue !== null && { DeadLetterConfig: { Arn: queue } }),
    },
  };
}

/** The name as a part of a logical id, which may contain only letters and digits: drops all other characters. */
export const logicalPart = (name: string) =>
  name
    .split(/[^0-9a-zA-Z]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
