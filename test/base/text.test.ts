import { describe, expect, it } from 'vitest';
import { plainJson, plural, printable, quote, shownInJson } from '../../src/base/text.ts';

describe('a value from an external source', () => {
  it.each<[unknown, string]>([
    ['web-1', '"web-1"'],
    [3, '3'],
    [null, 'null'],
    [['a', { b: 1 }], '["a",{"b":1}]'],
    [undefined, 'nothing'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NaN, 'NaN'],
  ])('the value %j is quoted as %s', (value, shown) => {
    expect(quote(value)).toBe(shown);
  });

  it('a quoted value that is too long is cut and ends with an ellipsis', () => {
    expect(quote('12345678', 10)).toBe('"12345678"');
    expect(quote('123456789', 10)).toBe('"12345678…');
    expect(quote('x'.repeat(100))).toBe(`"${'x'.repeat(78)}…`);
  });

  it('a value that JSON cannot represent, such as a cycle or a BigInt, is described in words', () => {
    const list: unknown[] = [];
    list.push(list);
    expect(quote(list)).toBe('a value that JSON cannot represent');
    expect(quote({ list })).toBe('a value that JSON cannot represent');
    expect(quote(1n)).toBe('a value that JSON cannot represent');
  });

  it('control and invisible characters in a quoted value are escaped', () => {
    expect(printable('a\u001b[2Jb\u202ec')).toBe('a\\u{1b}[2Jb\\u{202e}c');
    expect(quote('\u202e')).toBe('"\\u{202e}"');
  });
});

it('a count of one is followed by a noun in the singular', () => {
  expect([0, 1, 2].map((count) => plural(count, 'job'))).toEqual(['0 jobs', '1 job', '2 jobs']);
});

describe('invisible characters in JSON', () => {
  it('shownInJson replaces each invisible character with its code, except the characters that JSON itself escapes', () => {
    expect(shownInJson('a\u001bb\nc\u202ed\u009be')).toBe('a\u001bb\nc\\u{202e}d\\u{9b}e');
  });

  it('plainJson escapes each invisible character, and JSON.parse restores it', () => {
    const value = { a: 'x\u202e\u001b\u009b\u{e0001}\n' };
    expect(plainJson(value)).toBe('{"a":"x\\u202e\\u001b\\u009b\\udb40\\udc01\\n"}');
    expect(JSON.parse(plainJson(value))).toEqual(value);
  });

  it('plainJson uses the given indentation, and writes an undefined value as null', () => {
    expect(plainJson({ a: 1 }, 2)).toBe('{\n  "a": 1\n}');
    expect(plainJson(undefined)).toBe('null');
  });
});
