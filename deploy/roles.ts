/** @module The IAM roles: the Scheduler's role, and the function's permissions. */
import { followUpMark } from '../src/scheduler/schedule-names.ts';
import { arn, getArn, type Resource, sub } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';

export interface Statement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

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
export function functionRole(functionName: string, parameters: Parameters): Resource {
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

function secretsOf({ secret, secretPrefix, secretKeyArn, reportsSecret }: Parameters): Statement[] {
  // Secrets Manager appends a hyphen and six random characters to each secret's ARN
  const secrets = [
    ...(secret === undefined ? [] : [arn('secretsmanager', `secret:${secret}-??????`)]),
    ...(reportsSecret === undefined ? [] : [arn('secretsmanager', `secret:${reportsSecret}-??????`)]),
    ...(secretPrefix === undefined ? [] : [arn('secretsmanager', `secret:${secretPrefix}*`)]),
  ];
  if (secrets.length === 0) return [];
  const read: Statement = { Effect: 'Allow', Action: ['secretsmanager:GetSecretValue'], Resource: secrets };
  if (secretKeyArn === undefined) return [read];
  const viaService = sub(`secretsmanager.\${AWS::Region}.\${AWS::URLSuffix}`);
  const decrypt: Statement = {
    Effect: 'Allow',
    Action: ['kms:Decrypt'],
    Resource: secretKeyArn,
    Condition: { StringEquals: { 'kms:ViaService': viaService } },
  };
  return [read, decrypt];
}

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
