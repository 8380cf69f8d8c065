import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matcher, matchesWildcard, unmatched } from '../../../src/sweep/planning/job-patterns.ts';

const job = (jobId: string, ...groups: string[]) => ({ jobId, groups });

describe('names given in a request', () => {
  it.each([
    [['web-1'], job('web-1'), true],
    [['web-1'], job('web-10'), false],
    [['web'], job('a', 'web'), true],
    [['w*'], job('a', 'web'), true],
    [['*-x'], job('b-x'), true],
    [['a*c*e'], job('abcde'), true],
    [['a*c*e'], job('abcd'), false],
    [['_all'], job('anything'), true],
    [['other', '_all'], job('anything'), true],
    [['other', '*'], job('anything'), true],
    [['a.b'], job('axb'), false],
    [['a?'], job('ab'), false],
    [[], job('a'), false],
  ])('whether a request for the names %j matches the job %j: %s', (names, target, expected) => {
    expect(matcher(names)(target)).toBe(expected);
  });

  it('unmatched returns the names that match no job, except `*` and `_all`', () => {
    expect(unmatched(['a', 'b*', 'g', '*', '_all', 'x'], [job('a'), job('bb', 'g')])).toEqual(['x']);
    for (const all of ['*', '_all']) expect(unmatched([all], []), all).toEqual([]);
    expect(unmatched(['a', 'b*'], [])).toEqual(['a', 'b*']);
  });

  it('a wildcard matches like the equivalent regular expression', () => {
    const letters = (characters: string) =>
      fc.string({ unit: fc.constantFrom(...characters.split('')), maxLength: 12 });
    fc.assert(
      fc.property(letters('ab*'), letters('ab'), (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
        expect(matchesWildcard(pattern, text)).toBe(expression.test(text));
      }),
    );
  });

  it('a wildcard matches quickly where a regular expression would take exponential time', () => {
    expect(matchesWildcard('a*'.repeat(32), `${'a'.repeat(64)}b`)).toBe(true);
    expect(matchesWildcard(`${'a*'.repeat(32)}c`, 'a'.repeat(64))).toBe(false);
  });
});
