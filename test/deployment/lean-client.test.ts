/** @module What the deployed bundle leaves out of the official client, and that nothing it needs is among it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaledClock } from '../../src/simulator/clock.ts';
import { startElasticsearch } from '../../src/simulator/elasticsearch/index.ts';

const root = path.join(import.meta.dirname, '../..');
const require = createRequire(import.meta.url);
const plugins = require('../../deploy/lean-client.cjs') as Plugin[];

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-lean-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Bundles a module's text as the function is, and loads it. */
async function bundled<T>(
  contents: string,
  changes: BuildOptions = { plugins },
): Promise<{ loaded: T; bytes: number }> {
  const outfile = path.join(folder, `${Math.random()}.mjs`);
  const { metafile } = await build({
    stdin: { contents, resolveDir: root },
    outfile,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    metafile: true,
    ...changes,
  });
  const bytes = Object.values(metafile?.outputs ?? {}).reduce((sum, output) => sum + output.bytes, 0);
  return { loaded: (await import(outfile)) as T, bytes };
}

describe('the lean client', () => {
  it('has all that the client’s connection takes from undici', async () => {
    const connection = path.join(root, 'node_modules/@elastic/transport/esm/connection/UndiciConnection.js');
    const taken = /import \{([^}]*)\} from 'undici'/.exec(await readFile(connection, 'utf8'))?.[1] ?? '';
    const names = new Set(taken.split(',').flatMap((name) => name.trim() || []));
    expect(names.size).toBeGreaterThan(0);
    const { loaded } = await bundled<{ undici: Record<string, unknown> }>(
      "import undici from 'undici'; export { undici };",
    );
    for (const name of names) expect(loaded.undici[name], name).toBeTypeOf('function');
  });

  it('speaks to a cluster, and knows its errors', async () => {
    await using server = await startElasticsearch({
      clock: scaledClock(),
      fleet: { jobs: [{ jobId: 'a' }] },
    });
    const { loaded } = await bundled<typeof import('@elastic/elasticsearch')>(
      "export { Client, errors } from '@elastic/elasticsearch';",
    );
    const client = new loaded.Client({ node: server.url, maxRetries: 0 });
    const stats = await client.transport.request({ method: 'GET', path: '/_ml/anomaly_detectors/a/_stats' });
    expect(stats).toMatchObject({ count: 1, jobs: [{ job_id: 'a', state: 'opened' }] });
    const missing = client.transport.request({ method: 'GET', path: '/_ml/anomaly_detectors/b/_stats' });
    await expect(missing).rejects.toBeInstanceOf(loaded.errors.ResponseError);
    await client.close();
  });

  it('is less than half as large', async () => {
    const contents = "export { Client } from '@elastic/elasticsearch';";
    const lean = await bundled(contents);
    const whole = await bundled(contents, {});
    expect(lean.bytes).toBeLessThan(whole.bytes / 2);
  });
});
