/**
 * @module What the group and the ARNs that schedules need look like: for the schedule file and for the environment. The
 * deployed function reads the latter, so there is no schema here: zod as the file needs it is 70 kB.
 */
import { nameExpected, namePattern } from './schedule-names.ts';

/** A pattern, and the words for it in messages. */
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
