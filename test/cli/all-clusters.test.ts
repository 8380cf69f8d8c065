import { describe, expect, it } from 'vitest';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { newFolder } from '../support/folder.ts';
import { type CommandOptions, runCommand } from '../support/run-command.ts';
import { busy, idle, type SweepSetup, startSetup } from '../support/sweep-setup.ts';

type Entry = SweepReport & {
  readonly error?: { readonly type: string; readonly reason: string; readonly exit: number };
};

/** Runs a command on the clusters `eu`, `down` and `us`, of which `down` does not answer. */
async function runOnAll(
  setups: { eu: SweepSetup; us: SweepSetup },
  args: string[],
  options: CommandOptions = {},
) {
  const folder = await newFolder();
  const file = await folder.write(
    'clusters.json',
    JSON.stringify({
      eu: { ELASTICSEARCH_URL: setups.eu.server.url },
      down: { ELASTICSEARCH_URL: 'http://127.0.0.1:1' },
      us: { ELASTICSEARCH_URL: setups.us.server.url },
    }),
  );
  const result = await runCommand([...args, '--all-clusters', '--clusters', file], {
    clock: setups.eu.clock,
    env: { XDG_STATE_HOME: folder.path },
    ...options,
  });
  await folder[Symbol.asyncDispose]();
  return result;
}

async function twoSetups() {
  const eu = await startSetup([...busy(6), ...idle(2)]);
  const us = await startSetup([...busy(6), ...idle(1)], {}, { clock: eu.clock });
  return {
    eu,
    us,
    [Symbol.asyncDispose]: async () => {
      await us[Symbol.asyncDispose]();
      await eu[Symbol.asyncDispose]();
    },
  };
}

describe('`--all-clusters`', () => {
  it('`--all-clusters` sweeps each cluster, reports a cluster that does not answer, and exits with the most severe exit code', async () => {
    await using setups = await twoSetups();
    const result = await runOnAll(setups, ['sweep', '--yes']);
    expect(result.exit).toBe(5);
    const entries = JSON.parse(result.stdout) as Entry[];
    expect(entries.map(({ cluster }) => cluster.name)).toEqual(['eu', 'down', 'us']);
    expect(entries[0]?.counts).toMatchObject({ closed: 2, kept: 6 });
    expect(entries[2]?.counts).toMatchObject({ closed: 1, kept: 6 });
    expect(entries[1]).toEqual({
      cluster: { name: 'down' },
      error: {
        type: 'ClusterUnreachableError',
        reason: expect.stringContaining('cannot be reached'),
        exit: 5,
        runbook: expect.stringMatching(/#error-clusterunreachableerror$/),
      },
    });
    expect(result.stderr).toMatch(/^jobsweep: down: .*cannot be reached/m);
    expect(result.stderr).toMatch(
      /^eu: undo with: jobsweep reopen --last --cluster eu --clusters .*clusters\.json$/m,
    );
  });

  it('`--all-clusters` plans in every output format, with a heading for each cluster', async () => {
    await using setups = await twoSetups();
    const shown = async (form: string) => (await runOnAll(setups, ['plan', '-o', form])).stdout;
    const table = await shown('table');
    expect(table).toMatch(new RegExp(`^eu \\(${new URL(setups.eu.server.url).host}\\)\n\nJOB `));
    expect(table).toMatch(/\ndown\n\n.*cannot be reached/);
    expect(table).toMatch(/\nus \(.*\)\n\nJOB /);
    const lines = (await shown('ndjson')).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([
      'job swept',
      'job swept',
      'sweep finished',
      'cluster failed',
      'job swept',
      'sweep finished',
    ]);
    expect((await shown('markdown')).match(/^## .*$/gm)).toEqual([
      '## Plan of a sweep of the cluster eu',
      '## The cluster down',
      '## Plan of a sweep of the cluster us',
    ]);
    expect((await shown('html')).match(/<h2>.*<\/h2>/g)).toEqual([
      '<h2>Plan of a sweep of the cluster eu</h2>',
      '<h2>The cluster down</h2>',
      '<h2>Plan of a sweep of the cluster us</h2>',
    ]);
    expect(setups.eu.closeRequests()).toEqual([]);
  });

  it('`--all-clusters` shows the plan of each cluster, asks one question for all of them, and closes jobs if the user answers yes', async () => {
    await using setups = await twoSetups();
    const result = await runOnAll(setups, ['sweep', '-o', 'json', '--no-color'], {
      terminal: true,
      stdin: 'y\n',
    });
    expect(result.exit).toBe(5);
    const host = (setup: SweepSetup) => new URL(setup.server.url).host;
    expect(result.stderr).toContain(
      `Close 3 jobs on 2 clusters: 2 on eu (${host(setups.eu)}), 1 on us (${host(setups.us)})? [y/N]`,
    );
    const entries = JSON.parse(result.stdout) as Entry[];
    expect(entries.map(({ counts, error }) => counts?.closed ?? error?.exit)).toEqual([2, 5, 1]);
  });

  it('`--all-clusters` closes nothing on any cluster if the user answers no', async () => {
    await using setups = await twoSetups();
    const result = await runOnAll(setups, ['sweep'], { terminal: true, stdin: 'n\n' });
    expect(result).toMatchObject({ exit: 4, stdout: '' });
    expect([...setups.eu.closeRequests(), ...setups.us.closeRequests()]).toEqual([]);
  });

  it('`doctor --all-clusters --parallel 1` examines each cluster, one after the other', async () => {
    await using setups = await twoSetups();
    const result = await runOnAll(setups, ['doctor', '--parallel', '1']);
    expect(result.exit).toBe(3);
    const entries = JSON.parse(result.stdout) as { cluster: string; findings: { level: string }[] }[];
    expect(
      entries.map(({ cluster, findings }) => [cluster, findings.some(({ level }) => level === 'finding')]),
    ).toEqual([
      ['eu', expect.any(Boolean)],
      ['down', true],
      ['us', expect.any(Boolean)],
    ]);
  });

  it.each([
    [['--parallel', '0'], '{"a": {}}', /'--parallel <number>' argument '0' is invalid.*whole number/],
    [['--cluster', 'a'], '{"a": {}}', /the request names the cluster "a": leave out one of the two/],
    [[], '{}', /names no cluster/],
    [[], '{"Prod": {}}', /expected names of 1 to 40 of a-z, 0-9 and -, got "Prod"/],
  ])(
    '`--all-clusters` with the options %j and the clusters file %s is refused, with a message that says why',
    async (args, text, says) => {
      await using folder = await newFolder();
      const file = await folder.write('clusters.json', text);
      const result = await runCommand(['plan', '--all-clusters', '--clusters', file, ...args]);
      expect(result).toMatchObject({ exit: 2, stdout: '' });
      expect(result.stderr).toMatch(says);
    },
  );

  it('`--all-clusters` fails if no clusters file is named', async () => {
    const result = await runCommand(['plan', '--all-clusters']);
    expect(result.exit).toBe(2);
    expect(result.stderr).toContain('--all-clusters: expected --clusters FILE');
  });

  it('if one cluster’s settings are wrong, `--all-clusters` fails only for that cluster', async () => {
    await using eu = await startSetup(busy(3));
    await using folder = await newFolder();
    const file = await folder.write(
      'clusters.json',
      JSON.stringify({ bad: { ELASTICSEARCH_ULR: 'x' }, eu: { ELASTICSEARCH_URL: eu.server.url } }),
    );
    const result = await runCommand(['plan', '--all-clusters', '--clusters', file], { clock: eu.clock });
    expect(result.exit).toBe(2);
    const [bad, good] = JSON.parse(result.stdout) as Entry[];
    expect(bad?.error).toMatchObject({ type: 'InvalidSettingError', exit: 2 });
    expect(good?.counts).toMatchObject({ open: 3 });
  });
});
