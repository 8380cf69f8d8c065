/**
 * @module Tests the container image of the command: the Dockerfile, the files in the image, and the command run as the
 * image's user.
 */
import { once } from 'node:events';
import { chmodSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { scaledClock } from '../../simulator/clock.ts';
import { type FleetJob, startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { root } from '../support/bin.ts';
import { type Folder, newFolder } from '../support/folder.ts';
import {
  buildImage,
  canRun,
  complete,
  contextNames,
  dockerfile,
  type Image,
  startContainer,
  userOf,
} from './image.ts';

let folder: Folder;
let image: Image;
beforeAll(async () => {
  folder = await newFolder();
  chmodSync(folder.path, 0o755);
  image = buildImage(folder);
}, 120_000);
afterAll(() => folder[Symbol.asyncDispose]());

const listed = (files: string) =>
  globSync('**/*', { cwd: files, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => path.relative(files, path.join(each.parentPath, each.name)));

describe('the Dockerfile', () => {
  it('the Dockerfile names both base images as arguments, so that a digest can replace a tag', () => {
    const froms = dockerfile.getFROMs().map((from) => from.getArgumentsContent()?.replaceAll(/[${}]/g, ''));
    expect(froms).toEqual(['BUILD_IMAGE AS build', 'RUN_IMAGE']);
    const args = dockerfile.getInitialARGs().map((arg) => arg.getProperty()?.getName());
    expect(args).toEqual(['BUILD_IMAGE', 'RUN_IMAGE']);
  });

  it('the Dockerfile starts one process without a shell, as a numeric user that is not root', () => {
    expect(userOf()).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    const [entrypoint, ...more] = dockerfile.getENTRYPOINTs();
    expect(more).toEqual([]);
    expect(entrypoint?.getArgumentsContent()).toMatch(/^\[/);
    expect(image.entrypoint).toEqual(['/nodejs/bin/node', '/app/dist/jobsweep.js']);
  });

  it('the base images of the Dockerfile have the Node version that the project pins', () => {
    const [build = '', run = ''] = dockerfile
      .getInitialARGs()
      .map((arg) => arg.getProperty()?.getValue() ?? '');
    const major = readFileSync(path.join(root, '.nvmrc'), 'utf8').trim();
    expect(build).toMatch(new RegExp(`^node:${major}-`));
    expect(run).toContain(`nodejs${major}-`);
  });

  it('the Dockerfile has the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      version: string;
    };
    const versions = dockerfile.getARGs().filter((arg) => arg.getProperty()?.getName() === 'VERSION');
    expect(versions.map((arg) => arg.getProperty()?.getValue())).toEqual([version]);
  });

  it('the build context of the image contains no secret, no node_modules and no git history', () => {
    for (const name of ['.git', '.env', 'node_modules', 'dist', 'reports'])
      expect(contextNames()).not.toContain(name);
  });
});

describe('the container image', () => {
  it('the container image contains only the bundle, package.json and the licences', () => {
    const files = listed(image.files);
    expect(files).toEqual(
      expect.arrayContaining([
        'app/LICENSE',
        'app/package.json',
        'app/dist/jobsweep.js',
        'app/dist/THIRD-PARTY-LICENSES.txt',
      ]),
    );
    for (const file of files)
      expect(file).toMatch(/^app\/(LICENSE|package\.json|dist\/([\w-]+\.js|THIRD-PARTY-LICENSES\.txt))$/);
  });
});

const idle: readonly FleetJob[] = Array.from({ length: 4 }, (_, index) => ({
  jobId: `idle-${index}`,
  lastData: '5d',
  closeTakes: '50ms',
}));
const busy: readonly FleetJob[] = Array.from({ length: 8 }, (_, index) => ({
  jobId: `busy-${index}`,
  lastData: '1m',
}));

/** Starts the image's command against a cluster, and collects what it writes. */
function start(url: string, args: readonly string[]) {
  const child = startContainer(image, args, { ELASTICSEARCH_URL: url });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (part: Buffer) => {
      output[name] += part.toString();
    });
  const ended = once(child, 'close').then(([exit]) => ({ exit: exit as number | null, ...output }));
  return { child, ended };
}

// Only root can run a command as another user in another root directory (chroot). Without root, these tests are
// skipped.
describe.skipIf(!canRun)('the command of the container image, on a read-only file system', () => {
  beforeAll(() => complete(image));

  it('the container sweeps, prints its report, changes no file, and exits with 0', async () => {
    const clock = scaledClock();
    await using elasticsearch = await startElasticsearch({ clock, fleet: { jobs: [...busy, ...idle] } });
    const before = listed(image.files);
    const { exit, stdout, stderr } = await start(elasticsearch.url, [
      'sweep',
      '--yes',
      '--wait',
      '-o',
      'json',
    ]).ended;
    expect(exit, stderr).toBe(0);
    expect((JSON.parse(stdout) as SweepReport).counts).toMatchObject({ idle: 4, closed: 4, kept: 8 });
    expect(listed(image.files)).toEqual(before);
  });

  it('the container exits with 5 if the cluster cannot be reached, and with 2 for an invalid request', async () => {
    expect((await start('http://127.0.0.1:9', ['plan', '--deadline', '2s']).ended).exit).toBe(5);
    expect((await start('http://127.0.0.1:9', ['plan', '--set', 'idelFor=1h']).ended).exit).toBe(2);
  });

  it('the container prints its report and exits with 3 if it receives SIGTERM in the middle of a sweep', async () => {
    const clock = scaledClock();
    const slow = idle.map((job) => ({ ...job, closeTakes: '10m' }));
    await using elasticsearch = await startElasticsearch({ clock, fleet: { jobs: [...busy, ...slow] } });
    const { child, ended } = start(elasticsearch.url, [
      'sweep',
      '--yes',
      '--wait',
      '-o',
      'json',
      '--set',
      'close.perNode=1',
    ]);
    await vi.waitFor(
      () => expect(elasticsearch.requests.map(({ path }) => path).join()).toContain('/_close'),
      { timeout: 20_000 },
    );
    expect(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).toBe('');
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\t65532\t65532/m);
    const sent = performance.now();
    child.kill('SIGTERM');
    const { exit, stdout, stderr } = await ended;
    expect(exit, stderr).toBe(3);
    expect(performance.now() - sent).toBeLessThan(11_000);
    const report = JSON.parse(stdout) as SweepReport;
    expect(report.status).toBe('partial');
    expect(report.counts.closing + report.counts.notAttempted).toBe(4);
    expect(report.jobs.map(({ notAttemptedBecause }) => notAttemptedBecause)).toContain('signal');
  });
});
