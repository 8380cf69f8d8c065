/** @module The queues for failed events: what the Scheduler could not deliver, and what ended without a report. */
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

/** Kept for the maximum of 14 days, and encrypted with the customer key or else with the service's own. */
const queue = ({ kmsKeyArn }: Parameters): Resource => ({
  Type: 'AWS::SQS::Queue',
  Properties: {
    MessageRetentionPeriod: 1_209_600,
    ...(kmsKeyArn === undefined ? { SqsManagedSseEnabled: true } : { KmsMasterKeyId: kmsKeyArn }),
  },
  Metadata: suppress('isDeadLetterQueue'),
});

/** Refuses every access without TLS. The roles allow the rest. */
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
