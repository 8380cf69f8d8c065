/** @module Budgets of the cold start, as ratios measured in the same run: what a machine is slow at, it is slow at for all. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StartBundles, startBundles } from '../../bench/function/contenders.ts';
import { minLoads } from '../../bench/function/load.ts';

let folder = '';
let bundles: StartBundles;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-start-'));
  bundles = await startBundles(folder);
});
afterAll(() => rm(folder, { recursive: true }));

describe('loading the deployed function', () => {
  it('takes at most 0.6 times the time of the unmodified client, and of 40 empty handlers', {
    timeout: 120_000,
  }, async () => {
    const { empty, client, sweep } = bundles;
    const files = { empty: empty.file, client: client.file, sweep: sweep.file };
    // Measured: 0.42 to 0.52, and 21 to 26; the client as it comes makes it 1.2. Smaller weights are held by what is
    // loaded, below. Other work on the machine only adds to a process, so what is over the budget is measured again.
    let loads = await minLoads(files, 6);
    const over = () =>
      loads.sweep.cpuMs / loads.client.cpuMs >= 0.6 || loads.sweep.cpuMs / loads.empty.cpuMs >= 40;
    for (let more = 0; over() && more < 4; more += 1) loads = await minLoads(files, 8, loads);
    expect(loads.sweep.cpuMs / loads.client.cpuMs).toBeLessThan(0.6);
    expect(loads.sweep.cpuMs / loads.empty.cpuMs).toBeLessThan(40);
  });

  it('loads less than 240 kB, without undici, debugging helpers and AWS clients', () => {
    // 239 kB today: the loop with places, follow-ups for the rest, the clock check, and the words for what fronts answer.
    expect(bundles.sweep.loadedBytes).toBeLessThan(240 * 1024);
    const parts = bundles.sweep.shares.map(([from]) => from);
    expect(parts).toContain('@elastic/transport');
    expect(
      parts.filter((from) =>
        /^@(aws-sdk|smithy)\/|^(undici|debug|hpagent|supports-color|apache-arrow)$/.test(from),
      ),
    ).toEqual([]);
    // they are there all the same, for the sweeps that need them
    expect(bundles.sweep.bytes).toBeGreaterThan(bundles.sweep.loadedBytes + 200 * 1024);
  });

  it('loads no Node module that few or no sweeps use', async () => {
    const tell = `
      const before = process.moduleLoadList.length;
      await import(process.argv[1]);
      console.log(process.moduleLoadList.slice(before).map((name) => name.replace(/^NativeModule /, '')).join());
    `;
    const args = ['--input-type=module', '--eval', tell, bundles.sweep.file];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const loaded = new Set(stdout.trim().split(','));
    expect(loaded).toContain('https');
    // the second is what an `import` of node:http reads, 20 ms; the others take 1 to 7 each
    const needless = [
      'http2',
      'internal/deps/undici/undici',
      'zlib',
      'assert',
      'worker_threads',
      'fs/promises',
    ];
    expect(needless.filter((name) => loaded.has(name))).toEqual([]);
  });
});
