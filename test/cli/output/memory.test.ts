import { describe, expect, it } from 'vitest';
import type { FleetJob } from '../../../simulator/index.ts';
import type { Explanation } from '../../../src/cli/explain/explanation.ts';
import { newFolder } from '../../support/folder.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import { busy, idle, type SweepSetup, startSetup } from '../../support/sweep-setup.ts';

const mb = 2 ** 20;

/** The memory that anomaly detection jobs reserve on all nodes, as measured by the cluster. */
async function measuredOn({ server }: SweepSetup): Promise<number> {
  const answer = await fetch(`${server.url}/_ml/memory/_stats`);
  const { nodes } = (await answer.json()) as {
    nodes: Record<string, { mem: { ml: { anomaly_detectors_in_bytes: number } } }>;
  };
  return Object.values(nodes).reduce((sum, { mem }) => sum + mem.ml.anomaly_detectors_in_bytes, 0);
}

const jobs: readonly FleetJob[] = [
  ...busy(8),
  ...idle(2, { modelBytes: '100mb' }),
  { jobId: 'never-fed', lastData: undefined, memoryLimit: '500mb', modelBytes: '0b' },
  { jobId: 'broken', state: 'failed', lastData: '9d', modelBytes: '70mb' },
];

describe('freed memory', () => {
  it('the reserved memory that a sweep reports as freed equals the decrease on the nodes, and does not include model memory', async () => {
    await using setup = await startSetup(jobs);
    const before = await measuredOn(setup);
    const planned = reportOf(await runOn(setup, ['plan']));
    expect(planned).toMatchObject({ freedBytes: 0, freedReservedBytes: 0 });
    const report = reportOf(await runOn(setup, ['sweep', '--yes']));
    expect(report.freedBytes).toBe(270 * mb);
    expect(report.freedReservedBytes).toBe(2 * 110 * mb + 510 * mb);
    expect(before - (await measuredOn(setup))).toBe(report.freedReservedBytes);
    const sizes = report.jobs.map(({ jobId, memoryBytes = -1, reservedBytes = -1 }) => [
      jobId,
      memoryBytes / mb,
      reservedBytes / mb,
    ]);
    expect(sizes).toEqual([
      ['idle-0', 100, 110],
      ['idle-1', 100, 110],
      ['broken', 70, 0],
      ['never-fed', 0, 510],
    ]);
  });

  it.each([
    [
      'plan',
      'would free 270 MB of model memory',
      'would free 730 MB of reserved memory, which node assignment and autoscaling count',
    ],
    [
      'sweep',
      /freed 270 MB of model memory in \d+ s/,
      'freed 730 MB of reserved memory, which node assignment and autoscaling count',
    ],
  ])(
    'the reserved memory that a %s frees is shown separately from model memory, in the table and in Markdown',
    async (command, model, reserved) => {
      await using setup = await startSetup(jobs);
      const args = [command, ...(command === 'sweep' ? ['--yes'] : [])];
      await using folder = await newFolder();
      const file = folder.at('report.md');
      const { stdout } = await runOn(setup, [...args, '-o', 'table', '--output-file', file]);
      for (const text of [stdout, await folder.read('report.md')])
        for (const line of [
          model,
          reserved,
          '1 of 3 ML nodes would do: it has enough memory for all jobs that stay open',
        ])
          expect(text).toMatch(new RegExp(`^(- )?${line instanceof RegExp ? line.source : line}$`, 'm'));
      expect(stdout).not.toMatch(/[$€]|money|cost/i);
    },
  );

  it('the reserved memory that a plan would free is shown separately from model memory in HTML', async () => {
    await using setup = await startSetup(jobs);
    const { stdout } = await runOn(setup, ['plan', '-o', 'html']);
    expect(stdout).toContain('<li><strong>270 MB</strong> model memory would be freed</li>');
    expect(stdout).toContain('<li><strong>730 MB</strong> reserved memory would be freed</li>');
    expect(stdout).toContain('<li><strong>1 of 3</strong> ML nodes would do</li>');
  });

  it('`explain` shows a job’s reserved memory separately from its model memory', async () => {
    await using setup = await startSetup(jobs);
    const { stdout } = await runOn(setup, ['explain', 'never-fed', '-o', 'table']);
    expect(stdout).toMatch(/^opened on \S+; 0 B of model memory; 510 MB of reserved memory; no datafeed$/m);
    const explained = JSON.parse((await runOn(setup, ['explain', 'never-fed'])).stdout) as Explanation;
    expect(explained).toMatchObject({ memoryBytes: 0, reservedBytes: 510 * mb });
  });

  it('the reserved memory of a job follows from its memory limit, not from its model memory, until the model has 20 buckets', async () => {
    const young = {
      jobId: 'young',
      bucketSpan: '1d',
      openedAt: '15d',
      firstData: '10d',
      lastData: '4d',
      modelBytes: '5mb',
    };
    await using setup = await startSetup([...busy(4), young]);
    const report = reportOf(await runOn(setup, ['sweep', '--yes']));
    expect(report).toMatchObject({ freedBytes: 5 * mb, freedReservedBytes: 74 * mb });
  });
});

describe('the number of ML nodes that would be enough for the open jobs', () => {
  const nodes = ['ml-0', 'ml-1', 'ml-2'].map((name) => ({ name, memory: '1gb' }));
  const spread = (count: number, changes: Partial<FleetJob>): FleetJob[] =>
    Array.from({ length: count }, (_, index) => ({
      jobId: `busy-${index}`,
      lastData: '1m',
      node: `ml-${index % 3}`,
      ...changes,
    }));

  it('the number of ML nodes that would be enough for the open jobs is calculated from the memory that each node reports', async () => {
    // machine learning may use 30 % of each node's 1 GB, which is 307 MB
    await using setup = await startSetup(
      [...spread(6, { modelBytes: '50mb' }), ...idle(2, { modelBytes: '50mb' })],
      { nodes },
    );
    expect(reportOf(await runOn(setup, ['plan'])).mlNodes).toEqual({ total: 3, enough: 2 });
    expect(reportOf(await runOn(setup, ['sweep', '--yes'])).mlNodes).toEqual({ total: 3, enough: 2 });
  });

  it('the number of ML nodes that would be enough for the open jobs is not shown if all nodes are needed, or if nothing is closed', async () => {
    await using full = await startSetup([...spread(9, { modelBytes: '60mb' }), ...idle(1)], { nodes });
    expect(reportOf(await runOn(full, ['plan']))).not.toHaveProperty('mlNodes');
    await using calm = await startSetup(spread(6, {}), { nodes });
    expect(reportOf(await runOn(calm, ['plan']))).not.toHaveProperty('mlNodes');
    expect(calm.server.requests.filter(({ path }) => path.startsWith('/_ml/memory'))).toEqual([]);
  });

  it('the number of ML nodes that would be enough is shown even if reading the nodes takes 150 s on the fast clock of an embedded cluster', async () => {
    await using setup = await startSetup([...spread(6, {}), ...idle(2)], { nodes });
    setup.server.faults.add({ api: 'ml.get_memory_stats', delay: 150_000 });
    expect(reportOf(await runOn(setup, ['plan']))).toHaveProperty('mlNodes');
  });

  it('if the cluster does not report the memory of its ML nodes, a sweep does not show how many nodes would be enough', async () => {
    for (const [stack, refused] of [
      ['7.17', false],
      ['9.2', true],
    ] as const) {
      await using setup = await startSetup([...spread(6, {}), ...idle(2)], { nodes }, { stack });
      if (refused) setup.server.faults.add({ api: 'ml.get_memory_stats', status: 403 });
      const result = await runOn(setup, ['sweep', '--yes']);
      expect(result).toMatchObject({ exit: 0, stderr: expect.not.stringContaining('memory') });
      expect(reportOf(result)).not.toHaveProperty('mlNodes');
      expect(reportOf(result)).toMatchObject({
        counts: { closed: 2 },
        warnings: [],
        freedReservedBytes: 40 * mb,
      });
    }
  });

  it('the number of ML nodes that would be enough for the open jobs is not shown if a fuse refuses the sweep', async () => {
    await using setup = await startSetup([...spread(4, {}), ...idle(9)], { nodes });
    const report = reportOf(await runOn(setup, ['plan']));
    expect(report.status).toBe('refused');
    expect(report).not.toHaveProperty('mlNodes');
  });
});
