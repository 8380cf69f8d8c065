/** @module What `serverless.yml` takes from here: everything of the template that follows from a stage's parameters. */
import { alarms } from './alarms.ts';
import { getArn, type Resource, type Resources } from './cloudformation.ts';
import { dashboard } from './dashboard.ts';
import { type Parameters, readParameters } from './parameters.ts';
import { functionRole, schedulerRole } from './roles.ts';
import { clustersOf, readSchedules, scheduleResources } from './schedules.ts';

export interface Stage {
  readonly service: string;
  readonly stage: string;
  /** As they stand in `serverless.yml` or on the command line. */
  readonly parameters: unknown;
  /** The folder that file names count from. */
  readonly root: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** @throws {JobsweepError} when a parameter or the schedule file is wrong. */
export function template({ service, stage, parameters: given, root, now }: Stage) {
  const parameters = readParameters(given);
  const prefix = `${service}-${stage}`;
  const functionName = `${prefix}-sweep`;
  const schedules = readSchedules(parameters.schedules, root);
  const clusters = parameters.clusters.length > 0 ? parameters.clusters : clustersOf(schedules);
  const watched = alarms(prefix, clusters, parameters);
  const resources: Resources = {
    ScheduleGroup: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: parameters.scheduleGroup } },
    SchedulerRole: schedulerRole(functionName),
    FunctionRole: functionRole(functionName, parameters),
    UndeliveredQueue: queue(),
    FailedQueue: queue(),
    ...scheduleResources(schedules, now),
    ...watched,
    Dashboard: dashboard(prefix, functionName, clusters, Object.keys(watched)),
  };
  return {
    functionName,
    memorySize: parameters.memorySize,
    reservedConcurrency: parameters.reservedConcurrency,
    logRetentionInDays: parameters.logRetentionDays,
    destinations: {
      onFailure: { type: 'sqs', arn: getArn('FailedQueue') },
      ...(parameters.successDestinationArn !== undefined && { onSuccess: parameters.successDestinationArn }),
    },
    environment: environment(functionName, parameters),
    resources,
  };
}

/**
 * What is thrown away at once, as the text of an answer, is collected after every MB or two. V8 does about that by itself
 * where there is little memory, as the function's 512 MB; where there is plenty it waits for 64 MB, and a plan of 10,000
 * jobs peaks at twice as much, for no gain in time (bench/results/scale.md).
 */
export const nodeOptions = '--max-semi-space-size=1';

/**
 * The function's settings. What is empty is left out: an empty variable is one that somebody has to think about.
 * The function's own ARN is put together, since a function cannot refer to itself.
 */
function environment(functionName: string, { secret, secretPrefix }: Parameters): Record<string, unknown> {
  return {
    ...(secret !== undefined && { ELASTICSEARCH_SECRET: secret }),
    ...(secretPrefix !== undefined && { ELASTICSEARCH_SECRET_PREFIX: secretPrefix }),
    JOBSWEEP_SCHEDULE_GROUP: { Ref: 'ScheduleGroup' },
    JOBSWEEP_SCHEDULER_ROLE_ARN: getArn('SchedulerRole'),
    JOBSWEEP_FUNCTION_ARN: {
      'Fn::Sub': `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:${functionName}`,
    },
    JOBSWEEP_DLQ_ARN: getArn('UndeliveredQueue'),
    NODE_OPTIONS: nodeOptions,
  };
}

/** A queue for what went wrong: kept as long as a queue keeps anything, encrypted by the service's own key. */
const queue = (): Resource => ({
  Type: 'AWS::SQS::Queue',
  Properties: { MessageRetentionPeriod: 1_209_600, SqsManagedSseEnabled: true },
});
