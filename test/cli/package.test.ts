import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaledClock } from '../../simulator/clock.ts';
import { defaultFleet, startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import type { Advice } from '../../src/sweep/advising/advise.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { awsEnvironment, startEvents, startSns, topicArn } from '../support/aws-messages.ts';
import { root, runBin } from '../support/bin.ts';
import { newFolder } from '../support/folder.ts';
import { listedPackages } from '../support/licences.ts';
import { blocks, page } from '../support/markdown.ts';
import { sized } from '../support/nightly.ts';

const run = promisify(execFile);
const npm = async (cwd: string, ...args: string[]) =>
  (await run('npm', [...args, '--no-audit', '--no-fund'], { cwd })).stdout;

describe('the packed tarball, installed in an empty folder without a network', () => {
  let folder: Awaited<ReturnType<typeof newFolder>>;
  let home: string;
  let tarball: string;
  let version: string;

  beforeAll(async () => {
    folder = await newFolder();
    await npm(root, 'pack', '--pack-destination', folder.path);
    ({ version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string });
    tarball = folder.at(`jobsweep-${version}.tgz`);
    home = folder.at('elsewhere');
    await mkdir(home);
    await npm(home, 'install', '--offline', tarball);
  }, 120_000);

  afterAll(() => folder[Symbol.asyncDispose]());

  it('the packed tarball needs no dependency, is smaller than 2 MB, and contains the licences of the bundled packages', async () => {
    // npm's own list of what it installed
    const list = await readFile(join(home, 'node_modules/.package-lock.json'), 'utf8');
    const { packages } = JSON.parse(list) as { packages: Record<string, { dependencies?: object }> };
    expect(Object.keys(packages)).toEqual(['node_modules/jobsweep']);
    expect(packages['node_modules/jobsweep']?.dependencies).toBeUndefined();
    // `npx jobsweep` downloads the tarball every time
    expect((await stat(tarball)).size).toBeLessThan(2_000_000);
    const licences = await readFile(
      join(home, 'node_modules', 'jobsweep', 'dist', 'THIRD-PARTY-LICENSES.txt'),
      'utf8',
    );
    const published = listedPackages('command');
    expect(published.length).toBeGreaterThan(50);
    for (const { name, version, licence } of published)
      expect(licences).toContain(`${name} ${version}: ${licence}\n\n`);
  });

  it('the packed command sweeps the embedded cluster', async () => {
    const script = join(home, 'node_modules', 'jobsweep', 'bin', 'jobsweep.js');
    expect(await runBin(['--version'], { script, cwd: home })).toMatchObject({
      exit: 0,
      stdout: `${version}\n`,
    });
    // without the job whose close takes eight seconds
    const args = [
      'sweep',
      '--embedded',
      '--yes',
      '--wait',
      '--exclude',
      'web-sessions-archive',
      '-o',
      'json',
    ];
    const { exit, stdout } = await runBin(args, { script, cwd: home });
    expect(exit).toBe(0);
    expect((JSON.parse(stdout) as SweepReport).counts.closed).toBeGreaterThan(5);
  });

  it('the packed command writes advice on the embedded cluster as an HTML page with charts', async () => {
    const script = join(home, 'node_modules', 'jobsweep', 'bin', 'jobsweep.js');
    // on a push, only HTML is tried, because it loads the largest part of the bundle
    for (const form of sized({ push: ['html'], nightly: ['json', 'html'] })) {
      const { exit, stdout } = await runBin(['advise', '--embedded', '-o', form], { script, cwd: home });
      expect(exit).toBe(0);
      if (form === 'html') expect(stdout.match(/<svg /g)).toHaveLength(4);
      else expect((JSON.parse(stdout) as Advice).jobs.judged).toBeGreaterThan(5);
    }
  });

  it('the packed command sends notifications to an SNS topic and an event bus with the bundled AWS clients', async () => {
    await using sns = await startSns();
    await using bus = await startEvents();
    await using elasticsearch = await startElasticsearch({
      clock: scaledClock(),
      fleet: {
        jobs: [
          { jobId: 'idle', lastData: '9d', closeTakes: '50ms' },
          { jobId: 'busy', lastData: '1m' },
        ],
      },
    });
    const { exit, stderr } = await runBin(['sweep', '--yes', '-o', 'json'], {
      script: join(home, 'node_modules', 'jobsweep', 'bin', 'jobsweep.js'),
      cwd: home,
      env: {
        ...awsEnvironment(sns.url, bus.url),
        ELASTICSEARCH_URL: elasticsearch.url,
        JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: topicArn,
        JOBSWEEP_NOTIFY_EVENT_BUS: 'default',
      },
    });
    expect(exit, stderr).toBe(0);
    expect(stderr).not.toContain('notification failed');
    expect(sns.published).toHaveLength(1);
    expect(bus.entries).toHaveLength(1);
  });

  it('with the packed library, the example in docs/library.md makes a plan and changes nothing', async () => {
    const [example = ''] = blocks(page('docs/library.md'), 'ts');
    const program = join(home, 'plan.mts');
    await writeFile(program, example);
    await using elasticsearch = await startElasticsearch({
      clock: scaledClock(),
      fleet: defaultFleet(Date.now()),
    });
    const { stdout } = await run(process.execPath, [program], {
      cwd: home,
      env: { PATH: process.env.PATH, ELASTICSEARCH_URL: elasticsearch.url },
    });
    const lines = stdout.trim().split('\n');
    expect(lines).toContain('web-search-terms: close, idle');
    expect(lines.at(-1)).toMatch(/^\d+ of \d+ open jobs are idle$/);
    expect(elasticsearch.requests.length).toBeGreaterThan(3);
    expect(elasticsearch.requests.filter(({ path }) => path.includes('_close'))).toEqual([]);
  });

  it('the packed library has type declarations that compile in strict mode without any other package', async () => {
    const [example = ''] = blocks(page('docs/library.md'), 'ts');
    await writeFile(
      join(home, 'types.mts'),
      `${example}
const payload: RequestPayload = { idleFor: '48h', force: { stuckFor: null } };
const idleFor: number = parseRequest(payload).request.idleFor;
const reason: 'idle' | string = report.jobs[0]?.reason ?? String(idleFor);
// @ts-expect-error a payload names known fields only
const wrong: RequestPayload = { idleFro: '48h' };
// @ts-expect-error the report has no such count
report.counts.nothing;
export { reason, wrong };
import type { RequestPayload } from 'jobsweep';
`,
    );
    await writeFile(
      join(home, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          skipLibCheck: false,
          target: 'es2024',
          lib: ['es2024', 'esnext.disposable'],
          module: 'nodenext',
          typeRoots: [join(root, 'node_modules/@types')],
          types: ['node'],
        },
        files: ['types.mts'],
      }),
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, '-p', home]).catch((error: { stdout?: string }) => {
      throw new Error(error.stdout);
    });
  });
});
