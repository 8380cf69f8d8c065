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
    // The topic may be in a different region from the function, and its key is in the topic's region. Ends with `*`
    // because AWS does not document whether the value ends in `.cn` in China.
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
