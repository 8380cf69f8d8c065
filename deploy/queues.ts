/**
 * @module The queues for failed events: one for events that the Scheduler could not deliver, and one for events whose
 * invocation ended without a report.
 */
import { getArn, type Resource, type Resources } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';
import { suppress } from './scanner-findings.ts';

export function queues(parameters: Parameters): Resources {
  return {
    UndeliveredQueue: queue(parameters),
    UndeliveredQueuePolicy: onlyEncrypted('UndeliveredQueue'),
    FailedQueue: queue(parameters),
    FailedQueuePolicy: onlyEncrypted('FailedQueue'),
  };
}

/**
 * A queue that keeps events for 14 days, the maximum. The events are encrypted with the customer key or, if there is
 * none, with a key of SQS.
 */
const queue = ({ kmsKeyArn }: Parameters): Resource => ({
  Type: 'AWS::SQS::Queue',
  Properties: {
    MessageRetentionPeriod: 1_209_600,
    ...(kmsKeyArn === undefined ? { SqsManagedSseEnabled: true } : { KmsMasterKeyId: kmsKeyArn }),
  },
  Metadata: suppress('isDeadLetterQueue'),
});

/** Denies access without TLS. The policies of the roles that use the queue grant the access itself. */
const onlyEncrypted = (id: string): Resource => ({
  Type: 'AWS::SQS::QueuePolicy',
  Properties: {
    Queues: [{ Ref: id }],
    PolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Deny',
          Principal: '*',
          Action: 'sqs:*',
          Resource: getArn(id),
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      ],
    },
  },
});
