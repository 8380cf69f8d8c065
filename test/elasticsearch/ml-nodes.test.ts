import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import type { Stack } from '../../simulator/elasticsearch/versions.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { readMlNodes } from '../../src/elasticsearch/ml-nodes.ts';
import { type Exchange, serve } from '../support/scripted-server.ts';

const mb = 2 ** 20;
const never = new AbortController().signal;

/** The result of `readMlNodes` on a server whose answers come from `respond`. */
async function readFrom(respond: (exchange: Exchange) => void) {
  await using server = await serve(respond);
  return await readMlNodes({ address: { url: server.url } }, systemClock, never);
}

const entry = (ml: object = {}, more: object = {}) => ({
  roles: ['ml', 'remote_cluster_client'],
  mem: {
    ml: {
      max_in_bytes: 600 * mb,
      native_code_overhead_in_bytes: 30 * mb,
      anomaly_detectors_in_bytes: 200 * mb,
      data_frame_analytics_in_bytes: 0,
      native_inference_in_bytes: 0,
      ...ml,
    },
  },
  jvm: { java_inference_in_bytes: 0 },
  ...more,
});
const answer = (...entries: object[]) => ({
  _nodes: { failed: 0 },
  nodes: Object.fromEntries(entries.entries()),
});
const own = { maxBytes: 600 * mb, jobBytes: 200 * mb, isShared: false };

describe('the memory of the ML nodes', () => {
  it.each<Stack>(['8.19', '9.2'])(
    'the memory of ML nodes on %s can be read with only the privilege monitor_ml',
    async (stack) => {
      using clock = new VirtualClock();
      const server = await startElasticsearch({
        clock,
        stack,
        fleet: {
          nodes: [{ name: 'ml-0' }, { name: 'ml-1' }],
          jobs: [{ jobId: 'a', node: 'ml-1', lastData: '1h', modelBytes: '100mb' }],
          apiKeys: [{ id: 'reader', key: 'the-key', owner: 'owner', cluster: ['monitor_ml'] }],
        },
      });
      try {
        const connection = {
          address: { url: server.url },
          credentials: { apiKey: Buffer.from('reader:the-key').toString('base64') },
        };
        const nodes = await readMlNodes(connection, systemClock, never);
        expect(nodes).toEqual([
          { maxBytes: expect.any(Number), jobBytes: 0, isShared: false },
          { maxBytes: expect.any(Number), jobBytes: 110 * mb, isShared: false },
        ]);
        expect(server.requests).toHaveLength(1);
      } finally {
        await server.stop();
      }
    },
  );

  it('the memory of ML nodes is unknown on 7.17', async () => {
    using clock = new VirtualClock();
    const server = await startElasticsearch({ clock, stack: '7.17', fleet: {} });
    try {
      expect(await readMlNodes({ address: { url: server.url } }, systemClock, never)).toBeUndefined();
    } finally {
      await server.stop();
    }
  });

  it('the memory of ML nodes does not include nodes without machine learning', async () => {
    const data = entry({ max_in_bytes: 0, anomaly_detectors_in_bytes: 0 }, { roles: ['data'] });
    expect(await readFrom(({ json }) => json(answer(entry(), data)))).toEqual([own]);
  });

  it.each<[string, object]>([
    ['data frame analytics', entry({ data_frame_analytics_in_bytes: 1 })],
    ['a native model', entry({ native_inference_in_bytes: 1 })],
    ['a model in the JVM', entry({}, { jvm: { java_inference_in_bytes: 1 } })],
    ['something unknown', entry({ data_frame_analytics_in_bytes: undefined })],
    ['data', entry({}, { roles: ['ml', 'data_hot'] })],
  ])('an ML node is marked as shared if it also holds %s', async (_what, node) => {
    expect(await readFrom(({ json }) => json(answer(node)))).toEqual([{ ...own, isShared: true }]);
  });

  it.each<[string, (exchange: Exchange) => void]>([
    ['refuses the request', ({ json }) => json({ error: { type: 'security_exception' } }, 403)],
    [
      'does not have this API, as on serverless',
      ({ json }) => json({ error: { type: 'api_not_available_exception' } }, 410),
    ],
    [
      'is a gateway that answers with a page',
      ({ raw }) => raw('<html>', 200, { 'content-type': 'text/html' }),
    ],
    ['leaves out a node', ({ json }) => json({ ...answer(entry()), _nodes: { failed: 1 } })],
    [
      'leaves out the size of a node',
      ({ json }) => json(answer(entry(), entry({ max_in_bytes: undefined }))),
    ],
    ['leaves out the roles of a node', ({ json }) => json(answer(entry({}, { roles: undefined })))],
    ['answers with an empty object', ({ json }) => json({})],
  ])('the memory of ML nodes is unknown if the server %s', async (_what, respond) => {
    expect(await readFrom(respond)).toBeUndefined();
  });

  it('the memory of ML nodes is unknown after five seconds without an answer', async () => {
    using clock = new VirtualClock();
    let asked = () => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    await using server = await serve(() => asked());
    const reading = readMlNodes({ address: { url: server.url } }, clock, never);
    await isAsked;
    await clock.advance(5_000);
    expect(await reading).toBeUndefined();
  });
});
