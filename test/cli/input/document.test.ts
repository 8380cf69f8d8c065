import { describe, expect, it } from 'vitest';
import { documentError, InvalidDocumentError, readDocument } from '../../../src/cli/input/document.ts';

const value = (text: string, source = 'file.json') => readDocument(text, source).value;

function complaint(text: string, source = 'file.json'): string {
  try {
    readDocument(text, source);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidDocumentError);
    return (error as Error).message;
  }
  return 'none';
}

describe('a JSON document', () => {
  it('a JSON document is read in one pass, however many keys and items it has', () => {
    const keys = Object.fromEntries(Array.from({ length: 200_000 }, (_, index) => [`key-${index}`, index]));
    const text = JSON.stringify({ keys, items: Object.keys(keys) });
    // compares texts, because comparing 400,000 values one by one takes longer than reading them
    expect(JSON.stringify(value(text)) === text).toBe(true);
  });

  it.each([
    ['plain', '{"a": 1, "a": 2}', 'file.json:1:10: the key "a" appears twice'],
    ['escaped', '{"a": 1, "\\u0061": 2}', 'file.json:1:10: the key "a" appears twice'],
    ['after the line ends of an old Mac', '{\r"a": 1,\r"a": 2}', 'file.json:1:11: the key "a" appears twice'],
    [
      'deep in a list',
      '{"x": [{"b": [{}, {"a": 1,\n"a": []}]}]}',
      'file.json:2:1: the key "a" appears twice',
    ],
    ['that every object has', '{"__proto__": 1, "__proto__": 2}', 'the key "__proto__" appears twice'],
  ])('a JSON document may not contain a key twice: %s', (_how, text, message) => {
    expect(complaint(text)).toContain(message);
  });

  it('a JSON document may have the same key in many objects, and strings that look like keys', () => {
    const text = '{"a": {"a": "a\\":"}, "b": [{"a": "{\\"a\\":"}, {"a": ["a", "a"]}], "c": "\\\\"}';
    expect(value(text)).toEqual(JSON.parse(text));
  });

  it('a JSON document is refused if it is nested too deep', () => {
    for (const depth of [6_000, 2_000_000])
      expect(complaint(`${'['.repeat(depth)}${']'.repeat(depth)}`)).toBe(
        'file.json: is nested more than 1000 levels deep, or contains itself',
      );
  });

  it.each([
    ['{"a": x}', '1:7: not valid JSON: unexpected characters; texts and keys need double quotes'],
    [
      '{\n  "a": [1, 2,\n    oops]}',
      '3:5: not valid JSON: unexpected characters; texts and keys need double quotes',
    ],
    ["{'a': 1}", '1:2: not valid JSON: unexpected characters; texts and keys need double quotes'],
    ['{"a": 1,}', '1:9: not valid JSON: expected a key in double quotes'],
    ['{"a" 1}', '1:6: not valid JSON: expected a colon after the key'],
    ['{"a": 1\n "b": 2}', '2:2: not valid JSON: expected a comma'],
    ['{"a": 1} {}', '1:10: not valid JSON: expected nothing after the value'],
    ['{"a": "x}', '1:7: not valid JSON: the text has no closing double quote on its line'],
    ['{"a": "\\x"}', '1:7: not valid JSON: invalid escape sequence'],
    ['{"a": 01}', '1:8: not valid JSON: expected a comma'],
    ['{"a": 1 /* b }', '1:9: not valid JSON: the comment has no end'],
    ['[1, 2', '1:6: not valid JSON: expected ] before the end'],
    ['', '1:1: not valid JSON: expected a value'],
  ])('an invalid JSON document is refused with the location of the mistake: %j', (text, message) => {
    expect(complaint(text)).toBe(`file.json:${message}`);
  });

  it.each(['{"password": hidden-word}', 'hidden-word', '{"password": "hidden-word"x}', '["hidden-word'])(
    'the message about an invalid JSON document does not quote the document: %s',
    (text) => {
      expect(complaint(text)).toContain('not valid JSON');
      expect(complaint(text)).not.toMatch(/hidde|word/);
    },
  );

  it('a JSON document may have comments, but no other extensions of JSON', () => {
    const text = '// nightly\n{"a": 1, /* "a": 2, */ "b": "http://c/*d*/" // end\n}\n';
    expect(value(text)).toEqual({ a: 1, b: 'http://c/*d*/' });
    const document = readDocument(text, 'file.json');
    expect(document.locate([['b'], ['a']])).toEqual([
      { line: 2, column: 24 },
      { line: 2, column: 2 },
    ]);
  });

  it('a JSON document keeps a key such as __proto__', () => {
    expect(Object.keys(value('{"__proto__": {"x": 1}} // kept') as object)).toEqual(['__proto__']);
  });

  it('a problem with a missing value in a JSON document points to the nearest parent', () => {
    const document = readDocument('{"a": [{"b": 1},\n {"c": {}}],\n "d": 2}', 'file.json');
    const problem = (...path: (string | number)[]) => ({ field: '', path, message: path.join('.') });
    const problems = [
      problem('a', 1, 'c'),
      problem('a', 1, 'x', 'y'),
      problem('d'),
      problem('a', 0),
      problem(),
    ];
    expect(documentError(document, problems).message.split('\n')).toEqual([
      'file.json:2:3: a.1.c',
      'file.json:2:2: a.1.x.y',
      'file.json:3:2: d',
      'file.json:1:8: a.0',
      'file.json:1:1: ',
    ]);
  });
});

describe('a YAML document', () => {
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...'bcdefgh'.split('').map((name, index) => {
      const before = `*${'abcdefgh'[index]}`;
      return `${name}: &${name} [${Array.from({ length: 9 }, () => before).join(', ')}]`;
    }),
  ].join('\n');

  it.each([
    ['aliases that grow without end', bomb, 'aliases expand to too many values'],
    [
      'a value that begins with a wildcard',
      'jobs: "a*"\nexclude: [b, *-production]',
      'file.yml:2:14: YAML treats a text that begins with * as an alias: quote it',
    ],
    ['a list item that begins with a wildcard', 'exclude:\n  - *-a\n  - *.b', 'file.yml:3:5: YAML treats'],
    ['a wildcard as the whole value', 'exclude: *', 'file.yml:1:10: YAML treats'],
    ['a cron expression that begins with a wildcard', 'cron: */5 * * * ? *', 'file.yml:1:7: YAML treats'],
    [
      'a text that begins with a reserved character',
      'a: @b',
      'file.yml:1:4: a text that begins with @, ` or % must be quoted',
    ],
    [
      'an alias of the value that contains it',
      'a: &a {b: *a}',
      'is nested more than 1000 levels deep, or contains itself',
    ],
    ['nesting that is too deep', '['.repeat(20_000), 'file.yml:1:'],
    ['a tag', 'a: 1\nb: !!js/function "x"', 'file.yml:2:4: unknown tag'],
    ['a value that JSON does not have', 'a: !!binary aGk=', 'unknown tag'],
    ['a key that is not a string', '? [a]\n: 1', 'file.yml:1:3: expected a text as key'],
    ['a second document', 'a: 1\n---\nb: 2', 'file.yml:2:1: a second document begins'],
    ['a repeated key', 'a: 1\nb: 2\na: 3', 'file.yml:3:1: the key "a" appears twice'],
  ])('a YAML document is refused for %s', (_what, text, message) => {
    expect(complaint(text, 'file.yml')).toContain(message);
  });

  it.each([
    'a: | hidden-word',
    'a: *hidden-word',
    'a: "\\hidden-word"',
    '%hidden-word\n---\na: 1',
    'a: !hidden-word x',
  ])('the message about an invalid YAML document does not quote the document: %j', (text) => {
    expect(complaint(text, 'file.yml')).toMatch(/^file\.yml:\d+:\d+: /);
    expect(complaint(text, 'file.yml')).not.toMatch(/hidden/);
  });

  it('a YAML document is read in one pass, however many keys it has', () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `key-${index}: ${index}`);
    expect(Object.keys(value(lines.join('\n'), 'file.yml') as object)).toHaveLength(20_000);
  });

  it('all keys of a YAML document become strings, and its aliases are resolved', () => {
    expect(value('1: a\nnull: b\nc: &c {d: e}\nf: *c', 'file.yml')).toEqual({
      1: 'a',
      null: 'b',
      c: { d: 'e' },
      f: { d: 'e' },
    });
  });
});
