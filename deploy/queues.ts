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
 * Events are kept for the maximum of 14 days. They are encrypted with the customer key or, without one, with the
 * service's own key.
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
