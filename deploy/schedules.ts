/** @module The recurring schedules of a deployment, from a file in the form of `jobsweep schedules`. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { InvalidRequestError, InvalidSettingError } from '../src/base/errors.ts';
import { documentError, readDocument } from '../src/cli/input/document.ts';
import { isOver, toOrder, withFreshStart } from '../src/scheduler/definition.ts';
import { readScheduleFile, type ScheduleDefinition } from '../src/scheduler/schedule-file.ts';
import { stackMark } from '../src/scheduler/schedule-names.ts';
import type { Resources } from './cloudformation.ts';

/** Reads the schedule file of a stage; `none` means no schedules. @throws {JobsweepError} */
export function readSchedules(file: string, root: string): readonly ScheduleDefinition[] {
  if (file === 'none') return [];
  let text: string;
  try {
    text = readFileSync(path.resolve(root, file), 'utf8');
  } catch (error) {
    throw new InvalidSettingError(
      `param schedules: ${file} cannot be read (${(error as NodeJS.ErrnoException).code}); name a schedule file, or "none"`,
    );
  }
  const document = readDocument(text, file);
  try {
    const { schedules, ...settings } = readScheduleFile(document.value);
    for (const [field, value] of Object.entries(settings))
      if (value !== undefined)
        throw new InvalidSettingError(`${file}: ${field} is the deployment's own; leave it out`);
    return schedules;
  } catch (error) {
    throw error instanceof InvalidRequestError ? documentError(document, error.problems) : error;
  }
}

/** The clusters that the schedules sweep, without duplicates. */
export const clustersOf = (schedules: readonly ScheduleDefinition[]): readonly string[] => [
  ...new Set(schedules.map(({ payload }) => payload.cluster ?? 'default')),
];

/** One `AWS::Scheduler::Schedule` for each. The prefix of their names keeps `schedules apply --prune` from deleting them. */
export function scheduleResources(schedules: readonly ScheduleDefinition[], now: number): Resources {
  const resources: Resources = {};
  for (const definition of schedules) {
    const id = `Schedule${logicalPart(definition.name)}`;
    if (resources[id])
      throw new InvalidSettingError(
        `schedules: ${definition.name} and another differ only in signs, which a template cannot tell apart`,
      );
    resources[id] = { Type: 'AWS::Scheduler::Schedule', Properties: properties(definition, now) };
  }
  return resources;
}

function properties(definition: ScheduleDefinition, now: number): Record<string, unknown> {
  const name = `${stackMark}${definition.name}`;
  if (name.length > 64)
    throw new InvalidSettingError(`schedules: ${definition.name} is too long: at most 58 characters`);
  // placeholders: the stack's ARNs replace them below
  const order = toOrder(definition, { group: '', functionArn: '', roleArn: '', deadLetterArn: undefined });
  if (isOver(order, now))
    throw new InvalidSettingError(`schedules: ${definition.name} has nothing more to come; take it out`);
  const { StartDate, EndDate, ActionAfterCompletion, Target, ...members } = withFreshStart(order, now);
  // CloudFormation has no such property, and a schedule of a stack must not delete itself
  if (ActionAfterCompletion === 'DELETE')
    throw new InvalidSettingError(
      `schedules: ${definition.name}: afterCompletion: delete is not for a deployment; leave it out`,
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
      RoleArn: { 'Fn::GetAtt': ['SchedulerRole', 'Arn'] },
      Input: Target?.Input,
      RetryPolicy: Target?.RetryPolicy,
      ...(queue !== null && { DeadLetterConfig: { Arn: queue } }),
    },
  };
}

/** The letters and digits of a name: a logical id may contain nothing else. */
export const logicalPart = (name: string) =>
  name
    .split(/[^0-9a-zA-Z]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
