/**
 * @module Corrupts YAML texts with features that only YAML has: exponential, unknown and cyclic aliases, tags, merges,
 * and several documents in one file.
 */
import * as fc from 'fast-check';

export interface YamlCorruption {
  readonly kind: YamlCorruptionKind;
  readonly at: number;
}

/** Ten lists, each of which contains the previous list nine times: billions of values in ten lines. */
const bomb = [
  'a: &a [x, x, x, x, x, x, x, x, x]',
  ...'bcdefghij'.split('').map((name, index) => {
    const alias = `*${'abcdefghij'[index]}`;
    return `${name}: &${name} [${Array.from({ length: 9 }, () => alias).join(', ')}]`;
  }),
].join('\n');

/** Inserts a text before the value of one field, selected by `at`. */
function beforeValue(text: string, at: number, insertion: string): string {
  const fields = [...text.matchAll(/^( *(?:- )?[\w$]+: )(?=\S)/gm)];
  const field = fields[at % Math.max(1, fields.length)];
  if (!field) return `${insertion}\n${text}`;
  const place = field.index + field[0].length;
  return text.slice(0, place) + insertion + text.slice(place);
}

const tags = [
  '!!binary ',
  '!!set ',
  '!!js/function ',
  '!!python/object/apply:os.system ',
  '!include ',
  '! ',
  '!!str ',
];

const kinds = {
  bomb: (text) => `${bomb}\n${text}`,
  alias_of_nothing: (text, at) => beforeValue(text, at, '*nothing #'),
  /** An object that contains itself. */
  cycle: (text, at) => {
    const lines = text.split('\n');
    const index = at % Math.max(1, lines.length);
    const [, indent = ''] = /^( *)/.exec(lines[index] ?? '') ?? [];
    return lines.toSpliced(index, 0, `${indent}again: &again {again: *again}`).join('\n');
  },
  tag: (text, at) => beforeValue(text, at, tags[at % tags.length] ?? ''),
  merge: (text) => `<<: {schedules: [], jobs: []}\n${text}`,
  documents: (text) => `${text}\n---\n${text}`,
  directive: (text, at) =>
    `${['%YAML 1.3', '%YAML 1.1', '%TAG ! tag:example.test,2026:'][at % 3]}\n---\n${text}`,
  block: (text, at) => beforeValue(text, at, '|\n  '),
  no_text_key: (text, at) => `${['? [a]\n: 1', '? {a: 1}\n: 1', '1: 1', '~: 1', 'true: 1'][at % 5]}\n${text}`,
  tab: (text, at) => text.replace(/^ +/gm, (blanks) => (at % 2 === 0 ? '\t' : blanks)),
  deep: (text, at) => `deep: ${'['.repeat(at)}\n${text}`,
} as const satisfies Record<string, (text: string, at: number) => string>;

export type YamlCorruptionKind = keyof typeof kinds;
export const yamlCorruptionKinds = Object.keys(kinds) as YamlCorruptionKind[];

export const corruptYaml = (text: string, corruptions: readonly YamlCorruption[]): string =>
  corruptions.reduce<string>((corrupted, { kind, at }) => kinds[kind](corrupted, at), text);

export const anyYamlCorruptions: fc.Arbitrary<YamlCorruption[]> = fc.array(
  fc.record({ kind: fc.constantFrom(...yamlCorruptionKinds), at: fc.nat(3_000) }, { noNullPrototype: true }),
  { maxLength: 1 },
);
