/**
 * @module Tests the deployment for many clusters: the resources of its stack, and the errors and warnings of packaging.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { template } from '../../deploy/template.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import { parseRollCall } from '../../src/sweep/request/roll-call-request.ts';
import { copyService, serverless } from '../support/framework-command.ts';
import { type Packaged, packageService } from '../support/packaged.ts';
import { defaultParameters, variablesOf } from '../support/stage.ts';

const root = path.join(import.meta.dirname, '../..');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-'));
});
afterAll(() => rm(folder, { recursive: true }));

type Change = Readonly<Record<string, unknown>>;
const made = (change: Change = {}) =>
  template({
    service: 'jobsweep',
    stage: 'test',
    parameters: { ...defaultParameters, ...change },
    root,
    now: Date.parse('2026-11-23T12:00:00Z'),
  });

const fleetNames = Array.from({ length: 1_000 }, (_, index) => `cluster-${String(index).padStart(4, '0')}`);

/** The template of a stage whose schedules file contains this text. */
async function withFile(text: string, change: Change = {}): Promise<ReturnType<typeof made>> {
  const file = path.join(folder, 'schedules.yml');
  await writeFile(file, text);
  return made({ schedules: file, ...change });
}

const nightly = (clusters: string, window = '4h') => `schedules:
  - {name: nightly, cron: "0 1 * * ? *", window: ${window}, clusters: ${clusters}, request: {}}
  - {name: roll-call, cron: "0 7 * * ? *", rollCall: {within: 6h}}
`;

const namesOf = (resources: object, type: string) =>
  Object.values(resources as Record<string, { Type: string; Properties: Record<string, unknown> }>)
    .filter(({ Type }) => Type === type)
    .map(({ Properties }) => Properties.AlarmName ?? Properties.Name);

describe('a stack whose schedules are applied with `jobsweep schedules apply`', () => {
  const command = { schedules: 'deploy/schedules.fleet.yml', schedulesBy: 'command' };

  it('a stack without schedules has one alarm for all clusters instead of three for each cluster', () => {
    const { resources } = made(command);
    expect(namesOf(resources, 'AWS::Scheduler::Schedule')).toEqual([]);
    expect(namesOf(resources, 'AWS::CloudWatch::Alarm')).toEqual([
      'jobsweep-test-sweep-failed',
      'jobsweep-test-undelivered',
      'jobsweep-test-failed-events',
      'jobsweep-test-notify-failed',
      'jobsweep-test-destination-failed',
      'jobsweep-test-clusters-need-attention',
      'jobsweep-test-roll-call',
    ]);
    expect(resources.AlarmClustersNeedAttention?.Properties).toMatchObject({
      Metrics: [
        {
          Expression:
            'SELECT MAX(needsAttention) FROM SCHEMA("jobsweep", cluster, service) GROUP BY cluster ORDER BY MAX() DESC',
          Period: 300,
          ReturnData: true,
        },
      ],
      Threshold: 1,
      TreatMissingData: 'notBreaching',
    });
    // CloudFormation refuses an alarm that has both a metric query and the fields of a single metric
    for (const field of ['Statistic', 'Period', 'MetricName', 'Namespace', 'Dimensions'])
      expect(resources.AlarmClustersNeedAttention?.Properties).not.toHaveProperty(field);
  });

  it('a stack without schedules has separate alarms only for the clusters in the parameter `clusters`', () => {
    const { resources } = made({ ...command, clusters: 'payments,fraud' });
    expect(namesOf(resources, 'AWS::CloudWatch::Alarm')).toEqual([
      'jobsweep-test-sweep-failed',
      'jobsweep-test-undelivered',
      'jobsweep-test-failed-events',
      'jobsweep-test-notify-failed',
      'jobsweep-test-destination-failed',
      'jobsweep-test-clusters-need-attention',
      'jobsweep-test-roll-call',
      ...['payments', 'fraud'].flatMap((cluster) => [
        `jobsweep-test-recent-sweep-${cluster}`,
        `jobsweep-test-first-sweep-${cluster}`,
        `jobsweep-test-fuse-blew-${cluster}`,
        `jobsweep-test-jobs-stuck-${cluster}`,
      ]),
    ]);
    expect(namesOf(resources, 'AWS::CloudWatch::CompositeAlarm')).toEqual([
      'jobsweep-test-sweep-overdue-payments',
      'jobsweep-test-sweep-overdue-fraud',
    ]);
  });

  it('the function may read CloudWatch metrics only in a stack with a roll call', () => {
    expect(JSON.stringify(made(command).resources.FunctionRole)).toContain('"cloudwatch:GetMetricData"');
    expect(JSON.stringify(made().resources.FunctionRole)).not.toContain('cloudwatch:');
  });

  it('the dashboard queries all clusters, and has the same number of widgets for any number of clusters', async () => {
    const widgetsOf = ({ resources }: ReturnType<typeof made>) => {
      const body = resources.Dashboard?.Properties.DashboardBody as { 'Fn::Sub': string };
      return (JSON.parse(body['Fn::Sub']) as { widgets: { properties: { metrics?: unknown[] } }[] }).widgets;
    };
    const some = widgetsOf(
      await withFile(nightly(JSON.stringify(fleetNames.slice(0, 21))), command && { schedulesBy: 'command' }),
    );
    const all = widgetsOf(await withFile(nightly(JSON.stringify(fleetNames)), { schedulesBy: 'command' }));
    expect(all.length).toBe(some.length);
    expect(all.length).toBeLessThan(15);
    expect(JSON.stringify(all)).not.toContain('cluster-0000');
    expect(JSON.stringify(all)).toContain('SELECT SUM(closed) FROM SCHEMA(\\"jobsweep\\", cluster, service)');
  });

  it('a stack for 1,000 clusters stays within CloudFormation’s limits', async () => {
    const { resources } = await withFile(nightly(JSON.stringify(fleetNames)), {
      schedulesBy: 'command',
      clusters: fleetNames.slice(0, 94).join(','),
    });
    expect(Object.keys(resources).length).toBeLessThan(494);
    expect(Buffer.byteLength(JSON.stringify(resources))).toBeLessThan(980_000);
  });
});

describe('a stack with one schedule for each cluster of a list', () => {
  it('a stack with a list of clusters has one schedule for each cluster, and a roll call that expects a report from every cluster', async () => {
    const { resources } = await withFile(nightly('[logs, metrics]'));
    const schedules = Object.values(resources).filter(({ Type }) => Type === 'AWS::Scheduler::Schedule');
    expect(schedules.map(({ Properties }) => Properties.Name)).toEqual([
      'stack.nightly.logs',
      'stack.nightly.metrics',
      'stack.roll-call',
    ]);
    expect(schedules[0]?.Properties.FlexibleTimeWindow).toEqual({
      Mode: 'FLEXIBLE',
      MaximumWindowInMinutes: 240,
    });
    const inputs = schedules.map(
      ({ Properties }) => JSON.parse((Properties.Target as { Input: string }).Input) as unknown,
    );
    expect(inputs.slice(0, 2).map((input) => parseRequest(input).request.cluster)).toEqual([
      'logs',
      'metrics',
    ]);
    expect(parseRollCall(inputs[2])).toEqual({ clusters: ['logs', 'metrics'], withinMs: 6 * 3_600_000 });
  });

  it('packaging reads the list of clusters from a file in the folder of the schedule file', async () => {
    await writeFile(path.join(folder, 'clusters.json'), JSON.stringify({ logs: {}, metrics: {} }));
    const { resources } = await withFile(nightly('{file: clusters.json}'));
    expect(namesOf(resources, 'AWS::Scheduler::Schedule')).toEqual([
      'stack.nightly.logs',
      'stack.nightly.metrics',
      'stack.roll-call',
    ]);
  });

  it('packaging refuses a list of clusters that is too long for CloudFormation, and says what to change', async () => {
    await expect(withFile(nightly(JSON.stringify(fleetNames.slice(0, 500))))).rejects.toThrow(
      /the stack would have 5\d\d resources in \d+ kB, and CloudFormation takes 494 of ours .* 501 are schedules \(leave them to `jobsweep schedules apply` with schedulesBy=command\)/,
    );
    await expect(
      withFile(nightly(JSON.stringify(fleetNames)), {
        schedulesBy: 'command',
        clusters: fleetNames.slice(0, 200).join(','),
      }),
    ).rejects.toThrow(/1007 are alarms \(name fewer clusters in clusters\)/);
  });

  it('packaging refuses a pattern for clusters that only `jobsweep schedules apply` can resolve', async () => {
    await expect(withFile(nightly('{secrets: jobsweep/*}'))).rejects.toThrow(
      'schedules: a pattern over secrets is for `jobsweep schedules apply`, which can read their names: set schedulesBy=command',
    );
  });

  it('packaging refuses two clusters whose alarms would have the same name', () => {
    expect(() => made({ clusters: 'a-b,a--b' })).toThrow(
      'clusters: a--b and another differ only in hyphens, which a template cannot tell apart',
    );
  });
});

describe('packaging', () => {
  const warningsOf = async (clusters: number, change: Change = {}, window = '4h') =>
    (
      await withFile(nightly(JSON.stringify(fleetNames.slice(0, clusters)), window), {
        schedulesBy: 'command',
        ...change,
      })
    ).warnings;

  it('packaging warns if the sweeps of a schedule might not fit into its window, and says what to change', async () => {
    expect(await warningsOf(1_000)).toEqual([
      'cron(0 1 * * ? *) UTC: 1000 clusters × 15 min are 250 h of sweeps at worst, but 4 h × 1 at once have room for 4 h. ' +
        'Events that wait longer than 60 min are dropped. Set reservedConcurrency to 63, or a window of 250 h, or a mix of both. ' +
        'If your sweeps take less than 15 minutes, lower values are enough: see durationMs on the dashboard.',
    ]);
  });

  it('packaging does not warn if the sweeps of a schedule just fit into its window', async () => {
    expect(await warningsOf(1_000, { reservedConcurrency: 63 })).toEqual([]);
    expect(await warningsOf(1_000, { reservedConcurrency: 62 })).toHaveLength(1);
    expect(await warningsOf(16)).toEqual([]);
    expect(await warningsOf(17)).toHaveLength(1);
    expect(made().warnings).toEqual([]);
    expect(made({ schedules: 'deploy/schedules.clusters.yml' }).warnings).toEqual([]);
  });

  it('packaging assumes `max` clusters for a pattern, and warns only if their sweeps fit neither into the window nor into the maximum age of events', async () => {
    const file = nightly('{secrets: jobsweep/*, max: 40}', '1m');
    const warned = await withFile(file, { schedulesBy: 'command' });
    expect(warned.warnings[0]).toContain(
      '40 clusters × 15 min are 10 h of sweeps at worst, but 60 min × 1 at once',
    );
    const waiting = { schedulesBy: 'command', maximumEventAge: 21_600, reservedConcurrency: 2 };
    expect((await withFile(file, waiting)).warnings).toEqual([]);
  });

  it('the warning about a window counts schedules with the same due time together', async () => {
    const entry = (name: string) => `  - {name: ${name}, cron: "0 1 * * ? *", request: {cluster: ${name}}}\n`;
    const file = (names: readonly string[]) => `schedules:\n${names.map(entry).join('')}`;
    expect((await withFile(file(['a', 'b', 'c', 'd']))).warnings).toEqual([]);
    expect((await withFile(file(['a', 'b', 'c', 'd', 'e']))).warnings[0]).toContain('5 clusters × 15 min');
  });

  it.each([
    [
      { maximumEventAge: 21_601 },
      'param maximumEventAge: expected a whole number from 60 to 21600, got 21601',
    ],
    [{ schedulesBy: 'hand' }, 'param schedulesBy: expected stack or command, got "hand"'],
    [
      { clusters: 'logs,Metrics' },
      'param clusters: expected names of clusters with commas, each 1 to 40 of a-z, 0-9 and -',
    ],
    [
      { clustersSecret: 'two words' },
      'param clustersSecret: expected the name of a secret, or "ssm:" and the name of a parameter',
    ],
  ])('packaging a stack for many clusters refuses the parameters %j', (change, message) => {
    expect(() => made(change)).toThrow(message);
  });

  it('packaging the example for many clusters warns that the sweeps do not fit into their window, and sets the maximum age of events', async () => {
    const args = [
      '--stage',
      'prod',
      '--param=schedules=deploy/schedules.fleet.yml',
      '--param=schedulesBy=command',
      '--param=maximumEventAge=21600',
    ];
    const { zip, template: shared } = await packageService(args);
    const copy = await copyService();
    try {
      const { stderr } = await serverless(copy, ['package', '--package', 'out', ...args], {
        JOBSWEEP_FUNCTION_ZIP: zip,
      });
      expect(stderr.match(/Warning: cron\(0 1 \* \* \? \*\) UTC: 1000 clusters × 15 min/g)).toHaveLength(1);
      const text = await readFile(path.join(copy, 'out/cloudformation-template-update-stack.json'), 'utf8');
      expect(text).toContain('"MaximumEventAgeInSeconds": 21600');
      const packaged = JSON.parse(text) as Packaged['template'];
      expect(Object.keys(packaged.Resources).length).toBeLessThan(500);
      expect(Buffer.byteLength(text)).toBeLessThan(1_000_000);
      // other tests package in a process that they share, which must not change the result
      expect(withoutTime(packaged)).toEqual(withoutTime(shared));
    } finally {
      await rm(copy, { recursive: true });
    }
  }, 120_000);
});

/** A template without the time of packaging, which is in the key of the zip. */
const withoutTime = (template: Packaged['template']) =>
  JSON.parse(JSON.stringify(template).replaceAll(/(?<=\/prod\/)[^/]+(?=\/jobsweep\.zip)/g, 'TIME')) as object;

describe('the secrets of many clusters', () => {
  const statements = (change: Change) => {
    const role = made(change).resources.FunctionRole;
    const Policies = role?.Properties.Policies as {
      PolicyDocument: { Statement: { Action: string[]; Resource: unknown; Condition?: unknown }[] };
    }[];
    return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).filter(({ Action }) =>
      /^(secretsmanager|ssm|kms):/.test(Action[0] ?? ''),
    );
  };
  const arn = (rest: string) => ({
    'Fn::Sub': `arn:\${AWS::Partition}:${rest.replace(':', `:\${AWS::Region}:\${AWS::AccountId}:`)}`,
  });

  it('the template sets no secret prefix if one secret has the settings of all clusters', () => {
    const shared = { clustersSecret: 'jobsweep/all' };
    expect(variablesOf(made(shared))).toMatchObject({ ELASTICSEARCH_CLUSTERS_SECRET: 'jobsweep/all' });
    expect(variablesOf(made(shared))).not.toHaveProperty('ELASTICSEARCH_SECRET_PREFIX');
    expect(statements(shared)).toEqual([
      expect.objectContaining({
        Action: ['secretsmanager:GetSecretValue'],
        Resource: [
          arn('secretsmanager:secret:jobsweep/default-??????'),
          arn('secretsmanager:secret:jobsweep/all-??????'),
        ],
      }),
    ]);
  });

  it('if the settings are in SSM parameters, the function may read those parameters and nothing else', () => {
    const parameters = { secret: 'ssm:/jobsweep/default', secretPrefix: 'ssm:/jobsweep/clusters/' };
    expect(variablesOf(made(parameters))).toMatchObject({
      ELASTICSEARCH_SECRET: 'ssm:/jobsweep/default',
      ELASTICSEARCH_SECRET_PREFIX: 'ssm:/jobsweep/clusters/',
    });
    expect(statements(parameters)).toEqual([
      expect.objectContaining({
        Action: ['ssm:GetParameter'],
        Resource: [arn('ssm:parameter/jobsweep/default'), arn('ssm:parameter/jobsweep/clusters/*')],
      }),
    ]);
    const key = 'arn:aws:kms:eu-central-1:123456789012:key/1234';
    expect(statements({ ...parameters, secretKeyArn: key }).at(-1)).toMatchObject({
      Action: ['kms:Decrypt'],
      Condition: {
        StringLike: { 'kms:ViaService': { 'Fn::Sub': `ssm.\${AWS::Region}.amazonaws.com*` } },
      },
    });
  });
});

it('packaging the stage `dev` refuses a schedule that would close jobs, and accepts a schedule that only plans', () => {
  const dev = (schedules: string) =>
    template({
      service: 'jobsweep',
      stage: 'dev',
      parameters: { ...defaultParameters, schedules },
      root,
      now: Date.parse('2026-11-23T12:00:00Z'),
    });
  expect(() => dev('deploy/schedules.yml')).toThrow(
    'param schedules: deploy/schedules.yml: nightly lacks dryRun: true, and the stage dev closes nothing',
  );
  expect(dev('deploy/schedules.dry-run.yml').functionName).toBe('jobsweep-dev-sweep');
});
