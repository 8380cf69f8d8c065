/** @module The parts of the CloudFormation template that depend on a stage's parameters, for `serverless.yml`. */
import { InvalidSettingError } from '../src/base/errors.ts';
import { alarms } from './alarms.ts';
import { capacityWarnings } from './capacity.ts';
import { getArn, type Resource, type Resources } from './cloudformation.ts';
import { dashboard } from './dashboard.ts';
import { networkEnvironment, vpcOf } from './network.ts';
import { notifyEnvironment } from './notifications.ts';
import { type Parameters, readParameters } from './parameters.ts';
import { functionRole, schedulerRole } from './roles.ts';
import { readSchedules, type StageSchedules, scheduleResources } from './schedules.ts';
import { watchOf } from './watch.ts';

export interface Stage {
  readonly service: string;
  readonly stage: string;
  /** As written in `serverless.yml` or on the command line. */
  readonly parameters: unknown;
  /** The folder to which file names are relative. */
  readonly root: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** @throws {JobsweepError} if a parameter or the schedule file is invalid. */
export function template({ service, stage, parameters: given, root, now }: Stage) {
  const parameters = readParameters(given);
  const prefix = `${service}-${stage}`;
  const functionName = `${prefix}-sweep`;
  const schedules = readSchedules(parameters.schedules, root);
  const watch = watchOf(parameters, schedules);
  const watched = alarms(prefix, watch, parameters);
  const resources: Resources = {
    ScheduleGroup: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: parameters.scheduleGroup } },
    SchedulerRole: schedulerRole(functionName),
    FunctionRole: functionRole(functionName, parameters, watch),
    UndeliveredQueue: queue(),
    FailedQueue: queue(),
    ...stackSchedules(parameters, schedules, now),
    ...watched,
    Dashboard: dashboard(prefix, functionName, watch, Object.keys(watched)),
  };
  checkLimits(resources);
  return {
    functionName,
    memorySize: parameters.memorySize,
    reservedConcurrency: parameters.reservedConcurrency,
    maximumEventAge: parameters.maximumEventAge,
    logRetentionInDays: parameters.logRetentionDays,
    destinations: {
      onFailure: { type: 'sqs', arn: getArn('FailedQueue') },
      ...(parameters.successDestinationArn !== undefined && { onSuccess: parameters.successDestinationArn }),
    },
    environment: { ...environment(functionName, parameters), ...networkEnvironment(parameters) },
    layers: parameters.layerArns.length > 0 ? parameters.layerArns : null,
    vpc: vpcOf(parameters),
    resources,
    warnings: capacityWarnings(schedules.starts, parameters),
  };
}

function stackSchedules(
  { schedulesBy }: Parameters,
  { definitions, clusters, starts }: StageSchedules,
  now: number,
): Resources {
  if (schedulesBy === 'command') return {};
  if (clusters === undefined && starts.length > 0)
    throw new InvalidSettingError(
      'schedules: a pattern over secrets is for `jobsweep schedules apply`, which can read their names: set schedulesBy=command',
    );
  return scheduleResources(definitions, now);
}

/** CloudFormation's limits, less what the framework adds: the function, its log and its settings, a bucket and its policy. */
const maxResources = 500 - 6;
const maxTemplateBytes = 1_000_000 - 20_000;

function checkLimits(resources: Resources): void {
  const all = Object.values(resources);
  const count = (type: string) => all.filter(({ Type }) => Type === type).length;
  const bytes = Buffer.byteLength(JSON.stringify(resources));
  if (all.length <= maxResources && bytes <= maxTemplateBytes) return;
  throw new InvalidSettingError(
    `the stack would have ${all.length} resources in ${Math.ceil(bytes / 1000)} kB, and CloudFormation takes ${maxResources} of ours in ${maxTemplateBytes / 1000} kB: ` +
      `${count('AWS::Scheduler::Schedule')} are schedules (leave them to \`jobsweep schedules apply\` with schedulesBy=command), ` +
      `${count('AWS::CloudWatch::Alarm')} are alarms (name fewer clusters in clusters)`,
  );
}

/**
 * Makes V8 collect short-lived objects, such as the text of an answer, after every 1 to 2 MB. V8 does so by itself with
 * little memory, such as the function's 512 MB. With more it waits for 64 MB, and a plan of 10,000 jobs peaks at twice
 * the memory without being faster (bench/results/scale.md).
 */
export const nodeOptions = '--max-semi-space-size=1';

/**
 * The function's environment variables. Empty ones are left out, so that the console shows only those in use. The
 * function's own ARN is composed from its parts, because a function cannot refer to itself.
 */
function environment(functionName: string, parameters: Parameters): Record<string, unknown> {
  const { secret, secretPrefix, clustersSecret, reportsNamespace, reportsSecret } = parameters;
  return {
    ...(secret !== undefined && { ELASTICSEARCH_SECRET: secret }),
    // the shared secret takes the place of the prefix, which has a default
    ...(clustersSecret === undefined
      ? secretPrefix !== undefined && { ELASTICSEARCH_SECRET_PREFIX: secretPrefix }
      : { ELASTICSEARCH_CLUSTERS_SECRET: clustersSecret }),
    ...(reportsNamespace !== undefined && { JOBSWEEP_REPORTS_NAMESPACE: reportsNamespace }),
    ...(reportsSecret !== undefined && { JOBSWEEP_REPORTS_SECRET: reportsSecret }),
    JOBSWEEP_SCHEDULE_GROUP: { Ref: 'ScheduleGroup' },
    JOBSWEEP_SCHEDULER_ROLE_ARN: getArn('SchedulerRole'),
    JOBSWEEP_FUNCTION_ARN: {
      'Fn::Sub': `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:${functionName}`,
    },
    JOBSWEEP_DLQ_ARN: getArn('UndeliveredQueue'),
    ...notifyEnvironment(parameters),
    NODE_OPTIONS: nodeOptions,
  };
}

/** A queue for failed events: kept for the maximum of 14 days and encrypted with the service's own key. */
const queue = (): Resource => ({
  Type: 'AWS::SQS::Queue',
  Properties: { MessageRetentionPeriod: 1_209_600, SqsManagedSseEnabled: true },
});
