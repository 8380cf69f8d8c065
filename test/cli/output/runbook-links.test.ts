/** @module Tests that each message of the command about a problem links to its section of the runbook. */
import { describe, expect, it } from 'vitest';
import { fuseText } from '../../../src/sweep/reporting/fuse-text.ts';
import { fuses } from '../../../src/sweep/vocabulary.ts';
import { newFolder } from '../../support/folder.ts';
import { anchors, page } from '../../support/markdown.ts';
import { runCommand } from '../../support/run-command.ts';
import { reportOf, runInSimulatedTime, runOn } from '../../support/run-on.ts';
import { busy, idle, startSetup } from '../../support/sweep-setup.ts';

const sections = anchors(page('docs/runbook.md'));
const address = 'https://github.com/jobsweep/jobsweep/blob/main/docs/runbook.md';

/** The runbook sections to which a text links. Checks that each section exists. */
function sectionsIn(text: string): string[] {
  const named = [...text.matchAll(/docs\/runbook\.md#([\w-]+)/g)].map(([, anchor = '']) => anchor);
  for (const anchor of named) expect(sections).toContain(anchor);
  return named;
}

describe('a refused sweep', () => {
  it.each(['table', 'markdown', 'html'])(
    'in the format %s, a refused sweep links to the runbook section about the fuse that refused it',
    async (form) => {
      await using setup = await startSetup([...busy(2), ...idle(9)]);
      const { exit, stdout } = await runOn(setup, ['sweep', '--yes', '-o', form]);
      expect(exit).toBe(4);
      const text = stdout.replaceAll(/&#(\d+);/g, (_entity, code: string) =>
        String.fromCharCode(Number(code)),
      );
      expect(text).toContain(`what to do: ${address}#refused-max_share`);
      if (form === 'html') expect(text).toContain(`<a href="${address}#refused-max_share">`);
      sectionsIn(text);
    },
  );

  it('the JSON of a refused sweep or plan links to the runbook section about the fuse that refused it', async () => {
    await using setup = await startSetup([...busy(2), ...idle(9)]);
    for (const args of [['sweep', '--yes'], ['plan']])
      expect(reportOf(await runOn(setup, args))).toMatchObject({
        status: 'refused',
        runbook: `${address}#refused-max_share`,
      });
  });

  it.each(Object.keys(fuses) as (keyof typeof fuses)[])(
    'if the fuse %s stops a sweep, the result says what to check first, and advises raising the fuse’s limit for one sweep only',
    (name) => {
      const text = fuseText({ name, idle: 600, open: 700, limit: 500 });
      expect(text).toMatch(/Nothing was closed\. (First check|The next sweep)/);
      if (name !== 'upgrade_mode')
        expect(text).toMatch(/only if they are idle, (raise|set) .* for one sweep/i);
    },
  );
});

describe('a partial sweep', () => {
  it('a partial sweep links to the runbook section about the status partial, in text and JSON', async () => {
    const start = () => startSetup([...busy(4), ...idle(2), ...failed(2)]);
    const args = ['sweep', '--yes', '--set', 'force.max=1'];
    await using first = await start();
    const { exit, stdout } = await runOn(first, [...args, '-o', 'table']);
    expect(exit).toBe(3);
    expect(stdout).toContain(`what to do: ${address}#status-partial`);
    await using second = await start();
    expect(reportOf(await runOn(second, args))).toMatchObject({
      status: 'partial',
      runbook: `${address}#status-partial`,
    });
  });
});

describe('a plan with or without warnings', () => {
  it('a plan links each warning to its section of the runbook', async () => {
    await using setup = await startSetup([...busy(4), ...idle(2)]);
    const { exit, stdout } = await runOn(setup, ['plan', '--jobs', '*,gone-*', '-o', 'table']);
    expect(exit).toBe(0);
    expect(stdout).toContain('matches no job of the cluster; see docs/runbook.md#warning-name-without-job\n');
    expect(stdout).toContain(`what to do: ${address}#warnings`);
    sectionsIn(stdout);
    expect(reportOf(await runOn(setup, ['plan', '--jobs', '*,gone-*']))).toMatchObject({
      runbook: `${address}#warnings`,
    });
  });

  it('a plan shows no link if nothing is wrong', async () => {
    await using setup = await startSetup([...busy(4), ...idle(2)]);
    for (const form of ['table', 'json', 'markdown'])
      expect((await runOn(setup, ['plan', '-o', form])).stdout).not.toContain('runbook');
  });
});

describe('a failed command', () => {
  it('a failed command links to the runbook section about its error, unless its input is invalid', async () => {
    const env = { ELASTICSEARCH_URL: 'http://127.0.0.1:1' };
    const unreachable = await runInSimulatedTime(['plan'], { env });
    expect(unreachable.exit).toBe(5);
    expect(unreachable.stderr).toMatch(/\nwhat to do: https:\S+\n$/);
    expect(sectionsIn(unreachable.stderr)).toEqual(['error-clusterunreachableerror']);
    const invalid = await runCommand(['plan', '--idle-for', 'soon'], { env });
    expect(invalid.exit).toBe(2);
    expect(sectionsIn(invalid.stderr)).toEqual([]);
  });

  it('the help links to the runbook section about exit codes', async () => {
    const { stdout } = await runCommand(['--help']);
    expect(stdout).toContain(`${address}#exit-codes`);
    expect(sectionsIn(stdout)).toEqual(['exit-codes']);
  });

  it('`--all-clusters` links each failed cluster to the runbook section about its error, in text and JSON', async () => {
    await using setup = await startSetup(busy(4));
    await using folder = await newFolder();
    const file = await folder.write(
      'clusters.json',
      JSON.stringify({
        up: { ELASTICSEARCH_URL: setup.server.url },
        down: { ELASTICSEARCH_URL: 'http://127.0.0.1:1' },
      }),
    );
    const { exit, stdout, stderr } = await runOn(setup, ['plan', '--all-clusters', '--clusters', file]);
    expect(exit).toBe(5);
    expect(stderr).toContain(`jobsweep: down: what to do: ${address}#error-clusterunreachableerror\n`);
    expect(JSON.parse(stdout)).toMatchObject([
      { status: 'done' },
      { error: { type: 'ClusterUnreachableError', runbook: `${address}#error-clusterunreachableerror` } },
    ]);
  });
});

const failed = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    jobId: `failed-${index}`,
    state: 'failed' as const,
    lastData: '9d' as const,
  }));
