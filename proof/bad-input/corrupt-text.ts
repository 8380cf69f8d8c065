/** @module Corrupts the bytes of a file as editors, shells, failed copies and other programs do. */
import * as fc from 'fast-check';

/** One corruption of a text, as plain data that can be shrunk and shown. */
export interface TextCorruption {
  readonly kind: TextCorruptionKind;
  /** Selects the position in the text, modulo the number of positions. */
  readonly at: number;
}

const intruders = [
  ',',
  '}',
  ']',
  '"',
  "'",
  '\\',
  '\0',
  '/',
  ':',
  '\t',
  '\u00a0',
  '\u2028',
  '\ufeff',
  'é',
  '-',
  '&',
  '*',
  '!',
];
/**
 * Numbers of blanks to append. A million blanks make the text as large as a data file passed by mistake.
 * The property `process` tries ten million.
 */
const paddings = [1, 100, 5_000, 70_000, 1_000_000];

const pickFrom = <T>(list: readonly T[], at: number): T => list[at % list.length] as T;

/** Inserts `insertion` before one match of `pattern`, selected by `at`. Without a match, the text stays unchanged. */
function beforeMatch(
  text: string,
  pattern: RegExp,
  at: number,
  insertion: (match: RegExpMatchArray) => string,
) {
  const matches = [...text.matchAll(pattern)];
  const match = matches[at % Math.max(1, matches.length)];
  if (!match) return text;
  return text.slice(0, match.index) + insertion(match) + text.slice(match.index);
}

const asText =
  (change: (text: string, at: number) => string) =>
  (bytes: Buffer, at: number): Buffer =>
    Buffer.from(change(bytes.toString('utf8'), at));

const kinds = {
  truncate: (bytes, at) => bytes.subarray(0, at % Math.max(1, bytes.length)),
  bom: asText((text) => `\ufeff${text}`),
  crlf: asText((text) => text.replaceAll('\n', '\r\n')),
  cr: asText((text) => text.replaceAll('\n', '\r')),
  double_key: asText((text, at) => beforeMatch(text, /"(\w+)":/g, at, ([, key]) => `"${key}": null, `)),
  escaped_double_key: asText((text, at) =>
    beforeMatch(text, /"(\w)(\w*)":/g, at, ([, first = 'x', rest]) => {
      const code = first.charCodeAt(0).toString(16).padStart(4, '0');
      return `"\\u${code}${rest}": null, `;
    }),
  ),
  overflow: asText((text, at) =>
    at % 2 === 0 ? text.replace(/: ?-?\d[\d.]*/, ': 1e999') : text.replace(/: ?-?\d[\d.]*/, ': -1e-999'),
  ),
  intruder: asText((text, at) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + pickFrom(intruders, at) + text.slice(place);
  }),
  flip: (bytes, at) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0)
      copy.writeUInt8(copy.readUInt8(at % copy.length) ^ (1 << (at % 8)), at % copy.length);
    return copy;
  },
  pad: asText((text, at) =>
    at % 20 === 0 ? `${text}${' '.repeat(pickFrom(paddings, at / 20))}\n` : ` ${text} `,
  ),
  comment: asText((text, at) =>
    beforeMatch(text, /\n|,|$/g, at, () => pickFrom(['// x', '/* x */', '# x'], at)),
  ),
  trailing_comma: asText((text, at) => beforeMatch(text, /[}\]]/g, at, () => ',')),
  repeat: asText((text) => text + text),
  utf16: (bytes) => Buffer.from(`\ufeff${bytes.toString('utf8')}`, 'utf16le'),
  quotes: asText((text) => text.replaceAll('"', "'")),
} as const satisfies Record<string, (bytes: Buffer, at: number) => Buffer>;

export type TextCorruptionKind = keyof typeof kinds;
export const textCorruptionKinds = Object.keys(kinds) as TextCorruptionKind[];

/** The bytes after all corruptions have been applied in order. */
export function corruptText(text: string, corruptions: readonly TextCorruption[]): Buffer {
  return corruptions.reduce<Buffer>((bytes, { kind, at }) => kinds[kind](bytes, at), Buffer.from(text));
}

export const anyTextCorruptions: fc.Arbitrary<TextCorruption[]> = fc.array(
  fc.record({ kind: fc.constantFrom(...textCorruptionKinds), at: fc.nat(20_000) }, { noNullPrototype: true }),
  { maxLength: 2 },
);
