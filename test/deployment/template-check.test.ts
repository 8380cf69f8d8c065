/** @module Checks several variants of the packaged template without a network, and tests the check itself. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { newFolder } from '../support/folder.ts';
import { sized } from '../support/nightly.ts';
import { type Packaged, packageService } from '../support/packaged.ts';
import { findings, taggable } from './template-findings.ts';
import type { CheckedTemplate } from './template-limits.ts';

const account = '123456789012';
const everyParameter = [
  '--param=alarmTopicArn=arn:aws:sns:eu-central-1:123456789012:ops',
  '--param=architecture=x86_64',
  '--param=clusters=logs,metrics',
  `--param=kmsKeyArn=arn:aws:kms:eu-central-1:${account}:key/1234`,
  '--param=logLevel=WARN',
  '--param=logRetentionDays=365',
  '--param=logsOnRemoval=keep',
  '--param=memorySize=1024',
  '--param=missingAfterHours=168',
  `--param=permissionsBoundaryArn=arn:aws:iam::${account}:policy/boundary`,
  '--param=reservedConcurrency=none',
  '--param=rolePath=/teams/search/',
  '--param=scheduleGroup=sweeps',
  '--param=schedules=deploy/schedules.clusters.yml',
  '--param=secret=other/secret',
  `--param=secretKeyArn=arn:aws:kms:eu-central-1:${account}:key/5678`,
  '--param=secretPrefix=other/',
  '--param=successDestinationArn=arn:aws:sqs:eu-central-1:123456789012:reports',
  '--param=tags=team=search,cost-center=42',
  '--param=tracing=Active',
  '--param=clustersSecret=ssm:/jobsweep/all',
  '--param=maximumEventAge=21600',
  '--param=notifyEventBusArn=arn:aws:events:eu-central-1:123456789012:event-bus/ops',
  '--param=notifyTopicArn=arn:aws:sns:eu-central-1:123456789012:chat',
  '--param=notifyTopicKeyArn=arn:aws:kms:eu-central-1:123456789012:key/5678',
  '--param=notifyWhen=problems',
  '--param=reportsNamespace=prod',
  '--param=reportsSecret=monitoring/reports',
  '--param=subnetIds=subnet-0a1b2c3d,subnet-0123456789abcdef0',
  '--param=securityGroupIds=sg-0123456789abcdef0',
  '--param=ipv6DualStack=true',
  '--param=httpsProxy=http://proxy.example.com:3128',
  '--param=httpProxy=http://proxy.example.com:3129',
  '--param=noProxy=.example.com',
  '--param=extraCaCerts=/opt/ca.pem',
  '--param=layerArns=arn:aws:lambda:eu-central-1:123456789012:layer:authorities:3',
];

/** The variants of the template, each with its arguments for `sls package`. */
const forms: Readonly<Record<string, readonly string[]>> = {
  'without a parameter': [],
  // other tests use the same arguments, so the packaging is shared
  'of an open account': ['--stage', 'prod'],
  'in a VPC, behind a proxy, with a boundary, keys and every other parameter': [
    '--stage',
    'prod',
    ...everyParameter,
  ],
  'of 1,000 clusters': [
    '--stage',
    'prod',
    '--param=schedules=deploy/schedules.fleet.yml',
    '--param=schedulesBy=command',
    '--param=reservedConcurrency=50',
  ],
  'with existing roles': [
    '--stage',
    'prod',
    `--param=functionRoleArn=arn:aws:iam::${account}:role/sweeper`,
    `--param=schedulerRoleArn=arn:aws:iam::${account}:role/scheduler`,
  ],
  'without schedules, secrets and named clusters': [
    '--stage',
    'prod',
    '--param=schedules=none',
    '--param=secret=none',
    '--param=secretPrefix=none',
  ],
};

describe.each(Object.entries(forms))('the packaged template %s', (_form, args) => {
  let packaged: Packaged;
  beforeAll(async () => {
    packaged = await packageService(args);
  }, 120_000);

  it('the packaged template contains nothing that CloudFormation would refuse', () => {
    expect(findings(packaged.template)).toEqual([]);
  });

  it('the packaged template sets the tags from the parameter `tags` on every resource that can be tagged', () => {
    const { template } = packaged;
    const expected = args.some((arg) => arg.startsWith('--param=tags='))
      ? [
          { Key: 'team', Value: 'search' },
          { Key: 'cost-center', Value: '42' },
        ]
      : undefined;
    for (const id of taggable(template))
      expect([id, template.Resources[id]?.Properties.Tags]).toEqual([id, expected]);
  });
});

/**
 * The variants for cfn-lint. A push checks only the variant with the most properties and the one with the fewest,
 * because cfn-lint is slow. The tests above check all variants without cfn-lint.
 */
const linted = sized({
  push: [
    'in a VPC, behind a proxy, with a boundary, keys and every other parameter',
    'without schedules, secrets and named clusters',
  ],
  nightly: Object.keys(forms),
});

it('cfn-lint finds no problem in the variants of the packaged template, in three partitions (skipped if not installed)', async ({
  skip,
}) => {
  await using files = await newFolder();
  const templates = await Promise.all(
    linted.map(async (form, index) => {
      const { template } = await packageService(forms[form]);
      return await files.write(`form-${index}.json`, JSON.stringify(template));
    }),
  );
  // ignores W3005 (redundant DependsOn), because the framework declares the function's dependency on its role twice
  const options = ['--format', 'parseable', '--ignore-checks', 'W3005', '--regions'];
  const regions = ['eu-central-1', 'us-gov-west-1', 'cn-north-1'];
  const { stdout } = await promisify(execFile)('cfn-lint', [
    ...options,
    ...regions,
    '--',
    ...templates,
  ]).catch((error: { code?: string | number; stdout?: string; stderr?: string }) => {
    // a shell's or a version manager's exit code for a missing command
    if (error.code === 'ENOENT' || error.code === 127) skip('cfn-lint is not installed');
    throw new Error(`${error.stdout}${error.stderr}`);
  });
  expect(stdout).toBe('');
}, 180_000);

describe('the template check', () => {
  let template: Packaged['template'];
  beforeAll(async () => {
    ({ template } = await packageService(
      forms['in a VPC, behind a proxy, with a boundary, keys and every other parameter'],
    ));
  }, 120_000);

  /** The findings about the template after a change to one resource. */
  function findingsAfter(
    id: string,
    change: (properties: Record<string, unknown>) => object,
  ): readonly string[] {
    const resource = template.Resources[id];
    if (resource === undefined) throw new Error(`there is no ${id}`);
    const changed = { ...resource, Properties: change(resource.Properties) };
    const Resources = { ...template.Resources, [id]: changed };
    return findings({ ...template, Resources } as CheckedTemplate);
  }

  it.each<[string, string, object, string]>([
    ['an unknown property', 'SweepLambdaFunction', { MemorySise: 512 }, '.MemorySise: unknown property'],
    ['tags on a schedule', 'ScheduleSearchFailed', { Tags: [] }, '.Tags: unknown property'],
    ['a text for a number', 'FailedQueue', { MessageRetentionPeriod: '14d' }, 'type integer, got "14d"'],
    ['a number for a text', 'FunctionRole', { Path: 5 }, '.Path: expected a value of type string, got 5'],
    ['a timeout over 900 s', 'SweepLambdaFunction', { Timeout: 901 }, 'a number from 1 to 900, got 901'],
    ['an unknown mode', 'ScheduleSearchFailed', { FlexibleTimeWindow: { Mode: 'FLEX' } }, 'OFF, FLEXIBLE'],
    [
      'a window of 2 days',
      'ScheduleSearchFailed',
      { FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 2_880 } },
      'a number from 1 to 1440',
    ],
    [
      'a window without its minutes',
      'ScheduleSearchFailed',
      { FlexibleTimeWindow: { Mode: 'FLEXIBLE' } },
      'belongs to the mode FLEXIBLE',
    ],
    [
      'two kinds of encryption',
      'FailedQueue',
      { KmsMasterKeyId: 'x', SqsManagedSseEnabled: true },
      'exclude each other',
    ],
    [
      'a retention that CloudWatch Logs does not support',
      'SweepLogGroup',
      { RetentionInDays: 31 },
      'one of 1, 3, 5',
    ],
    [
      'an alarm that looks back for 8 days',
      'RecentSweepLogs',
      { EvaluationPeriods: 192 },
      'may look back at most 604800 s',
    ],
    [
      'a tag without a value',
      'FailedQueue',
      { Tags: [{ Key: 'team' }] },
      'expected a tag with Key and Value',
    ],
    [
      'a reference to a resource that does not exist',
      'FunctionRole',
      { Path: { Ref: 'NoSuch' } },
      'refers to NoSuch, which does not exist',
    ],
    [
      'an attribute that the resource lacks',
      'FunctionRole',
      { Path: { 'Fn::GetAtt': ['FailedQueue', 'Url'] } },
      'FailedQueue has no attribute Url',
    ],
    [
      'an alarm with the name of another alarm',
      'AlarmUndelivered',
      { AlarmName: 'jobsweep-prod-sweep-failed' },
      'have one name',
    ],
  ])('the template check finds %s', (_what, id, change, problem) => {
    const found = findingsAfter(id, (properties) => ({ ...properties, ...change }));
    expect(found.join('\n')).toContain(problem);
  });

  it('the template check finds a missing required property', () => {
    const found = findingsAfter('ScheduleSearchFailed', ({ Target: _target, ...rest }) => rest);
    expect(found).toContain('ScheduleSearchFailed.Target: required, but missing');
  });

  it('the template check finds a resource type that does not exist, and more resources than a stack may have', () => {
    const queue = template.Resources.FailedQueue;
    if (queue === undefined) throw new Error('there is no queue');
    const wrongType = { ...template.Resources, FailedQueue: { ...queue, Type: 'AWS::SQS::Queu' } };
    expect(findings({ ...template, Resources: wrongType })).toContain(
      'FailedQueue: AWS::SQS::Queu is an unknown type',
    );
    const many = Object.fromEntries(Array.from({ length: 480 }, (_, index) => [`Queue${index}`, queue]));
    const crowded = { ...template, Resources: { ...template.Resources, ...many } };
    expect(findings(crowded).join()).toMatch(/the stack has 5\d\d resources, at most 500/);
  });
});
