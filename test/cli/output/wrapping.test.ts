import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { newFolder } from '../../support/folder.ts';
import { runOn } from '../../support/run-on.ts';
import { busy, idle, startSetup } from '../../support/sweep-setup.ts';

/** The longest id that Elasticsearch allows, with words that must not be broken. */
const longId = `payments-${'latency-by-country-'.repeat(3)}x`.slice(0, 63).replace(/-$/, 'x');
const jobs = [
  ...busy(8),
  ...idle(2),
  { jobId: longId, lastData: '8d', groups: ['payments', 'latency', 'production', 'europe'] },
  { jobId: 'kept', lastData: '7d', customSettings: { jobsweep: { protect: true } } },
  { jobId: 'odd', lastData: '7d', customSettings: { jobsweep: { protect: 'perhaps' } } },
];

/** The text left on the screen: a redrawn line replaces the previous one. */
const screenOf = (text: string) =>
  text
    .split('\n')
    .map((line) => stripVTControlCharacters(line.split('\r').at(-1) ?? ''))
    .join('\n');

const wordsIn = (text: string) => text.split(/\s+/).filter((word) => word !== '');

describe('on a terminal of 80 columns', () => {
  it.each([
    ['plan'],
    ['sweep', '--yes'],
    ['sweep'],
    ['explain', longId],
    ['explain', longId, '--history'],
    ['explain', 'kept'],
    ['advise', '--days', '3'],
    ['doctor'],
  ])(
    'on a terminal of 80 columns, `%s` wraps text between words and never cuts an id',
    async (...command) => {
      await using narrow = await startSetup(jobs);
      await using wide = await startSetup(jobs);
      const shown = async (setup: typeof narrow, columns: number) => {
        const { exit, stdout, stderr } = await runOn(setup, command, {
          terminal: true,
          columns,
          stdin: 'y\n',
        });
        expect(exit).toBe(0);
        const text = screenOf(`${stdout}\n${stderr}`);
        return text.replaceAll(new URL(setup.server.url).port, 'PORT');
      };
      const text = await shown(narrow, 80);
      for (const line of text.split('\n'))
        if (!line.includes(longId)) expect(stringWidth(line), line).toBeLessThanOrEqual(80);
      const whole = new Set(wordsIn(await shown(wide, 1_000)));
      const unknown = wordsIn(text).filter(
        (word) => !whole.has(word) && !/^[\d.:T-]+Z?$|^[█░·?]+$/.test(word),
      );
      expect(unknown).toEqual([]);
      if (command.includes(longId) || /plan|sweep|advise/.test(command[0] ?? ''))
        expect(text).toContain(longId);
    },
  );

  it('on a terminal of 80 columns, `reopen` wraps the text before its question, and never cuts an id', async () => {
    await using setup = await startSetup(jobs);
    await using folder = await newFolder();
    const env = { XDG_STATE_HOME: folder.path };
    expect((await runOn(setup, ['sweep', '--yes'], { env })).exit).toBe(0);
    const result = await runOn(setup, ['reopen', '--last'], {
      env,
      terminal: true,
      columns: 80,
      stdin: 'y\n',
    });
    expect(result.exit).toBe(0);
    const lines = screenOf(result.stderr).split('\n');
    const tooLong = lines.filter((line) => stringWidth(line) > 80 && !line.includes(folder.path));
    expect(tooLong).toEqual([]);
    expect(stripVTControlCharacters(result.stdout)).toMatch(new RegExp(`^${longId} +reopened`, 'm'));
  });
});

describe('a sweep that was confirmed', () => {
  it('a confirmed sweep prints the plan before the question, and afterwards only the outcomes that differ from it', async () => {
    const fails = { jobId: 'fails', lastData: '6d', closeTakes: { fails: 'disk full' } };
    await using setup = await startSetup([...jobs, fails]);
    const result = await runOn(setup, ['sweep'], { terminal: true, columns: 120, stdin: 'y\n' });
    expect(result.exit).toBe(3);
    const rows = (text: string) =>
      stripVTControlCharacters(text)
        .split('\n')
        .flatMap((line) => /^([a-z0-9-]+) +(?:opened|failed) /.exec(line)?.[1] ?? []);
    expect(rows(result.stderr).sort()).toEqual(['fails', 'idle-0', 'idle-1', 'kept', 'odd', longId]);
    expect(rows(result.stdout)).toEqual(['fails']);
    // neither the reasons to keep jobs nor the warnings of the plan are printed twice
    expect(result.stderr.match(/to keep because:/g)).toHaveLength(1);
    expect(result.stdout).not.toMatch(/kept because:|nothing was changed|perhaps/);
  });
});

describe('Ctrl-C in a sweep', () => {
  it('after Ctrl-C, a sweep reports that the user stopped it, and names the jobs that are still closing', async () => {
    await using setup = await startSetup([...busy(12), ...idle(9, { closeTakes: '30m' })]);
    const stop = new AbortController();
    const result = await runOn(setup, ['sweep', '--yes', '--set', 'close.perNode=20'], {
      terminal: true,
      columns: 80,
      signal: stop.signal,
      onOutput: (text) =>
        text.includes('9 closing') && stop.abort(new DOMException('stopped by SIGINT', 'AbortError')),
    });
    expect(result.exit).toBe(3);
    const ids = idle(9).map(({ jobId }) => jobId);
    expect(stripVTControlCharacters(result.stderr).replace(/\n(?=\S)/g, ' ')).toContain(
      `stopped by you; the cluster is still closing these 9 jobs: ${ids.join(', ')}`,
    );
    for (const id of ids) expect(setup.state(id)).toBe('closing');
  });
});

describe('the summary in Markdown', () => {
  it('the summary in Markdown has the counts and the reasons as tables', async () => {
    await using setup = await startSetup(jobs);
    const { stdout } = await runOn(setup, ['plan', '-o', 'markdown']);
    expect(stdout).toContain(
      [
        '| Jobs | Count |',
        '| --- | --- |',
        '| open | 13 |',
        '| listed | 13 |',
        '| to close | 3 |',
        '| to keep | 10 |',
        '',
      ].join('\n'),
    );
    expect(stdout).toContain(
      '### Why jobs were kept\n\n| Reason | Count | Meaning |\n| --- | --- | --- |\n| `recent_data` | 8 | ',
    );
    expect(stdout).toContain(`| ${longId} | opened | 8 d | `);
  });
});
