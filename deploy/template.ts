/** @module The parts of the CloudFormation template that depend on a stage's parameters, for `serverless.yml`. */
import { InvalidSettingError } from '../src/base/errors.ts';
import { alarms, isShown } from './alarms.ts';
import { capacityWarnings } from './capacity.ts';
import { arn, getArn, type Resources, schedulerRoleArn } from './cloudformation.ts';
import { dashboard } from './dashboard.ts';
import { networkEnvironment, vpcOf } from './network.ts';
import { notifyEnvironment } from './notifications.ts';
import { type Parameters, readParameters } from './parameters.ts';
import { queues } from './queues.ts';
import { functionDocuments, type RoleContext, role, schedulerDocuments } from './roles.ts';
import { suppress } from './scanner-findings.ts';
import { readSchedules, type StageSchedules, scheduleKeys, scheduleResources } from './schedules.ts';
import { tagged, tagList } from './tags.ts';
import { watchOf } from './watch.ts';

export interface Stage {
  readonly service: string;
  readonly stage: string;
  /** The values as written in `serverless.yml` or on the command line. */
  readonly parameters: unknown;
  /** The folder to which file names in the parameters are relative. */
  readonly root: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/**
 * Reads the data for the parts of the template that depend on the stage.
 * @throws {JobsweepError} if a parameter or the schedule file is invalid.
 */
export function readStage({ service, stage, parameters: given, root }: Omit<Stage, 'now'>) {
  const parameters = readParameters(given);
  const prefix = `${service}-${stage}`;
  const schedules = readSchedules(parameters.schedules, root);
  if (stage === 'dev') onlyPlans(parameters.schedules, schedules);
  return {
    prefix,
    functionName: `${prefix}-sweep`,
    parameters,
    schedules,
    watch: watchOf(parameters, schedules),
    scheduleKeys: scheduleKeys(schedules.definitions, parameters),
  };
}

/**
 * Refuses sweeps in the stage `dev` that are not dry runs, because `dev` promises to close nothing. @throws
 * {InvalidSettingError}
 */
function onlyPlans(file: string, { definitions }: StageSchedules): void {
  const sweeping = definitions.find(({ payload }) => !('rollCall' in payload) && payload.dryRun !== true);
  if (sweeping)
    throw new InvalidSettingError(
      `param schedules: ${file}: ${sweeping.name} lacks dryRun: true, and the stage dev closes nothing. Add it to the request, or deploy another stage`,
    );
}

/** @throws {JobsweepError} if a parameter or the schedule file is invalid. */
export function template(stage: Stage) {
  const { prefix, schedules, ...context } = readStage(stage);
  const { functionName, parameters, watch } = context;
  const watched = alarms(prefix, watch, parameters);
  const resources: Resources = {
    ScheduleGroup: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: parameters.scheduleGroup } },
    ...roles(context),
    ...queues(parameters),
    ...stackSchedules(parameters, schedules, stage.now),
    ...watched,
    Dashboard: dashboard(prefix, functionName, watch, Object.keys(watched).filter(isShown)),
  };
  checkLimits(resources);
  return {
    functionName,
    architecture: parameters.architecture,
    memorySize: parameters.memorySize,
    maximumEventAge: parameters.maximumEventAge,
    logRetentionInDays: parameters.logRetentionDays,
    role: parameters.functionRoleArn ?? 'FunctionRole',
    schedulerRoleArn: schedulerRoleArn(parameters),
    tags: parameters.tags,
    destinations: {
      onFailure: { type: 'sqs', arn: getArn('FailedQueue') },
      ...(parameters.successDestinationArn !== undefined && { onSuccess: parameters.successDestinationArn }),
    },
    sweepFunction: sweepFunction(functionName, parameters),
    logGroup: logGroup(parameters),
    layers: parameters.layerArns.length > 0 ? parameters.layerArns : null,
    vpc: vpcOf(parameters),
    resources: tagged(resources, parameters.tags),
    warnings: capacityWarnings(schedules.starts, parameters),
  };
}

/** The roles in the stack: those for which the parameters do not name an existing role. */
function roles(context: RoleContext): Resources {
  const { parameters } = context;
  return {
    ...(parameters.schedulerRoleArn === undefined && {
      SchedulerRole: role('invoke', schedulerDocuments(context), parameters, suppress('inlinePolicy')),
    }),
    ...(parameters.functionRoleArn === undefined && {
      FunctionRole: role(
        'sweep',
        functionDocuments(context),
        parameters,
        suppress('wildcards', 'inlinePolicy'),
      ),
    }),
  };
}

/**
 * The properties of the function that the framework cannot set, because it has no setting for them or refuses an empty
 * value.
 */
function sweepFunction(functionName: string, parameters: Parameters) {
  const { kmsKeyArn, logLevel, reservedConcurrency, tags, tracing } = parameters;
  return {
    Properties: {
      Environment: { Variables: environment(functionName, parameters) },
      TracingConfig: { Mode: tracing },
      ...(kmsKeyArn !== undefined && { KmsKeyArn: kmsKeyArn }),
      ...(logLevel !== undefined && { LoggingConfig: loggingConfig(logLevel) }),
      ...(reservedConcurrency !== undefined && { ReservedConcurrentExecutions: reservedConcurrency }),
      ...(Object.keys(tags).length > 0 && { Tags: tagList(tags) }),
    },
    Metadata: suppress(
      'failureDestination',
      ...(reservedConcurrency === undefined ? (['noReservation'] as const) : []),
    ),
  };
}

/**
 * The format and the levels of the log. Lambda filters lines by level only if the format is JSON. The lines that Lambda
 * itself writes have only three levels. The lines that the function writes pass the filter at every level: see
 * `src/function/audit-log.ts`.
 */
const loggingConfig = (level: string) => ({
  LogFormat: 'JSON',
  ApplicationLogLevel: level,
  SystemLogLevel: { TRACE: 'DEBUG', DEBUG: 'DEBUG', INFO: 'INFO' }[level] ?? 'WARN',
});

function logGroup({ kmsKeyArn, logsOnRemoval, tags }: Parameters) {
  return {
    Properties: {
      ...(kmsKeyArn !== undefined && { KmsKeyId: kmsKeyArn }),
      ...(Object.keys(tags).length > 0 && { Tags: tagList(tags) }),
    },
    ...(logsOnRemoval === 'keep' && { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' }),
  };
}

function stackSchedules(
  parameters: Parameters,
  { definitions, clusters, starts }: StageSchedules,
  now: number,
): Resources {
  if (parameters.schedulesBy === 'command') return {};
  if (clusters === undefined && starts.length > 0)
    throw new InvalidSettingError(
      'schedules: a pattern over secrets is for `jobsweep schedules apply`, which can read their names: set schedulesBy=command',
    );
  return scheduleResources(definitions, parameters, now);
}

/**
 * CloudFormation's limit for a template, minus the resources that the framework adds: the function, its log and its
 * settings, a bucket and the bucket's policy.
 */
const maxResources = 500 - 6;
const maxTemplateBytes = 1_000_000 - 20_000;

function checkLimits(resources: Resources): void {
  const all = Object.values(resources);
  const count = (end: string) => all.filter(({ Type }) => Type.endsWith(end)).length;
  const bytes = Buffer.byteLength(JSON.stringify(resources));
  if (all.length <= maxResources && bytes <= maxTemplateBytes) return;
  throw new InvalidSettingError(
    `the stack would have ${all.length} resources in ${Math.ceil(bytes / 1000)} kB, and CloudFormation takes ${maxResources} of ours in ${maxTemplateBytes / 1000} kB: ` +
      `${count('::Schedule')} are schedules (leave them to \`jobsweep schedules apply\` with schedulesBy=command), ` +
      `${count('Alarm')} are alarms (name fewer clusters in clusters)`,
  );
}

/**
 * Makes V8 collect short-lived objects, such as the text of an answer, after every 1 to 2 MB. V8 does this by default
 * if there is little memory, such as the function's 512 MB. With more memory, V8 waits for 64 MB by default. Then the
 * peak memory of a plan of 10,000 jobs doubles, and the plan is not faster (bench/results/scale.md).
 */
export const nodeOptions = '--max-semi-space-size=1';

/**
 * The function's environment variables. Empty variables are omitted, so that the console shows only those in use. The
 * function's own ARN is built from its name, because a function's properties cannot refer to the function itself.
 */
function environment(functionName: string, parameters: Parameters): Record<string, unknown> {
  const { kmsKeyArn, secret, secretPrefix, clustersSecret, reportsNamespace, reportsSecret } = parameters;
  return {
    ...(secret !== undefined && { ELASTICSEARCH_SECRET: secret }),
    // Omits the prefix if there is one secret for all clusters: the function refuses to run with both settings, and the
    // prefix may be set only by its default
    ...(clustersSecret === undefined
      ? secretPrefix !== undefined && { ELASTICSEARCH_SECRET_PREFIX: secretPrefix }
      : { ELASTICSEARCH_CLUSTERS_SECRET: clustersSecret }),
    ...(reportsNamespace !== undefined && { JOBSWEEP_REPORTS_NAMESPACE: reportsNamespace }),
    ...(reportsSecret !== undefined && { JOBSWEEP_REPORTS_SECRET: reportsSecret }),
    JOBSWEEP_SCHEDULE_GROUP: { Ref: 'ScheduleGroup' },
    JOBSWEEP_SCHEDULER_ROLE_ARN: schedulerRoleArn(parameters),
    JOBSWEEP_FUNCTION_ARN: arn('lambda', `function:${functionName}`),
    JOBSWEEP_DLQ_ARN: getArn('UndeliveredQueue'),
    ...notifyEnvironment(parameters),
    ...(kmsKeyArn !== undefined && { JOBSWEEP_KMS_KEY_ARN: kmsKeyArn }),
    NODE_OPTIONS: nodeOptions,
    ...networkEnvironment(parameters),
  };
}
