import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, describe, expect, it } from 'vitest';
import { scaledClock } from '../../simulator/clock.ts';
import { type FleetJob, startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { root, runBin, start } from '../support/bin.ts';
import { builtCommand } from '../support/built-command.ts';
import { newFolder } from '../support/folder.ts';
import { sized } from '../support/nightly.ts';
import { expectSums } from '../support/sweep-setup.ts';

/** An embedded cluster in this process, because each process takes a second to start. */
async function startCluster(jobs: FleetJob[]) {
  const server = await startElasticsearch({ clock: scaledClock(), fleet: { jobs } });
  return { server, env: { ELASTICSEARCH_URL: server.url } };
}

describe('jobsweep as a process', { timeout: 60_000 }, () => {
  let script: string;
  beforeAll(async () => {
    ({ script } = await builtCommand());
  }, 60_000);

  it('the jobsweep process closes idle jobs on a running simulator, and closes nothing when it runs again', async () => {
    await using server = start(['simulate', 'elasticsearch', '--port', '0', '--speed', '600'], { script });
    const [, url = ''] = await server.shows(/^listening on (http:\/\/127\.0\.0\.1:\d+)\n/);
    const env = { ELASTICSEARCH_URL: url };
    const first = await runBin(['sweep', '--yes', '-o', 'json'], { script, env });
    const report = JSON.parse(first.stdout) as SweepReport;
    expect(first.exit).toBe(0);
    expectSums(report);
    expect(report.counts.closed + report.counts.forceClosed).toBeGreaterThan(5);
    const second = await runBin(['sweep', '--yes'], { script, env });
    expect(second.exit).toBe(0);
    expect((JSON.parse(second.stdout) as SweepReport).counts).toMatchObject({
      idle: 0,
      closed: 0,
      forceClosed: 0,
      errors: 0,
    });
    expect(second.stderr).toBe('');
    server.kill('SIGTERM');
    expect((await server.ended).exit).toBe(0);
  });

  it('the jobsweep process refuses a payload that it reads from a pipe if the payload has a typo', async () => {
    const result = await runBin(['sweep', '-p', '-'], { script, stdin: '{"idelFor":"48h"}' });
    expect(result).toEqual({
      exit: 2,
      stdout: '',
      stderr:
        'jobsweep: standard input, line 1, column 2: idelFor is an unknown field; did you mean idleFor?\n',
    });
  });

  it('the jobsweep process writes the report to standard error if the disk fills up during the write to standard output', async () => {
    const jobs = Array.from({ length: 8 }, (_, index) => ({
      jobId: `job-${index}`,
      lastData: index < 3 ? '9d' : '1m',
      closeTakes: '50ms',
    }));
    const { server, env } = await startCluster(jobs);
    await using _server = server;
    await using folder = await newFolder();
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    // files are limited to 1 KB, so the first write is cut short without an error
    const child = spawn(
      'bash',
      [
        '-c',
        `ulimit -f 1; exec "${process.execPath}" "${script}" sweep --yes -o json > "${folder.at('out')}"`,
      ],
      { cwd: root, env: { PATH, NODE_COMPILE_CACHE, ...env }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [exit] = (await once(child, 'close')) as [number | null];
    expect(exit, stderr).toBe(3);
    expect((await folder.read('out')).length).toBe(1_024);
    expect(stderr).toContain('standard output could not be written (EFBIG): the result follows');
    expectSums(JSON.parse(stderr.slice(stderr.indexOf('{'))) as SweepReport);
  });

  const signals = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;
  it.each(sized<readonly (typeof signals)[number][]>({ push: signals.slice(0, 2), nightly: signals }))(
    'the jobsweep process ends a sweep on %s with its report, however often the signal is sent',
    async (signal) => {
      const idle = Array.from({ length: 12 }, (_, index) => ({
        jobId: `slow-${index}`,
        lastData: `${100 + index}h`,
        closeTakes: '10m',
      }));
      const busy = Array.from({ length: 13 }, (_, index) => ({ jobId: `busy-${index}`, lastData: '1m' }));
      const { server, env } = await startCluster([...idle, ...busy]);
      await using _server = server;
      const stdin = '{"close": {"batch": 4, "concurrency": 1}}';
      await using sweep = start(['sweep', '--yes', '-p', '-'], { script, env, stdin });
      await sweep.shows(/0 of 12 jobs closed, 4 closing/);
      const toldAt = Date.now();
      sweep.kill(signal);
      sweep.kill(signal);
      const { exit, stdout } = await sweep.ended;
      expect(Date.now() - toldAt).toBeLessThan(10_000);
      expect(exit).toBe(3);
      const report = JSON.parse(stdout) as SweepReport;
      expectSums(report);
      expect(report.counts).toMatchObject({ closing: 4, notAttempted: 8 });
    },
  );

  it('the jobsweep process does not fail when the reader of its output closes the pipe', async () => {
    // the plan has several times the 64 KB that fit into a pipe
    const jobs = Array.from({ length: 1_000 }, (_, index) => ({ jobId: `idle-${index}`, lastData: '9d' }));
    const { server, env } = await startCluster(jobs);
    await using _server = server;
    const child = spawn(
      'bash',
      [
        '-c',
        `set -o pipefail; "${process.execPath}" "${script}" plan -o ndjson | head -n 1; echo "\${PIPESTATUS[0]}" >&2`,
      ],
      {
        cwd: root,
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdout.resume();
    await once(child, 'close');
    expect(stderr).toMatch(/^[04]\n$/);
  });
});
