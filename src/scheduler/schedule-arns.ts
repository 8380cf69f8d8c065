/** @module The group and the ARNs that schedules need, as schemas: for the schedule file and for the environment. */
import * as z from 'zod';
import { nameExpected, namePattern } from './schedule-names.ts';

/** A pattern and the words for it, which the schema and its messages share. */
export const text = (pattern: RegExp, expected: string) =>
  z.string({ error: expected }).regex(pattern, { error: expected });

/** What a file may say for all its schedules, and the environment instead. */
export const settingsShape = {
  group: text(namePattern, `the name of a schedule group: ${nameExpected}`)
    .optional()
    .meta({ description: 'The schedule group; JOBSWEEP_SCHEDULE_GROUP when left out.' }),
  functionArn: text(
    /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$-]+)?$/,
    'the ARN of a Lambda function',
  )
    .optional()
    .meta({ description: 'The function to invoke; JOBSWEEP_FUNCTION_ARN when left out.' }),
  roleArn: text(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, 'the ARN of an IAM role')
    .optional()
    .meta({
      description: 'The role that the Scheduler assumes; JOBSWEEP_SCHEDULER_ROLE_ARN when left out.',
    }),
};

export const deadLetterArn = z
  .union(
    [
      text(
        /^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[\w-]+$/,
        'the ARN of an SQS queue that is not FIFO, or null for none',
      ),
      z.null(),
    ],
    { error: 'the ARN of an SQS queue that is not FIFO, or null for none' },
  )
  .optional();
