/** @module Tests that the Terraform module creates the same resources as the packaged template. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readSchedules } from '../../deploy/schedules.ts';
import { root } from '../support/bin.ts';
import { type Folder, newFolder } from '../support/folder.ts';
import { type Packaged, packageService } from '../support/packaged.ts';
import { differences } from './terraform/parity.ts';
import { type Module, planOf, readModule, unknownValue } from './terraform/plan.ts';
import { hasAttribute } from './terraform/provider.ts';
import { withoutProvider } from './terraform/without-provider.ts';

const folder = path.join(root, 'deploy/terraform');
const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');

const snake = (name: string) => name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (sign) => `_${sign}`).toLowerCase();

/** The parameters of `serverless.yml` and their values for a stage. */
function parametersOf(stage: string, given: Readonly<Record<string, string>>): Record<string, unknown> {
  const { params } = parse(readFileSync(path.join(root, 'serverless.yml'), 'utf8')) as {
    params: Record<string, Record<string, unknown>>;
  };
  return { ...params.default, ...params[stage], scheduleGroup: `jobsweep-${stage}`, ...given };
}

/** Converts the schedules in a file to a value for the module's variable `schedules`. */
const schedulesOf = (file: string) =>
  Object.fromEntries(
    readSchedules(file, root).definitions.map((each) => [
      each.name,
      {
        request: JSON.stringify(each.payload),
        expression: each.expression,
        timezone: each.timezone,
        description: each.description,
        window_minutes: each.windowMinutes,
        start: each.start && new Date(each.start).toISOString(),
        end: each.end && new Date(each.end).toISOString(),
        state: each.state ?? 'enabled',
        retry: { max_age_seconds: each.retry.maxAgeSeconds, attempts: each.retry.attempts },
        dead_letter_arn: each.deadLetterArn,
        kms_key_arn: each.kmsKeyArn,
      },
    ]),
  );

const lists = ['clusters', 'layerArns', 'securityGroupIds', 'subnetIds'];
const tagsOf = (text: string) => (text === '' ? [] : text.split(',').map((tag) => tag.split('=')));

/** The module's inputs for a stage's parameters. An input is named like its parameter, but in snake case. */
function inputsFor(stage: string, given: Readonly<Record<string, string>> = {}): Record<string, unknown> {
  const inputs: Record<string, unknown> = {
    name: `jobsweep-${stage}`,
    package: { path: 'dist/function.zip' },
  };
  for (const [name, value] of Object.entries(parametersOf(stage, given))) {
    if (name === 'schedules') inputs.schedules = schedulesOf(String(value));
    else if (lists.includes(name))
      inputs[snake(name)] =
        value === ''
          ? []
          : String(value)
              .split(',')
              .map((each) => each.trim());
    else if (name === 'ipv6DualStack') inputs[snake(name)] = String(value) === 'true';
    else if (name === 'tags') inputs.tags = Object.fromEntries(tagsOf(String(value)));
    else inputs[snake(name)] = value === '' || value === 'none' ? null : value;
  }
  return inputs;
}

let module: Module;
beforeAll(async () => {
  module = await readModule(folder);
});

const plan = (inputs: Record<string, unknown>, changed = module) => planOf(changed, inputs, hasAttribute);

const everySchedule = `
schedules:
  - name: nightly
    description: Every night.
    cron: "0 2 * * ? *"
    timezone: Europe/Berlin
    window: 15m
    request: { idleFor: 48h, exclude: ["a<b>&c", "\\"quoted\\\\"], close: { batch: 5 }, fuse: { maxShare: 0.25 } }
  - name: every-6-hours
    rate: 6 hours
    start: "2097-01-01T00:00:00Z"
    end: "2098-01-01T00:00:00Z"
    state: paused
    retry: { maxAge: 2h, attempts: 3 }
    deadLetterArn: arn:aws:sqs:eu-central-1:123456789012:other
    kmsKeyArn: arn:aws:kms:eu-central-1:123456789012:key/1234
    request: { cluster: metrics, dryRun: true }
  - name: once
    at: "2097-01-01T00:00:00"
    request: {}
  - name: roll-call
    cron: "0 7 * * ? *"
    rollCall: { within: 6h }
`;

/** For each parameter, a value that differs from its default. */
const everyParameter = {
  alarmTopicArn: 'arn:aws:sns:eu-central-1:123456789012:ops',
  architecture: 'x86_64',
  clusters: 'default, logs',
  clustersSecret: 'ssm:/other/all',
  functionRoleArn: 'arn:aws:iam::123456789012:role/sweeper',
  kmsKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/5678',
  logLevel: 'WARN',
  logRetentionDays: '90',
  logsOnRemoval: 'keep',
  maximumEventAge: '7200',
  memorySize: '1024',
  missingAfterHours: '30',
  notifyEventBusArn: 'arn:aws:events:eu-central-1:123456789012:event-bus/ops',
  notifyTopicArn: 'arn:aws:sns:eu-central-1:123456789012:chat',
  notifyTopicKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/5678',
  notifyWhen: 'problems',
  permissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/boundary',
  reportsNamespace: 'prod',
  reportsSecret: 'monitoring/reports',
  reservedConcurrency: 'none',
  rolePath: '/teams/search/',
  scheduleGroup: 'sweeps',
  schedulerRoleArn: 'none',
  // the default, because the other value, `command`, would create no schedules; another test covers `command`
  schedulesBy: 'stack',
  secret: 'other/secret',
  secretKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/1234',
  secretPrefix: 'other/',
  successDestinationArn: 'arn:aws:sns:eu-central-1:123456789012:reports',
  tags: 'team=search,cost-center=42',
  tracing: 'Active',
  subnetIds: 'subnet-0a1b2c3d, subnet-0123456789abcdef0',
  securityGroupIds: 'sg-0123456789abcdef0',
  ipv6DualStack: 'true',
  httpsProxy: 'http://proxy.example.com:3128',
  httpProxy: 'http://proxy.example.com:3129',
  noProxy: '.example.com,10.0.0.0/8',
  extraCaCerts: '/opt/ca.pem',
  layerArns: 'arn:aws:lambda:eu-central-1:123456789012:layer:authorities:3',
};

describe('the Terraform module and the packaged template', () => {
  let files: Folder;
  let byDefault: Packaged;
  let withAll: Packaged;
  let all: Record<string, string>;
  beforeAll(async () => {
    files = await newFolder();
    all = { ...everyParameter, schedules: await files.write('schedules.yml', everySchedule) };
    byDefault = await packageService(['--stage', 'prod']);
    withAll = await packageService([
      '--stage',
      'prod',
      ...Object.entries(all).map(([name, value]) => `--param=${name}=${value}`),
    ]);
  }, 120_000);
  afterAll(() => files[Symbol.asyncDispose]());

  it('the Terraform module and the template have the same resources and properties with default parameters', () => {
    expect(differences(byDefault.template, plan(inputsFor('prod')))).toEqual([]);
  });

  it('the Terraform module and the template have the same resources and properties with every parameter set', () => {
    expect(Object.keys(all).sort()).toEqual(Object.keys(parametersOf('prod', {})).sort());
    expect(differences(withAll.template, plan(inputsFor('prod', all)))).toEqual([]);
  });

  it('the Terraform module and the template have the same resources if the schedules are left to `jobsweep schedules apply`', async () => {
    const given = {
      schedules: 'deploy/schedules.fleet.yml',
      schedulesBy: 'command',
      secret: 'ssm:/jobsweep/default',
      secretPrefix: 'ssm:jobsweep-',
    };
    const packaged = await packageService([
      '--stage',
      'prod',
      ...Object.entries(given).map(([name, value]) => `--param=${name}=${value}`),
    ]);
    const planned = plan(inputsFor('prod', given));
    expect(differences(packaged.template, planned)).toEqual([]);
    expect(planned.resources.filter(({ type }) => type === 'aws_scheduler_schedule')).toEqual([]);
  }, 60_000);

  it('if a key, tracing and an existing scheduler role are given, the Terraform module and the template have the same resources', async () => {
    const { functionRoleArn: _1, permissionsBoundaryArn: _2, clusters: _3, schedules: _4, ...given } = all;
    given.reservedConcurrency = '2';
    given.schedulerRoleArn = 'arn:aws:iam::123456789012:role/invoker';
    const { template } = await packageService([
      '--stage',
      'prod',
      ...Object.entries(given).map(([name, value]) => `--param=${name}=${value}`),
    ]);
    expect(differences(template, plan(inputsFor('prod', given)))).toEqual([]);
  }, 120_000);

  it('a log that must outlive the stack has a deletion policy in the template, and `skip_destroy` in the Terraform module', () => {
    expect(withAll.template.Resources.SweepLogGroup).toMatchObject({ DeletionPolicy: 'Retain' });
    const { resources } = plan(inputsFor('prod', all));
    const log = resources.find(({ type }) => type === 'aws_cloudwatch_log_group');
    expect(log?.values.skip_destroy).toBe(true);
  });

  it('the Terraform module and the template have the same inputs', () => {
    const given = Object.keys(parametersOf('prod', {})).map(snake);
    expect(Object.keys(module.variables).sort()).toEqual([...given, 'name', 'package'].sort());
  });

  it('the Terraform module and the template have the same defaults, apart from schedules', () => {
    const { schedules: _1, schedule_group, name: _2, ...standard } = inputsFor('prod');
    expect(schedule_group).toBe('jobsweep-prod');
    for (const [name, { default: value }] of Object.entries(module.variables))
      if (name in standard && name !== 'package') expect(value ?? null, name).toEqual(standard[name]);
  });

  it('both the Terraform module and the template create the function after its log group', () => {
    const depends = byDefault.template.Resources.SweepLambdaFunction?.DependsOn;
    expect(depends).toContain('SweepLogGroup');
    expect(module.resources.aws_lambda_function?.this?.[0]?.depends_on).toContain(
      `\${aws_cloudwatch_log_group.this}`,
    );
  });

  /** A copy of the template with a change. */
  function changed(
    change: (resources: Record<string, { Type: string; Properties: Record<string, unknown> }>) => void,
  ) {
    const template = structuredClone(byDefault.template) as Packaged['template'];
    change(template.Resources as never);
    return template;
  }

  it.each<[string, Parameters<typeof changed>[0], RegExp]>([
    [
      'gains a resource',
      (resources) => {
        resources.Topic = { Type: 'AWS::SNS::Topic', Properties: {} };
      },
      /only the template has Topic/,
    ],
    [
      'gains a property',
      ({ FailedQueue }) => {
        if (FailedQueue) FailedQueue.Properties.KmsMasterKeyId = 'key';
      },
      /FailedQueue\.KmsMasterKeyId: the template has "key", and the module undefined/,
    ],
    [
      'gains a statement',
      ({ FunctionRole }) => {
        const policies = FunctionRole?.Properties.Policies as
          | { PolicyDocument: { Statement: unknown[] } }[]
          | undefined;
        policies?.[0]?.PolicyDocument.Statement.push({ Effect: 'Allow', Action: ['s3:*'], Resource: '*' });
      },
      /FunctionRole\.Policies\[0\]\.PolicyDocument\.Statement/,
    ],
    [
      'loses an alarm',
      (resources) => {
        delete resources.AlarmUndelivered;
      },
      /only the module has aws_cloudwatch_metric_alarm\.undelivered/,
    ],
    [
      'loses a property',
      ({ SweepLambdaFunction }) => {
        delete SweepLambdaFunction?.Properties.ReservedConcurrentExecutions;
      },
      /SweepLambdaFunction\.ReservedConcurrentExecutions: the template has undefined, and the module 1/,
    ],
  ])(
    'the comparison of the template with the Terraform module reports a difference if the template %s',
    (_what, change, difference) => {
      expect(differences(changed(change), plan(inputsFor('prod')))).toContainEqual(
        expect.stringMatching(difference),
      );
    },
  );

  it.each([
    [
      'gains a resource',
      'queues.tf',
      '$',
      '\nresource "aws_sns_topic" "more" {}\n',
      /only the module has aws_sns_topic\.more/,
    ],
    [
      'gains an argument',
      'function.tf',
      /timeout {7}= 900/,
      'timeout = 900\n  publish = true',
      /SweepLambdaFunction\.Publish/,
    ],
    [
      'loses an argument',
      'queues.tf',
      /sqs_managed_sse_enabled .*/,
      '',
      /UndeliveredQueue\.SqsManagedSseEnabled/,
    ],
    [
      'changes a condition',
      'roles.tf',
      '"aws:SourceArn"',
      '"aws:PrincipalArn"',
      /SchedulerRole\.AssumeRolePolicyDocument/,
    ],
    ['loses an output', 'outputs.tf', /output "failed_queue_url" \{[^}]*\}/, '', /Outputs\.failed_queue_url/],
  ])(
    'the comparison of the template with the Terraform module reports a difference if the module %s',
    async (_what, name, from, to, difference) => {
      const text = read(name);
      const other = from === '$' ? text + to : text.replace(from, to);
      expect(other).not.toBe(text);
      const found = differences(
        byDefault.template,
        plan(inputsFor('prod'), await readModule(folder, { [name]: other })),
      );
      expect(found.length).toBeGreaterThan(0);
      for (const each of found) expect(each).toMatch(difference);
    },
  );
});

/** A copy of the value, without members that are null or an empty list. */
function withoutUnset(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUnset);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null && !(Array.isArray(inner) && inner.length === 0))
      .map(([name, inner]) => [name, withoutUnset(inner)]),
  );
}

/** Lets Terraform evaluate the module for these inputs. `blocks` has the resources and data sources by address. */
async function evaluated(inputs: Record<string, unknown>) {
  await using work = await newFolder();
  copyFileSync(path.join(folder, 'variables.tf'), work.at('variables.tf'));
  await work.write('module.tf', withoutProvider(module));
  await work.write('all.tfvars.json', JSON.stringify(inputs));
  const run = (...args: string[]) =>
    spawnSync('terraform', args, {
      cwd: work.path,
      encoding: 'utf8',
      env: { ...process.env, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' },
      input: 'base64encode(jsonencode(local.everything))\n',
      maxBuffer: 2 ** 26,
    });
  expect(run('init', '-backend=false').status).toBe(0);
  const validated = run('validate', '-no-color');
  expect(validated.status, validated.stdout + validated.stderr).toBe(0);
  const { stdout, stderr } = run('console', '-var-file=all.tfvars.json');
  const [, encoded] = /^"([\w+/=]+)"$/m.exec(stdout) ?? [];
  if (encoded === undefined) throw new Error(stdout + stderr);
  return JSON.parse(Buffer.from(encoded, 'base64').toString()) as {
    readonly blocks: Record<string, Record<string, unknown>>;
    readonly outputs: unknown;
    readonly locals: unknown;
  };
}

const terraform = spawnSync('terraform', ['version'], { encoding: 'utf8' });

// Runs only if terraform is installed. Terraform evaluates each expression of the module, without the provider.
describe.skipIf(terraform.status !== 0)('the module, evaluated by terraform', { timeout: 120_000 }, () => {
  it.each([
    ['with default parameters', {}],
    ['with every parameter set', everyParameter],
  ])('terraform and the evaluator of these tests compute the same values %s', async (_what, given) => {
    const inputs = {
      ...inputsFor('prod', given),
      package: { s3: { bucket: 'artifacts', key: 'function.zip' }, hash: 'hash' },
    };
    const ours = plan(inputs);
    const theirs = await evaluated(inputs);
    expect(withoutUnset(theirs.outputs)).toEqual(withoutUnset(ours.outputs));
    for (const { address, values } of [...ours.resources, ...ours.data]) {
      const [, base = '', key] = /^([^[]+)(?:\[(.+)\])?$/.exec(address) ?? [];
      const block = theirs.blocks[base];
      const found = withoutUnset(key === undefined ? block : block?.[key]) as Record<string, unknown>;
      // skips values that only AWS knows; policies are compared through the data sources that they come from
      for (const [name, value] of Object.entries(found))
        if (
          String(value) === unknownValue(`${address}.${name}`) ||
          /^⟦data\.aws_iam_policy.*\.json⟧$/.test(String(value))
        )
          delete found[name];
      const own = Object.entries(withoutUnset(values) as object).filter(
        ([name, value]) => name in found || !String(value).startsWith('{"Version"'),
      );
      expect(found, address).toEqual(Object.fromEntries(own));
    }
    const count = Object.values(theirs.blocks).length;
    expect(count).toBe(
      [module.resources, module.data].flatMap((each) => Object.values(each).flatMap(Object.keys)).length,
    );
  });
});
