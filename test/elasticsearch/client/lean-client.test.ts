/**
 * @module Tests that the deployed bundle leaves out parts of the official client, and that it needs none of these
 * parts.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { createGunzip, gzipSync } from 'node:zlib';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaledClock } from '../../../simulator/clock.ts';
import { startElasticsearch } from '../../../simulator/elasticsearch/index.ts';

const root = path.join(import.meta.dirname, '../../..');
const require = createRequire(import.meta.url);
const plugins = require('../../../src/elasticsearch/client/lean-client.cjs') as Plugin[];

const everything =
  "export { Client, CloudConnectionPool, errors } from '@elastic/elasticsearch'; export * from './src/elasticsearch/client/node-connection.ts';";

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-lean-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Bundles a module with the text `contents` in the same way as the function, and loads the result. */
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

type Client = typeof import('@elastic/elasticsearch');
type Connections = typeof import('../../../src/elasticsearch/client/node-connection.ts');

describe('the lean client', () => {
  it('the lean client reads from a cluster, and rejects with a ResponseError if the cluster answers with an error', async () => {
    await using server = await startElasticsearch({
      clock: scaledClock(),
      fleet: { jobs: [{ jobId: 'a' }] },
    });
    const { loaded } = await bundled<Client & Connections>(everything);
    const client = new loaded.Client({
      node: server.url,
      Connection: loaded.NodeConnection,
      ConnectionPool: loaded.CloudConnectionPool,
      maxRetries: 0,
    });
    const stats = await client.transport.request({ method: 'GET', path: '/_ml/anomaly_detectors/a/_stats' });
    expect(stats).toMatchObject({ count: 1, jobs: [{ job_id: 'a', state: 'opened' }] });
    const missing = client.transport.request({ method: 'GET', path: '/_ml/anomaly_detectors/b/_stats' });
    await expect(missing).rejects.toBeInstanceOf(loaded.errors.ResponseError);
    await client.close();
  });

  it('the lean client compresses requests and decompresses answers, as Elastic Cloud needs', async () => {
    const server = createServer((request, response) => {
      const sent = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
      response.setHeader('x-elastic-product', 'Elasticsearch').setHeader('content-type', 'application/json');
      response.setHeader('content-encoding', 'gzip');
      const takes = request.headers['accept-encoding'];
      void text(sent).then((sentBody) => response.end(gzipSync(JSON.stringify({ sentBody, takes }))));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const { loaded } = await bundled<Client & Connections>(everything);
      const client = new loaded.Client({
        node: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        Connection: loaded.NodeConnection,
        ConnectionPool: loaded.CloudConnectionPool,
        compression: true,
      });
      const answer = await client.transport.request({ method: 'POST', path: '/', body: { a: 1 } });
      expect(answer).toEqual({ sentBody: '{"a":1}', takes: 'gzip,deflate' });
      await client.close();
    } finally {
      server.close();
    }
  });

  it('if a caller uses a part that the lean client leaves out, the error says that the part was left out of the bundle', async () => {
    const { loaded } = await bundled<Client>(everything);
    expect(() => new loaded.Client({ node: 'http://127.0.0.1:9' })).toThrow('left out of the bundle');
  });

  it('the lean client is less than a tenth as large as the full client', async () => {
    const contents = "export { Client } from '@elastic/elasticsearch';";
    const lean = await bundled(contents);
    const whole = await bundled(contents, {});
    expect(lean.bytes).toBeLessThan(whole.bytes / 10);
  });
});
