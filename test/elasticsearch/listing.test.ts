import { describe, expect, it } from 'vitest';
import { chunks, listAll, missingIds, mostListed } from '../../src/elasticsearch/listing.ts';

/** A server that cuts every answer at 10,000 and matches ids and groups, as the real one does. */
function server(
  ids: readonly string[],
  group?: { readonly name: string; readonly has: (id: string) => boolean },
) {
  const asked: string[] = [];
  const read = async (expression: string | undefined) => {
    asked.push(expression ?? '');
    const prefix = expression?.replace(/\*$/, '');
    const pattern = expression?.endsWith('*') ?? false;
    const matches = (id: string) =>
      prefix === undefined ||
      (pattern
        ? id.startsWith(prefix) || (group?.name.startsWith(prefix) && group.has(id))
        : id === prefix || (group?.name === prefix && group.has(id)));
    return ids.filter(matches).slice(0, mostListed);
  };
  return { asked, read };
}

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(6, '0')}`);
const identity = (id: string) => id;

describe('a whole listing', () => {
  it('is one request below 10,000', async () => {
    const { asked, read } = server(numbered('job-', 9_999));
    expect(await listAll(read, identity)).toHaveLength(9_999);
    expect(asked).toHaveLength(1);
  });

  it.each([10_000, 12_000, 31_000])(
    'is read in parts at %i jobs of one prefix, none missing and none twice',
    async (count) => {
      const ids = numbered('job-', count);
      const { read } = server(ids);
      expect((await listAll(read, identity)).sort()).toEqual(ids);
    },
  );

  it('finds the job whose id is itself the prefix of a full part', async () => {
    const ids = ['j', 'jo', ...numbered('job', 11_000)].sort();
    expect((await listAll(server(ids).read, identity)).sort()).toEqual(ids);
  });

  it('is whole where a group of more than 10,000 jobs answers for parts of its name', async () => {
    const ids = [...numbered('a-', 6_000), ...numbered('b-', 6_000)];
    const { read } = server(ids, { name: 'prod', has: () => true });
    expect((await listAll(read, identity)).sort()).toEqual(ids);
  });
});

describe('reading by ids', () => {
  it('cuts lists so that each fits a request line', () => {
    const ids = Array.from(
      { length: 300 },
      (_, index) => `${'x'.repeat(61)}${String(index).padStart(3, '0')}`,
    );
    const lists = chunks(ids);
    expect(lists.flat()).toEqual(ids);
    for (const list of lists)
      expect(list.map(encodeURIComponent).join('%2C').length).toBeLessThanOrEqual(3_000);
    expect(chunks([])).toEqual([]);
  });

  it('understands which ids a 404 means, and nothing else', () => {
    expect(missingIds("No known job with id 'a,b-c'")).toEqual(['a', 'b-c']);
    expect(missingIds('No datafeed with id [datafeed-a] exists')).toEqual(['datafeed-a']);
    expect(missingIds('no such index [x]')).toEqual([]);
  });
});
