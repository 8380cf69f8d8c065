import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTarget, type Target } from '../../../support/elasticsearch.ts';

const stream = 'logs-conformance.test-default';
const ndjson = { headers: { 'content-type': 'application/x-ndjson' } };

let target: Target;
beforeEach(async () => {
  target = await startTarget();
  await target.delete(`/_data_stream/${stream}`);
});
afterEach(async () => {
  await target.delete(`/_data_stream/${stream}`);
  await target[Symbol.asyncDispose]();
});

const bulk = (...actions: readonly (readonly [object, object])[]) =>
  target.post(
    `/${stream}/_bulk?refresh=true`,
    `${actions
      .flat()
      .map((line) => JSON.stringify(line))
      .join('\n')}\n`,
    ndjson,
  );

const at = (second: number) => ({ '@timestamp': `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z` });

describe('data streams', () => {
  it('a data stream for logs is created from the built-in template when its first document is written', async () => {
    const { status, body } = await bulk([{ create: { _id: 'a' } }, { ...at(1), n: 1 }]);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      errors: false,
      items: [{ create: { _id: 'a', status: 201, result: 'created' } }],
    });
    expect(body.items[0].create._index).toMatch(/^\.ds-logs-conformance\.test-default-.*-000001$/);
    const { body: listed } = await target.get(`/_data_stream/${stream}`);
    expect(listed.data_streams).toMatchObject([{ name: stream, generation: 1 }]);
  });

  it('data streams refuse a bulk item that repeats an id, has an action other than create, or has no @timestamp', async () => {
    await bulk([{ create: { _id: 'a' } }, at(1)]);
    const { status, body } = await bulk(
      [{ create: { _id: 'a' } }, at(1)],
      [{ index: { _id: 'b' } }, at(1)],
      [{ create: { _id: 'c' } }, { message: 'x' }],
      [{ create: { _id: 'd' } }, at(2)],
    );
    expect(status).toBe(200);
    expect(body.errors).toBe(true);
    const results = body.items.map((item: Record<string, { status: number; error?: { type: string } }>) => {
      const [result] = Object.values(item);
      return [result?.status, result?.error?.type];
    });
    expect(results).toEqual([
      [409, 'version_conflict_engine_exception'],
      [400, 'illegal_argument_exception'],
      [400, 'document_parsing_exception'],
      [201, undefined],
    ]);
  });

  it('data streams accept the id of an existing document again after a rollover', async () => {
    await bulk([{ create: { _id: 'a' } }, at(1)]);
    await target.post(`/${stream}/_rollover`);
    const { body } = await bulk([{ create: { _id: 'a' } }, at(1)]);
    expect(body.items[0].create.status).toBe(201);
  });

  it('a search of a data stream returns pages by search_after, with sorted dates as epoch milliseconds', async () => {
    await bulk(
      ...['a', 'b', 'c', 'd', 'e'].map(
        (id, index) => [{ create: { _id: id } }, { ...at(5 - index), name: id }] as const,
      ),
    );
    const page = async (after?: unknown) =>
      (
        await target.post(`/${stream}/_search`, {
          size: 2,
          sort: [{ '@timestamp': 'asc' }, { name: 'asc' }],
          query: { bool: { filter: [{ range: { '@timestamp': { gte: at(2)['@timestamp'] } } }] } },
          ...(after !== undefined && { search_after: after }),
        })
      ).body.hits.hits as { _id: string; sort: unknown[] }[];
    const first = await page();
    expect(first.map(({ _id }) => _id)).toEqual(['d', 'c']);
    expect(first[1]?.sort).toEqual([Date.parse('2026-01-01T00:00:03.000Z'), 'c']);
    expect((await page(first[1]?.sort)).map(({ _id }) => _id)).toEqual(['b', 'a']);
  });

  it('a search of a missing data stream is answered with 404, and a search of a pattern without a match finds no documents', async () => {
    const named = await target.post(`/${stream}/_search`, {});
    expect([named.status, named.type]).toEqual([404, 'index_not_found_exception']);
    const pattern = await target.post('/logs-conformance.nothing-*/_search', {});
    expect(pattern.body.hits.hits).toEqual([]);
  });
});
