import { describe, expect, it } from 'vitest';
import { connectionSettings } from '../../../src/settings/environment.ts';
import { warningCode } from '../../../src/sweep/reporting/warning-codes.ts';
import { newFolder } from '../../support/folder.ts';
import { runCommand } from '../../support/run-command.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import { busy, idle, startSetup } from '../../support/sweep-setup.ts';

const jobs = [...busy(6), ...idle(3, { lastData: '5d' }), { jobId: 'day-old', lastData: '25h' }];
const idsIn = (result: Parameters<typeof reportOf>[0]) =>
  reportOf(result)
    .jobs.filter(({ verdict }) => verdict === 'close')
    .map(({ jobId }) => jobId)
    .sort();

describe('the flags of a request', () => {
  it.each([
    ['--idle-for', ['--idle-for', '24h'], ['day-old', 'idle-0', 'idle-1', 'idle-2']],
    ['--jobs with a list', ['--jobs', 'idle-0,idle-1'], ['idle-0', 'idle-1']],
    ['--jobs twice', ['--jobs', 'idle-0', '--jobs', 'idle-2'], ['idle-0', 'idle-2']],
    ['--exclude twice', ['--exclude', 'idle-0', '--exclude', 'idle-1'], ['idle-2']],
    ['--set with a text', ['--set', 'idleFor=24h', '--jobs', 'day*'], ['day-old']],
    ['--set with JSON', ['--set', 'jobs=["idle-1"]'], ['idle-1']],
    ['-p with the request itself', ['-p', '{"jobs": "idle-2"}'], ['idle-2']],
  ])('the flag %s chooses the jobs to close', async (_name, flags, expected) => {
    await using setup = await startSetup(jobs);
    const result = await runOn(setup, ['plan', ...flags]);
    expect(result.exit, result.stderr).toBe(0);
    expect(idsIn(result)).toEqual(expected);
  });

  it('the flags of a request override fields of the payload, and keep its other fields', async () => {
    await using setup = await startSetup(jobs);
    await using folder = await newFolder();
    const payload = await folder.write(
      'p.json',
      '{"idleFor": "30d", "exclude": ["idle-2"], "close": {"batch": 7}}',
    );
    const args = ['--idle-for', '24h', '--set', 'close.timeout=5m', '-o', 'json'];
    const result = await runOn(setup, ['plan', '-p', payload, ...args]);
    expect(idsIn(result)).toEqual(['day-old', 'idle-0', 'idle-1']);
    const { plan } = JSON.parse(result.stdout) as { plan: { request: object } };
    expect(plan.request).toMatchObject({
      idleFor: '1d',
      exclude: ['idle-2'],
      close: { batch: 7, timeout: '5m' },
    });
  });

  it('request flags that replace the exclusions in the payload cause a warning', async () => {
    await using setup = await startSetup(jobs);
    const result = await runOn(setup, [
      'plan',
      '-p',
      '{"exclude": "idle-0, idle-1", "force": {"exclude": ["day-old"]}}',
      '--exclude',
      'idle-1',
      '--set',
      'force.exclude=[]',
    ]);
    const { warnings } = reportOf(result);
    expect(warnings.map(warningCode)).toEqual(['exclusion-replaced', 'exclusion-replaced']);
    expect(warnings).toEqual([
      '--exclude replaces exclude of the payload, so these are no longer excluded: idle-0',
      '--set force.exclude=[] replaces force.exclude of the payload, so these are no longer excluded: day-old',
    ]);
  });

  it('the flag `--set` turns a section of the request off, and on again', async () => {
    await using setup = await startSetup(jobs);
    const request = async (...args: string[]) =>
      (JSON.parse((await runOn(setup, ['plan', ...args])).stdout) as { plan: { request: object } }).plan
        .request;
    expect(await request('--set', 'followUp=false')).toMatchObject({ followUp: false });
    expect(await request('-p', '{"followUp": false}', '--set', 'followUp.after=20m')).toMatchObject({
      followUp: { after: '20m', max: 6 },
    });
    expect(await request('--set', 'fuse.maxJobs=null')).toMatchObject({ fuse: { maxJobs: null } });
  });

  it('the flag `--dry-run` makes a sweep change nothing and print a plan that a later sweep can carry out', async () => {
    await using setup = await startSetup(jobs);
    await using folder = await newFolder();
    const swept = await runOn(setup, ['sweep', '--dry-run', '--idle-for', '24h']);
    expect(swept.exit).toBe(0);
    expect(idsIn(swept)).toEqual(['day-old', 'idle-0', 'idle-1', 'idle-2']);
    expect(setup.closeRequests()).toEqual([]);
    const file = await folder.write('plan.json', swept.stdout);
    const carriedOut = await runOn(setup, ['sweep', '--plan', file, '--yes']);
    expect(reportOf(carriedOut).counts).toMatchObject({ closed: 4 });
  });

  it('if the request flags set a threshold, `explain` judges a job by this threshold', async () => {
    await using setup = await startSetup(jobs);
    const verdict = async (...flags: string[]) =>
      (
        JSON.parse((await runOn(setup, ['explain', 'day-old', ...flags])).stdout) as {
          verdict: { reason: string };
        }
      ).verdict.reason;
    expect(await verdict()).toBe('recent_data');
    expect(await verdict('--idle-for', '1d')).toBe('idle');
    expect(await verdict('--idle-for', '1d', '--exclude', 'day-*')).toBe('excluded');
  });

  it.each([
    [['--idle-for', 'soon'], /^jobsweep: --idle-for: expected a duration.*got "soon"\n$/],
    [['--jobs', ''], /^jobsweep: --jobs: expected a non-empty job id, group or wildcard.*\n$/],
    [['--cluster', 'Prod EU'], /^jobsweep: --cluster: expected the name of a cluster.*got "Prod EU"\n$/],
    [
      ['--set', 'close.timout=5m'],
      /^jobsweep: --set close\.timout=5m: close\.timout is an unknown field; did you mean close\.timeout\?\n$/,
    ],
    [
      ['--set', 'stuckFor=2h'],
      /--set stuckFor=2h: stuckFor is an unknown field; did you mean force\.stuckFor\?/,
    ],
    [
      ['--set', 'close.batch=many'],
      /^jobsweep: --set close\.batch=many: expected a whole number.*got "many"\n$/,
    ],
    [['--set', 'close.timeout.most=5m'], /--set close\.timeout\.most=5m: expected a duration/],
    [['--set', 'close={"batch":1,"batch":2}'], /the key "batch" appears twice/],
    [
      ['--set', 'close.timeout'],
      /--set close\.timeout: expected a field and a value, for example close\.timeout=5m/,
    ],
    [['--set', '=5m'], /--set =5m: expected a field and a value/],
    [['--set', '__proto__.idleFor=1m'], /__proto__ is an unknown field/],
    [['--idle-for', '1d', '--set', 'idleFor=2d'], /--idle-for and --set idleFor=2d set the same field/],
    [
      ['-p', '{"idelFor": "48h"}'],
      /^jobsweep: -p, line 1, column 2: idelFor is an unknown field; did you mean idleFor\?\n$/,
    ],
    [
      ['--set', 'close={"batch": 1, "batch": 2}'],
      /^jobsweep: --set close=\{"batch": 1, "batch": 2\}, line 1, column 14: the key "batch" appears twice\n$/,
    ],
    [['-p', '{"idleFor": "48h"'], /-p, line 1, column 18: not valid JSON: expected }/],
    [
      ['-p', '{"detail-type": "Scheduled Event"}', '--idle-for', '1d'],
      /the payload is the event of a schedule/,
    ],
  ])(
    'the invalid flags %j are refused with a helpful message before the cluster receives a request',
    async (flags, says) => {
      await using setup = await startSetup(jobs);
      const result = await runOn(setup, ['sweep', '--yes', ...flags]);
      expect(result).toMatchObject({ exit: 2, stdout: '' });
      expect(result.stderr).toMatch(says);
      expect(setup.server.requests).toEqual([]);
    },
  );

  it('problems with flags are reported together with problems in the payload, each with its location', async () => {
    await using setup = await startSetup(jobs);
    const result = await runOn(setup, ['plan', '-p', '{"neverFed": "kep"}', '--idle-for', '1s']);
    expect(result.stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^jobsweep: --idle-for: expected a duration.*got "1s"$/),
      expect.stringMatching(/^-p, line 1, column 2: neverFed: expected one of/),
    ]);
  });

  it.each([
    [['--idle-for', '1d']],
    [['--set', 'force.max=0']],
    [['-p', '{}']],
    [['--dry-run']],
    [['--all-clusters']],
  ])('the flags %j are refused together with a saved plan', async (flags) => {
    await using setup = await startSetup(jobs);
    const result = await runOn(setup, ['sweep', '--yes', '--plan', 'plan.json', ...flags]);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toContain('--plan carries out exactly what the saved plan says, so ');
    expect(result.stderr).toContain(flags[0] as string);
  });
});

describe('the help', () => {
  it.each([
    ['plan', 'Cluster:', 'Output:', 'Request:', 'Sweep:'],
    ['sweep', 'Cluster:', 'Output:', 'Request:', 'Sweep:'],
    ['explain', 'Cluster:', 'Output:', 'Request:', 'Sweep:'],
    ['reopen', 'Cluster:', 'Output:', 'Reopen:'],
    ['advise', 'Advice:', 'Cluster:', 'Output:', 'Request:'],
    ['doctor', 'Cluster:', 'Doctor:', 'Output:', 'Request:'],
    ...['list', 'plan', 'apply', 'pause', 'resume', 'delete'].map((name) => [
      `schedules ${name}`,
      'Output:',
      'Schedules:',
    ]),
    ['simulate elasticsearch', 'Jobs:', 'Server:'],
    ['simulate scheduler', 'Server:'],
  ])('the help of %s groups the options and has at least two examples', async (name = '', ...groups) => {
    const { stdout } = await runCommand([...name.split(' '), '--help']);
    const [options = '', examples = ''] = stdout.split('\nExamples:\n');
    const headings = [...options.matchAll(/^(\w+:)$/gm)].map(([heading]) => heading);
    expect(headings.filter((heading) => heading !== 'Arguments:').sort()).toEqual(
      [...groups, 'Options:'].sort(),
    );
    const [, own = ''] = /^Options:\n((?: .*\n)*)/m.exec(options) ?? [];
    expect(own.match(/^ {2}-.*/gm)).toEqual([expect.stringMatching(/^ {2}-h, --help /)]);
    const lines = examples.match(/^ {2}\S.*/gm) ?? [];
    expect(lines.filter((line) => line.includes(`jobsweep ${name}`)).length).toBeGreaterThanOrEqual(2);
  });

  it('the help lists the environment variables for the connection, within the width of the terminal', async () => {
    const { stdout } = await runCommand(['--help'], { terminal: true, columns: 70 });
    const [, block = ''] = /\nEnvironment:\n(.*?)\n\n/s.exec(stdout) ?? [];
    const names = block.match(/^ {2}[A-Z]\S+/gm)?.map((name) => name.trim());
    expect(names).toEqual(Object.keys(connectionSettings));
    for (const line of block.split('\n').filter((each) => !each.includes('https://')))
      expect(line.length).toBeLessThanOrEqual(70);
    expect(block).toContain('docs/reference.md#settings');
  });
});
