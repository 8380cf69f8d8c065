/** @module What the function needs to send notifications: its permissions and its environment. */
import { eventSource } from '../src/notify/event.ts';
import { type Statement, sub } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';

/** Permissions for the topic and the bus of the parameters alone. Webhooks need none. */
export function notifyStatements({
  notifyTopicArn,
  notifyTopicKeyArn,
  notifyEventBusArn,
}: Parameters): Statement[] {
  const topic: Statement = { Effect: 'Allow', Action: ['sns:Publish'], Resource: notifyTopicArn };
  const key: Statement = {
    Effect: 'Allow',
    Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
    Resource: notifyTopicKeyArn,
    Condition: { StringEquals: { 'kms:ViaService': sub(`sns.\${AWS::Region}.\${AWS::URLSuffix}`) } },
  };
  const bus: Statement = {
    Effect: 'Allow',
    Action: ['events:PutEvents'],
    Resource: notifyEventBusArn,
    Condition: { StringEquals: { 'events:source': eventSource } },
  };
  return [
    ...(notifyTopicArn === undefined ? [] : [topic]),
    ...(notifyTopicArn === undefined || notifyTopicKeyArn === undefined ? [] : [key]),
    ...(notifyEventBusArn === undefined ? [] : [bus]),
  ];
}

/** The function's variables for notifications. */
export const notifyEnvironment = ({ notifyTopicArn, notifyEventBusArn, notifyWhen }: Parameters) => ({
  ...(notifyTopicArn !== undefined && { JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: notifyTopicArn }),
  ...(notifyEventBusArn !== undefined && { JOBSWEEP_NOTIFY_EVENT_BUS: notifyEventBusArn }),
  ...(notifyWhen !== 'changes' && { JOBSWEEP_NOTIFY_WHEN: notifyWhen }),
});
