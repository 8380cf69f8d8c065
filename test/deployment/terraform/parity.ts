/** @module Compares what the Terraform module creates with the packaged template, resource by resource and property by property. */
import type { Packaged } from '../../support/packaged.ts';
import { type Plan, type PlannedResource, unknownValue } from './plan.ts';

type Template = Packaged['template'];
type Properties = Readonly<Record<string, unknown>>;

/** How a resource type of the AWS provider corresponds to a CloudFormation type. */
interface Correspondence {
  readonly type: string;
  /** The property that identifies a resource, if there may be several of this type. */
  readonly identity?: string;
  /** Arguments whose name, converted from snake case to Pascal case, is not the name of the property. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Blocks that the template writes as a list, even if there is only one block. */
  readonly lists?: readonly string[];
  /** Arguments without a corresponding property in the template, with the reason. */
  readonly ownArguments?: Readonly<Record<string, string>>;
  /** Properties without a corresponding argument in the module, with the reason. */
  readonly ownProperties?: Readonly<Record<string, string>>;
}

const generatedName = 'CloudFormation makes up this name';
const code = 'the place of the zip is a matter of each tool';

const correspondences: Readonly<Record<string, Correspondence>> = {
  aws_lambda_function: {
    type: 'AWS::Lambda::Function',
    ownArguments: {
      filename: code,
      s3_bucket: code,
      s3_key: code,
      s3_object_version: code,
      source_code_hash: code,
    },
    ownProperties: { Code: code },
  },
  aws_lambda_function_event_invoke_config: {
    type: 'AWS::Lambda::EventInvokeConfig',
  },
  aws_cloudwatch_log_group: {
    type: 'AWS::Logs::LogGroup',
    renamed: { name: 'LogGroupName' },
    ownArguments: { skip_destroy: 'the template has a DeletionPolicy beside the properties' },
  },
  aws_iam_role: {
    type: 'AWS::IAM::Role',
    renamed: { assume_role_policy: 'AssumeRolePolicyDocument' },
    ownArguments: { name: generatedName },
  },
  aws_sqs_queue: {
    type: 'AWS::SQS::Queue',
    renamed: { message_retention_seconds: 'MessageRetentionPeriod' },
    ownArguments: { name: generatedName },
  },
  aws_sqs_queue_policy: {
    type: 'AWS::SQS::QueuePolicy',
    renamed: { queue_url: 'Queues', policy: 'PolicyDocument' },
  },
  aws_scheduler_schedule_group: { type: 'AWS::Scheduler::ScheduleGroup' },
  aws_scheduler_schedule: { type: 'AWS::Scheduler::Schedule', identity: 'Name' },
  aws_cloudwatch_metric_alarm: {
    type: 'AWS::CloudWatch::Alarm',
    identity: 'AlarmName',
    renamed: { ok_actions: 'OKActions', metric_query: 'Metrics' },
    lists: ['metric_query'],
  },
  aws_cloudwatch_composite_alarm: {
    type: 'AWS::CloudWatch::CompositeAlarm',
    identity: 'AlarmName',
    renamed: { ok_actions: 'OKActions' },
  },
  aws_cloudwatch_dashboard: {
    type: 'AWS::CloudWatch::Dashboard',
    ownProperties: { Tags: 'the provider has no tags of dashboards' },
  },
};

/** The resources that exist only once: the name in the template, and the address in the module. */
const singles: Readonly<Record<string, string>> = {
  SweepLambdaFunction: 'aws_lambda_function.this',
  SweepLambdaEvConf: 'aws_lambda_function_event_invoke_config.this',
  SweepLogGroup: 'aws_cloudwatch_log_group.this',
  ScheduleGroup: 'aws_scheduler_schedule_group.this',
  SchedulerRole: 'aws_iam_role.scheduler[this]',
  FunctionRole: 'aws_iam_role.function[this]',
  UndeliveredQueue: 'aws_sqs_queue.undelivered',
  UndeliveredQueuePolicy: 'aws_sqs_queue_policy.undelivered',
  FailedQueue: 'aws_sqs_queue.failed',
  FailedQueuePolicy: 'aws_sqs_queue_policy.failed',
  Dashboard: 'aws_cloudwatch_dashboard.this',
};

/** Resources of the template that the module does not need, with the reason. */
const ofTheFramework: Readonly<Record<string, string>> = {
  ServerlessDeploymentBucket: 'the framework uploads the zip to it',
  ServerlessDeploymentBucketPolicy: 'the framework uploads the zip to it',
};

/** Arguments whose member names are chosen by the user and must stay as they are. */
const maps = ['variables'];

/** The differences, one sentence each; empty if there are none. */
export function differences(template: Template, plan: Plan): string[] {
  const resources = withPolicies(plan.resources);
  const addressOf = addresses(template, resources);
  const resolve = resolver(template, resources, addressOf);
  const found: string[] = [];
  const met = new Set<string>();
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    if (id in ofTheFramework) continue;
    const resource = resources.find(({ address }) => address === addressOf(id));
    const correspondence = correspondences[resource?.type ?? ''];
    if (resource === undefined || correspondence?.type !== Type) {
      found.push(`only the template has ${id} (${Type})`);
      continue;
    }
    met.add(resource.address);
    const theirs = resolve(without(correspondence.ownProperties, Properties));
    found.push(...unequal(id, comparable(theirs), comparable(propertiesOf(resource, correspondence))));
  }
  for (const { address } of resources) if (!met.has(address)) found.push(`only the module has ${address}`);
  return [...found, ...differentOutputs(template, plan, resolve)];
}

function differentOutputs(template: Template, plan: Plan, resolve: (value: unknown) => unknown): string[] {
  const ofTemplate = Object.entries(template.Outputs)
    .filter(([name]) => name !== 'ServerlessDeploymentBucketName')
    .map(([name, { Value }]) => [snake(name), resolve(Value)] as const);
  return unequal('Outputs', Object.fromEntries(ofTemplate), plan.outputs);
}

const snake = (name: string) => name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (sign) => `_${sign}`).toLowerCase();
const pascal = (name: string) =>
  name.replaceAll(/(?:^|_)([a-z])/g, (_all, sign: string) => sign.toUpperCase());

/** Adds each role's policies to the role, as in the template. In the module, they are separate resources. */
function withPolicies(resources: readonly PlannedResource[]): PlannedResource[] {
  const policies = resources.filter(({ type }) => type === 'aws_iam_role_policy');
  return resources
    .filter(({ type }) => type !== 'aws_iam_role_policy')
    .map((resource) => {
      if (resource.type !== 'aws_iam_role') return resource;
      const own = policies.filter(({ values }) => values.role === resource.values.name);
      const list = own.map(({ values }) => ({ policy_name: values.name, policy_document: values.policy }));
      return { ...resource, values: { ...resource.values, policies: list } };
    });
}

/** Returns a function that finds the module's resource for a resource of the template. */
function addresses(template: Template, resources: readonly PlannedResource[]) {
  return (id: string): string | undefined => {
    if (id in singles) return singles[id];
    const resource = template.Resources[id];
    return resources.find((each) => {
      const { type, identity } = correspondences[each.type] ?? { type: '' };
      return (
        type === resource?.Type &&
        identity !== undefined &&
        each.values[identity === 'Name' ? 'name' : snake(identity)] === resource.Properties[identity]
      );
    })?.address;
  };
}

/** Returns a function that replaces CloudFormation's intrinsic functions with the values that the module uses. */
function resolver(
  template: Template,
  resources: readonly PlannedResource[],
  addressOf: (id: string) => string | undefined,
) {
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::AccountId': unknownValue('data.aws_caller_identity.current.account_id'),
    'AWS::Partition': unknownValue('data.aws_partition.current.partition'),
    'AWS::Region': unknownValue('data.aws_region.current.region'),
    'AWS::URLSuffix': unknownValue('data.aws_partition.current.dns_suffix'),
  };
  const attribute = (id: string, name: string) => {
    const address = addressOf(id) ?? id;
    const argument = name === 'QueueName' ? 'name' : name.toLowerCase();
    return (
      resources.find((each) => each.address === address)?.values[argument] ??
      unknownValue(`${address}.${argument}`)
    );
  };
  const reference = (id: string) => {
    if (id in pseudo) return pseudo[id];
    const { Type, Properties } = template.Resources[id] ?? { Type: '', Properties: {} };
    if (Type === 'AWS::SQS::Queue') return attribute(id, 'Url');
    const named = {
      'AWS::Lambda::Function': 'FunctionName',
      'AWS::Scheduler::ScheduleGroup': 'Name',
      'AWS::CloudWatch::Dashboard': 'DashboardName',
    }[Type];
    if (named === undefined) throw new Error(`a Ref to ${id} is not known here`);
    return Properties[named];
  };
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const { Ref, 'Fn::GetAtt': getAtt, 'Fn::Sub': sub, ...rest } = value as Record<string, unknown>;
    if (typeof Ref === 'string') return reference(Ref);
    if (Array.isArray(getAtt)) return attribute(String(getAtt[0]), String(getAtt[1]));
    if (typeof sub === 'string')
      return sub.replaceAll(/\$\{([\w:]+)(?:\.(\w+))?\}/g, (_all, id: string, name?: string) =>
        String(name === undefined ? reference(id) : attribute(id, name)),
      );
    // the template and the module each choose one of two values by the AWS partition, which is unknown here; this test
    // compares the second values
    if (Array.isArray(rest['Fn::If'])) return resolve(rest['Fn::If'][2]);
    for (const name of Object.keys(rest))
      if (name.startsWith('Fn::')) throw new Error(`${name} is not known here`);
    return Object.fromEntries(Object.entries(rest).map(([name, inner]) => [name, resolve(inner)]));
  };
  return resolve;
}

const without = (names: object = {}, values: Properties): Properties =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !(name in names)));

/** A resource's arguments, converted to CloudFormation properties. */
function propertiesOf(
  { values, type }: PlannedResource,
  { renamed = {}, lists = [], ownArguments }: Correspondence,
): Properties {
  const converted = (value: unknown, argument = ''): unknown => {
    if (Array.isArray(value)) {
      const list = value.map((each) => converted(each));
      // in the template, a block that may occur only once is an object, not a list
      return list.length === 1 &&
        !lists.includes(argument) &&
        typeof list[0] === 'object' &&
        type !== 'aws_iam_role'
        ? list[0]
        : list;
    }
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        renamed[name] ?? pascal(name),
        maps.includes(name) ? inner : converted(inner, name),
      ]),
    );
  };
  const { dimensions = {}, tags = {}, ...rest } = without(ownArguments, values);
  const pairs = (map: object, key: string) =>
    Object.entries(map).map(([name, Value]) => ({ [key]: name, Value: Value as unknown }));
  const pairLists = { Dimensions: pairs(dimensions as object, 'Name'), Tags: pairs(tags as object, 'Key') };
  const given = Object.entries(pairLists).filter(([, list]) => list.length > 0);
  return { ...(converted(rest) as Properties), ...Object.fromEntries(given) };
}

/**
 * Makes equivalent values equal: parses JSON, turns single elements of a policy into lists, sorts dimensions and tags,
 * and drops empty lists of alarm actions.
 */
function comparable(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) {
    const list = value.map((each) => comparable(each, name));
    return ['Dimensions', 'Tags'].includes(name)
      ? list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : list;
  }
  if (typeof value === 'string' && /^(\w*Document|DashboardBody|Input)$/.test(name))
    return comparable(JSON.parse(value), name);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    const isList = isOneOf(key, 'Action', 'Resource', 'Service', 'Queues') || isOneOf(name, ...operators);
    return [key, comparable(isList && !Array.isArray(inner) ? [inner] : inner, key)] as const;
  });
  return Object.fromEntries(
    entries.filter(([key, inner]) => !(key.endsWith('Actions') && (inner as unknown[]).length === 0)),
  );
}

const operators = ['ArnEquals', 'StringEquals', 'StringLike', 'Bool'];
const isOneOf = (name: string, ...names: readonly string[]) => names.includes(name);

function unequal(where: string, theirs: unknown, ours: unknown): string[] {
  if (isRecord(theirs) && isRecord(ours))
    return [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].flatMap((key) =>
      unequal(`${where}.${key}`, theirs[key], ours[key]),
    );
  if (Array.isArray(theirs) && Array.isArray(ours) && theirs.length === ours.length)
    return theirs.flatMap((each, index) => unequal(`${where}[${index}]`, each, ours[index]));
  if (theirs === ours) return [];
  return [`${where}: the template has ${JSON.stringify(theirs)}, and the module ${JSON.stringify(ours)}`];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
