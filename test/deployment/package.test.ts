/** @module Tests `npm run package`, which builds the package for deployments without the Serverless Framework. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { scaledClock } from '../../simulator/clock.ts';
import { defaultFleet, startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import { root } from '../support/bin.ts';
import { newFolder } from '../support/folder.ts';
import { type ListedPackage, listedPackages } from '../support/licences.ts';
import { packageService } from '../support/packaged.ts';
import { expectSweepOf } from './event-sweeps.ts';
import { startFunction } from './runtime-api.ts';

const run = promisify(execFile);

/** Runs the packaging script of a checkout. */
const packageFrom = (checkout: string, out: string, environment: Readonly<Record<string, string>> = {}) =>
  run(process.execPath, ['scripts/package.ts', '--out', out], {
    cwd: checkout,
    env: { ...process.env, ...environment },
  });

let folder: Awaited<ReturnType<typeof newFolder>>;
let zip: Buffer;
let files: Readonly<Record<string, Uint8Array>>;
let within: ListedPackage[];

beforeAll(async () => {
  folder = await newFolder();
  await packageFrom(root, folder.at('first'));
  zip = await readFile(folder.at('first/function.zip'));
  files = unzipSync(zip);
  within = listedPackages('function');
}, 120_000);
afterAll(() => folder[Symbol.asyncDispose]());

/** The packages that the packaging script itself uses. */
const tools = ['esbuild', '@esbuild', 'fflate'];

/** Copies the files to a second checkout, at another depth and with its own packages. */
async function otherCheckout(): Promise<string> {
  const checkout = folder.at('a/deeper/checkout');
  await mkdir(checkout, { recursive: true });
  const parts = ['src', 'simulator', 'scripts', 'LICENSE', 'package.json', 'package-lock.json'];
  await run('cp', ['-r', ...parts, checkout], { cwd: root });
  // only the packages that are needed, because linking and deleting all 55,000 files takes more than a second
  const needed = new Set([...within.map(({ name }) => name), ...tools]);
  const scopes = Map.groupBy(needed, (name) => path.dirname(name));
  for (const [scope, names] of scopes) {
    const to = path.join(checkout, 'node_modules', scope);
    await mkdir(to, { recursive: true });
    const packages = names.map((name) => path.join(root, 'node_modules', name));
    // hard links are fast, but impossible between two disks, so the fallback copies the files
    await run('cp', ['-al', ...packages, to]).catch(() => run('cp', ['-a', ...packages, to]));
  }
  return checkout;
}

async function filesBelow(where: string): Promise<Record<string, Uint8Array>> {
  const found = await readdir(where, { recursive: true, withFileTypes: true });
  const names = found.filter((each) => each.isFile()).map((each) => path.join(each.parentPath, each.name));
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [path.relative(where, name), await readFile(name)] as const)),
  );
}

/** The entries of a zip in their order, with the fields that could differ between machines. */
function centralDirectory(zip: Buffer) {
  const entries: { name: string; mode: number; time: number; date: number }[] = [];
  let at = zip.readUInt32LE(zip.length - 22 + 16);
  while (zip.readUInt32LE(at) === 0x02014b50) {
    const nameLength = zip.readUInt16LE(at + 28);
    entries.push({
      name: zip.toString('utf8', at + 46, at + 46 + nameLength),
      mode: zip.readUInt16LE(at + 40),
      time: zip.readUInt16LE(at + 12),
      date: zip.readUInt16LE(at + 14),
    });
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return entries;
}

/** The names and texts of the files, without the hashes that esbuild derives from paths. */
const withoutHashes = (given: Readonly<Record<string, Uint8Array>>) => {
  const plain = (text: string) => text.replaceAll(/-[0-9A-Z]{8}\.mjs/g, '.mjs');
  return Object.entries(given)
    .filter(([name]) => name.startsWith('src/'))
    .map(([name, bytes]) => `${plain(name)}\n${plain(Buffer.from(bytes).toString())}`)
    .sort();
};

describe('npm run package', () => {
  it('`npm run package` writes the same bytes in every checkout, time zone and locale', async () => {
    const checkout = await otherCheckout();
    await packageFrom(checkout, folder.at('second'), { TZ: 'Pacific/Apia', LC_ALL: 'tr_TR.UTF-8' });
    for (const name of ['function.zip', 'function.zip.sha256', 'function.cdx.json'])
      expect(
        (await readFile(folder.at(`second/${name}`))).equals(await readFile(folder.at(`first/${name}`))),
        name,
      ).toBe(true);
  }, 120_000);

  it('`npm run package` writes the checksum in the format of sha256sum', async () => {
    const digest = createHash('sha256').update(zip).digest('hex');
    expect(await readFile(folder.at('first/function.zip.sha256'), 'utf8')).toBe(`${digest}  function.zip\n`);
    expect((await run('sha256sum', ['-c', 'function.zip.sha256'], { cwd: folder.at('first') })).stdout).toBe(
      'function.zip: OK\n',
    );
  });

  it('the function’s zip stores its files sorted by name, readable by every user, with the earliest date that a zip can store', async () => {
    const entries = centralDirectory(zip);
    expect(entries.map(({ name }) => name)).toEqual(Object.keys(files).sort());
    for (const { mode, time, date } of entries)
      expect({ mode, time, date }).toEqual({ mode: 0o100644, time: 0, date: (1 << 5) + 1 });
  });

  it('the zip of `npm run package` contains the same files as the zip that the framework deploys', async () => {
    const packaged = await packageService();
    expect(withoutHashes(files)).toEqual(withoutHashes(await filesBelow(packaged.task)));
  }, 120_000);

  it('the framework deploys the zip that JOBSWEEP_FUNCTION_ZIP names, instead of building a zip', async () => {
    // with arguments, packageService() sets JOBSWEEP_FUNCTION_ZIP to the zip that was built without arguments
    const [built, given] = await Promise.all([packageService(), packageService(['--stage', 'prod'])]);
    expect((await readFile(given.zip)).equals(await readFile(built.zip))).toBe(true);
  }, 120_000);

  it('the function’s zip contains the licences of all packages that are built into it', () => {
    const texts = Buffer.from(files['THIRD-PARTY-LICENSES.txt'] ?? []).toString();
    expect(within.length).toBeGreaterThan(30);
    for (const { name, version, licence } of within)
      expect(texts).toContain(`${name} ${version}: ${licence}\n\n`);
    expect(Buffer.from(files.LICENSE ?? []).toString()).toContain('Apache License');
  });

  it('the function in the zip of `npm run package` sweeps if it is started as Lambda starts it', async () => {
    const task = folder.at('task');
    for (const [name, bytes] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(task, name)), { recursive: true });
      await writeFile(path.join(task, name), bytes);
    }
    const { functions } = parse(await readFile(path.join(root, 'serverless.yml'), 'utf8')) as {
      functions: { sweep: { handler: string } };
    };
    const clock = scaledClock(200);
    await using elasticsearch = await startElasticsearch({ clock, fleet: defaultFleet(clock.now()) });
    await using running = await startFunction({
      task,
      handler: functions.sweep.handler,
      functionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:jobsweep',
      environment: { AWS_REGION: 'eu-central-1', ELASTICSEARCH_URL: elasticsearch.url },
    });
    const event = await readFile(path.join(root, 'events/nightly.json'), 'utf8');
    const { error, result } = await running.invoke(event);
    expect(error).toBeUndefined();
    expectSweepOf('nightly.json', result as Parameters<typeof expectSweepOf>[1]);
  });
});

describe('the bill of materials', () => {
  it('the bill of materials lists each package with its version and licence, and has the checksum of the zip', async () => {
    const bill = JSON.parse(await readFile(folder.at('first/function.cdx.json'), 'utf8')) as {
      metadata: { component: { hashes: unknown } };
      components: { purl: string; licenses: { license: { id: string } }[] }[];
      dependencies: { dependsOn: string[] }[];
    };
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 });
    expect(bill.metadata.component.hashes).toEqual([
      { alg: 'SHA-256', content: createHash('sha256').update(zip).digest('hex') },
    ]);
    const listed = bill.components.map(
      ({ purl, licenses }) => `${decodeURIComponent(purl)} ${licenses[0]?.license.id}`,
    );
    expect(listed).toEqual(
      within.map(({ name, version, licence }) => `pkg:npm/${name}@${version} ${licence}`),
    );
    expect(new Set(listed).size).toBe(listed.length);
    expect(bill.dependencies[0]?.dependsOn.map(decodeURIComponent)).toEqual(
      within.filter(({ isImported }) => isImported).map(({ name, version }) => `pkg:npm/${name}@${version}`),
    );
  });
});
