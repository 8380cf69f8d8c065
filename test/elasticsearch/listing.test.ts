import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnreadableEntriesError } from '../../src/base/errors.ts';
import {
  chunks,
  missingIds,
  mostListed,
  type Named,
  readAll,
  readByIds,
  type Source,
} from '../../src/elasticsearch/listing.ts';
import { sized } from '../support/nightly.ts';

/**
 * A server that lists ids in the given order, at most `mostListed` in an answer, and matches ids and groups like
 * Elasticsearch.
 */
class Server implements Source<string> {
  readonly expressions: string[] = [];
  readonly #ids: readonly string[];
  readonly #groups: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(ids: readonly string[], groups: Readonly<Record<string, readonly string[]>> = {}) {
    this.#ids = ids;
    this.#groups = new Map(Object.entries(groups).map(([name, members]) => [name, new Set(members)]));
  }

  idOf(id: string): string {
    return id;
  }

  async matching(expression: string | undefined): Promise<string[]> {
    this.expressions.push(expression ?? '');
    const prefixes = (expression ?? '*').split(',').map((token) => token.replace(/\*$/, ''));
    const fits = (name: string) => prefixes.some((prefix) => name.startsWith(prefix));
    const groups = [...this.#groups].filter(([name]) => fits(name)).map(([, members]) => members);
    return this.#ids
      .filter((id) => fits(id) || groups.some((members) => members.has(id)))
      .slice(0, mostListed);
  }

  async called(name: string): Promise<readonly string[]> {
    const answer = await this.named([name]);
    return 'entries' in answer ? answer.entries : [];
  }

  async named(names: readonly string[]): Promise<Named<string>> {
    this.expressions.push(names.join(','));
    const missing = names.filter((name) => !this.#ids.includes(name) && !this.#groups.has(name));
    if (missing.length > 0) return { missing };
    const entries = this.#ids.filter(
      (id) => names.includes(id) || names.some((name) => this.#groups.get(name)?.has(id)),
    );
    return { entries: entries.slice(0, mostListed) };
  }
}

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(6, '0')}`);

const readSorted = async (server: Server) => (await readAll(server)).sort();

describe('a whole listing', () => {
  it('a whole listing of fewer than 10,000 entries takes one request', async () => {
    const server = new Server(numbered('job-', 9_999));
    expect(await readAll(server)).toHaveLength(9_999);
    expect(server.expressions).toEqual(['']);
  });

  it.each(sized({ push: [10_000, 12_000], nightly: [10_000, 12_000, 31_000] }))(
    'a listing of %i jobs whose ids share a prefix is read in parts, with no job missing or listed twice',
    async (count) => {
      const ids = numbered('job-', count);
      const server = new Server(ids);
      expect(await readSorted(server)).toEqual(ids);
      expect(server.expressions.length).toBeLessThan(45);
    },
  );

  it('a listing of ids that share one or two prefixes reads at most about two entries per id', async () => {
    const entriesRead = async (ids: readonly string[]) => {
      const server = new Server(ids);
      let read = 0;
      const matching = server.matching.bind(server);
      server.matching = async (expression) => {
        const entries = await matching(expression);
        read += entries.length;
        return entries;
      };
      expect(await readSorted(server)).toEqual(ids);
      return read;
    };
    const teams = Array.from({ length: 10_000 }, (_, index) => `team-${index % 40}-latency-${index}`).sort();
    expect(await entriesRead(teams)).toBeLessThan(21_000);
    const ids = [...numbered('alpha-service-', 9_500), ...numbered('beta-service-', 9_500)];
    expect(await entriesRead(ids)).toBeLessThan(41_000);
  });

  it('a listing of 26,000 ids takes fewer than 12 requests if 1,000 ids begin with each letter', async () => {
    const ids = 'abcdefghijklmnopqrstuvwxyz'.split('').flatMap((letter) => numbered(`${letter}-`, 1_000));
    const server = new Server(ids);
    expect(await readSorted(server)).toEqual(ids);
    expect(server.expressions.length).toBeLessThan(12);
  });

  it('a listing is complete, whichever entries the server leaves out of an answer that reached its size limit', async () => {
    const ids = numbered('job-', 12_000);
    expect(await readSorted(new Server(ids.toReversed()))).toEqual(ids);
  });

  it('a listing in parts includes a job whose id is exactly the prefix of a part', async () => {
    const ids = ['j', 'jo', ...numbered('job', 11_000)].sort();
    expect(await readSorted(new Server(ids))).toEqual(ids);
    // in reverse order, `j` and `jo` come last, so every answer that reaches the limit leaves them out
    expect(await readSorted(new Server(ids.toReversed()))).toEqual(ids);
  });

  it('a listing in parts is complete even if prefixes also match the name of a group with more than 10,000 jobs', async () => {
    const ids = [...numbered('a-', 6_000), ...numbered('b-', 6_000)];
    expect(await readSorted(new Server(ids, { prod: ids }))).toEqual(ids);
  });

  it('a listing in parts is complete even if a prefix is also the name of a group with 6,000 jobs', async () => {
    const ids = [...numbered('a-', 6_000), ...numbered('bb-', 6_000)];
    expect(await readSorted(new Server(ids, { b: ids }))).toEqual(ids);
  });

  it('a listing requests no part whose prefix is too long for a request line', async () => {
    const server = new Server([]);
    const ids = numbered('x'.repeat(58), mostListed);
    server.matching = async (expression = '*') => {
      server.expressions.push(expression);
      return 'x'.repeat(58).startsWith(expression.slice(0, -1)) ? ids : [];
    };
    await readAll(server);
    expect(
      Math.max(...server.expressions.map((expression) => encodeURIComponent(expression).length)),
    ).toBeLessThan(3_000);
  });

  it('if one answer lists an id twice, the listing keeps both entries', async () => {
    const ids = numbered('job-', 10_100);
    expect(await readSorted(new Server([...ids, 'zz', 'zz']))).toEqual([...ids, 'zz', 'zz']);
  });
});

describe('reading by ids', () => {
  it('after a 404 that names missing ids, a read by ids reads the other ids', async () => {
    const server = new Server(['a', 'c']);
    expect((await readByIds(server, ['a', 'b', 'c', 'd'])).sort()).toEqual(['a', 'c']);
    expect(server.expressions).toEqual(['a,b,c,d', 'a,c']);
  });

  it('a read by ids is empty after one request if none of the ids exist', async () => {
    const server = new Server(['x']);
    expect(await readByIds(server, ['a', 'b'])).toEqual([]);
    expect(server.expressions).toEqual(['a,b']);
  });

  it('a read by ids sends no request for an empty list', async () => {
    const server = new Server(['x']);
    expect(await readByIds(server, [])).toEqual([]);
    expect(server.expressions).toEqual([]);
  });

  it('a read by ids reads the whole listing if a 404 names none of the ids', async () => {
    const server = new Server(['a', 'b']);
    server.named = async () => ({ missing: ['something-else'] });
    expect(await readByIds(server, ['a', 'gone'])).toEqual(['a']);
    expect(server.expressions).toEqual(['']);
  });

  it('a read by ids fails if the whole listing has an id twice, and the error names the id', async () => {
    const server = new Server(['a', 'b', 'b', 'c', 'c', 'x', 'x']);
    server.named = async () => ({ missing: ['something-else'] });
    const error = await readByIds(server, ['a', 'b', 'c']).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnreadableEntriesError);
    const { unreadable } = error as UnreadableEntriesError;
    expect([...unreadable].map(([id, { message }]) => [id, message])).toEqual([
      ['b', 'the cluster lists b twice'],
      ['c', 'the cluster lists c twice'],
    ]);
  });

  it('a read by ids returns only the requested entries', async () => {
    const server = new Server(['a', 'b']);
    server.named = async () => ({ entries: ['a', 'b'] });
    expect(await readByIds(server, ['a'])).toEqual(['a']);
  });

  it('if an id is requested twice, a read by ids returns it once', async () => {
    expect(await readByIds(new Server(['a']), ['a', 'a'])).toEqual(['a']);
  });

  it('a read of thousands of ids keeps few requests in flight', async () => {
    const ids = numbered(`${'x'.repeat(50)}-`, 2_000);
    const server = new Server(ids);
    const named = server.named.bind(server);
    let now = 0;
    let most = 0;
    server.named = async (names) => {
      now += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
      return named(names);
    };
    expect((await readByIds(server, ids)).sort()).toEqual(ids);
    expect(most).toBe(4);
  });
});

describe('lists of ids', () => {
  it('lists of random ids are split so that each part fits into a request line', () => {
    const anyId = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,62}[a-z0-9]$/);
    fc.assert(
      fc.property(fc.array(anyId, { maxLength: 300 }), (ids) => {
        const lists = chunks(ids);
        expect(lists.flat()).toEqual(ids);
        for (const list of lists)
          expect(list.map(encodeURIComponent).join('%2C').length).toBeLessThanOrEqual(3_000);
      }),
    );
  });

  it.each([
    ["No known job with id 'a,b-c'", ['a', 'b-c']],
    ["No known job with id 'a'", ['a']],
    ['No datafeed with id [datafeed-a] exists', ['datafeed-a']],
    ['No datafeed with id [a, b] exists', ['a', 'b']],
    ['no such index [x]', []],
    ["No known job with id ''", []],
    ["No known job with id 'a', and more", []],
  ])('the missing ids are parsed from a 404: %s', (reason, ids) => {
    expect(missingIds(reason)).toEqual(ids);
  });
});

describe('a read by ids that fails for some of the ids', () => {
  const refusing = (isBad: (id: string) => boolean, count = 40) => {
    const ids = numbered('job-', count);
    const server = new Server(ids);
    const named = server.named.bind(server);
    const refused = new Error('all shards failed');
    let requests = 0;
    server.named = async (names) => {
      requests += 1;
      return names.some(isBad) ? { refused } : named(names);
    };
    return { read: readByIds(server, ids), refused, requestCount: () => requests };
  };

  it('a read by ids finds the one id that makes it fail, in about a dozen requests', async () => {
    const { read, requestCount } = refusing((id) => id === 'job-000017');
    const error = (await read.catch((thrown: unknown) => thrown)) as UnreadableEntriesError;
    expect(error).toBeInstanceOf(UnreadableEntriesError);
    expect([...error.unreadable.keys()]).toEqual(['job-000017']);
    expect(requestCount()).toBeLessThanOrEqual(13);
  });

  it('if every id fails, a read by ids rejects with the cluster’s error after a limited number of requests', async () => {
    const { read, refused, requestCount } = refusing(() => true);
    await expect(read).rejects.toBe(refused);
    expect(requestCount()).toBeLessThanOrEqual(25);
  });

  it('if thousands of ids all fail, a read by ids searches only one of its lists for the ids at fault', async () => {
    const { read, refused, requestCount } = refusing(() => true, 8_000);
    await expect(read).rejects.toBe(refused);
    // four lists of ids are in flight at a time, and only one of them is searched for the ids that make the read fail
    expect(requestCount()).toBeLessThanOrEqual(28);
  });

  it('a read by ids rejects with the cluster’s error if it would take too many requests to find all ids at fault', async () => {
    const { read, refused, requestCount } = refusing((id) => id.endsWith('3'));
    await expect(read).rejects.toBe(refused);
    expect(requestCount()).toBeLessThanOrEqual(25);
  });
});
