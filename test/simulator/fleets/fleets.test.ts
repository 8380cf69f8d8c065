/** Tests fleets: the default one, examples, generated ones, and the messages for mistakes. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  checkFleet,
  defaultFleet,
  generateFleet,
  SimulatedCluster,
  VirtualClock,
} from '../../../simulator/index.ts';
import { runCommand } from '../../support/run-command.ts';

const hour = 3_600_000;
const day = 24 * hour;

describe('the default fleet', () => {
  const clock = new VirtualClock();
  const cluster = new SimulatedCluster(clock, defaultFleet(clock.now()), '9.2', 1);
  const open = cluster.jobs().filter(({ state }) => state !== 'closed');
  const idle = open.filter(
    ({ lastDataTime }) => lastDataTime !== undefined && clock.now() - lastDataTime > 2 * day,
  );

  test('the default fleet has about forty jobs on three nodes', () => {
    expect(cluster.jobIds.length).toBeGreaterThanOrEqual(35);
    expect(cluster.jobIds.length).toBeLessThanOrEqual(45);
    expect(new Set(open.map(({ node }) => node))).toEqual(new Set(['ml-0', 'ml-1', 'ml-2']));
  });

  test('the default fleet has at least ten idle jobs, which are less than 60 % of its open jobs', () => {
    expect(idle.length).toBeGreaterThanOrEqual(10);
    expect(idle.length).toBeLessThan(open.length * 0.6);
  });

  test('the default fleet has idle jobs whose last data is hours apart, so that the mass_idle fuse does not trip', () => {
    const times = idle.map(({ lastDataTime = 0 }) => lastDataTime).sort((a, b) => a - b);

    for (const [index, time] of times.entries())
      if (index > 0) expect(time - (times[index - 1] ?? 0)).toBeGreaterThan(hour);
  });

  test('the default fleet keeps feeding its busy jobs: a day later, all but a finished backfill have data from the last hour', async () => {
    const before = open.filter(({ lastDataTime = 0 }) => clock.now() - lastDataTime < hour).length;
    await clock.advance(day);
    const after = cluster.jobs().filter(({ lastDataTime = 0 }) => clock.now() - lastDataTime < hour).length;

    expect(before).toBeGreaterThanOrEqual(14);
    // the backfill of one job ends during the simulated day
    expect(after).toBeGreaterThanOrEqual(before - 1);
  });

  test('the default fleet matches the schema of fleet files', () => {
    expect(checkFleet(defaultFleet(Date.now())).problems).toBeUndefined();
  });
});

describe('the example fleets', async () => {
  const folder = new URL('../../../simulator/fleets/', import.meta.url);
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));

  test.each(files)(
    'the example fleet %s is valid, and a simulated cluster starts with its jobs',
    async (name) => {
      const checked = checkFleet(JSON.parse(await readFile(new URL(name, folder), 'utf8')));

      expect(checked.problems).toBeUndefined();
      if (checked.problems) return;
      const cluster = new SimulatedCluster(new VirtualClock(), checked.fleet, '9.2', 1);
      expect(cluster.jobIds).toHaveLength(checked.fleet.jobs?.length ?? 0);
    },
  );
});

describe('generated fleets', () => {
  test('generated fleets are valid, are the same for the same seed, and differ for another seed', () => {
    const fleet = generateFleet({ jobs: 300, seed: 7 });

    expect(fleet).toEqual(generateFleet({ jobs: 300, seed: 7 }));
    expect(fleet).not.toEqual(generateFleet({ jobs: 300, seed: 8 }));
    expect(checkFleet(fleet).problems).toBeUndefined();
  });

  test('generated fleets include failed jobs and jobs that never got data, and about a sixth of the open jobs are idle', () => {
    const clock = new VirtualClock();
    const cluster = new SimulatedCluster(clock, generateFleet({ jobs: 5_000, seed: 7 }), '9.2', 7);
    const jobs = cluster.jobs();
    const open = jobs.filter(({ state }) => state !== 'closed');
    const idle = open.filter(
      ({ lastDataTime }) => lastDataTime === undefined || clock.now() - lastDataTime > 2 * day,
    );

    expect(jobs).toHaveLength(5_000);
    expect(idle.length / open.length).toBeGreaterThan(0.14);
    expect(idle.length / open.length).toBeLessThan(0.2);
    for (const kind of [
      jobs.some(({ state }) => state === 'failed'),
      open.some(({ lastDataTime }) => lastDataTime === undefined),
      idle.some(({ datafeed }) => datafeed?.state === 'started'),
    ])
      expect(kind).toBe(true);
  });
});

describe('mistakes in a fleet file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fleet-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const start = async (name: string, text: string) => {
    const file = join(folder, name);
    await writeFile(file, text);
    const { exit, stdout, stderr } = await runCommand(['simulate', 'elasticsearch', '--fleet', file]);
    return { exit, stdout, stderr: stderr.replaceAll(file, name) };
  };

  test.each([
    [
      'an unknown field, with a suggestion',
      '{\n  "jobs": [\n    {"jobId": "a", "lastDate": "3d"}\n  ]\n}',
      'fleet.json:3:20: jobs[0].lastDate: an unknown field; did you mean lastData?',
    ],
    [
      'an invalid time',
      '{"jobs": [{"jobId": "a",\n  "lastData": "long ago"}]}',
      'fleet.json:2:3: jobs[0].lastData: expected a moment: an age such as "3d", "now", an ISO date-time, or epoch milliseconds, got "long ago"',
    ],
    [
      'an invalid id',
      '{"jobs": [{"jobId": "A"}]}',
      'fleet.json:1:12: jobs[0].jobId: expected an id of a-z, 0-9',
    ],
    [
      'a duplicate id',
      '{"jobs": [{"jobId": "a"}, {"jobId": "a"}]}',
      'jobs[1].jobId: "a" is the id of jobs[0] already',
    ],
    [
      'a job on an unknown node',
      '{"jobs": [{"jobId": "a", "node": "ml-7"}]}',
      'jobs[0].node: there is no node "ml-7"; the nodes are ml-0, ml-1, ml-2',
    ],
    [
      'a group with the id of a job',
      '{"jobs": [{"jobId": "a"}, {"jobId": "b", "groups": ["a"]}]}',
      'jobs[1].groups[0]: "a" is the id of a job, and ids and groups share one namespace',
    ],
    [
      'an event without a job',
      '{"events": [{"event": "jobFails", "at": "1m"}]}',
      'events[0].jobId: expected the id of a job of this fleet, got nothing',
    ],
    [
      'an invalid close time',
      '{"jobs": [{"jobId": "a", "closeTakes": "soon"}]}',
      'jobs[0].closeTakes: expected a duration',
    ],
    [
      'a duplicate node',
      '{"nodes": [{"name": "a"}, {"name": "a"}]}',
      'nodes[1].name: "a" is the name of another node already',
    ],
    [
      'a config without a part that the cluster needs',
      '{"jobs": [{"jobId": "a", "config": {"analysis_config": null}}]}',
      'fleet.json:1:37: jobs[0].config.analysis_config: expected object, got null',
    ],
    [
      'a config with the id of another job',
      '{"jobs": [{"jobId": "a", "config": {"job_id": "b"}}]}',
      'jobs[0].config.job_id: expected nothing here: the id is `jobId`, got "b"',
    ],
    [
      'a config that the cluster refuses',
      '{"jobs": [{"jobId": "a"},\n {"jobId": "b", "bucketSpan": "1d", "datafeed": {"config": {"query_delay": "soon"}}}]}',
      'fleet.json:2:2: the cluster refuses it: failed to parse setting [query_delay]',
    ],
    [
      'a setting that the cluster refuses',
      '{"settings": {"xpack.ml.max_open_jobs": "many"}}',
      'fleet.json:1:15: the cluster refuses it: Failed to parse value [many]',
    ],
    ['text that is not JSON', '{"jobs": [}', 'not valid JSON'],
  ])('a mistake in a fleet file is reported: %s', async (_what, text, message) => {
    const { exit, stdout, stderr } = await start('fleet.json', text);

    expect(exit).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
  });

  test('a mistake in a YAML fleet file is reported with its line and column', async () => {
    const { exit, stderr } = await start('fleet.yaml', 'jobs:\n  - jobId: a\n    state: open\n');

    expect(exit).toBe(2);
    expect(stderr).toContain('fleet.yaml:3:5: jobs[0].state: expected one of "closed", "opening"');
  });

  test('a fleet file that does not exist is reported with exit code 2', async () => {
    const { exit, stderr } = await runCommand([
      'simulate',
      'elasticsearch',
      '--fleet',
      join(folder, 'none.json'),
    ]);

    expect(exit).toBe(2);
    expect(stderr).toContain('none.json cannot be read: ENOENT');
  });
});
