/** @module The IAM roles: the Scheduler's role, and the function's permissions. */
import { followUpMark } from '../src/scheduler/schedule-names.ts';
import { parameterMark } from '../src/settings/find-connection.ts';
import { arn, getArn, type Resource, type Statement, sub } from './cloudformation.ts';
import { vpcStatements } from './network.ts';
import { notifyStatements } from './notifications.ts';
import type { Parameters } from './parameters.ts';
import type { Watch } from './watch.ts';

/**
 * The role with which the group's schedules invoke the function. The trust policy names the group and no single
 * schedule: with a narrower condition, the service cannot assume the role.
 */
export function schedulerRole(functionName: string): Resource {
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
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
        ],
      },
      Policies: [
        {
          PolicyName: 'invoke',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Action: ['lambda:InvokeFunction'],
                // by name, since the function refers to this role's ARN and references must not be circular
                Resource: arn('lambda', `function:${functionName}`),
              },
              { Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: getArn('UndeliveredQueue') },
            ] satisfies Statement[],
          },
        },
      ],
    },
  };
}

/** The function's role: its log, its own follow-ups and secrets, and Lambda's destinations for events. */
export function functionRole(
  functionName: string,
  parameters: Parameters,
  { hasRollCall }: Pick<Watch, 'hasRollCall'>,
): Resource {
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      },
      Policies: [
        {
          PolicyName: 'sweep',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              ...ownWork(functionName, parameters),
              ...secretsOf(parameters),
              ...destinationOf(parameters),
              ...(hasRollCall ? [readMetrics] : []),
              ...vpcStatements(functionName, parameters),
              ...notifyStatements(parameters),
            ],
          },
        },
      ],
    },
  };
}

const ownWork = (functionName: string, { scheduleGroup }: Parameters): Statement[] => [
  {
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: arn('logs', `log-group:/aws/lambda/${functionName}:*`),
  },
  {
    Effect: 'Allow',
    Action: ['scheduler:CreateSchedule', 'scheduler:GetSchedule'],
    Resource: arn('scheduler', `schedule/${scheduleGroup}/${followUpMark}*`),
  },
  // ListSchedules supports no resource-level permission
  { Effect: 'Allow', Action: ['scheduler:ListSchedules'], Resource: '*' },
  {
    Effect: 'Allow',
    Action: ['iam:PassRole'],
    Resource: getArn('SchedulerRole'),
    Condition: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
  },
  { Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: getArn('FailedQueue') },
];

/** For roll calls. Metrics support no resource-level permission. */
const readMetrics: Statement = { Effect: 'Allow', Action: ['cloudwatch:GetMetricData'], Resource: '*' };

/** What the parameters for secrets name, in Secrets Manager or, after `ssm:`, in Parameter Store. */
function secretsOf(parameters: Parameters): Statement[] {
  const { secret, clustersSecret, reportsSecret, secretKeyArn } = parameters;
  const secretPrefix = clustersSecret === undefined ? parameters.secretPrefix : undefined;
  const names = [secret, reportsSecret, clustersSecret].filter((name) => name !== undefined);
  const isParameter = (name: string) => name.startsWith(parameterMark);
  const secrets = [
    // Secrets Manager appends a hyphen and six random characters to each secret's ARN
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
  const viaService = services.map((service) => sub(`${service}.\${AWS::Region}.\${AWS::URLSuffix}`));
  return [
    ...allowed('secretsmanager:GetSecretValue', secrets),
    ...allowed('ssm:GetParameter', ssm),
    ...allowed('kms:Decrypt', secretKeyArn === undefined || services.length === 0 ? [] : [secretKeyArn], {
      StringEquals: { 'kms:ViaService': viaService.length === 1 ? viaService[0] : viaService },
    }),
  ];
}

function allowed(action: string, resources: readonly unknown[], condition?: object): Statement[] {
  if (resources.length === 0) return [];
  const Resource = action === 'kms:Decrypt' ? resources[0] : resources;
  return [{ Effect: 'Allow', Action: [action], Resource, ...(condition && { Condition: condition }) }];
}

/** The ARN of a parameter: a name with a path has its slash already. */
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
