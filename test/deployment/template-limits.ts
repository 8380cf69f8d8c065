/**
 * @module Rules that AWS's resource specification does not contain: ranges, enums, patterns and limits for the
 * resources in our templates. Taken from the API models and quota pages of the services.
 */
import type { CloudFormationResource } from '../support/packaged.ts';

export interface CheckedTemplate {
  readonly Resources: Readonly<Record<string, CloudFormationResource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
}

/**
 * Checks a value. If the value is wrong, returns a description of what was expected. Rules are listed by the path of
 * the value, in which `*` stands for each entry of a list.
 */
type Rule = (value: unknown) => string | undefined;

const range =
  (min: number, max: number): Rule =>
  (value) =>
    typeof value === 'number' && value >= min && value <= max ? undefined : `a number from ${min} to ${max}`;
const oneOf =
  (...values: readonly unknown[]): Rule =>
  (value) =>
    values.includes(value) ? undefined : `one of ${values.join(', ')}`;
const pattern =
  (regex: RegExp): Rule =>
  (value) =>
    typeof value !== 'string' || regex.test(value) ? undefined : `a text like ${regex}`;
const entries =
  (min: number, max: number): Rule =>
  (value) =>
    Array.isArray(value) && value.length >= min && value.length <= max
      ? undefined
      : `${min} to ${max} entries`;
const bytes =
  (max: number): Rule =>
  (value) =>
    Buffer.byteLength(JSON.stringify(value)) <= max ? undefined : `at most ${max} bytes`;

const arn = (service: string) => pattern(new RegExp(`^arn:aws[a-z-]*:${service}:`));
const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
const alarm: Readonly<Record<string, Rule>> = {
  AlarmName: pattern(/^.{1,255}$/),
  AlarmDescription: pattern(/^.{0,1024}$/s),
  AlarmActions: entries(0, 5),
  OKActions: entries(0, 5),
  'AlarmActions.*': arn('(sns|lambda|ssm|ssm-incidents|autoscaling|automate)'),
};
const tags: Readonly<Record<string, Rule>> = {
  Tags: entries(0, 50),
  'Tags.*.Key': pattern(/^(?!aws:).{1,128}$/),
  'Tags.*.Value': pattern(/^.{0,256}$/),
};
const schedulerName = pattern(/^[0-9a-zA-Z\-_.]{1,64}$/);

const rules: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  'AWS::Lambda::Function': {
    ...tags,
    FunctionName: pattern(/^[a-zA-Z0-9-_]{1,64}$/),
    Description: pattern(/^.{0,256}$/s),
    Runtime: oneOf('nodejs22.x', 'nodejs24.x'),
    MemorySize: range(128, 10_240),
    Timeout: range(1, 900),
    Architectures: entries(1, 1),
    'Architectures.*': oneOf('arm64', 'x86_64'),
    ReservedConcurrentExecutions: range(0, 1_000),
    KmsKeyArn: arn('kms'),
    Role: arn('iam'),
    // all variables together may take 4 KB
    'Environment.Variables': bytes(4_096),
    'TracingConfig.Mode': oneOf('Active', 'PassThrough'),
    'LoggingConfig.LogFormat': oneOf('JSON', 'Text'),
    'LoggingConfig.ApplicationLogLevel': oneOf(...levels),
    'LoggingConfig.SystemLogLevel': oneOf('DEBUG', 'INFO', 'WARN'),
    'VpcConfig.SubnetIds': entries(0, 16),
    'VpcConfig.SubnetIds.*': pattern(/^subnet-[0-9a-f]{8,17}$/),
    'VpcConfig.SecurityGroupIds': entries(0, 5),
    'VpcConfig.SecurityGroupIds.*': pattern(/^sg-[0-9a-f]{8,17}$/),
  },
  'AWS::Lambda::EventInvokeConfig': {
    MaximumEventAgeInSeconds: range(60, 21_600),
    MaximumRetryAttempts: range(0, 2),
    'DestinationConfig.OnSuccess.Destination': arn('(sqs|sns|events|lambda)'),
    'DestinationConfig.OnFailure.Destination': arn('(sqs|sns|events|lambda|s3)'),
  },
  'AWS::Logs::LogGroup': {
    ...tags,
    LogGroupName: pattern(/^[.\-_/#A-Za-z0-9]{1,512}$/),
    RetentionInDays: oneOf(...retentionDays),
    KmsKeyId: arn('kms'),
  },
  'AWS::SQS::Queue': {
    ...tags,
    MessageRetentionPeriod: range(60, 1_209_600),
    VisibilityTimeout: range(0, 43_200),
    KmsDataKeyReusePeriodSeconds: range(60, 86_400),
  },
  'AWS::Scheduler::ScheduleGroup': { ...tags, Name: schedulerName },
  'AWS::Scheduler::Schedule': {
    Name: schedulerName,
    GroupName: schedulerName,
    Description: pattern(/^.{0,512}$/s),
    ScheduleExpression: pattern(/^(rate|cron|at)\(.{1,250}\)$/),
    ScheduleExpressionTimezone: pattern(/^.{1,50}$/),
    State: oneOf('ENABLED', 'DISABLED'),
    KmsKeyArn: arn('kms'),
    'FlexibleTimeWindow.Mode': oneOf('OFF', 'FLEXIBLE'),
    'FlexibleTimeWindow.MaximumWindowInMinutes': range(1, 1_440),
    'Target.Input': bytes(262_144),
    'Target.RoleArn': arn('iam'),
    'Target.RetryPolicy.MaximumEventAgeInSeconds': range(60, 86_400),
    'Target.RetryPolicy.MaximumRetryAttempts': range(0, 185),
  },
  'AWS::IAM::Role': {
    ...tags,
    Path: pattern(/^\/([!-~]+\/)*$/),
    PermissionsBoundary: arn('iam'),
    RoleName: pattern(/^[\w+=,.@-]{1,64}$/),
    // all inline policies of a role together may take 10 KB
    Policies: bytes(10_240),
    AssumeRolePolicyDocument: bytes(2_048),
  },
  'AWS::CloudWatch::Alarm': {
    ...tags,
    ...alarm,
    Statistic: oneOf('SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum'),
    ComparisonOperator: oneOf(
      'GreaterThanOrEqualToThreshold',
      'GreaterThanThreshold',
      'LessThanThreshold',
      'LessThanOrEqualToThreshold',
    ),
    TreatMissingData: oneOf('breaching', 'notBreaching', 'ignore', 'missing'),
    Dimensions: entries(0, 30),
    EvaluationPeriods: range(1, 10_080),
  },
  'AWS::CloudWatch::CompositeAlarm': { ...tags, ...alarm, AlarmRule: bytes(10_240) },
};

/** Returns each value that the path of a rule stands for, with its place, such as `SweepLambdaFunction.Tags[0].Key`. */
function valuesAt(value: unknown, path: readonly string[], place: string): [string, unknown][] {
  if (value === undefined) return [];
  const [key, ...rest] = path;
  if (key === undefined) return [[place, value]];
  if (key === '*')
    return Array.isArray(value)
      ? value.flatMap((each, index) => valuesAt(each, rest, `${place}[${index}]`))
      : [];
  if (typeof value !== 'object' || value === null) return [];
  return valuesAt((value as Record<string, unknown>)[key], rest, `${place}.${key}`);
}

const isReference = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).every((key) => key === 'Ref' || key.startsWith('Fn::'));

export function limitProblems(type: string, properties: object, id: string): string[] {
  const problems = Object.entries(rules[type] ?? {}).flatMap(([at, rule]) =>
    valuesAt(properties, at.split('.'), id).flatMap(([place, value]) => {
      const expected = isReference(value) ? undefined : rule(value);
      return expected === undefined ? [] : [`${place}: expected ${expected}, got ${shown(value)}`];
    }),
  );
  return [...problems, ...(across[type]?.(properties as never, id) ?? [])];
}

const shown = (value: unknown) => JSON.stringify(value)?.slice(0, 80);

/** Rules that involve several properties of one resource. */
const across: Readonly<Record<string, (properties: never, id: string) => string[]>> = {
  'AWS::SQS::Queue': (queue: { KmsMasterKeyId?: unknown; SqsManagedSseEnabled?: unknown }, id) =>
    queue.KmsMasterKeyId !== undefined && queue.SqsManagedSseEnabled === true
      ? [`${id}: KmsMasterKeyId and SqsManagedSseEnabled exclude each other`]
      : [],
  'AWS::CloudWatch::Alarm': (alarmed: { Period?: number; EvaluationPeriods?: number }, id) => {
    const { Period, EvaluationPeriods = 1 } = alarmed;
    if (Period === undefined) return [];
    const longest = Period >= 3_600 ? 604_800 : 86_400;
    return [
      ...(Period % 60 === 0 ? [] : [`${id}.Period: expected a multiple of 60, got ${Period}`]),
      ...(Period * EvaluationPeriods <= longest
        ? []
        : [`${id}: looks back ${Period * EvaluationPeriods} s, but may look back at most ${longest} s`]),
    ];
  },
  'AWS::Scheduler::Schedule': (
    schedule: { FlexibleTimeWindow: { Mode: string; MaximumWindowInMinutes?: number } },
    id,
  ) => {
    const { Mode, MaximumWindowInMinutes } = schedule.FlexibleTimeWindow;
    return (Mode === 'FLEXIBLE') === (MaximumWindowInMinutes !== undefined)
      ? []
      : [`${id}.FlexibleTimeWindow: MaximumWindowInMinutes belongs to the mode FLEXIBLE, and only to it`];
  },
  'AWS::CloudWatch::Dashboard': ({ DashboardBody }: { DashboardBody: unknown }, id) => {
    const body = (DashboardBody as { 'Fn::Sub'?: string })['Fn::Sub'] ?? String(DashboardBody);
    const { widgets } = JSON.parse(body) as {
      widgets: readonly { type: string; properties: { alarms?: readonly string[] } }[];
    };
    return [
      ...(widgets.length <= 500 ? [] : [`${id}: ${widgets.length} widgets, at most 500`]),
      ...widgets
        .filter(({ properties }) => (properties.alarms?.length ?? 0) > 100)
        .map(({ properties }) => `${id}: a widget with ${properties.alarms?.length} alarms, at most 100`),
    ];
  },
};

/** Checks the limits of a stack, which are from the CloudFormation quota page. */
export function stackProblems(template: CheckedTemplate): string[] {
  const { Resources, Outputs = {} } = template;
  const names = Map.groupBy(
    Object.entries(Resources).filter(([, { Properties }]) => typeof Properties.AlarmName === 'string'),
    ([, { Properties }]) => Properties.AlarmName,
  );
  const size = Buffer.byteLength(JSON.stringify(template));
  return [
    ...over(Object.keys(Resources).length, 500, 'resources'),
    ...over(Object.keys(Outputs).length, 200, 'outputs'),
    ...over(size, 1_000_000, 'bytes of template'),
    ...[...names]
      .filter(([, same]) => same.length > 1)
      .map(([name, same]) => `${same.map(([id]) => id).join(' and ')} have one name: ${String(name)}`),
    ...Object.keys(Resources)
      .filter((id) => !/^[a-zA-Z0-9]{1,255}$/.test(id))
      .map((id) => `${id}: a logical id has letters and digits only`),
  ];
}

const over = (count: number, max: number, what: string) =>
  count <= max ? [] : [`the stack has ${count} ${what}, at most ${max}`];
