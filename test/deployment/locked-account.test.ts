/** @module Tests how the parameters for locked-down accounts change the template, and what `npm run policies` prints. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { policies } from '../../deploy/policies.ts';
import { stageParameters } from '../../deploy/stage-parameters.ts';
import { template } from '../../deploy/template.ts';
import { newFolder } from '../support/folder.ts';

const root = path.join(import.meta.dirname, '../..');
const account = '123456789012';
const key = `arn:aws:kms:eu-central-1:${account}:key/1234`;
const boundary = `arn:aws:iam::${account}:policy/boundary`;
const functionRole = `arn:aws:iam::${account}:role/teams/sweeper`;
const schedulerRole = `arn:aws:iam::${account}:role/teams/scheduler`;

const stageOf = (change: Readonly<Record<string, unknown>>) => ({
  ...stageParameters(root, 'prod', change),
  stage: 'prod',
  root,
});
const made = (change: Readonly<Record<string, unknown>> = {}) =>
  template({ ...stageOf(change), now: Date.parse('2026-11-23T12:00:00Z') });
const printed = (change: Readonly<Record<string, unknown>> = {}, region = 'eu-central-1') =>
  policies(stageOf(change), { account, region });
const text = (value: unknown) => JSON.stringify(value);

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}
interface RoleProperties {
  readonly AssumeRolePolicyDocument: { readonly Statement: readonly Statement[] };
  readonly Policies: readonly { readonly PolicyDocument: { readonly Statement: readonly Statement[] } }[];
}
const actionsOf = (document: { readonly Statement: readonly unknown[] }) =>
  (document.Statement as readonly Statement[]).flatMap(({ Action }) => Action);

describe('the template in an account with restrictions', () => {
  it('the function’s role and the scheduler’s role have the permissions boundary and the path from the template’s parameters', () => {
    const { resources } = made({ permissionsBoundaryArn: boundary, rolePath: '/teams/search/' });
    for (const id of ['SchedulerRole', 'FunctionRole'])
      expect(resources[id]?.Properties).toMatchObject({
        PermissionsBoundary: boundary,
        Path: '/teams/search/',
      });
  });

  it('if the parameters name existing roles, the template uses these roles everywhere and creates no roles', () => {
    const stage = made({ functionRoleArn: functionRole, schedulerRoleArn: schedulerRole });
    const types = Object.values(stage.resources).map(({ Type }) => Type);
    expect(types).not.toContain('AWS::IAM::Role');
    expect(text(stage)).not.toContain('"SchedulerRole"');
    expect(stage.role).toBe(functionRole);
    expect(stage.schedulerRoleArn).toBe(schedulerRole);
    expect(stage.resources.ScheduleNightly?.Properties.Target).toMatchObject({ RoleArn: schedulerRole });
    expect(stage.sweepFunction.Properties.Environment.Variables).toMatchObject({
      JOBSWEEP_SCHEDULER_ROLE_ARN: schedulerRole,
    });
  });

  it('the function role that the template creates may pass an existing scheduler role', () => {
    const { resources } = made({ schedulerRoleArn: schedulerRole });
    expect(text(resources.FunctionRole)).toContain(`"iam:PassRole"],"Resource":"${schedulerRole}"`);
  });

  it('the template encrypts the environment, the log, the queues and the schedules with the customer key', () => {
    const { resources, sweepFunction, logGroup } = made({ kmsKeyArn: key });
    expect(sweepFunction.Properties).toMatchObject({ KmsKeyArn: key });
    expect(logGroup.Properties).toEqual({ KmsKeyId: key });
    expect(resources.ScheduleNightly?.Properties).toMatchObject({ KmsKeyArn: key });
    for (const id of ['UndeliveredQueue', 'FailedQueue'])
      expect(resources[id]?.Properties).toEqual({ MessageRetentionPeriod: 1_209_600, KmsMasterKeyId: key });
    expect(sweepFunction.Properties.Environment.Variables).toMatchObject({ JOBSWEEP_KMS_KEY_ARN: key });
  });

  it('the template’s queues refuse all access without TLS', () => {
    const { resources } = made();
    for (const id of ['UndeliveredQueue', 'FailedQueue'])
      expect(resources[`${id}Policy`]?.Properties).toMatchObject({
        Queues: [{ Ref: id }],
        PolicyDocument: {
          Statement: [
            {
              Effect: 'Deny',
              Principal: '*',
              Action: 'sqs:*',
              Resource: { 'Fn::GetAtt': [id, 'Arn'] },
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            },
          ],
        },
      });
  });

  it('the template accepts tags as text and as a map', () => {
    const expected = [
      { Key: 'team', Value: 'search' },
      { Key: 'cost-center', Value: '42' },
    ];
    const map = { team: 'search', 'cost-center': 42 };
    for (const tags of ['team=search, cost-center=42', map]) {
      const stage = made({ tags });
      expect(stage.tags).toEqual({ team: 'search', 'cost-center': '42' });
      expect(stage.resources.ScheduleGroup?.Properties.Tags).toEqual(expected);
      expect(stage.sweepFunction.Properties).toMatchObject({ Tags: expected });
    }
  });

  it('the template reserves no concurrency if `reservedConcurrency` is `none`, and suppresses the findings of scanners about that', () => {
    const { sweepFunction } = made({ reservedConcurrency: 'none' });
    expect(sweepFunction.Properties).not.toHaveProperty('ReservedConcurrentExecutions');
    expect(text(sweepFunction.Metadata)).toContain('CKV_AWS_115');
    expect(made().sweepFunction.Properties).toMatchObject({ ReservedConcurrentExecutions: 1 });
    expect(text(made().sweepFunction.Metadata)).not.toContain('CKV_AWS_115');
  });

  it('the template sets the function’s log level to `logLevel`, and the level of Lambda’s own lines to the nearest that Lambda offers', () => {
    expect(made().sweepFunction.Properties).not.toHaveProperty('LoggingConfig');
    const systemLevel = (logLevel: string) =>
      (made({ logLevel }).sweepFunction.Properties as { readonly LoggingConfig?: object }).LoggingConfig;
    expect(systemLevel('TRACE')).toEqual({
      LogFormat: 'JSON',
      ApplicationLogLevel: 'TRACE',
      SystemLogLevel: 'DEBUG',
    });
    expect(systemLevel('FATAL')).toMatchObject({ ApplicationLogLevel: 'FATAL', SystemLogLevel: 'WARN' });
  });

  it('the template keeps the log after the stack is removed if `logsOnRemoval` is `keep`', () => {
    expect(made().logGroup).not.toHaveProperty('DeletionPolicy');
    expect(made({ logsOnRemoval: 'keep' }).logGroup).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    });
  });

  it('the template allows X-Ray only if tracing is on', () => {
    expect(text(made().resources.FunctionRole)).not.toContain('xray');
    const { resources, sweepFunction } = made({ tracing: 'Active' });
    expect(text(resources.FunctionRole)).toContain('xray:PutTraceSegments');
    expect(sweepFunction.Properties.TracingConfig).toEqual({ Mode: 'Active' });
  });

  it('the template contains no hard-coded AWS partition', () => {
    expect(text(made())).not.toContain('arn:aws:');
  });
});

describe('a wrong parameter', () => {
  it.each<[Readonly<Record<string, unknown>>, string]>([
    [{ architecture: 'x86' }, 'param architecture: expected one of arm64, x86_64, got "x86"'],
    [{ tracing: 'on' }, 'param tracing: expected one of Active, PassThrough, got "on"'],
    [
      { logLevel: 'warn' },
      'param logLevel: expected one of TRACE, DEBUG, INFO, WARN, ERROR, FATAL, or empty',
    ],
    [{ logsOnRemoval: 'retain' }, 'param logsOnRemoval: expected one of delete, keep, got "retain"'],
    [
      { permissionsBoundaryArn: 'boundary' },
      'param permissionsBoundaryArn: expected the ARN of an IAM policy, or none, got "boundary"',
    ],
    [{ rolePath: 'teams' }, 'param rolePath: expected a path that begins and ends with "/"'],
    [{ functionRoleArn: boundary }, 'param functionRoleArn: expected the ARN of an IAM role'],
    [{ schedulerRoleArn: 'x' }, 'param schedulerRoleArn: expected the ARN of an IAM role'],
    [
      { kmsKeyArn: `arn:aws:kms:eu-central-1:${account}:alias/sweeps` },
      'param kmsKeyArn: expected the ARN of a KMS key, not of an alias, or none',
    ],
    [{ tags: 'team' }, 'param tags: expected tags as "key=value,key=value" or a map'],
    [{ tags: 'aws:team=x' }, 'that do not begin with "aws:"'],
    [{ tags: 'stage=x' }, 'param tags: expected no tag named STAGE: the framework sets it to the stage'],
    [{ tags: 'a=1,a=2' }, 'param tags: expected each tag once, got "a=1,a=2"'],
    [{ tags: `a=${'x'.repeat(257)}` }, 'param tags: expected tags with values of at most 256'],
    [
      { permissionBoundaryArn: boundary },
      'param permissionBoundaryArn: unknown; did you mean permissionsBoundaryArn?',
    ],
    [
      { functionRoleArn: functionRole, schedulerRoleArn: schedulerRole, rolePath: '/a/' },
      'param rolePath: has no effect, because functionRoleArn and schedulerRoleArn name existing roles; leave it out',
    ],
  ])('packaging refuses the parameters %j', (change, message) => {
    expect(() => made(change)).toThrow(message);
  });
});

describe('npm run policies', () => {
  it('`npm run policies` prints the policy documents of the template’s roles, with ARNs in place of references', () => {
    const { resources } = made({ kmsKeyArn: key, tracing: 'Active' });
    const { functionRole: ours, schedulerRole: other } = printed({ kmsKeyArn: key, tracing: 'Active' });
    for (const [id, { trust, policy }] of Object.entries({ FunctionRole: ours, SchedulerRole: other })) {
      const role = resources[id]?.Properties as unknown as RoleProperties;
      const own = role.Policies.flatMap(({ PolicyDocument }) => actionsOf(PolicyDocument));
      expect(actionsOf(policy)).toEqual(own);
      expect(actionsOf(trust)).toEqual(actionsOf(role.AssumeRolePolicyDocument));
      expect(text([trust, policy])).not.toMatch(/Fn::|"Ref"|\$\{/);
    }
  });

  it('`npm run policies` prints roles with the path in `rolePath`, and a permissions boundary that allows what both roles need', () => {
    const {
      functionRole: ours,
      schedulerRole: other,
      permissionsBoundary,
    } = printed({ rolePath: '/teams/' });
    expect([ours.path, ours.name]).toEqual(['/teams/', 'jobsweep-prod-function']);
    expect([other.path, other.name]).toEqual(['/teams/', 'jobsweep-prod-scheduler']);
    expect(text(ours.policy)).toContain(`arn:aws:iam::${account}:role/teams/jobsweep-prod-scheduler`);
    expect(new Set(actionsOf(permissionsBoundary))).toEqual(
      new Set([...actionsOf(ours.policy), ...actionsOf(other.policy)]),
    );
    // with a boundary, the stack itself creates the roles, and their names end with random characters
    expect(text(permissionsBoundary)).toContain(`role/teams/jobsweep-prod-SchedulerRole-*`);
  });

  it('`npm run policies` prints a key policy that lets CloudWatch Logs use the customer key', () => {
    expect(printed()).not.toHaveProperty('keyPolicy');
    expect(printed({ kmsKeyArn: key }).keyPolicy?.Statement).toMatchObject([
      {
        Principal: { Service: 'logs.eu-central-1.amazonaws.com' },
        Condition: {
          ArnEquals: {
            'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:eu-central-1:${account}:log-group:/aws/lambda/jobsweep-prod-sweep`,
          },
        },
      },
    ]);
  });

  it.each([
    ['cn-north-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
  ])('`npm run policies` for the region %s prints ARNs in the partition %s', (region, partition) => {
    const all = printed({}, region);
    expect(text(all)).not.toContain('arn:aws:');
    expect(text(all)).toContain(`arn:${partition}:scheduler:${region}:`);
  });

  it('the scheduler’s role may use the keys that schedules name, and packaging refuses a schedule that names a key by its alias', async () => {
    await using files = await newFolder();
    const file = files.at('schedules.yml');
    const scheduleWith = (own: string) =>
      writeFile(file, `schedules: [{name: a, cron: "0 2 * * ? *", request: {}, kmsKeyArn: "${own}"}]`);
    const own = key.replace('1234', '5678');
    await scheduleWith(own);
    const stage = { schedules: file, kmsKeyArn: key };
    const { policy } = printed(stage).schedulerRole;
    for (const each of [key, own])
      expect(text(policy)).toContain(`"Action":["kms:Decrypt"],"Resource":"${each}"`);
    expect(made(stage).resources.ScheduleA?.Properties.KmsKeyArn).toBe(own);
    await scheduleWith(key.replace('key/', 'alias/'));
    expect(() => made(stage)).toThrow('schedules: a: kmsKeyArn: expected the ARN of a key, got an alias');
  });

  it('`npm run policies` writes JSON, or says which argument is missing', async () => {
    const run = async (...args: readonly string[]) =>
      await promisify(execFile)(process.execPath, [path.join(root, 'scripts/policies.ts'), ...args]);
    const { stdout } = await run('--account', account, '--param=secret=other/secret');
    expect(stdout).toContain('secret:other/secret-??????');
    expect(Object.keys(JSON.parse(stdout) as object)).toEqual([
      'functionRole',
      'schedulerRole',
      'permissionsBoundary',
    ]);
    await expect(run()).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--account: expected the 12 digits of an account') as string,
    });
  });
});
