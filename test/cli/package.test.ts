import { execFile } from 'node:child_process';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { shippedPackages } from '../../scripts/supply-chain/packages.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { root, runBin } from '../support/bin.ts';
import { newFolder } from '../support/folder.ts';

const npm = async (cwd: string, ...args: string[]) =>
  (await promisify(execFile)('npm', [...args, '--no-audit', '--no-fund'], { cwd })).stdout;

it('the package installs elsewhere without a network or a dependency, and sweeps from there', {
  timeout: 180_000,
}, async () => {
  await using folder = await newFolder();
  await npm(root, 'pack', '--pack-destination', folder.path);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const tarball = folder.at(`jobsweep-${version}.tgz`);
  const home = folder.at('elsewhere');
  await mkdir(home);
  await npm(home, 'install', '--offline', tarball);
  const installed = JSON.parse(await npm(home, 'ls', '--all', '--json')) as {
    dependencies: Record<string, { dependencies?: object }>;
  };
  expect(Object.keys(installed.dependencies)).toEqual(['jobsweep']);
  expect(installed.dependencies.jobsweep?.dependencies).toBeUndefined();
  // the tarball is downloaded by every `npx jobsweep`
  expect((await stat(tarball)).size).toBeLessThan(2_000_000);

  const script = join(home, 'node_modules', 'jobsweep', 'bin', 'jobsweep.js');
  expect(await runBin(['--version'], { script, cwd: home })).toMatchObject({
    exit: 0,
    stdout: `${version}\n`,
  });
  const { exit, stdout } = await runBin(['sweep', '--embedded', '--yes', '--wait', '-o', 'json'], {
    script,
    cwd: home,
  });
  expect(exit).toBe(0);
  expect((JSON.parse(stdout) as SweepReport).counts.closed).toBeGreaterThan(5);

  const licences = await readFile(
    join(home, 'node_modules', 'jobsweep', 'dist', 'THIRD-PARTY-LICENSES.txt'),
    'utf8',
  );
  const published = (await shippedPackages()).filter((each) => each.in.command !== undefined);
  expect(published.length).toBeGreaterThan(50);
  for (const { name, version, licence } of published)
    expect(licences).toContain(`${name} ${version}: ${licence}\n\n`);
});
