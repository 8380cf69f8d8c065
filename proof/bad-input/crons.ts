/**
 * @module Random cron expressions of six fields. Most are almost valid: they have a value that belongs to another
 * field, or a list where only a single value is allowed.
 */
import * as fc from 'fast-check';

const odd = [
  '*',
  '?',
  'L',
  'LW',
  '5W',
  '31W',
  '0W',
  'W',
  '5L',
  'FRIL',
  '2#5',
  'MON#0',
  '*/1',
  '*/9999',
  '1/0',
  '',
  '-1',
  '1--2',
];

function member(min: number, max: number, names: readonly string[]): fc.Arbitrary<string> {
  const number = fc.integer({ min: min, max: max });
  return fc.oneof(
    { weight: 4, arbitrary: number.map(String) },
    {
      weight: 2,
      arbitrary: fc.tuple(number, number).map(([from, to]) => `${Math.min(from, to)}-${Math.max(from, to)}`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(number, fc.integer({ min: 1, max: 9_999 }))
        .map(([from, step]) => `${from}/${step}`),
    },
    { weight: 1, arbitrary: fc.constantFrom(...names, '*') },
    { weight: 1, arbitrary: fc.constantFrom(...odd, String(max + 1), String(min - 1)) },
  );
}

const field = (min: number, max: number, names: readonly string[] = []) =>
  fc.array(member(min, max, names), { minLength: 1, maxLength: 3 }).map((members) => members.join(','));

export const anyCron: fc.Arbitrary<string> = fc
  .tuple(
    field(0, 59),
    field(0, 23),
    fc.oneof(fc.constantFrom('?', 'L', 'LW', '15W'), field(1, 31, ['L', '1W'])),
    field(1, 12, ['JAN', 'DEC']),
    fc.oneof(fc.constant('?'), field(1, 7, ['L', 'FRI#2', 'MON-FRI'])),
    fc.oneof(fc.constant('*'), field(1970, 2199)),
  )
  .map((fields) => fields.join(' '));
