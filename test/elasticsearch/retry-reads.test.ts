import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { trackHttp } from '../../simulator/track-http.ts';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import { addressHash } from '../../src/elasticsearch/connection.ts';
import { answersFor, configOf, respondWith, statsOf } from '../support/ml-answers.ts';
import { type Exchange, productHeaders, serve } from '../support/scripted-server.ts';

const healthy = answersFor([{ config: configOf('job-a'), stats: statsOf('job-a') }]);
const minute = 60_000;

/** Starts a cluster whose answers the test decides, and records the simulated time of each request. */
async function withServer<T>(
  respond: (exchange: Exchange, clock: VirtualClock) => void | Promise<void>,
  act: (setup: {
    cluster: ElasticsearchCluster;
    clock: VirtualClock;
    /** The time of each request, in milliseconds since the start. */
    times: number[];
  }) => Promise<T>,
): Promise<T> {
  using clock = new VirtualClock();
  using _tracked = trackHttp(clock);
  const began = clock.now();
  const times: number[] = [];
  await using server = await serve((exchange) => {
    times.push(clock.now() - began);
    return respond(exchange, clock);
  });
  await using cluster = new ElasticsearchCluster({ address: { url: server.url } }, clock);
  return await act({ cluster, clock, times });
}

/** Waits on the simulated clock until the client disconnects. */
const untilGone = ({ request, response }: Exchange, clock: VirtualClock) =>
  clock.parked(request.socket.remotePort, new Promise<void>((resolve) => response.once('close', resolve)));

const unwell = ({ json }: Exchange, headers?: Record<string, string>) =>
  json(
    { error: { type: 'search_phase_execution_exception', reason: 'all shards failed' }, status: 503 },
    503,
    headers,
  );

const never = () => new AbortController().signal;

describe('a read', () => {
  it.each<[string, (exchange: Exchange, clock: VirtualClock) => void | Promise<void>]>([
    ['503', (exchange) => unwell(exchange)],
    ['500', ({ json }) => json({ error: { type: 'x', reason: 'y' } }, 500)],
    ['429', ({ json }) => json({ error: { type: 'x', reason: 'y' } }, 429)],
    ["a gateway's 502", ({ raw }) => raw('<html>', 502)],
    ['a reset connection', ({ request }) => request.socket.resetAndDestroy()],
    [
      'half an answer',
      ({ response, request }) => {
        response.writeHead(200, { ...productHeaders, 'content-length': '5000' });
        response.write('{"count":1,"jobs":[{"job_id":"jo', () => request.socket.destroy());
      },
    ],
    [
      'half an answer that claims to be whole',
      ({ raw }) => raw('{"count":1,"jobs":[{"job_id":"jo', 200, productHeaders),
    ],
    ['an answer that is not JSON', ({ raw }) => raw('{"count":NaN}', 200, productHeaders)],
    ['a listing with a part missing', ({ json }) => json({ ...healthy.stats, count: 2 })],
  ])(
    'a read is retried after %s, up to four tries in total with doubling pauses, and the last try may succeed',
    async (_what, fault) => {
      await withServer(
        (exchange, clock) => (exchange.index < 3 ? fault(exchange, clock) : respondWith(healthy, exchange)),
        async ({ cluster, times }) => {
          expect(await cluster.jobStats(never())).toMatchObject([{ jobId: 'job-a' }]);
          expect(times).toEqual([0, 500, 1_500, 3_500]);
        },
      );
      await withServer(fault, async ({ cluster, times }) => {
        await expect(cluster.jobStats(never())).rejects.toMatchObject({ exitCode: 5 });
        expect(times).toHaveLength(4);
      });
    },
  );

  it.each([400, 401, 403, 404, 405, 406, 410, 413])(
    'a read that is refused with %i is not tried again',
    async (status) => {
      await withServer(
        ({ json }) => json({ error: { type: 'x', reason: 'no' }, status }, status),
        async ({ cluster, times }) => {
          await expect(cluster.jobStats(never())).rejects.toMatchObject({ exitCode: 5 });
          expect(times).toEqual([0]);
        },
      );
    },
  );

  it.each([
    ['seconds', { 'retry-after': '20' }, [0, 20_000, 40_000, 60_000]],
    ['zero seconds, which does not shorten the pause', { 'retry-after': '0' }, [0, 500, 1_500, 3_500]],
    [
      'a date, by the server’s clock',
      { date: 'Mon, 01 Jan 2001 00:00:00 GMT', 'retry-after': 'Mon, 01 Jan 2001 00:00:10 GMT' },
      [0, 10_000, 20_000, 30_000],
    ],
    ['something unreadable', { 'retry-after': 'soon' }, [0, 500, 1_500, 3_500]],
  ])(
    'a read pauses as long as Retry-After requests, and at least as long as by default: %s',
    async (_what, headers, expected) => {
      await withServer(
        (exchange) => unwell(exchange, headers),
        async ({ cluster, times }) => {
          await expect(cluster.jobStats(never())).rejects.toMatchObject({ name: 'UnreadableInventoryError' });
          expect(times).toEqual(expected);
        },
      );
    },
  );

  it('a read waits as long as the server requests if enough time is left, and otherwise fails at once', async () => {
    const notices: string[] = [];
    const notice = (message: string) => notices.push(message);
    await withServer(
      (exchange) => unwell(exchange, { 'retry-after': '20' }),
      async ({ cluster, clock, times }) => {
        const reading = (ms: number) => {
          cluster.limitReads({ until: clock.now() + ms, notice });
          return cluster.jobStats(never());
        };
        await expect(reading(20_999)).rejects.toMatchObject({
          name: 'UnreadableInventoryError',
          message: expect.stringMatching(/HTTP 503 .*all shards failed\), and asks to wait 20s;/),
        });
        expect(times).toEqual([0]);
        expect(notices).toEqual([]);
        await expect(reading(45_000)).rejects.toMatchObject({ exitCode: 5 });
        expect(times).toEqual([0, 0, 20_000, 40_000]);
        expect(notices).toEqual(
          Array.from(
            { length: 2 },
            () => 'the cluster answers HTTP 503 (all shards failed); trying again in 20s',
          ),
        );
      },
    );
  });

  it('reads without an answer for five seconds cause one notice, and reads that take four seconds cause none', async () => {
    const notices: string[] = [];
    const slow = async (exchange: Exchange, clock: VirtualClock) => {
      if (exchange.index < 2) return untilGone(exchange, clock);
      await clock.parked(exchange.request.socket.remotePort, clock.sleep(4_000));
      return respondWith(healthy, exchange);
    };
    await withServer(slow, async ({ cluster, clock }) => {
      cluster.limitReads({ until: clock.now() + 900_000, notice: (message) => notices.push(message) });
      await Promise.all([cluster.jobStats(never()), cluster.jobStats(never())]);
      expect(notices).toEqual([
        'the cluster has not answered GET /_ml/anomaly_detectors/_stats for 5s; waiting up to 25s more',
      ]);
    });
  });

  it('concurrent reads cause only one notice if they wait long before a retry, and none if they wait briefly', async () => {
    const notices: string[] = [];
    await withServer(
      (exchange) =>
        exchange.index < 3
          ? unwell(exchange, { 'retry-after': '20' })
          : exchange.index < 6
            ? unwell(exchange)
            : respondWith(healthy, exchange),
      async ({ cluster, clock }) => {
        cluster.limitReads({ until: clock.now() + 900_000, notice: (message) => notices.push(message) });
        await Promise.all([
          cluster.jobStats(never()),
          cluster.jobConfigs(never()),
          cluster.datafeedStats(never()),
        ]);
        expect(notices).toEqual(['the cluster answers HTTP 503 (all shards failed); trying again in 20s']);
      },
    );
  });

  it.each<[string, (exchange: Exchange, clock: VirtualClock) => Promise<void>]>([
    ['never answers', untilGone],
    [
      'sends headers and then nothing',
      (exchange, clock) => {
        exchange.response.writeHead(200, productHeaders).flushHeaders();
        return untilGone(exchange, clock);
      },
    ],
    [
      'sends a byte a second',
      async (exchange, clock) => {
        const { response, request } = exchange;
        response.writeHead(200, productHeaders).flushHeaders();
        const bytes = JSON.stringify(healthy.stats);
        for (let at = 0; at < bytes.length && !response.closed; at += 1) {
          response.write(bytes[at]);
          await clock.parked(request.socket.remotePort, clock.sleep(1_000));
        }
      },
    ],
  ])('a read from a server that %s is cancelled after 30 seconds and retried', async (_what, stall) => {
    await withServer(
      (exchange, clock) => (exchange.index === 0 ? stall(exchange, clock) : respondWith(healthy, exchange)),
      async ({ cluster, times }) => {
        expect(await cluster.jobStats(never())).toHaveLength(1);
        expect(times).toEqual([0, 30_500]);
      },
    );
    await withServer(stall, async ({ cluster, times }) => {
      await expect(cluster.jobStats(never())).rejects.toMatchObject({
        name: 'ClusterUnreachableError',
        message: expect.stringContaining('no whole answer within 30 s'),
      });
      expect(times).toHaveLength(4);
    });
  });

  it.each<[string, (exchange: Exchange, clock: VirtualClock) => void | Promise<void>, RegExp]>([
    [
      'while it waits for an answer',
      untilGone,
      /did not answer GET \/_ml\/anomaly_detectors\/_stats within 7 s; nothing was closed\. Check ELASTICSEARCH_URL and the network/,
    ],
    [
      'while it waits for the rest of an answer',
      (exchange, clock) => {
        exchange.response.writeHead(200, productHeaders).flushHeaders();
        return untilGone(exchange, clock);
      },
      /did not answer .* within 7 s/,
    ],
    [
      'while it waits before the next try',
      (exchange) => unwell(exchange, { 'retry-after': '600' }),
      /could not answer .*HTTP 503.*, and no time was left to try again; nothing was closed/,
    ],
  ])(
    'if the caller aborts a read %s, the read ends at once, and the error says what happened until then',
    async (_when, fault, message) => {
      await withServer(fault, async ({ cluster, clock, times }) => {
        using limit = clock.limit(7_000);
        const began = clock.now();
        await expect(cluster.jobStats(limit.signal)).rejects.toMatchObject({
          exitCode: 5,
          message: expect.stringMatching(message),
        });
        expect(clock.now() - began).toBe(7_000);
        expect(times).toHaveLength(1);
      });
    },
  );

  it('a read ends when its cluster object is disposed, which closes the connections', async () => {
    const gone = Promise.withResolvers<void>();
    const requested = Promise.withResolvers<void>();
    await withServer(
      ({ request }) => {
        request.socket.once('close', () => gone.resolve());
        requested.resolve();
      },
      async ({ cluster, times }) => {
        const read = expect(cluster.jobStats(never())).rejects.toMatchObject({ exitCode: 5 });
        await requested.promise;
        await cluster[Symbol.asyncDispose]();
        await Promise.all([read, gone.promise]);
        expect(times).toHaveLength(1);
      },
    );
  });

  it('a read sends no request if its signal is already aborted', async () => {
    await withServer(
      (exchange) => respondWith(healthy, exchange),
      async ({ cluster, times }) => {
        await expect(cluster.jobStats(AbortSignal.abort())).rejects.toMatchObject({ exitCode: 5 });
        expect(times).toEqual([]);
      },
    );
  });

  it('a read that gets no answer does not abort the caller’s signal', async () => {
    await withServer(untilGone, async ({ cluster }) => {
      const controller = new AbortController();
      await expect(cluster.jobStats(controller.signal)).rejects.toMatchObject({ exitCode: 5 });
      expect(controller.signal.aborted).toBe(false);
    });
  });

  it('a read refuses an answer that is far larger than any cluster sends, without reading the answer’s body', async () => {
    await withServer(
      ({ response }) => {
        response.writeHead(200, { ...productHeaders, 'content-length': '200000000' });
        response.write('{');
      },
      async ({ cluster }) => {
        await expect(cluster.jobStats(never())).rejects.toMatchObject({
          name: 'UnreadableInventoryError',
          message: expect.stringContaining('far larger than expected'),
        });
      },
    );
  });

  it('if a read fails after a close was sent, the error does not claim that nothing was closed', async () => {
    await withServer(
      (exchange) => (exchange.method === 'POST' ? exchange.json({ closed: true }) : unwell(exchange)),
      async ({ cluster, clock }) => {
        await cluster.close(['job-a' as never], {
          force: false,
          timeoutMs: minute,
          signal: clock.limit(minute).signal,
        });
        const error = await cluster.jobStats(never()).catch((thrown: unknown) => thrown);
        expect((error as Error).message).not.toContain('nothing was closed');
      },
    );
  });
});

describe('reads that the key does not permit or the server does not support', () => {
  const answering =
    (key: 'root' | 'info' | 'privileges', answer: (exchange: Exchange) => void) => (exchange: Exchange) => {
      const path = { root: '/', info: '/_ml/info', privileges: '/_security/user/_has_privileges' }[key];
      return exchange.path === path ? answer(exchange) : respondWith(healthy, exchange);
    };
  const refused =
    (status: number) =>
    ({ json }: Exchange) =>
      json({ error: { type: 'x', reason: 'no' }, status }, status);
  const credentials = { apiKey: Buffer.from('id:key').toString('base64') };

  async function readOptional<T>(
    respond: (exchange: Exchange) => void,
    act: (cluster: ElasticsearchCluster) => Promise<T>,
  ) {
    using clock = new VirtualClock();
    using _tracked = trackHttp(clock);
    await using server = await serve(respond);
    await using cluster = new ElasticsearchCluster({ address: { url: server.url }, credentials }, clock);
    return await act(cluster);
  }

  it('the cluster is identified by the uuid and the version that GET / returns', async () => {
    expect(
      await readOptional(
        (exchange) => respondWith(healthy, exchange),
        (cluster) => cluster.identify(never()),
      ),
    ).toEqual({
      id: 'AbCdEfGhIjKlMnOpQrStUv',
      version: '9.2.1',
    });
  });

  it.each<[string, (exchange: Exchange) => void]>([
    ['403', refused(403)],
    ['404', refused(404)],
    ['500', refused(500)],
    ["a gateway's page", ({ raw }) => raw('<html>', 403)],
    ['a welcome page', ({ raw }) => raw('<html>', 200)],
    ['an empty body', ({ json }) => json({ cluster_uuid: 7, version: '9.2.1' })],
    ['no uuid yet', ({ json }) => json({ cluster_uuid: '_na_' })],
    [
      'an overlong uuid',
      ({ json }) => json({ cluster_uuid: 'x'.repeat(10_000), version: { number: 'x'.repeat(10_000) } }),
    ],
  ])('the cluster is identified by a hash of its address if GET / answers %s', async (_what, answer) => {
    const identity = await readOptional(answering('root', answer), (cluster) => cluster.identify(never()));
    expect(identity).toEqual({ id: expect.stringMatching(/^[\w-]{22}$/), version: null });
  });

  it('the id and the version of the cluster are returned without control characters', async () => {
    const identity = await readOptional(
      answering('root', ({ json }) =>
        json({ cluster_uuid: 'a\u001b[2J', version: { number: '9\u001b[2J' } }),
      ),
      (cluster) => cluster.identify(never()),
    );
    expect(identity).toEqual({ id: 'a\\u{1b}[2J', version: '9\\u{1b}[2J' });
  });

  it('the hash of the address is made only from the parts that identify the cluster', () => {
    const hash = (url: string) => addressHash({ address: { url } });
    expect(hash('https://es:9200')).toBe(hash('https://ES:9200/'));
    expect(hash('https://es')).toBe(hash('https://es:443'));
    expect(hash('https://es:9200')).not.toBe(hash('https://es:9201'));
    expect(hash('https://es:9200/a')).not.toBe(hash('https://es:9200/b'));
    const cloud = (inside: string) =>
      addressHash({ address: { cloudId: `prod:${Buffer.from(inside).toString('base64')}` } });
    expect(cloud('eu.example.test$one')).not.toBe(cloud('eu.example.test$two'));
  });

  it.each([
    [true, true],
    [false, false],
  ])('the upgrade mode is read: %s', async (upgrade_mode, expected) => {
    const mode = await readOptional(
      answering('info', ({ json }) => json({ upgrade_mode })),
      (cluster) => cluster.upgradeMode(never()),
    );
    expect(mode).toBe(expected);
  });

  it.each([400, 404, 405, 410])(
    'the upgrade mode is returned as undefined if the server lacks the API to read it and answers %i',
    async (status) => {
      expect(
        await readOptional(answering('info', refused(status)), (cluster) => cluster.upgradeMode(never())),
      ).toBeUndefined();
    },
  );

  it.each<[string, (exchange: Exchange) => void]>([
    ['"true", as a text', ({ json }) => json({ upgrade_mode: 'true' })],
    ['null', ({ json }) => json({ upgrade_mode: null })],
    ['nothing', ({ json }) => json({})],
    ['500', refused(500)],
    ['403', refused(403)],
    ["a gateway's 404", ({ raw }) => raw('<html>', 404)],
  ])(
    'if the answer about upgrade mode is %s, the read fails, because upgrade mode may be on',
    async (_what, answer) => {
      await expect(
        readOptional(answering('info', answer), (cluster) => cluster.upgradeMode(never())),
      ).rejects.toMatchObject({
        exitCode: 5,
      });
    },
  );

  it.each<[string, (exchange: Exchange) => void, boolean | undefined]>([
    ['granted', ({ json }) => json({ cluster: { manage_ml: true } }), true],
    ['not granted', ({ json }) => json({ cluster: { manage_ml: false } }), false],
    ['not reported', ({ json }) => json({ cluster: { manage_ml: 'yes' } }), undefined],
    ['a server without security', refused(405), undefined],
    ['a server with security off', refused(500), undefined],
  ])('the privilege to close jobs is read: %s', async (_what, answer, expected) => {
    const withPrivileges = answering('privileges', answer);
    expect(await readOptional(withPrivileges, (cluster) => cluster.mayClose(never()))).toBe(expected);
  });

  it('the privileges are read with a single request in plain JSON, and only if credentials are configured', async () => {
    using clock = new VirtualClock();
    await using server = await serve((exchange) => respondWith(healthy, exchange));
    await using open = new ElasticsearchCluster({ address: { url: server.url } }, clock);
    expect(await open.mayClose(never())).toBeUndefined();
    expect(server.requests).toEqual([]);
    await using entered = new ElasticsearchCluster({ address: { url: server.url }, credentials }, clock);
    expect(await entered.mayClose(never())).toBe(true);
    expect(server.requests).toHaveLength(1);
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({ cluster: ['manage_ml'] });
    expect(server.requests[0]?.headers['content-type']).toBe('application/json');
  });

  it('the read of the privileges is not retried if the server has security off', async () => {
    let requestCount = 0;
    const off = answering('privileges', (exchange) => {
      requestCount += 1;
      refused(500)(exchange);
    });
    await readOptional(off, (cluster) => cluster.mayClose(never()));
    expect(requestCount).toBe(1);
  });

  it('an optional read fails if its signal is already aborted', async () => {
    const healthyServer = (exchange: Exchange) => respondWith(healthy, exchange);
    await expect(
      readOptional(healthyServer, (cluster) => cluster.identify(AbortSignal.abort())),
    ).rejects.toMatchObject({ name: 'ClusterUnreachableError' });
  });

  it('an optional read fails if the cluster refuses the credentials', async () => {
    const wrong = answering('root', refused(401));
    await expect(readOptional(wrong, (cluster) => cluster.identify(never()))).rejects.toMatchObject({
      name: 'AccessDeniedError',
    });
  });
});

describe('warnings from the server', () => {
  it('each warning from the server is reported once, in the server’s words', async () => {
    const hash = 'Elasticsearch-7.17.29-580aff1a0064ce4c93293aaab6fcc55e22c10d1c';
    await withServer(
      ({ json }) =>
        json({ count: 0 }, 200, {
          warning: `299 ${hash} "Deprecated field [a], use \\"b\\" instead", 299 ${hash} "this, too", 199 proxy "not this"`,
        }),
      async ({ cluster }) => {
        await cluster.jobStats(never());
        await cluster.jobStats(never());
        expect(cluster.warnings()).toEqual([
          'the cluster warns: Deprecated field [a], use "b" instead',
          'the cluster warns: this, too',
        ]);
      },
    );
  });
});
