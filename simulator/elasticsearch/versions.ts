/** @module The stack versions that the simulator offers, and their differences (docs/elasticsearch.md §5). */

export const stacks = ['7.17', '8.19', '9.2'] as const;
export type Stack = (typeof stacks)[number];

interface StackFacts {
  readonly major: 7 | 8 | 9;
  readonly number: string;
  readonly lucene: string;
  readonly buildHash: string;
  readonly buildDate: string;
  readonly minimumWire: string;
  readonly minimumIndex: string;
}

export const stackFacts: Record<Stack, StackFacts> = {
  '7.17': {
    major: 7,
    number: '7.17.29',
    lucene: '8.11.3',
    buildHash: '580aff1a0064ce4c93293aaab6fcc55e22c10d1c',
    buildDate: '2025-06-19T01:37:57.847711500Z',
    minimumWire: '6.8.0',
    minimumIndex: '6.0.0-beta1',
  },
  '8.19': {
    major: 8,
    number: '8.19.4',
    lucene: '9.12.2',
    buildHash: 'aa0a7826e719b392e7782716b323c4fb8fa3b392',
    buildDate: '2025-09-16T22:06:03.940754111Z',
    minimumWire: '7.17.0',
    minimumIndex: '7.0.0',
  },
  '9.2': {
    major: 9,
    number: '9.2.1',
    lucene: '10.3.1',
    buildHash: '4ad0ef0e98a2e72fafbd79a19fa5cae2f026117d',
    buildDate: '2025-11-06T22:07:39.673130621Z',
    minimumWire: '8.19.0',
    minimumIndex: '8.0.0',
  },
};
