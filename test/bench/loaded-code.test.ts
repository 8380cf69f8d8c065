/** @module Tests which code the deployed function loads when it starts. `npm run bench` measures the loading time. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundle, bundle } from '../../bench/function/bundle.ts';

let folder = '';
let sweep: Bundle;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-loaded-'));
  sweep = await bundle('src/function/handler.ts', folder);
});
afterAll(() => rm(folder, { recursive: true }));

describe('the code that the deployed function loads', () => {
  it('the deployed function loads less than 240 kB of code when it starts, without undici, debugging helpers and AWS clients', () => {
    // The function currently loads 239 kB.
    expect(sweep.loadedBytes).toBeLessThan(240 * 1024);
    const parts = sweep.shares.map(([from]) => from);
    expect(parts).toContain('@elastic/transport');
    expect(
      parts.filter((from) =>
        /^@(aws-sdk|smithy)\/|^(undici|debug|hpagent|supports-color|apache-arrow)$/.test(from),
      ),
    ).toEqual([]);
    // the parts that are loaded only on demand take more than 200 kB
    expect(sweep.bytes).toBeGreaterThan(sweep.loadedBytes + 200 * 1024);
  });

  it('the deployed function starts without loading the Node modules that a sweep rarely or never uses', async () => {
    const tell = `
      const before = process.moduleLoadList.length;
      await import(process.argv[1]);
      console.log(process.moduleLoadList.slice(before).map((name) => name.replace(/^NativeModule /, '')).join());
    `;
    const args = ['--input-type=module', '--eval', tell, sweep.file];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const loaded = new Set(stdout.trim().split(','));
    expect(loaded).toContain('https');
    // an `import` of node:http would load undici, which takes 20 ms; the other modules take 1 to 7 ms each
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
