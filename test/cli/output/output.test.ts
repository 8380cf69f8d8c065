import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePastSweeps } from '../../../src/cli/input/past-sweeps.ts';
import type { SweepReport } from '../../../src/sweep/reporting/report.ts';
import { newFolder } from '../../support/folder.ts';
import { answersFor, configOf, respondWith, statsOf } from '../../support/ml-answers.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import { serve } from '../../support/scripted-server.ts';
import { busy, idle, startSetup } from '../../support/sweep-setup.ts';

const jobs = [
  ...busy(5),
  ...idle(2),
  { jobId: 'web_errors', lastData: '7d', customSettings: { jobsweep: { protect: true } } },
];

describe('the result of a command', () => {
  it('a command prints its result as a table on a terminal and as JSON when piped', async () => {
    await using setup = await startSetup(jobs);
    expect((await runOn(setup, ['plan'], { terminal: true, columns: 90 })).stdout).toMatch(/JOB +.*STATE/);
    expect(reportOf(await runOn(setup, ['plan'])).counts.idle).toBe(2);
  });

  it('the result of a plan fits into a narrow terminal, with the jobs to close first and the totals below', async () => {
    await using setup = await startSetup([...jobs, { jobId: `long-${'x'.repeat(50)}-name`, lastData: '6d' }]);
    const { stdout } = await runOn(setup, ['plan', '--no-color'], { terminal: true, columns: 50 });
    const lines = stdout.split('\n');
    const table = lines.slice(0, lines.indexOf(''));
    expect(table[0]).toMatch(/^JOB +VERDICT$/);
    expect(table[1]).toMatch(/^idle-0 +close$/);
    expect(table.at(-1)).toMatch(/^web_errors +keep$/);
    expect(stdout).toContain(`long-${'x'.repeat(50)}-name  close\n`);
    const sums = lines.slice(lines.indexOf('') + 1);
    for (const line of sums) expect(line.length).toBeLessThanOrEqual(50);
    expect(sums.slice(0, 2)).toEqual([
      '9 jobs listed of 9 open: 3 to close, 6 to keep',
      'would free 30 MB of model memory',
    ]);
    expect(stdout).toMatch(/ 5 {2}recent_data {2}data arrived less than\n {22}idleFor ago\n/);
  });

  it('the result of a plan or sweep shows the idle time and the job names from the request', async () => {
    await using setup = await startSetup(jobs);
    const rules = ['--idle-for', '72h', '--jobs', 'idle-*,web_errors', '--exclude', 'idle-1'];
    const { request } = reportOf(await runOn(setup, ['plan', ...rules]));
    expect(request).toEqual({ idleFor: '72h', jobs: ['idle-*', 'web_errors'], exclude: ['idle-1'] });
    expect(reportOf(await runOn(setup, ['plan'])).request).toEqual({ idleFor: '48h' });
    const table = await runOn(setup, ['plan', '-o', 'table', ...rules]);
    expect(table.stdout).toContain(
      '\nrequest: idle for at least 72h; jobs idle-*, web_errors; exclude idle-1\n',
    );
    const markdown = await runOn(setup, ['plan', '-o', 'markdown']);
    expect(markdown.stdout).toContain('\n- request: idle for at least 48h\n');
    const html = await runOn(setup, ['sweep', '--yes', '-o', 'html', ...rules]);
    expect(html.stdout).toContain(
      '<p>Request: idle for at least 72h; jobs idle-*, web_errors; exclude idle-1</p>',
    );
  });

  it('the result of a plan names only the first ten excluded names, and counts the rest', async () => {
    await using setup = await startSetup(jobs);
    const exclude = Array.from({ length: 12 }, (_, index) => `old-${index}`).join(',');
    const { stdout } = await runOn(setup, ['plan', '-o', 'table', '--exclude', exclude]);
    expect(stdout).toMatch(/exclude old-0, .*, old-9 and 2 more\n/);
  });

  it('the result of a sweep is complete on a terminal of unknown width, such as in a container', async () => {
    await using setup = await startSetup([...busy(5), ...idle(1, { closeTakes: '5s' })]);
    const { stdout, stderr } = await runOn(setup, ['sweep', '--yes', '--no-color'], {
      terminal: true,
      columns: 0,
    });
    expect(stdout).toMatch(/^JOB +STATE +IDLE FOR +MEMORY +VERDICT +REASON +OUTCOME\n/);
    expect(stderr).toContain('0 of 1 job closed, 1 closing');
  });

  it('the result of a command has colours on a terminal, unless they are turned off', async () => {
    await using setup = await startSetup(jobs);
    const shows = async (args: string[], options: Parameters<typeof runOn>[2]) =>
      (await runOn(setup, ['plan', ...args], options)).stdout.includes('\u001b[');
    expect(await shows([], { terminal: true })).toBe(true);
    expect(await shows([], { terminal: true, env: { NO_COLOR: '1' } })).toBe(false);
    expect(await shows(['--no-color'], { terminal: true })).toBe(false);
    expect(await shows(['-o', 'table'], {})).toBe(false);
    expect(await shows(['-o', 'table', '--color'], {})).toBe(true);
    expect(await shows(['-o', 'json', '--color'], { terminal: true })).toBe(false);
  });

  it('the ndjson result of a sweep has one line per job and one line for the sweep, like the function’s log', async () => {
    await using setup = await startSetup(jobs);
    const { stdout } = await runOn(setup, ['sweep', '--yes', '-o', 'ndjson']);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { message: string; jobId?: string });
    expect(lines.map(({ message }) => message)).toEqual([
      'job swept',
      'job swept',
      'job swept',
      'sweep finished',
    ]);
    expect(lines[0]).toMatchObject({
      jobId: 'idle-0',
      outcome: 'closed',
      sweepId: expect.any(String),
      cluster: { name: 'default' },
    });
    expect(parsePastSweeps(stdout, 'it')[0]?.jobs).toHaveLength(3);
  });

  it('the Markdown result of a plan is a heading and a table, in which job ids are written as code', async () => {
    await using setup = await startSetup(jobs);
    const { stdout } = await runOn(setup, ['plan', '-o', 'markdown']);
    expect(stdout).toContain('## Plan of a sweep of the cluster default');
    expect(stdout).toMatch(/^\| Job \| State \| Idle for \| Memory \| Verdict \| Reason \|\n\| --- \|/m);
    expect(stdout).toMatch(/^\| `web_errors` \| opened \| 7 d \| 10 MB \| keep \| protected \|$/m);
  });

  it('the result of a plan has no control characters, even in JSON, and no text that Markdown turns into a link', async () => {
    const odd = {
      node: { id: 'n', name: '\u009b31m\u007f\u202e' },
      state: 'www.example.test http://x.test/ a@x.test',
    };
    const answers = answersFor([{ config: configOf('a'), stats: statsOf('a', odd) }]);
    await using setup = await startSetup([]);
    await using server = await serve((exchange) => respondWith(answers, exchange));
    const shown = async (form: string) =>
      (await runOn(setup, ['plan', '-o', form], { env: { ELASTICSEARCH_URL: server.url } })).stdout;
    for (const form of ['table', 'json', 'ndjson', 'markdown', 'html'])
      expect(await shown(form), form).toMatch(/^[^\p{Cf}\u007f-\u009f]*$/u);
    const { jobs } = JSON.parse(await shown('json')) as SweepReport;
    expect(jobs[0]?.nodeName).toBe(odd.node.name);
    expect(await shown('markdown')).toContain('www&#46;example.test http&#58;//x.test/ a&#64;x.test');
  });

  it('the result of a plan goes to a file in the format that the file’s extension names, and to the terminal as a table', async () => {
    await using setup = await startSetup(jobs);
    await using folder = await newFolder();
    for (const [name, begins] of [
      ['a.json', '{\n'],
      ['a.ndjson', '{"message"'],
      ['a.md', '## '],
      ['a.txt', 'JOB'],
      ['a', '{\n'],
    ]) {
      const piped = await runOn(setup, ['plan', '--output-file', folder.at(name as string)]);
      expect(piped.stdout).toBe('');
      expect((await folder.read(name as string)).startsWith(begins as string), name).toBe(true);
    }
    const seen = await runOn(setup, ['plan', '--output-file', folder.at('b.json')], { terminal: true });
    expect(seen.stdout).toContain('8 jobs listed of 8 open');
    expect(JSON.parse(await folder.read('b.json'))).toMatchObject({ dryRun: true });
  });

  const everyCommand = [['plan'], ['explain', 'idle-0'], ['doctor'], ['advise', '--days', '2']];

  it.each(everyCommand)(
    'the result of `%s` goes to the file in the format of the file’s extension, and to standard output in the format of -o',
    async (...command) => {
      await using setup = await startSetup(jobs);
      await using folder = await newFolder();
      const file = folder.at('x.json');
      const args = [...command, '--output-file', file];
      for (const terminal of [false, true]) {
        const table = await runOn(setup, [...args, '-o', 'table', '--no-color'], { terminal });
        expect(table.stdout).toMatch(/^(?!\{)\S[\s\S]*\n$/);
        expect(table.stderr).toContain(`the result is in ${file} (json)\n`);
        expect(JSON.parse(await folder.read('x.json'))).toBeTypeOf('object');
        const markdown = await runOn(setup, [...args, '-o', 'markdown'], { terminal });
        expect(markdown.stdout).toMatch(/^## /);
        expect(JSON.parse(await folder.read('x.json'))).toBeTypeOf('object');
      }
      expect((await runOn(setup, [...args, '-o', 'json'])).stdout).toBe('');
    },
  );

  it.each([...everyCommand, ['sweep', '--yes']])(
    '`%s` refuses an output file with an unknown extension, and lists the known extensions',
    async (...command) => {
      await using setup = await startSetup(jobs);
      await using folder = await newFolder();
      const file = folder.at('report.xlsx');
      const refused = await runOn(setup, [...command, '--output-file', file]);
      expect(refused).toMatchObject({ exit: 2, stdout: '' });
      expect(refused.stderr).toBe(
        `jobsweep: --output-file: the ending of ${file} is not known: expected .json, .ndjson, .jsonl, .md, .html, .htm, .txt, or -o with the form of the file\n`,
      );
      expect(setup.server.requests).toEqual([]);
      await runOn(setup, [...command, '--output-file', file, '-o', 'json']);
      expect(JSON.parse(await folder.read('report.xlsx'))).toBeTypeOf('object');
    },
  );

  it('the result of a command has no colours in a file, even if the terminal has colours', async () => {
    await using setup = await startSetup(jobs);
    await using folder = await newFolder();
    const { stdout } = await runOn(setup, ['plan', '--output-file', folder.at('a.txt')], { terminal: true });
    expect(stdout).toContain('\u001b[');
    expect(await folder.read('a.txt')).toMatch(/^JOB +STATE/);
  });

  it('if the output file becomes unwritable during a sweep, the result goes to standard error and the exit code is 3', async () => {
    await using setup = await startSetup(jobs);
    await using folder = await newFolder();
    const file = folder.at('report.json');
    setup.server.faults.afterRequest(1, () => rmSync(folder.path, { recursive: true }), 'ml.close_job');
    const result = await runOn(setup, ['sweep', '--yes', '--output-file', file]);
    expect(result).toMatchObject({ exit: 3, stdout: '' });
    const [, report = ''] = result.stderr.split(
      'report.json could not be written (ENOENT): the result follows\n',
    );
    expect((JSON.parse(report) as SweepReport).counts.closed).toBe(2);
  });

  it('if the result of a plan cannot be written, the exit code is 1', async () => {
    await using setup = await startSetup(jobs);
    await using folder = await newFolder();
    const file = folder.at('plan.json');
    setup.server.faults.afterRequest(1, () => rmSync(folder.path, { recursive: true }), 'ml.get_jobs');
    const result = await runOn(setup, ['plan', '--output-file', file]);
    expect(result).toMatchObject({ exit: 1, stdout: '' });
    expect(result.stderr).toContain('plan.json could not be written (ENOENT)');
  });

  it.each([['explain', 'idle-0'], ['doctor'], ['doctor', '--print-role'], ['plan'], ['sweep', '--yes']])(
    'the result of `%s` is available in every output format',
    async (...command) => {
      await using setup = await startSetup(jobs);
      const shown = async (form: string) => (await runOn(setup, [...command, '-o', form])).stdout;
      for (const form of ['json', 'ndjson'])
        for (const line of form === 'json' ? [await shown(form)] : (await shown(form)).trimEnd().split('\n'))
          expect(JSON.parse(line), form).toBeTypeOf('object');
      expect(await shown('markdown')).toMatch(/^## .*\n\n/);
      expect(await shown('html')).toMatch(/^<!doctype html>[\s\S]*<table>[\s\S]*<\/html>\n$/);
      expect((await shown('table')).endsWith('\n')).toBe(true);
    },
  );
});
