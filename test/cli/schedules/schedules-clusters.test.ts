/** @module Tests `jobsweep schedules` with a file whose entries name many clusters. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseRequest } from '../../../src/sweep/request/read-request.ts';
import { parseRollCall } from '../../../src/sweep/request/roll-call-request.ts';
import { sized } from '../../support/nightly.ts';
import { type SchedulesBench, schedulesBench } from '../../support/schedules-command.ts';
import { startSecretsManager } from '../../support/secrets-manager.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
});

const night = (clusters: string, more = '') => `schedules:
  - {name: nightly, cron: "0 1 * * ? *", window: 4h, clusters: ${clusters}, request: {idleFor: 24h}}
${more}`;
const rollCall = '  - {name: roll-call, cron: "30 6 * * ? *", rollCall: {within: 6h}}\n';

const names = ({ scheduler }: SchedulesBench) =>
  scheduler.schedules.filter(({ GroupName }) => GroupName === 'sweeps').map(({ Name }) => Name);
const inputs = ({ scheduler }: SchedulesBench) =>
  scheduler.schedules.map(({ Target }) => JSON.parse(Target.Input ?? '') as unknown);
const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => `cluster-${String(index).padStart(4, '0')}`);

describe('`schedules apply` with clusters', () => {
  it('`schedules apply` creates a schedule for each cluster in a list, and a roll call schedule that expects sweeps of these clusters', async () => {
    await using bench = await schedulesBench();
    const { exit } = await bench.withFile(night('[logs, metrics]', rollCall), ['apply', '--yes']);
    expect(exit).toBe(0);
    expect(names(bench)).toEqual(['nightly.logs', 'nightly.metrics', 'roll-call']);
    expect(bench.scheduler.schedules[0]?.FlexibleTimeWindow).toEqual({
      Mode: 'FLEXIBLE',
      MaximumWindowInMinutes: 240,
    });
    const [logs, metrics, called] = inputs(bench);
    expect([logs, metrics].map((input) => parseRequest(input).request)).toMatchObject([
      { cluster: 'logs', idleFor: 24 * 3_600_000 },
      { cluster: 'metrics', idleFor: 24 * 3_600_000 },
    ]);
    expect(parseRollCall(called)).toMatchObject({ clusters: ['logs', 'metrics'], withinMs: 6 * 3_600_000 });
  });

  it('`schedules apply` takes cluster names from a file next to the schedule file: from a plain list, or from a clusters file', async () => {
    await using bench = await schedulesBench();
    await writeFile(path.join(folder, 'list.yml'), '- logs\n- metrics\n');
    await writeFile(
      path.join(folder, 'connections.json'),
      '{"search": {"ELASTICSEARCH_URL": "https://es:9200"}}',
    );
    const file = path.join(folder, 'schedules.yml');
    await writeFile(file, night('{file: list.yml}'));
    expect((await bench.run(['apply', '-f', file, '--yes'])).exit).toBe(0);
    expect(names(bench)).toEqual(['nightly.logs', 'nightly.metrics']);
    await writeFile(file, night('{file: connections.json}'));
    expect((await bench.run(['apply', '-f', file, '--yes', '--prune'])).exit).toBe(0);
    expect(names(bench)).toEqual(['nightly.search']);
  });

  it('`schedules apply` reads the list of secrets page by page and takes cluster names only from secrets that match the pattern', async () => {
    await using bench = await schedulesBench();
    const clusters = numbered(250);
    await using secrets = await startSecretsManager(
      Object.fromEntries(
        [...clusters.map((name) => `jobsweep/${name}`), 'jobsweep/chat', 'other/logs'].map((name) => [
          name,
          '{}',
        ]),
      ),
    );
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', secrets.url);
    const { exit, stderr } = await bench.withFile(night('{secrets: jobsweep/*, except: [chat]}', rollCall), [
      'apply',
      '--yes',
    ]);
    expect([exit, stderr]).toEqual([0, expect.stringContaining('251 to create')]);
    expect(secrets.pages).toBe(3);
    expect(secrets.asked).toEqual([]);
    expect(names(bench)).toEqual([...clusters.map((name) => `nightly.${name}`), 'roll-call']);
    expect(parseRollCall(inputs(bench).at(-1)).clusters).toEqual(clusters);
  });

  it('`schedules apply` names a cluster after its secret, without the prefix, even if the pattern is longer than the prefix', async () => {
    await using bench = await schedulesBench();
    await using secrets = await startSecretsManager({ 'jobsweep/eu-logs': '{}', 'jobsweep/us-logs': '{}' });
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', secrets.url);
    await bench.withFile(night('{secrets: jobsweep/eu-*}'), ['apply', '--yes']);
    expect(names(bench)).toEqual(['nightly.eu-logs']);
  });

  it('`schedules apply` changes nothing when it runs again, and prunes the schedule of a removed cluster', async () => {
    await using bench = await schedulesBench();
    const all = numbered(40);
    await bench.withFile(night(JSON.stringify(all)), ['apply', '--yes']);
    const before = bench.scheduler.requests.length;
    const again = await bench.withFile(night(JSON.stringify(all)), ['apply', '--yes', '-o', 'json']);
    expect(again.exit).toBe(0);
    const sent = bench.scheduler.requests.slice(before).map(({ method }) => method);
    expect(new Set(sent)).toEqual(new Set(['GET']));
    const { results } = JSON.parse(again.stdout) as { results: { outcome: string }[] };
    expect(results.every(({ outcome }) => outcome === 'unchanged')).toBe(true);
    await bench.withFile(night(JSON.stringify(all.slice(1))), ['apply', '--yes', '--prune']);
    expect(names(bench)).toEqual(all.slice(1).map((name) => `nightly.${name}`));
  });

  it('`schedules apply` reports its results in the file’s order, and sends at most 8 requests at once', async () => {
    await using bench = await schedulesBench();
    bench.scheduler.script({ on: 'CreateSchedule', times: 30, delayMs: 2_000 });
    const { exit, stdout } = await bench.withFile(night(JSON.stringify(numbered(30))), [
      'apply',
      '--yes',
      '-o',
      'json',
    ]);
    const created = bench.scheduler.requests.filter(({ operation }) => operation === 'CreateSchedule');
    // requests sent at the same simulated time are in flight together: first a single request, then up to eight
    const together = [...Map.groupBy(created, ({ at }) => at).values()].map(({ length }) => length);
    expect(exit).toBe(0);
    expect(together).toEqual([1, 8, 8, 8, 5]);
    const { results } = JSON.parse(stdout) as { results: { name: string }[] };
    expect(results.map(({ name }) => name)).toEqual(numbered(30).map((name) => `nightly.${name}`));
  });

  it('`schedules apply` creates all schedules through a Scheduler that throttles every tenth request', async () => {
    await using bench = await schedulesBench();
    const all = numbered(sized({ push: 120, nightly: 1_000 }));
    for (let tenth = 0; tenth < all.length / 10; tenth += 1)
      bench.scheduler.script({
        on: 'CreateSchedule',
        name: `nightly.${all[tenth * 10]}`,
        error: { type: 'ThrottlingException' },
      });
    const { exit } = await bench.withFile(night(JSON.stringify(all), rollCall), [
      'apply',
      '--yes',
      '-o',
      'json',
    ]);
    expect(exit).toBe(0);
    expect(names(bench)).toHaveLength(all.length + 1);
    const again = await bench.withFile(night(JSON.stringify(all), rollCall), ['plan', '-o', 'table']);
    expect(again.stdout).toContain(`0 to create, 0 to update, 0 to delete, ${all.length + 1} unchanged`);
  }, 60_000);
});

describe('a schedule file with clusters that is refused before any request', () => {
  const cases: [string, string, string][] = [
    [
      'if a name in the list is invalid',
      night('[logs, Metrics]'),
      'schedules.yml:2:71: schedules[0].clusters[1]: expected the name of a cluster: 1 to 40 of a-z, 0-9 and -, got "Metrics"',
    ],
    [
      'if a name is listed twice',
      night('[logs, logs]'),
      'schedules[0].clusters: the list names the cluster "logs" twice',
    ],
    [
      'if the list is empty',
      night('[]'),
      'schedules[0].clusters: the list names no cluster: expected at least one',
    ],
    [
      'if there are more than 1,000',
      night(JSON.stringify(numbered(1_001))),
      'schedules[0].clusters: the list names 1001 clusters, but at most 1000 are allowed: narrow it, or use several deployments',
    ],
    [
      'if the clusters are not a list',
      night('logs'),
      'schedules[0].clusters: expected a list of clusters, {"secrets": "jobsweep/*"} for those that have a secret, or {"file": "clusters.yml"}, got "logs"',
    ],
    [
      'if a pattern has no star at its end',
      night('{secrets: "job*sweep/"}'),
      'schedules[0].clusters.secrets: expected what the names of secrets begin with, followed by *, such as "jobsweep/*", got "job*sweep/"',
    ],
    [
      'if a pattern would match every secret',
      night('{secrets: "*"}'),
      'schedules[0].clusters.secrets: expected what the names of secrets begin with, followed by *',
    ],
    [
      'if a field of clusters is unknown',
      night('{secrets: jobsweep/*, exept: [chat]}'),
      'schedules[0].clusters.exept: is an unknown field; did you mean except? (secrets, except, max)',
    ],
    [
      'if the request also names a cluster',
      'schedules:\n  - {name: a, cron: "0 1 * * ? *", window: 4h, clusters: [logs], request: {cluster: logs}}\n',
      'schedules[0].request: cluster is set by clusters; leave it out',
    ],
    [
      'if the schedule has no window to spread the sweeps',
      'schedules:\n  - {name: a, cron: "0 1 * * ? *", clusters: [logs], request: {}}\n',
      'schedules[0].clusters: needs a window, such as "4h": all clusters would be swept at the same moment',
    ],
    [
      'if the name of a schedule and a cluster together are too long',
      `schedules:\n  - {name: ${'n'.repeat(30)}, cron: "0 1 * * ? *", window: 4h, clusters: [${'c'.repeat(40)}], request: {}}\n`,
      `would have 71 characters, but a schedule's name has at most 64: shorten "${'n'.repeat(30)}"`,
    ],
    [
      'if two entries would make the same schedule',
      night('[logs]', '  - {name: nightly.logs, cron: "0 1 * * ? *", request: {}}\n'),
      '"nightly.logs" would be the name of two schedules; rename one',
    ],
    [
      'if an entry and a cluster together form a name that is reserved for deployments',
      'schedules:\n  - {name: stack, cron: "0 1 * * ? *", window: 4h, clusters: [logs], request: {}}\n',
      '"stack.logs" begins with a prefix reserved for deployments; choose another name',
    ],
    [
      'if a roll call has a request',
      night('[logs]', '  - {name: roll-call, cron: "0 7 * * ? *", rollCall: {}, request: {}}\n'),
      'schedules[1].request: has no effect beside rollCall, which takes its clusters from other schedules; leave it out',
    ],
    [
      'if a roll call names a schedule that the file does not have',
      night('[logs]', '  - {name: roll-call, cron: "0 7 * * ? *", rollCall: {of: [nigthly]}}\n'),
      'schedules[1].rollCall.of[0]: expected a schedule of this file that sweeps, got "nigthly"; did you mean nightly?',
    ],
    [
      'if a field of a roll call is unknown',
      night('[logs]', '  - {name: roll-call, cron: "0 7 * * ? *", rollCall: {clusters: [logs]}}\n'),
      'schedules[1].rollCall.clusters: is an unknown field; the fields here are of, within',
    ],
    [
      'if no schedule sweeps a cluster that a roll call could expect',
      'schedules:\n  - {name: roll-call, cron: "0 7 * * ? *", rollCall: {}}\n',
      'schedules[0].rollCall: no schedule of this file sweeps a cluster',
    ],
  ];
  it.each(cases)('a schedule file with clusters is refused %s', async (_what, text, message) => {
    await using bench = await schedulesBench();
    const before = bench.scheduler.requests.length;
    const { exit, stdout, stderr } = await bench.withFile(text, ['plan']);
    expect([exit, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(bench.scheduler.requests).toHaveLength(before);
  });

  it.each<[string, Record<string, string>, string, string]>([
    [
      'if a pattern matches no secret',
      { 'other/logs': '{}' },
      '{secrets: jobsweep/*}',
      'schedules.yml:2:54: schedules[0].clusters: the pattern "jobsweep/*" names no cluster: expected at least one',
    ],
    [
      'if a pattern matches more secrets than `max`',
      { 'jobsweep/a': '{}', 'jobsweep/b': '{}' },
      '{secrets: jobsweep/*, max: 1}',
      'schedules[0].clusters: the pattern "jobsweep/*" names 2 clusters, but at most 1 are allowed: narrow it, or raise max',
    ],
    [
      'if a pattern matches a secret whose name no cluster can have',
      { 'jobsweep/a': '{}', 'jobsweep/Chat_Hook': '{}' },
      '{secrets: jobsweep/*}',
      'schedules[0].clusters: the pattern "jobsweep/*" leads to 1 name that no cluster can have, such as "Chat_Hook": expected 1 to 40 of a-z, 0-9 and -',
    ],
  ])('a schedule file with clusters is refused %s', async (_what, secretsOf, clusters, message) => {
    await using bench = await schedulesBench();
    await using secrets = await startSecretsManager(secretsOf);
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', secrets.url);
    const { exit, stderr } = await bench.withFile(night(clusters), ['apply', '--yes']);
    expect(exit).toBe(2);
    expect(stderr).toContain(message);
    expect(names(bench)).toEqual([]);
  });

  it('a schedule file is refused if a pattern and the function’s prefix contradict each other, or secrets cannot be listed', async () => {
    await using bench = await schedulesBench();
    const other = { env: { JOBSWEEP_SCHEDULE_GROUP: 'sweeps', ELASTICSEARCH_SECRET_PREFIX: 'es/' } };
    const wrong = await bench.withFile(
      night(
        '{secrets: jobsweep/*}',
        'functionArn: arn:aws:lambda:eu-central-1:123456789012:function:jobsweep\nroleArn: arn:aws:iam::123456789012:role/r\n',
      ),
      ['plan'],
      other,
    );
    expect(wrong.stderr).toContain(
      'the pattern "jobsweep/*" does not begin with ELASTICSEARCH_SECRET_PREFIX, "es/": the function would look for other secrets',
    );
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', 'http://127.0.0.1:1');
    vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
    const unreachable = await bench.withFile(night('{secrets: jobsweep/*}'), ['plan']);
    expect(unreachable.exit).toBe(2);
    expect(unreachable.stderr).toMatch(
      /clusters: the secrets "jobsweep\/\*" cannot be listed \(.*ECONNREFUSED.*\): check your credentials, which need secretsmanager:ListSecrets, or list the clusters in the file\./,
    );
  });

  it('a schedule file is refused if the file from which it takes cluster names contains no names, or does not exist', async () => {
    await using bench = await schedulesBench();
    const file = path.join(folder, 'schedules.yml');
    await writeFile(path.join(folder, 'numbers.json'), '[1, 2]');
    await writeFile(file, night('{file: numbers.json}'));
    const wrong = await bench.run(['plan', '-f', file]);
    expect([wrong.exit, wrong.stderr]).toEqual([
      2,
      expect.stringContaining(
        'numbers.json: expected a list of clusters such as ["logs", "metrics"], or an object',
      ),
    ]);
    await writeFile(file, night('{file: no-such.json}'));
    expect((await bench.run(['plan', '-f', file])).stderr).toContain('no-such.json cannot be read: ENOENT');
  });
});
