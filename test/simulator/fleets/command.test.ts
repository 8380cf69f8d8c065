/** Tests `jobsweep simulate elasticsearch`: the server, and the fleets with which it starts. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Fleet,
  SimulatedCluster,
  startElasticsearch,
  trackHttp,
  VirtualClock,
} from '../../../simulator/index.ts';
import { runCommand } from '../../support/run-command.ts';

/** Runs the server in this process, passes its address to `use`, and stops it like SIGTERM does. */
async function serving(args: readonly string[], use: (url: string) => Promise<void>) {
  const stop = new AbortController();
  let used: Promise<void> | undefined;
  const result = await runCommand(['simulate', 'elasticsearch', '--port', '0', ...args], {
    signal: stop.signal,
    onOutput: (text) => {
      const url = /^listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(text)?.[1];
      if (url === undefined) return;
      used = use(url).finally(() => stop.abort());
    },
  });
  await used;
  return result;
}

const get = async (url: string, path: string) =>
  (await fetch(url + path)).json() as Promise<Record<string, unknown>>;

describe('jobsweep simulate elasticsearch', () => {
  test('`jobsweep simulate elasticsearch` prints its address in one line and exits with 0 on SIGTERM', async () => {
    const { exit, stdout, stderr } = await serving([], async (url) => {
      expect((await get(url, '/_ml/anomaly_detectors/_stats')).count).toBeGreaterThan(30);
    });

    expect(exit).toBe(0);
    expect(stdout).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+\n$/);
    expect(stderr).toBe('');
  });

  test('the simulated cluster has no jobs with `--empty`, another version with `--stack`, and generated jobs with `--jobs`', async () => {
    await serving(['--empty', '--stack', '7.17'], async (url) => {
      expect((await get(url, '/_ml/anomaly_detectors')).count).toBe(0);
      expect((await get(url, '/')).version).toMatchObject({ number: expect.stringMatching(/^7\.17/) });
    });
    await serving(['--jobs', '50', '--seed', '7'], async (url) => {
      expect((await get(url, '/_ml/anomaly_detectors')).count).toBe(50);
    });
  });

  test('with `--speed 3600`, the open_time of a job in the simulated cluster grows by more than a minute per second', async () => {
    await serving(['--speed', '3600'], async (url) => {
      const openTime = async () => {
        const { jobs } = await get(url, '/_ml/anomaly_detectors/web-latency/_stats');
        return Number.parseInt((jobs as { open_time: string }[])[0]?.open_time ?? '', 10);
      };
      const before = await openTime();
      await expect.poll(openTime).toBeGreaterThan(before + 60);
    });
  });

  test.each([
    [['--stack', '6.8'], 'Allowed choices are 7.17, 8.19, 9.2'],
    [['--speed', '0'], 'expected a number over 0'],
    [['--jobs', 'many'], 'expected a whole number from 1 to 100000'],
    [['--empty', '--jobs', '3'], "cannot be used with option '--jobs <number>'"],
    [['--hash-ids'], '--hash-ids needs --from'],
    [['--from', 'nowhere'], 'ELASTICSEARCH_URL is not an address'],
  ])('`jobsweep simulate elasticsearch` refuses the arguments %j with exit code 2', async (args, message) => {
    const { exit, stdout, stderr } = await runCommand(['simulate', 'elasticsearch', ...args]);

    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('`jobsweep simulate elasticsearch` reports that the requested port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };

    const { exit, stderr } = await runCommand(['simulate', 'elasticsearch', '--port', String(port)]);
    other.close();

    expect(exit).toBe(2);
    expect(stderr).toContain(`--port ${port}: the port cannot be used (EADDRINUSE)`);
  });
});

describe('jobsweep simulate elasticsearch --from', () => {
  const original: Fleet = {
    nodes: [{ name: 'node-a' }, { name: 'node-b' }],
    jobs: [
      {
        jobId: 'web-latency',
        groups: ['web'],
        description: 'of our shop',
        node: 'node-a',
        openedAt: '20d',
        lastData: '2m',
        datafeed: { state: 'started', source: { every: '30s' } },
      },
      {
        jobId: 'web-idle',
        groups: ['web'],
        node: 'node-b',
        lastData: '9d',
        modelBytes: '77mb',
        bucketSpan: '30m',
        customSettings: { managed: true, secret_owner: 'Ann', jobsweep: { protect: true } },
        datafeed: { state: 'stopped' },
      },
      { jobId: 'failed', state: 'failed', lastData: '4d' },
      { jobId: 'nowhere', node: null, lastData: '4d' },
      { jobId: 'closed', state: 'closed', lastData: '40d', finishedAt: '39d' },
      { jobId: 'never', openedAt: '3d' },
      { jobId: 'blocked', state: 'closed', blocked: 'reset' },
      {
        jobId: 'backfill',
        lastData: '1m',
        latestRecord: '300d',
        datafeed: {
          state: 'started',
          source: { every: '1m' },
          lookback: { from: '300d', end: '10d', rate: 10 },
        },
      },
    ],
  };

  /** Copies the fleet `original` with the command, and starts the copy on a new clock. */
  async function copy(...args: string[]) {
    const folder = await mkdtemp(join(tmpdir(), 'copy-'));
    const clock = new VirtualClock(Date.now());
    using _tracked = trackHttp(clock);
    await using server = await startElasticsearch({
      clock,
      fleet: { ...original, apiKeys: [{ id: 'reader', key: 'k', owner: 'x', cluster: ['monitor_ml'] }] },
    });
    const file = join(folder, 'copy.json');
    const { exit, stderr } = await runCommand(
      ['simulate', 'elasticsearch', '--from', server.url, '--save', file, ...args],
      { env: { ELASTICSEARCH_API_KEY: 'reader:k' } },
    );
    expect({ exit, stderr }).toMatchObject({ exit: 0, stderr: expect.stringContaining('copied 8 jobs') });
    const text = await readFile(file, 'utf8');
    await rm(folder, { recursive: true });
    const fleet = JSON.parse(text) as Fleet;
    const requests = server.requests.map(({ method }) => method);
    return {
      text,
      fleet,
      requests,
      truth: server.cluster,
      copied: new SimulatedCluster(clock, fleet, '9.2', 1),
    };
  }

  test('`simulate --from` copies the states, times, groups and datafeeds of jobs, and needs only a key that may read', async () => {
    const { truth, copied, requests } = await copy();
    const essence = (cluster: SimulatedCluster) =>
      cluster.jobs().map((job) => ({
        id: job.jobId,
        state: job.state,
        groups: job.groups,
        node: job.node,
        process: job.openedAt !== undefined,
        bytes: job.modelBytes,
        blocked: job.blocked,
        datafeed: job.datafeed,
        silentFor: job.lastDataTime && Math.round((Date.now() - job.lastDataTime) / 60_000),
        openFor: job.openedAt && Math.round((Date.now() - job.openedAt) / 60_000),
      }));
    // the stats do not show the node of a failed job
    const comparable = (cluster: SimulatedCluster) =>
      essence(cluster).map((job) => (job.id === 'failed' ? { ...job, node: undefined } : job));

    expect(comparable(copied)).toEqual(comparable(truth));
    expect(new Set(requests)).toEqual(new Set(['GET']));
  });

  test('`simulate --from` starts a copy in which busy jobs keep getting data and idle jobs stay idle', async () => {
    const { copied } = await copy();
    await (copied.clock as VirtualClock).advance(3_600_000);
    const silent = (id: string) => copied.clock.now() - (copied.job(id)?.lastDataTime ?? 0);

    expect(silent('web-latency')).toBeLessThan(30 * 60_000);
    expect(silent('backfill')).toBeLessThan(30 * 60_000);
    expect(silent('web-idle')).toBeGreaterThan(9 * 86_400_000);
  });

  test('`simulate --from` with `--hash-ids` creates a copy without the names and texts of the original cluster', async () => {
    const { text, fleet } = await copy('--hash-ids');

    for (const word of [
      'web',
      'latency',
      'shop',
      'Ann',
      'secret',
      'node-a',
      'node-b',
      'service',
      'closed"',
      'never"',
    ])
      if (!word.endsWith('"')) expect(text).not.toContain(word);
    expect(fleet.jobs?.map(({ jobId }) => /^x[0-9a-f]{15}$/.test(jobId))).not.toContain(false);
    const protectedJob = fleet.jobs?.find(({ customSettings }) => customSettings);
    expect(protectedJob?.customSettings).toEqual({ managed: true, jobsweep: { protect: true } });
    expect(protectedJob?.groups).toHaveLength(1);
    expect(new Set(fleet.jobs?.flatMap(({ groups = [] }) => groups)).size).toBe(1);
  });

  test('`simulate --from` reports with exit code 5 that the cluster cannot be read', async () => {
    const { exit, stderr } = await runCommand(['simulate', 'elasticsearch', '--from', 'http://127.0.0.1:9']);

    expect(exit).toBe(5);
    expect(stderr).toContain('--from: http://127.0.0.1:9 could not be read');
  });
});
