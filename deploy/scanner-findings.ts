/**
 * @module The findings that security scanners report about the template. Each finding either is suppressed in the
 * template, with a reason, or disappears if a certain parameter is set. docs/scanners.md shows this list.
 */

/** A check that the template fails on purpose, whatever the parameters are. */
interface Suppressed {
  readonly checkov?: string;
  readonly cfnNag?: string;
  readonly cdkNag?: readonly string[];
  readonly asksFor: string;
  readonly reason: string;
}

export const suppressed = {
  wildcards: {
    cfnNag: 'W11',
    cdkNag: ['AwsSolutions-IAM5'],
    asksFor: 'no wildcards in policies',
    reason:
      'ListSchedules and X-Ray support no resource-level permission. The other wildcards end the names of log streams, follow-ups and secrets, which are unknown when the stack is deployed.',
  },
  inlinePolicy: {
    cdkNag: ['NIST.800.53.R5-IAMNoInlinePolicy'],
    asksFor: 'managed policies instead of inline ones',
    reason:
      'An inline policy exists as soon as its role does. A separate one may come into effect only after the function needs it.',
  },
  isDeadLetterQueue: {
    cdkNag: ['AwsSolutions-SQS3', 'Serverless-SQSRedrivePolicy'],
    asksFor: 'a dead-letter queue for each queue',
    reason:
      'This queue is a dead-letter queue itself: of the Scheduler, or as the failure destination of the function.',
  },
  failureDestination: {
    checkov: 'CKV_AWS_116',
    cdkNag: ['NIST.800.53.R5-LambdaDLQ', 'Serverless-LambdaDLQ'],
    asksFor: 'a dead-letter queue of the function',
    reason:
      'The function has a failure destination, which keeps the event and its error. A dead-letter queue besides would get the same event again.',
  },
  noReservation: {
    checkov: 'CKV_AWS_115',
    cfnNag: 'W92',
    cdkNag: ['NIST.800.53.R5-LambdaConcurrency'],
    asksFor: 'reserved concurrency',
    reason:
      'The parameter reservedConcurrency is `none`, for accounts whose quota allows no reservation. Sweeps that overlap are safe.',
  },
} as const satisfies Record<string, Suppressed>;

/**
 * A check that passes if a parameter is set. The template does not suppress this check, so that scanners report it
 * until the parameter is set.
 */
interface ByParameter {
  readonly rules: readonly string[];
  readonly asksFor: string;
  readonly parameter: string;
}

export const byParameter: readonly ByParameter[] = [
  {
    rules: ['CKV_AWS_173', 'CKV_AWS_27', 'CKV_AWS_158', 'CKV_AWS_297', 'W48', 'W84'],
    asksFor: 'a customer key for the environment, queues, log and schedules',
    parameter: 'kmsKeyArn',
  },
  {
    rules: ['CKV_AWS_338'],
    asksFor: 'logs that are kept for a year',
    parameter: 'logRetentionDays=365',
  },
  {
    rules: ['CKV_AWS_50', 'Serverless-LambdaTracing'],
    asksFor: 'X-Ray; CKV_AWS_50 accepts the default PassThrough',
    parameter: 'tracing=Active',
  },
  {
    rules: ['CKV_AWS_319', 'NIST.800.53.R5-CloudWatchAlarmAction'],
    asksFor: 'alarms with an action',
    parameter: 'alarmTopicArn',
  },
];

type SuppressedName = keyof typeof suppressed;

/** A resource's `Metadata` with suppressed findings and their reasons, as checkov, cfn_nag and cdk-nag read them. */
export function suppress(...names: readonly SuppressedName[]): object {
  const all: readonly Suppressed[] = names.map((name) => suppressed[name]);
  const rules = (of: (each: Suppressed) => readonly (string | undefined)[]) =>
    all.flatMap((each) =>
      of(each)
        .filter((id) => id !== undefined)
        .map((id) => ({ id, reason: each.reason })),
    );
  const checkov = rules((each) => [each.checkov]).map(({ id, reason }) => ({ id, comment: reason }));
  const cfnNag = rules((each) => [each.cfnNag]);
  const cdkNag = rules((each) => each.cdkNag ?? []);
  return {
    ...(checkov.length > 0 && { checkov: { skip: checkov } }),
    ...(cfnNag.length > 0 && { cfn_nag: { rules_to_suppress: cfnNag } }),
    ...(cdkNag.length > 0 && { cdk_nag: { rules_to_suppress: cdkNag } }),
  };
}
