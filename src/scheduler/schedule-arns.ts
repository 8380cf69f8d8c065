/**
 * @module Patterns for the schedule group and the ARNs in the schedule file and in the environment. The patterns
 * are plain data and not zod schemas, because the deployed function checks the environment with them, and the
 * full zod takes 70 kB.
 */
import { nameExpected, namePattern } from './schedule-names.ts';

/** A pattern and its description for messages. */
export interface TextRule {
  readonly pattern: RegExp;
  readonly expected: string;
}

export const groupRule: TextRule = {
  pattern: namePattern,
  expected: `the name of a schedule group: ${nameExpected}`,
};

export const functionArnRule: TextRule = {
  pattern: /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$-]+)?$/,
  expected: 'the ARN of a Lambda function',
};

export const roleArnRule: TextRule = {
  pattern: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
  expected: 'the ARN of an IAM role',
};

export const deadLetterArnRule: TextRule = {
  pattern: /^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[\w-]+$/,
  expected: 'the ARN of an SQS queue that is not FIFO, or null for none',
};

export const kmsKeyArnRule: TextRule = {
  pattern: /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)\/[\w/-]+$/,
  expected: 'the ARN of a KMS key',
};
