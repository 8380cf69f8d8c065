import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parameterNames } from '../../deploy/parameters.ts';
import { template } from '../../deploy/template.ts';
import { isTimeZone } from '../../src/scheduler/local-time.ts';
import { environmentSettings } from '../../src/settings/environment.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import { type CloudFormationResource, type Packaged, packageService } from '../support/packaged.ts';
import { defaultParameters, variablesOf } from '../support/stage.ts';

const root = path.join(import.meta.dirname, '../..');

/** A function in a VPC behind a proxy. */
const network = {
  subnetIds: 'subnet-0a1b2c3d, subnet-0123456789abcdef0',
  securityGroupIds: 'sg-0123456789abcdef0',
  ipv6DualStack: 'true',
  httpsProxy: 'http://proxy.example.com:3128',
  httpProxy: '{{resolve:secretsmanager:proxy}}',
  noProxy: '.example.com,10.0.0.0/8',
  extraCaCerts: '/opt/ca.pem',
  layerArns: 'arn:aws:lambda:eu-central-1:123456789012:layer:authorities:3',
};

const made = (change: object = {}) =>
  template({
    service: 'jobsweep',
    stage: 'test',
    parameters: { ...defaultParameters, ...change },
    root,
    now: Date.parse('2026-11-23T12:00:00Z'),
  });

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

function statementsOf(role: CloudFormationResource | undefined): readonly Statement[] {
  const policies = role?.Properties.Policies as {
    readonly PolicyDocument: { readonly Statement: readonly Statement[] };
  }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

const ofType = (resources: Readonly<Record<string, CloudFormationResource>>, type: string) =>
  Object.entries(resources).filter(([, { Type }]) => Type === type);
const text = (value: unknown) => JSON.stringify(value);

describe('the packaged stack', () => {
  let packaged: Packaged;
  beforeAll(async () => {
    packaged = await packageService([
      '--stage',
      'prod',
      '--param=schedules=deploy/schedules.clusters.yml',
      '--param=reservedConcurrency=2',
      '--param=logRetentionDays=90',
      '--param=alarmTopicArn=arn:aws:sns:eu-central-1:123456789012:ops',
      '--param=successDestinationArn=arn:aws:sqs:eu-central-1:123456789012:reports',
    ]);
  }, 120_000);
  const resource = (id: string) => packaged.template.Resources[id];

  it('the packaged function has the current runtime, arm64, the maximum timeout and reserved concurrency', () => {
    expect(resource('SweepLambdaFunction')?.Properties).toMatchObject({
      FunctionName: 'jobsweep-prod-sweep',
      Handler: 'src/function/handler.handler',
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Timeout: 900,
      MemorySize: 512,
      ReservedConcurrentExecutions: 2,
      Role: { 'Fn::GetAtt': ['FunctionRole', 'Arn'] },
    });
  });

  it('an event whose sweep fails is not retried and goes to a queue, as does an event that waits for more than an hour', () => {
    expect(resource('SweepLambdaEvConf')?.Properties).toMatchObject({
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 3_600,
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': ['FailedQueue', 'Arn'] } },
        OnSuccess: { Destination: 'arn:aws:sqs:eu-central-1:123456789012:reports' },
      },
    });
  });

  it('the packaged stack keeps its log for as many days as `logRetentionDays` says', () => {
    expect(resource('SweepLogGroup')?.Properties).toEqual({
      LogGroupName: '/aws/lambda/jobsweep-prod-sweep',
      RetentionInDays: 90,
    });
  });

  it('the packaged function has all settings for follow-ups and secrets, as references within the stack', () => {
    expect(resource('SweepLambdaFunction')?.Properties.Environment).toEqual({
      Variables: {
        ELASTICSEARCH_SECRET: 'jobsweep/default',
        ELASTICSEARCH_SECRET_PREFIX: 'jobsweep/',
        JOBSWEEP_SCHEDULE_GROUP: { Ref: 'ScheduleGroup' },
        JOBSWEEP_SCHEDULER_ROLE_ARN: { 'Fn::GetAtt': ['SchedulerRole', 'Arn'] },
        JOBSWEEP_FUNCTION_ARN: {
          'Fn::Sub': `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:jobsweep-prod-sweep`,
        },
        JOBSWEEP_DLQ_ARN: { 'Fn::GetAtt': ['UndeliveredQueue', 'Arn'] },
        NODE_OPTIONS: '--max-semi-space-size=1',
      },
    });
  });

  it('the packaged stack starts sweeps with one Scheduler schedule for each cluster, and without EventBridge rules', () => {
    const { Resources } = packaged.template;
    expect(ofType(Resources, 'AWS::Events::Rule')).toEqual([]);
    expect(ofType(Resources, 'AWS::Lambda::Permission')).toEqual([]);
    const schedules = ofType(Resources, 'AWS::Scheduler::Schedule');
    expect(schedules.map(([, { Properties }]) => Properties.Name)).toEqual([
      'stack.logs-nightly',
      'stack.metrics-on-workdays',
      'stack.search-failed',
    ]);
    expect(schedules.map(([, { Properties }]) => Properties.ScheduleExpressionTimezone)).toEqual([
      'Europe/Berlin',
      'America/New_York',
      'UTC',
    ]);
    for (const [, { Properties }] of schedules) {
      expect(Properties).toMatchObject({
        GroupName: { Ref: 'ScheduleGroup' },
        State: 'ENABLED',
        Target: {
          Arn: { 'Fn::GetAtt': ['SweepLambdaFunction', 'Arn'] },
          RoleArn: { 'Fn::GetAtt': ['SchedulerRole', 'Arn'] },
          RetryPolicy: { MaximumEventAgeInSeconds: 3_600, MaximumRetryAttempts: 10 },
          DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['UndeliveredQueue', 'Arn'] } },
        },
      });
      const { Input } = Properties.Target as { readonly Input: string };
      expect(parseRequest(JSON.parse(Input)).request.trigger).toEqual({
        scheduleArn: '<aws.scheduler.schedule-arn>',
        scheduledTime: '<aws.scheduler.scheduled-time>',
      });
    }
  });

  it('only the schedules in the stack’s own group and account can assume the scheduler role', () => {
    expect(resource('SchedulerRole')?.Properties.AssumeRolePolicyDocument).toMatchObject({
      Statement: [
        {
          Principal: { Service: 'scheduler.amazonaws.com' },
          Action: 'sts:AssumeRole',
          Condition: {
            StringEquals: {
              'aws:SourceAccount': { Ref: 'AWS::AccountId' },
              'aws:SourceArn': { 'Fn::GetAtt': ['ScheduleGroup', 'Arn'] },
            },
          },
        },
      ],
    });
    expect(statementsOf(resource('SchedulerRole')).map(({ Action }) => Action)).toEqual([
      ['lambda:InvokeFunction'],
      ['sqs:SendMessage'],
    ]);
  });

  it('the packaged function may use only its own resources, and its policy has wildcards only where AWS requires them', () => {
    const statements = statementsOf(resource('FunctionRole'));
    const allowed = new Map(
      statements.flatMap((statement) => [statement.Action].flat().map((action) => [action, statement])),
    );
    expect([...allowed.keys()].sort()).toEqual([
      'iam:PassRole',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'scheduler:CreateSchedule',
      'scheduler:GetSchedule',
      'scheduler:ListSchedules',
      'secretsmanager:GetSecretValue',
      'sqs:SendMessage',
    ]);
    expect(statements.filter(({ Resource }) => Resource === '*').map(({ Action }) => Action)).toEqual([
      ['scheduler:ListSchedules'],
    ]);
    expect(text(allowed.get('scheduler:CreateSchedule')?.Resource)).toContain(
      ':schedule/jobsweep-prod/followup.*"',
    );
    expect(allowed.get('iam:PassRole')).toMatchObject({
      Resource: { 'Fn::GetAtt': ['SchedulerRole', 'Arn'] },
      Condition: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
    });
    expect(text(allowed.get('secretsmanager:GetSecretValue')?.Resource)).toMatch(
      /:secret:jobsweep\/default-\?{6}".*:secret:jobsweep\/\*"/,
    );
    expect(text(allowed.get('logs:PutLogEvents')?.Resource)).toContain(
      ':log-group:/aws/lambda/jobsweep-prod-sweep:*"',
    );
  });

  it('the packaged stack has alarms for failed or overdue sweeps, a tripped fuse, stuck jobs, dead letters and lost messages', () => {
    const { Resources } = packaged.template;
    const alarms = Object.entries(Resources)
      .filter(([id, { Type }]) => id.startsWith('Alarm') && Type.endsWith('Alarm'))
      .map(([, { Properties }]) => Properties);
    expect(alarms.map(({ AlarmName }) => AlarmName)).toEqual([
      'jobsweep-prod-sweep-failed',
      'jobsweep-prod-undelivered',
      'jobsweep-prod-failed-events',
      'jobsweep-prod-notify-failed',
      'jobsweep-prod-destination-failed',
      ...['logs', 'metrics', 'search'].flatMap((cluster) => [
        `jobsweep-prod-sweep-overdue-${cluster}`,
        `jobsweep-prod-fuse-blew-${cluster}`,
        `jobsweep-prod-jobs-stuck-${cluster}`,
      ]),
    ]);
    for (const alarm of alarms) {
      expect(alarm.AlarmActions).toEqual(['arn:aws:sns:eu-central-1:123456789012:ops']);
    }
  });

  it('the packaged stack keeps undelivered and failed events in two encrypted queues for two weeks', () => {
    const queues = ofType(packaged.template.Resources, 'AWS::SQS::Queue');
    expect(queues.map(([id]) => id)).toEqual(['UndeliveredQueue', 'FailedQueue']);
    for (const [, { Properties }] of queues)
      expect(Properties).toEqual({ MessageRetentionPeriod: 1_209_600, SqsManagedSseEnabled: true });
  });

  it('the packaged stack has a dashboard of its alarms, and the outputs that the command needs', () => {
    const body = resource('Dashboard')?.Properties.DashboardBody as { 'Fn::Sub': string } | undefined;
    const { widgets } = JSON.parse(body?.['Fn::Sub'] ?? '') as {
      widgets: { properties: { alarms?: string[]; title: string } }[];
    };
    for (const reference of widgets[0]?.properties.alarms ?? [])
      expect(resource(reference.slice(2, -'.Arn}'.length))?.Type).toMatch(
        /^AWS::CloudWatch::(Composite)?Alarm$/,
      );
    expect(widgets.map(({ properties }) => properties.title)).toContain('search: jobs');
    expect(Object.keys(packaged.template.Outputs)).toEqual(
      expect.arrayContaining([
        'FunctionArn',
        'ScheduleGroupName',
        'SchedulerRoleArn',
        'UndeliveredQueueArn',
        'FailedQueueUrl',
        'DashboardUrl',
      ]),
    );
  });

  it('the packaged stack refers only to its own resources', () => {
    const { Resources, Outputs } = packaged.template;
    const references = text([Resources, Outputs])
      .matchAll(/"Ref":"([^"]+)"|"Fn::GetAtt":\["([^"]+)"/g)
      .map(([, ref, getAtt]) => ref ?? getAtt ?? '')
      .filter((id) => !id.startsWith('AWS::'));
    for (const id of references) expect(Object.keys(Resources)).toContain(id);
  });
});

describe('the packaged stack of a function in a VPC behind a proxy', () => {
  let packaged: Packaged;
  let open: Packaged;
  beforeAll(async () => {
    [packaged, open] = await Promise.all([
      packageService([
        '--stage',
        'prod',
        ...Object.entries(network).map(([name, value]) => `--param=${name}=${value}`),
      ]),
      packageService(['--stage', 'prod']),
    ]);
  }, 120_000);
  const functionOf = ({ template: { Resources } }: Packaged) => Resources.SweepLambdaFunction?.Properties;

  it('a stack in a VPC attaches the function to the subnets and security groups', () => {
    expect(functionOf(packaged)?.VpcConfig).toEqual({
      SubnetIds: ['subnet-0a1b2c3d', 'subnet-0123456789abcdef0'],
      SecurityGroupIds: ['sg-0123456789abcdef0'],
      Ipv6AllowedForDualStack: true,
    });
    expect(functionOf(open)).not.toHaveProperty('VpcConfig');
  });

  it('a stack in a VPC gives Lambda the network permissions through the function’s role, and denies them to the function’s code', () => {
    const actions = ['Assign', 'Unassign'].map((verb) => `ec2:${verb}PrivateIpAddresses`);
    const expected = [
      ...actions,
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
    ].sort();
    const statements = statementsOf(packaged.template.Resources.FunctionRole).filter((statement) =>
      text(statement).includes('ec2:'),
    );
    expect(statements).toEqual([
      { Effect: 'Allow', Action: expected, Resource: '*' },
      {
        Effect: 'Deny',
        Action: expected,
        Resource: '*',
        Condition: {
          ArnEquals: {
            'lambda:SourceFunctionArn': {
              'Fn::Sub': `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:jobsweep-prod-sweep`,
            },
          },
        },
      },
    ]);
    expect(text(open.template)).not.toContain('ec2:');
  });

  it('a stack in a VPC sets the function’s variables for the proxy, the VPC and the file with extra CA certificates', () => {
    const environment = functionOf(packaged)?.Environment as { readonly Variables: object };
    expect(environment.Variables).toMatchObject({
      HTTPS_PROXY: 'http://proxy.example.com:3128',
      HTTP_PROXY: '{{resolve:secretsmanager:proxy}}',
      NO_PROXY: '.example.com,10.0.0.0/8',
      NODE_EXTRA_CA_CERTS: '/opt/ca.pem',
      JOBSWEEP_VPC_SUBNETS: 'subnet-0a1b2c3d,subnet-0123456789abcdef0',
      JOBSWEEP_VPC_SECURITY_GROUPS: 'sg-0123456789abcdef0',
      NODE_OPTIONS: '--max-semi-space-size=1',
    });
    expect(functionOf(packaged)?.Layers).toEqual([network.layerArns]);
    expect(functionOf(open)).not.toHaveProperty('Layers');
    expect(text(functionOf(open))).not.toMatch(/PROXY|VPC|CA_CERTS/);
  });
});

describe('the parameters of the template', () => {
  it('each schedule file in deploy/ for one stack has schedules, and their time zones exist', () => {
    for (const file of ['schedules.yml', 'schedules.dry-run.yml', 'schedules.clusters.yml']) {
      const schedules = ofType(made({ schedules: `deploy/${file}` }).resources, 'AWS::Scheduler::Schedule');
      expect(schedules.length).toBeGreaterThan(0);
      for (const [, { Properties }] of schedules)
        expect(isTimeZone(String(Properties.ScheduleExpressionTimezone))).toBe(true);
    }
  });

  it('a stack without schedules has alarms for the clusters in the parameter `clusters`', () => {
    const { resources } = made({ schedules: 'none', clusters: 'logs, default' });
    expect(ofType(resources, 'AWS::Scheduler::Schedule')).toEqual([]);
    expect(Object.keys(resources)).toEqual(
      expect.arrayContaining(['AlarmSweepOverdueLogs', 'AlarmSweepOverdueDefault']),
    );
  });

  it('a parameter that is `none` or empty adds no secret, no permission and no alarm action', () => {
    const stage = made({ secret: 'none', secretPrefix: '' });
    const { resources, destinations } = stage;
    expect(Object.keys(variablesOf(stage)).filter((name) => name.startsWith('ELASTICSEARCH'))).toEqual([]);
    expect(text(resources.FunctionRole)).not.toContain('secretsmanager');
    expect(text(resources)).not.toContain('AlarmActions');
    expect(destinations).not.toHaveProperty('onSuccess');
  });

  it('the parameters for reports give the function the settings and the secret for reports in Elasticsearch', () => {
    const stage = made({
      reportsNamespace: 'prod',
      reportsSecret: 'monitoring/reports',
    });
    expect(variablesOf(stage)).toMatchObject({
      JOBSWEEP_REPORTS_NAMESPACE: 'prod',
      JOBSWEEP_REPORTS_SECRET: 'monitoring/reports',
    });
    expect(text(stage.resources.FunctionRole)).toContain('secret:monitoring/reports-??????');
    expect(Object.keys(variablesOf(made())).filter((name) => name.includes('REPORTS'))).toEqual([]);
    expect(() => made({ reportsNamespace: 'My-Space' })).toThrow(
      'param reportsNamespace: expected 1 to 100 of a-z, 0-9, _ and ., or none, got "My-Space"',
    );
  });

  it('the notification parameters let the function notify the named topic and bus, and nothing else', () => {
    const [topic, key, bus] = [
      'arn:aws:sns:eu-central-1:123456789012:chat',
      'arn:aws:kms:eu-central-1:123456789012:key/5678',
      'arn:aws:events:eu-central-1:123456789012:event-bus/ops',
    ];
    const stage = made({
      notifyTopicArn: topic,
      notifyTopicKeyArn: key,
      notifyEventBusArn: bus,
      notifyWhen: 'problems',
    });
    expect(variablesOf(stage)).toMatchObject({
      JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: topic,
      JOBSWEEP_NOTIFY_EVENT_BUS: bus,
      JOBSWEEP_NOTIFY_WHEN: 'problems',
    });
    expect(statementsOf(stage.resources.FunctionRole).slice(-3)).toEqual([
      { Effect: 'Allow', Action: ['sns:Publish'], Resource: topic },
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Resource: key,
        Condition: {
          StringLike: { 'kms:ViaService': 'sns.eu-central-1.amazonaws.com*' },
        },
      },
      {
        Effect: 'Allow',
        Action: ['events:PutEvents'],
        Resource: bus,
        Condition: { StringEquals: { 'events:source': 'jobsweep' } },
      },
    ]);
    const elsewhere = made({
      notifyTopicArn: 'arn:aws-cn:sns:cn-north-1:123456789012:chat',
      notifyTopicKeyArn: 'arn:aws-cn:kms:cn-north-1:123456789012:key/5678',
    });
    expect(JSON.stringify(statementsOf(elsewhere.resources.FunctionRole))).toContain(
      '{"StringLike":{"kms:ViaService":"sns.cn-north-1.amazonaws.com*"}}',
    );
    const byDefault = made();
    expect(text([variablesOf(byDefault), byDefault.resources.FunctionRole])).not.toMatch(
      /NOTIFY|sns:|events:/,
    );
    expect(() => made({ notifyTopicArn: `${topic}.fifo` })).toThrow('param notifyTopicArn: expected the ARN');
  });

  it('the parameter `secretKeyArn` lets the function use a customer key only through Secrets Manager', () => {
    const key = 'arn:aws:kms:eu-central-1:123456789012:key/1234';
    const { resources } = made({ secretKeyArn: key });
    expect(statementsOf(resources.FunctionRole).at(-1)).toMatchObject({
      Action: ['kms:Decrypt'],
      Resource: key,
      Condition: {
        StringLike: {
          'kms:ViaService': { 'Fn::Sub': `secretsmanager.\${AWS::Region}.amazonaws.com*` },
        },
      },
    });
  });

  it.each([
    [
      { reservedConcurrency: 'one' },
      'param reservedConcurrency: expected a whole number from 1 to 1000, or none, got "one"',
    ],
    [
      { reservedConcurrency: 0 },
      'param reservedConcurrency: expected a whole number from 1 to 1000, or none, got 0',
    ],
    [{ logRetentionDays: 31 }, 'param logRetentionDays: expected one of 1, 3, 5'],
    [{ missingAfterHours: 200 }, 'param missingAfterHours: expected a whole number from 1 to 168'],
    [{ alarmTopicArn: 'ops' }, 'param alarmTopicArn: expected the ARN of an SNS topic, or none'],
    [{ schedules: 'no-such.yml' }, 'param schedules: no-such.yml cannot be read (ENOENT)'],
    [{ scheduleGroup: 'a b' }, 'param scheduleGroup: expected the name of a schedule group'],
  ])('packaging refuses the parameters %j', (change, message) => {
    expect(() => made(change)).toThrow(message);
  });

  const ids = { subnetIds: 'subnet-0a1b2c3d', securityGroupIds: 'sg-0a1b2c3d' };
  it.each([
    [
      { ...ids, subnetIds: 'subnet-1' },
      'param subnetIds: expected at most 16 ids such as subnet-0a1b2c3d4e5f67890, separated by commas, or none, got "subnet-1"',
    ],
    [
      { ...ids, subnetIds: Array(17).fill('subnet-0a1b2c3d').join() },
      'param subnetIds: expected at most 16 ids',
    ],
    [
      { ...ids, securityGroupIds: 'default' },
      'param securityGroupIds: expected at most 5 ids such as sg-0a1b2c3d4e5f67890',
    ],
    [
      { ...ids, securityGroupIds: Array(6).fill('sg-0a1b2c3d').join() },
      'param securityGroupIds: expected at most 5 ids',
    ],
    [
      { subnetIds: ids.subnetIds },
      'param securityGroupIds: expected ids, because subnetIds has some, got none; a VPC needs both, or neither',
    ],
    [
      { securityGroupIds: ids.securityGroupIds },
      'param subnetIds: expected ids, because securityGroupIds has some',
    ],
    [
      { ipv6DualStack: 'true' },
      'param ipv6DualStack: has no effect without subnetIds and securityGroupIds; leave it out',
    ],
    [{ ...ids, ipv6DualStack: 'yes' }, 'param ipv6DualStack: expected true or false, got "yes"'],
    [
      { httpsProxy: 'proxy:3128' },
      'param httpsProxy: expected an address such as http://proxy.example.com:3128, but it does not begin with http:// or https://',
    ],
    [
      { httpProxy: 'socks5://proxy:1080' },
      'param httpProxy: expected an address such as http://proxy.example.com:3128, but it is a "socks5" proxy',
    ],
    [
      { httpsProxy: 'http://me:hidden-word@proxy:3128' },
      'param httpsProxy: expected an address without a password, which everyone could read in the template',
    ],
    [{ noProxy: 'corp.test' }, 'param noProxy: has no effect without httpsProxy or httpProxy; leave it out'],
    [
      { extraCaCerts: 'ca.pem' },
      'param extraCaCerts: expected a path in the package (/var/task/…) or in a layer (/opt/…), or none, got "ca.pem"',
    ],
    [{ layerArns: 'ca' }, 'param layerArns: expected at most 5 ARNs of versions of layers'],
  ])('packaging refuses the network parameters %j', (change, message) => {
    expect(() => made(change)).toThrow(message);
    expect(() => made(change)).not.toThrow('hidden-word');
  });

  it('the list of parameters in the code matches the default parameters in serverless.yml', () => {
    const yml = readFileSync(path.join(root, 'serverless.yml'), 'utf8');
    const defaults = yml.slice(yml.indexOf('  default:'), yml.indexOf('  dev:'));
    const named = [...defaults.matchAll(/^ {4}(\w+):/gm)].map(([, name]) => name);
    expect(new Set(named)).toEqual(new Set(parameterNames));
  });

  it('the parameters of the template set only environment variables that the function reads', () => {
    const read = [...Object.keys(environmentSettings), 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS'];
    expect(read).toEqual(expect.arrayContaining(Object.keys(variablesOf(made(network)))));
  });
});
