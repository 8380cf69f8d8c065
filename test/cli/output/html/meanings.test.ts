import { describe, expect, it } from 'vitest';
import { newFolder } from '../../../support/folder.ts';
import { runOn } from '../../../support/run-on.ts';
import { busy, idle, startSetup } from '../../../support/sweep-setup.ts';

const jobs = [
  ...busy(6),
  ...idle(2),
  { jobId: 'broken', state: 'failed' as const, lastData: '9d' },
  { jobId: 'mine', lastData: '9d', customSettings: { jobsweep: { protect: true } } },
];

/** The text of the section `meanings`, without markup. */
const sectionOf = (page: string) =>
  (/<section aria-labelledby="meanings">(.*?)<\/section>/s.exec(page)?.[1] ?? '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&quot;', '"')
    .replace(/\s+/g, ' ');

describe('the section of the HTML report that explains its words', () => {
  it('the HTML report of a sweep explains each reason and outcome that occurs, and how to undo the sweep', async () => {
    await using setup = await startSetup(jobs);
    const { stdout } = await runOn(setup, ['sweep', '--yes', '-o', 'html']);
    const text = sectionOf(stdout);
    expect(text).toContain('A close deletes nothing: the job keeps its model, its results and its settings');
    expect(text).toContain(
      '1 job was closed with force: it lost what its model learnt since its last snapshot',
    );
    expect(text).toMatch(
      /To undo this sweep, run jobsweep reopen --last on the machine .* jobsweep reopen FILE /,
    );
    expect(text).toContain(
      'Reasons to close Jobs Meaning idle 2 no activity for at least idleFor failed 1 idle',
    );
    expect(text).toMatch(/Reasons to keep Jobs Meaning recent_data 6 data arrived .* protected 1 its own /);
    expect(text).toMatch(/Outcomes Jobs Meaning closed 2 .* force_closed 1 .* kept 7 kept open $/);
    expect(text).not.toMatch(/stuck|flapping|revived/);
  });

  it('the HTML report of a plan explains what a close preserves, and does not explain how to undo a sweep', async () => {
    await using setup = await startSetup(jobs);
    const text = sectionOf((await runOn(setup, ['plan', '-o', 'html'])).stdout);
    expect(text).toContain('A close deletes nothing');
    expect(text).toContain('Reasons to close');
    expect(text).not.toMatch(/undo|Outcomes|was closed with force/);
  });

  it('the HTML report shows a command that undoes the sweep, with the name of the cluster', async () => {
    await using setup = await startSetup(jobs);
    await using folder = await newFolder();
    const file = await folder.write(
      'clusters.json',
      JSON.stringify({ 'prod-eu': { ELASTICSEARCH_URL: setup.server.url } }),
    );
    const args = ['sweep', '--cluster', 'prod-eu', '--clusters', file, '--yes', '-o', 'html'];
    const { stdout } = await runOn(setup, args);
    expect(sectionOf(stdout)).toContain('run jobsweep reopen --last --cluster prod-eu on the machine');
  });

  it('the Markdown report explains the reasons to close', async () => {
    await using setup = await startSetup(jobs);
    const { stdout } = await runOn(setup, ['plan', '-o', 'markdown']);
    expect(stdout).toContain('### Why jobs are to be closed\n');
    expect(stdout).toContain('| idle | 2 | no activity for at least idleFor |');
  });
});
