/**
 * @module The policy documents of the deployment, complete with ARNs, for accounts in which another team creates the
 * roles, permissions boundaries and keys. They are made from the same documents as the template's policies.
 */
import {
  functionDocuments,
  type PolicyDocument,
  type RoleContext,
  type RoleDocuments,
  schedulerDocuments,
} from './roles.ts';
import { readStage, type Stage } from './template.ts';

export interface PolicyPlace {
  /** The 12-digit account id. */
  readonly account: string;
  readonly region: string;
}

interface NamedRole extends RoleDocuments {
  readonly name: string;
  readonly path: string;
}

export interface Policies {
  readonly functionRole: NamedRole;
  readonly schedulerRole: NamedRole;
  /** The minimum that a permissions boundary for both roles must allow. */
  readonly permissionsBoundary: PolicyDocument;
  /** If there is a customer key: the additional statements that its key policy needs. */
  readonly keyPolicy?: PolicyDocument;
}

/** @throws {JobsweepError} if a parameter or the schedule file is invalid. */
export function policies(stage: Omit<Stage, 'now'>, { account, region }: PolicyPlace): Policies {
  const { prefix, ...context } = readStage(stage);
  const { rolePath = '/', schedulerRoleArn, functionRoleArn } = context.parameters;
  const partition = partitionOf(region);
  const named = (arn: string | undefined, name: string) =>
    arn ?? `arn:${partition}:iam::${account}:role${rolePath}${name}`;
  const schedulerRole = named(schedulerRoleArn, `${prefix}-scheduler`);
  const functionRole = named(functionRoleArn, `${prefix}-function`);
  const values = {
    'AWS::Partition': partition,
    'AWS::Region': region,
    'AWS::AccountId': account,
    'ScheduleGroup.Arn': `arn:${partition}:scheduler:${region}:${account}:schedule-group/${context.parameters.scheduleGroup}`,
    'SchedulerRole.Arn': schedulerRole,
    // CloudFormation appends random characters to the names of queues
    'UndeliveredQueue.Arn': `arn:${partition}:sqs:${region}:${account}:${prefix}-UndeliveredQueue-*`,
    'FailedQueue.Arn': `arn:${partition}:sqs:${region}:${account}:${prefix}-FailedQueue-*`,
  };
  const resolve = resolver(values);
  const forScheduler = resolve(schedulerDocuments(context)) as RoleDocuments;
  const forFunction = resolve(functionDocuments(context)) as RoleDocuments;
  // The boundary also applies to roles that the stack creates. CloudFormation appends random characters to their names.
  const ofStack = resolver({
    ...values,
    'SchedulerRole.Arn': named(undefined, `${prefix}-SchedulerRole-*`),
  });
  const bounded = ofStack(functionDocuments(context)) as RoleDocuments;
  const keyPolicy = keyPolicyOf(context, partition, { account, region });
  return {
    functionRole: { ...nameOf(functionRole), ...forFunction },
    schedulerRole: { ...nameOf(schedulerRole), ...forScheduler },
    permissionsBoundary: union(bounded.policy, forScheduler.policy),
    ...(keyPolicy && { keyPolicy }),
  };
}

const partitionOf = (region: string) =>
  region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';

function nameOf(roleArn: string): { readonly name: string; readonly path: string } {
  const full = roleArn.slice(roleArn.indexOf(':role/') + ':role'.length);
  const end = full.lastIndexOf('/') + 1;
  return { name: full.slice(end), path: full.slice(0, end) };
}

const union = (...documents: readonly PolicyDocument[]): PolicyDocument => {
  const statements = documents.flatMap(({ Statement }) => Statement);
  const distinct = new Map(statements.map((statement) => [JSON.stringify(statement), statement]));
  return { Version: '2012-10-17', Statement: [...distinct.values()] };
};

/** The key policy that CloudWatch Logs needs, because it uses the key directly, without a role. */
function keyPolicyOf(
  { functionName, parameters: { kmsKeyArn } }: RoleContext,
  partition: string,
  { account, region }: PolicyPlace,
): PolicyDocument | undefined {
  if (kmsKeyArn === undefined) return undefined;
  const suffix = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  const group = `arn:${partition}:logs:${region}:${account}:log-group:/aws/lambda/${functionName}`;
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: `logs.${region}.${suffix}` },
        Action: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
        Resource: '*',
        Condition: { ArnEquals: { 'kms:EncryptionContext:aws:logs:arn': group } },
      },
    ],
  };
}

/** Replaces CloudFormation's references. @throws if a reference has no value. */
function resolver(values: Readonly<Record<string, string>>): (value: unknown) => unknown {
  const known = (name: string) => {
    const found = values[name];
    if (found === undefined)
      throw new Error(`the policy documents refer to ${name}, which has no value here`);
    return found;
  };
  return function resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [[key, inner] = ['', undefined]] = entries;
    if (key === 'Ref') return known(inner as string);
    if (key === 'Fn::GetAtt') return known((inner as string[]).join('.'));
    if (key === 'Fn::Sub')
      return (inner as string).replaceAll(/\$\{([^}]+)\}/g, (_all, name: string) => known(name));
    return Object.fromEntries(entries.map(([name, each]) => [name, resolve(each)]));
  };
}
