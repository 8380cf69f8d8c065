import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../simulator/index.ts';
import { ReportStreams, type Stored } from '../../src/elasticsearch/report-streams.ts';
import type { StreamDocument } from '../../src/sweep/reporting/stream-documents.ts';
import { bulkRequests, documentsIn } from '../support/streams.ts';
import { type SweepSetup, startSetup } from '../support/sweep-setup.ts';

const stream = 'logs-jobsweep.job-default';

const documents = (count: number, fields: object = {}): StreamDocument[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `c:s:job-${index}`,
    source: {
      '@timestamp': '2026-01-01T00:00:00.000Z',
      jobsweep: { job: { id: `job-${index}` } },
      ...fields,
    },
  }));

async function store(
  setup: SweepSetup,
  given: readonly StreamDocument[],
  { limitMs = 30_000, apiKey = '' } = {},
): Promise<Stored> {
  const connection = { address: { url: setup.server.url }, ...(apiKey && { credentials: { apiKey } }) };
  await using streams = new ReportStreams(connection, setup.clock, undefined);
  return await streams.store(stream, given, { total: given.length, limitMs });
}

/** A cluster with one key that has these privileges on the data streams. */
const secured = (...privileges: string[]): Fleet => ({
  users: [{ username: 'owner', password: 'unused', cluster: ['all'] }],
  apiKeys: [
    {
      id: 'key',
      key: 'text',
      owner: 'owner',
      cluster: [],
      ...(privileges.length > 0 && { index: [{ names: ['logs-jobsweep.*-*'], privileges }] }),
    },
  ],
});
const apiKey = Buffer.from('key:text').toString('base64');

describe('documents of a report', () => {
  it('documents of a report are sent in bodies of at most 500 documents and about a megabyte', async () => {
    await using setup = await startSetup([]);
    expect(await store(setup, documents(1_200))).toEqual({ created: 1_200, existed: 0 });
    const requests = bulkRequests(setup);
    expect(requests.map(({ body }) => body.split('\n').length - 1)).toEqual([1_000, 1_000, 400]);
    await using other = await startSetup([]);
    await store(other, documents(400, { message: 'x'.repeat(20_000) }));
    const sizes = bulkRequests(other).map(({ body }) => body.length);
    expect(sizes.length).toBeGreaterThan(7);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000_000);
  });

  it('documents of a report that already exist count as stored, and nothing is written twice', async () => {
    await using setup = await startSetup([]);
    await store(setup, documents(3));
    expect(await store(setup, documents(5))).toEqual({ created: 2, existed: 3 });
    expect(documentsIn(setup, 'job')).toHaveLength(5);
  });

  it('documents of a report that are sent again after a rollover are stored twice, because ids are unique only within a backing index', async () => {
    await using setup = await startSetup([]);
    await store(setup, documents(3));
    await fetch(`${setup.server.url}/${stream}/_rollover`, { method: 'POST' });
    expect(await store(setup, documents(3))).toEqual({ created: 3, existed: 0 });
    expect(documentsIn(setup, 'job')).toHaveLength(6);
  });

  it('documents of a report that do not fit the mapping are skipped, the reason is reported, and the others are stored', async () => {
    await using setup = await startSetup([]);
    const [first, second, third] = documents(3);
    if (!first || !second || !third) throw new Error('no documents');
    const { created, problem } = await store(setup, [
      first,
      { ...second, source: { message: 'no time' } },
      third,
    ]);
    expect(created).toBe(2);
    expect(problem).toMatch(
      /^1 of 3 documents could not be written to logs-jobsweep\.job-default: 400 document_parsing_exception: .*@timestamp\] is missing \(c:s:job-1\)$/,
    );
  });

  it('if a full queue rejects some documents of a report, only the rejected ones are sent again, after a pause', async () => {
    await using setup = await startSetup([]);
    setup.cluster.cluster.streams.create(stream, setup.clock.now());
    setup.cluster.cluster.streams.rejectNext(4);
    const begun = setup.clock.now();
    expect(await store(setup, documents(10))).toEqual({ created: 10, existed: 0 });
    expect(bulkRequests(setup).map(({ body }) => (body.split('\n').length - 1) / 2)).toEqual([10, 4]);
    expect(setup.clock.now() - begun).toBeGreaterThanOrEqual(500);
  });

  it('documents of a report are not sent again after the fourth rejection, and the problem is reported', async () => {
    await using setup = await startSetup([]);
    setup.cluster.cluster.streams.create(stream, setup.clock.now());
    setup.cluster.cluster.streams.rejectNext(1_000);
    const { created, problem } = await store(setup, documents(10));
    expect(created).toBe(0);
    expect(problem).toContain('10 of 10 documents');
    expect(problem).toContain('429 es_rejected_execution_exception');
    expect(bulkRequests(setup)).toHaveLength(4);
  });

  it('if a busy cluster requests a wait that fits the time left, documents of a report are sent again after that wait', async () => {
    await using setup = await startSetup([]);
    const busy = (seconds: string) =>
      setup.server.faults.add({
        api: 'bulk',
        status: 429,
        type: 'circuit_breaking_exception',
        reason: 'Data too large',
        headers: { 'retry-after': seconds },
      });
    busy('5');
    const begun = setup.clock.now();
    expect(await store(setup, documents(2))).toEqual({ created: 2, existed: 0 });
    expect(setup.clock.now() - begun).toBeGreaterThanOrEqual(5_000);
    busy('600');
    const before = setup.clock.now();
    const { problem } = await store(setup, documents(4));
    expect(problem).toContain('429 circuit_breaking_exception');
    expect(setup.clock.now() - before).toBeLessThan(1_000);
  });

  it('documents of a report are sent in smaller bodies if a proxy refuses large ones with 413', async () => {
    await using setup = await startSetup([]);
    setup.server.faults.add({
      api: 'bulk',
      status: 413,
      body: '<h1>Request Entity Too Large</h1>',
      times: 3,
    });
    expect(await store(setup, documents(8))).toEqual({ created: 8, existed: 0 });
    expect(bulkRequests(setup).map(({ body }) => (body.split('\n').length - 1) / 2)).toEqual([
      8, 4, 2, 1, 1, 2, 4,
    ]);
  });

  it('documents of a report are stored only once even if the answer to their request is lost', async () => {
    await using setup = await startSetup([]);
    setup.server.faults.add({ api: 'bulk', reset: 'after' });
    expect(await store(setup, documents(3))).toEqual({ created: 0, existed: 3 });
    expect(documentsIn(setup, 'job')).toHaveLength(3);
  });

  it('documents of a report that the cluster moves to its failure store are reported as missing', async () => {
    await using setup = await startSetup([]);
    setup.server.faults.add({
      api: 'bulk',
      status: 200,
      body: { errors: false, items: [{ create: { status: 201, failure_store: 'used' } }] },
    });
    expect((await store(setup, documents(1))).problem).toContain('failure store');
  });

  it.each([
    [
      'a key without any right on the streams',
      secured(),
      '403 security_exception: action [indices:data/write/bulk] is unauthorized',
    ],
    [
      'a key that may add documents but not create a data stream',
      secured('create_doc'),
      '403 security_exception: action [indices:admin/auto_create]',
    ],
    [
      'a cluster that creates no index by itself and has no template',
      {
        settings: { 'stack.templates.enabled': 'false', 'action.auto_create_index': 'false' },
        ...secured('all'),
      },
      '404 index_not_found_exception: no such index [logs-jobsweep.job-default] and [action.auto_create_index]',
    ],
    ['a wrong key', { ...secured('all'), apiKeys: [] }, '401 security_exception'],
  ])(
    'with %s, documents of a report are not written, and the reported problem includes the reason',
    async (_what, fleet, why) => {
      await using setup = await startSetup([], fleet);
      const { created, problem } = await store(setup, documents(3), { apiKey });
      expect(created).toBe(0);
      expect(problem).toContain(why);
      // Only one request is sent, because a second one would be refused as well.
      expect(bulkRequests(setup)).toHaveLength(1);
    },
  );

  it('documents of a report are stored with only the privileges auto_configure and create_doc', async () => {
    await using setup = await startSetup([], secured('auto_configure', 'create_doc'));
    expect(await store(setup, documents(3), { apiKey })).toEqual({ created: 3, existed: 0 });
  });

  it.each([
    ['blocked', { 'index.blocks.write': true }, '_settings', '403 cluster_block_exception'],
    ['closed', undefined, '_close', '400 index_closed_exception: closed'],
  ])(
    'documents of a report are reported as missing if the backing index is %s',
    async (_what, body, call, why) => {
      await using setup = await startSetup([]);
      await store(setup, documents(1));
      await fetch(`${setup.server.url}/${stream}/${call}`, {
        method: call === '_settings' ? 'PUT' : 'POST',
        headers: { 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      });
      const { created, problem } = await store(setup, documents(4));
      expect(created).toBe(0);
      expect(problem).toContain(why);
    },
  );

  it('a problem with the documents of a report shows no credential, even if a gateway’s page repeats the credential', async () => {
    await using setup = await startSetup([], secured('all'));
    setup.server.faults.add({
      api: 'bulk',
      status: 403,
      body: `<h1>refused: ApiKey ${apiKey}</h1>`,
      times: 9,
    });
    const { problem } = await store(setup, documents(1), { apiKey });
    expect(problem).toContain('refused');
    expect(problem).not.toContain(apiKey);
  });
});
