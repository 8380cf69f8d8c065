/** @module The IAM roles and their policy documents: the Scheduler's role, and the function's permissions. */
import { followUpMark } from '../src/scheduler/schedule-names.ts';
import { parameterMark } from '../src/settings/find-connection.ts';
import { arn, getArn, type Resource, type Statement, schedulerRoleArn, sub } from './cloudformation.ts';
import { vpcStatements } from './network.ts';
import { notifyStatements } from './notifications.ts';
import type { Parameters } from './parameters.ts';
import type { Watch } from './watch.ts';

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly unknown[];
}

/** Who may assume a role, and what the role may do. */
export interface RoleDocuments {
  readonly trust: PolicyDocument;
  readonly policy: PolicyDocument;
}

/** What the documents of both roles depend on. */
export interface RoleContext {
  readonly functionName: string;
  readonly parameters: Parameters;
  readonly watch: Pick<Watch, 'hasRollCall'>;
  /** The customer keys with which the schedules are encrypted. */
  readonly scheduleKeys: readonly string[];
}

/**
 * The documents of the role with which the schedules of the group invoke the function. The trust policy must name the
 * group: the Scheduler cannot assume a role whose trust policy names single schedules.
 */
export function schedulerDocuments({ functionName, parameters, scheduleKeys }: RoleContext): RoleDocuments {
  return {
    trust: policy([
      {
        Effect: 'Allow',
        Principal: { Service: 'scheduler.amazonaws.com' },
        Action: 'sts:AssumeRole',
        Condition: {
          StringEquals: {
            'aws:SourceAccount': { Ref: 'AWS::AccountId' },
            'aws:SourceArn': getArn('ScheduleGroup'),
          },
        },
      },
    ]),
    policy: policy([
      {
        Effect: 'Allow',
        Action: ['lambda:InvokeFunction'],
        // names the function instead of referring to its resource, because the function refers to this role's ARN and
        // references must not be circular
        Resource: arn('lambda', `function:${functionName}`),
      },
      { Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: getArn('UndeliveredQueue') },
      ...scheduleKeys.map((key) => decryptSchedules(key, parameters)),
      ...sendEncrypted(parameters),
    ]),
  };
}

/**
 * The documents of the function's role. With this role, the function writes its log, schedules follow-ups and reads
 * secrets, and Lambda sends the records of finished events to their destinations.
 */
export function functionDocuments({ functionName, parameters, watch }: RoleContext): RoleDocuments {
  return {
    trust: policy([
      { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ]),
    policy: policy([
      ...ownWork(functionName, parameters),
      ...secretsOf(parameters),
      ...destinationOf(parameters),
      ...(watch.hasRollCall ? [readMetrics] : []),
      ...vpcStatements(functionName, parameters),
      ...notifyStatements(parameters),
      ...ownKeyOf(functionName, parameters),
      ...tracingOf(parameters),
    ]),
  };
}

/**
 * A role in the stack. Its policy is inline, because a separate policy might take effect only after the function needs
 * it.
 */
export function role(
  PolicyName: string,
  { trust, policy: PolicyDocument }: RoleDocuments,
  { permissionsBoundaryArn, rolePath }: Parameters,
  Metadata: object,
): Resource {
  return {
    Type: 'AWS::IAM::Role',
    Metadata,
    Properties: {
      AssumeRolePolicyDocument: trust,
      ...(rolePath !== undefined && { Path: rolePath }),
      ...(permissionsBoundaryArn !== undefined && { PermissionsBoundary: permissionsBoundaryArn }),
      Policies: [{ PolicyName, PolicyDocument }],
    },
  };
}

const policy = (Statement: readonly unknown[]): PolicyDocument => ({ Version: '2012-10-17', Statement });

const ownWork = (functionName: string, parameters: Parameters): Statement[] => [
  {
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: arn('logs', `log-group:/aws/lambda/${functionName}:*`),
  },
  {
    Effect: 'Allow',
    Action: ['scheduler:CreateSchedule', 'scheduler:GetSchedule'],
    Resource: arn('scheduler', `schedule/${parameters.scheduleGroup}/${followUpMark}*`),
  },
  // ListSchedules does not support resource-level permissions
  { Effect: 'Allow', Action: ['scheduler:ListSchedules'], Resource: '*' },
  {
    Effect: 'Allow',
    Action: ['iam:PassRole'],
    Resource: schedulerRoleArn(parameters),
    Condition: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
  },
  { Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: getArn('FailedQueue') },
];

/**
 * The permission for roll calls, which find the swept clusters in the metrics. CloudWatch does not support
 * resource-level permissions for metrics.
 */
const readMetrics: Statement = { Effect: 'Allow', Action: ['cloudwatch:GetMetricData'], Resource: '*' };

/** The secrets that the parameters name: in Secrets Manager or, after `ssm:`, in Parameter Store. */
function secretsOf(parameters: Parameters): Statement[] {
  const { secret, clustersSecret, reportsSecret, secretKeyArn } = parameters;
  const secretPrefix = clustersSecret === undefined ? parameters.secretPrefix : undefined;
  const names = [secret, reportsSecret, clustersSecret].filter((name) => name !== undefined);
  const isParameter = (name: string) => name.startsWith(parameterMark);
  const secrets = [
    // Secrets Manager appends a hyphen and six random characters to the ARN of each secret
    ...names
      .filter((name) => !isParameter(name))
      .map((name) => arn('secretsmanager', `secret:${name}-??????`)),
    ...(secretPrefix === undefined || isParameter(secretPrefix)
      ? []
      : [arn('secretsmanager', `secret:${secretPrefix}*`)]),
  ];
  const ssm = [
    ...names.filter(isParameter).map(parameterArn),
    ...(secretPrefix !== undefined && isParameter(secretPrefix) ? [parameterArn(`${secretPrefix}*`)] : []),
  ];
  const services = [...(secrets.length > 0 ? ['secretsmanager'] : []), ...(ssm.length > 0 ? ['ssm'] : [])];
  return [
    ...allowed('secretsmanager:GetSecretValue', secrets),
    ...allowed('ssm:GetParameter', ssm),
    ...allowed(
      'kms:Decrypt',
      secretKeyArn === undefined || services.length === 0 ? [] : [secretKeyArn],
      via(...services),
    ),
  ];
}

function allowed(action: string, resources: readonly unknown[], condition?: object): Statement[] {
  if (resources.length === 0) return [];
  const Resource = action === 'kms:Decrypt' ? resources[0] : resources;
  return [{ Effect: 'Allow', Action: [action], Resource, ...(condition && { Condition: condition }) }];
}

/**
 * The ARN of a parameter in Parameter Store. A name with several levels begins with a slash, which the ARN contains
 * only once.
 */
const parameterArn = (name: string) =>
  arn('ssm', `parameter/${name.slice(parameterMark.length).replace(/^\//, '')}`);

const sendingTo: Readonly<Record<string, string>> = {
  sqs: 'sqs:SendMessage',
  sns: 'sns:Publish',
  events: 'events:PutEvents',
  lambda: 'lambda:InvokeFunction',
};

function destinationOf({ successDestinationArn }: Parameters): Statement[] {
  const action = sendingTo[successDestinationArn?.split(':')[2] ?? ''];
  return action === undefined ? [] : [{ Effect: 'Allow', Action: [action], Resource: successDestinationArn }];
}

/**
 * Permissions to use the stack's customer key, which encrypts the function's environment, the function's follow-ups,
 * and the queue of failed events.
 */
function ownKeyOf(functionName: string, { kmsKeyArn }: Parameters): Statement[] {
  if (kmsKeyArn === undefined) return [];
  return [
    {
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: kmsKeyArn,
      Condition: {
        StringEquals: {
          'kms:EncryptionContext:aws:lambda:FunctionArn': arn('lambda', `function:${functionName}`),
        },
      },
    },
    {
      Effect: 'Allow',
      Action: ['kms:DescribeKey', 'kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: kmsKeyArn,
      Condition: via('scheduler'),
    },
    ...sendEncrypted({ kmsKeyArn }),
  ];
}

/**
 * The permission to decrypt payloads. To decrypt a schedule's payload, the Scheduler uses the role with which it
 * invokes the function.
 */
const decryptSchedules = (key: string, { scheduleGroup }: Parameters): Statement => ({
  Effect: 'Allow',
  Action: ['kms:Decrypt'],
  Resource: key,
  Condition: {
    StringLike: {
      'kms:EncryptionContext:aws:scheduler:schedule:arn': arn('scheduler', `schedule/${scheduleGroup}/*`),
    },
  },
});

/** A sender to an encrypted queue must be allowed to use the queue's key. */
const sendEncrypted = ({ kmsKeyArn }: Pick<Parameters, 'kmsKeyArn'>): Statement[] =>
  kmsKeyArn === undefined
    ? []
    : [
        {
          Effect: 'Allow',
          Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
          Resource: kmsKeyArn,
          Condition: via('sqs'),
        },
      ];

/**
 * A condition that allows the use of a key only through the given services. Each service name ends with `*`, because
 * AWS does not document whether it ends with `.cn` in China.
 */
function via(...services: readonly string[]) {
  const names = services.map((service) => sub(`${service}.\${AWS::Region}.amazonaws.com*`));
  return { StringLike: { 'kms:ViaService': names.length === 1 ? names[0] : names } };
}

const tracingOf = ({ tracing }: Parameters): Statement[] =>
  tracing === 'Active'
    ? [{ Effect: 'Allow', Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], Resource: '*' }]
    : [];
