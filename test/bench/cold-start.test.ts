/** @module Budgets of the cold start, as ratios measured in the same run: what a machine is slow at, it is slow at for all. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StartBundles, startBundles } from '../../bench/function/contenders.ts';
import { leastLoads } from '../../bench/function/load.ts';

let folder = '';
let bundles: StartBundles;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-start-'));
  bundles = await startBundles(folder);
});
afterAll(() => rm(folder, { recursive: true }));

describe('loading the deployed function', () => {
  it('takes no longer than loading the official client alone as it comes, and 75 empty handlers', {
    timeout: 120_000,
  }, async () => {
    const { empty, client, sweep } = bundles;
    const loads = await leastLoads({ empty: empty.file, client: client.file, sweep: sweep.file }, 7);
    // measured: 0.76 and 34 to 41; the rest is for the noise of a busy machine
    expect(loads.sweep.cpuMs / loads.client.cpuMs).toBeLessThan(1);
    expect(loads.sweep.cpuMs / loads.empty.cpuMs).toBeLessThan(75);
  });

  it('loads less than 600 kB, and nothing of the AWS clients', () => {
    expect(bundles.sweep.loadedBytes).toBeLessThan(600 * 1024);
    const parts = bundles.sweep.shares.map(([from]) => from);
    expect(parts).toContain('undici');
    expect(parts.filter((from) => /^@(aws-sdk|smithy)\//.test(from))).toEqual([]);
    // they are there all the same, for the sweeps that need them
    expect(bundles.sweep.bytes).toBeGreaterThan(bundles.sweep.loadedBytes + 200 * 1024);
  });
});
