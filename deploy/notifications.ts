/** @module What the function needs to send notifications: its permissions and its environment. */
import { eventSource } from '../src/notify/event.ts';
import type { Statement } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';

/** Permissions only for the topic and the bus that the parameters name. Webhooks need no permissions. */
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
    // The topic's key is in the topic's region, which may differ from the function's region. The service name ends with
    // `*`, because AWS does not document whether it ends with `.cn` in China.
    Condition: {
      StringLike: { 'kms:ViaService': `sns.${notifyTopicArn?.split(':')[3]}.amazonaws.com*` },
    },
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
