/** @module Reads JSON and YAML files, so that every error can name its line and column. */
import {
  createScanner,
  findNodeAtLocation,
  type Node as JsonNode,
  type ParseErrorCode,
  parseTree,
  printParseErrorCode,
  stripComments,
  visit as visitJson,
} from 'jsonc-parser';
import { parseDocument as parseYaml, visit } from 'yaml';
import { JobsweepError, type Problem } from '../../base/errors.ts';
import { quote } from '../../base/text.ts';

/** An invalid file or input. The message has one line per problem, each with its location. */
export class InvalidDocumentError extends JobsweepError {
  readonly exitCode = 2;
}

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface SourceDocument {
  /** The file's name, or another source of the text: `-p`, `--set …`, `standard input`. */
  readonly source: string;
  readonly value: unknown;
  /**
   * The location of each path: the key of a field, or the value of a list item. For a path that does not exist, the
   * location of its nearest existing parent. Lines and columns count from 1.
   */
  locate(paths: readonly Path[]): readonly Place[];
}

type Path = readonly (string | number)[];

/**
 * Reads a document. If `source` ends in .yaml or .yml, the text is YAML, limited to what JSON can express: string keys
 * and no tags. Any other text is JSON, in which comments are allowed. A repeated key is an error.
 * @throws {InvalidDocumentError} with line and column.
 */
export function readDocument(text: string, source: string): SourceDocument {
  if (!isYaml(source) && isNestedTooDeep(text)) throw tooDeep(source);
  const { value, offsetsOf, mistakes } = isYaml(source) ? readYaml(text) : readJson(text);
  const place = (offset: number): Place => placeOf(text, offset);
  const tell = ({ offset, message }: Mistake) => at(source, place(offset), message);
  if (mistakes.length > 0) throw new InvalidDocumentError(mistakes.map(tell).join('\n'));
  if (isTooDeep(value)) throw tooDeep(source);
  return { source, value, locate: (paths) => offsetsOf(paths).map(place) };
}

const isYaml = (source: string): boolean => /\.ya?ml$/i.test(source);

const tooDeep = (source: string) =>
  new InvalidDocumentError(`${source}: is nested more than ${deepest} levels deep, or contains itself`);

interface Mistake {
  readonly offset: number;
  readonly message: string;
}

interface ReadText {
  readonly value: unknown;
  readonly offsetsOf: (paths: readonly Path[]) => readonly number[];
  readonly mistakes: readonly Mistake[];
}

/** Maximum nesting, as in Elasticsearch. At several thousand levels, writing the value would overflow the stack. */
const deepest = 1_000;
/** Maximum number of syntax errors reported: later ones are mostly consequences of the first. */
const mostMistakes = 20;

function readJson(text: string): ReadText {
  const offsetsOf: ReadText['offsetsOf'] = (paths) => {
    const tree = parseTree(text);
    return paths.map((path) => nearestJson(tree, path));
  };
  const mistakes = mistakesInJson(text);
  if (mistakes.length > 0) return { value: undefined, offsetsOf, mistakes };
  // Uses `JSON.parse`, because the library's own parser would set an object's prototype for the key `__proto__`.
  return { value: JSON.parse(stripComments(text, ' ')), offsetsOf, mistakes: [] };
}

/** The first syntax error of a text or, if it has none, its repeated keys. */
function mistakesInJson(text: string): Mistake[] {
  const invalid: Mistake[] = [];
  const doubled: Mistake[] = [];
  const keys: Set<string>[] = [];
  visitJson(
    text,
    {
      onError: (code, offset) => {
        invalid.push({ offset, message: `not valid JSON: ${wordsOfJsonError(code)}` });
      },
      onObjectBegin: () => {
        keys.push(new Set());
      },
      onObjectEnd: () => {
        keys.pop();
      },
      onObjectProperty: (key, offset) => {
        const seen = keys.at(-1);
        // break: doubled-key
        if (seen?.has(key)) doubled.push({ offset, message: doubledKey(key) });
        seen?.add(key);
      },
    },
    { allowTrailingComma: false },
  );
  return invalid.length > 0 ? invalid.slice(0, 1) : doubled.slice(0, mostMistakes);
}

/** A message for each error code of the library. No message quotes the text, which may contain a credential. */
const jsonErrors: Readonly<Record<string, string>> = {
  InvalidSymbol: 'unexpected characters; texts and keys need double quotes',
  InvalidNumberFormat: 'invalid number',
  PropertyNameExpected: 'expected a key in double quotes',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected a colon after the key',
  CommaExpected: 'expected a comma',
  CloseBraceExpected: 'expected } before the end',
  CloseBracketExpected: 'expected ] before the end',
  EndOfFileExpected: 'expected nothing after the value',
  UnexpectedEndOfComment: 'the comment has no end',
  UnexpectedEndOfString: 'the text has no closing double quote on its line',
  UnexpectedEndOfNumber: 'invalid number',
  InvalidUnicode: 'invalid escape sequence',
  InvalidEscapeCharacter: 'invalid escape sequence',
  InvalidCharacter: 'control characters in texts need an escape sequence',
};

function wordsOfJsonError(code: ParseErrorCode): string {
  const name = printParseErrorCode(code);
  return jsonErrors[name] ?? name;
}

/** Whether brackets are nested too deep: at several thousand levels, the library would overflow the stack. */
function isNestedTooDeep(text: string): boolean {
  // Only texts with more opening brackets than the maximum depth need the scanner, which takes as long as parsing.
  if (!hasManyOpeners(text)) return false;
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let token = scanner.scan(); token !== endOfText; token = scanner.scan()) {
    if (openers.has(token)) depth += 1;
    else if (closers.has(token)) depth -= 1;
    if (depth > deepest) return true;
  }
  return false;
}

function hasManyOpeners(text: string): boolean {
  let found = 0;
  for (const opener of ['{', '['])
    for (let at = text.indexOf(opener); at >= 0 && found <= deepest; at = text.indexOf(opener, at + 1))
      found += 1;
  return found > deepest;
}

// Values of the library's `SyntaxKind` for { and [, for } and ], and for the end of the text. It is a const enum, which
// isolated modules cannot import.
const openers = new Set<number>([1, 3]);
const closers = new Set<number>([2, 4]);
const endOfText: number = 17;

/** The offset of a field's key, or of a list item. If `path` does not exist, the offset of its nearest parent. */
function nearestJson(tree: JsonNode | undefined, path: Path): number {
  for (let length = path.length; tree && length > 0; length -= 1) {
    const node = findNodeAtLocation(tree, path.slice(0, length));
    if (node) return (typeof path[length - 1] === 'string' ? node.parent : node)?.offset ?? 0;
  }
  return tree?.offset ?? 0;
}

function readYaml(text: string): ReadText {
  const document = parseYaml(text, {
    version: '1.2',
    prettyErrors: false,
    logLevel: 'error',
    stringKeys: true,
    merge: true,
    resolveKnownTags: false,
    // `doubledKeys` finds repeated keys faster: the library would compare each key with all others.
    uniqueKeys: false,
  });
  const offsetsOf: ReadText['offsetsOf'] = (paths) => paths.map((path) => nearestRange(document, path));
  const aliases = aliasesOfNothing(document);
  const isOfAlias = (offset: number) => aliases.some(({ start, end }) => start <= offset && offset <= end);
  // Warnings concern unknown tags or versions, which could change the meaning of the text, so they count as errors.
  const errors = [...document.errors, ...document.warnings]
    .filter(({ pos }) => !isOfAlias(pos[0]))
    .map((error): Mistake => ({ offset: error.pos[0], message: wordsOf(error) }));
  const mistakes = [
    ...aliases.map(({ start }): Mistake => ({ offset: start, message: unquoted })),
    ...errors,
  ];
  if (mistakes.length > 0)
    return {
      value: undefined,
      offsetsOf,
      mistakes: mistakes.toSorted((a, b) => a.offset - b.offset).slice(0, mostMistakes),
    };
  const doubled = doubledKeys(document);
  if (doubled.length > 0) return { value: undefined, offsetsOf, mistakes: doubled };
  try {
    return { value: document.toJS({ maxAliasCount: 100 }), offsetsOf, mistakes: [] };
  } catch (error) {
    // The library refuses aliases that would expand to billions of values.
    // break: yaml-reference
    if (!(error instanceof ReferenceError)) throw error;
    const message = 'aliases expand to too many values';
    return { value: undefined, offsetsOf, mistakes: [{ offset: 0, message }] };
  }
}

/** Replacements for messages of the YAML library that only programmers understand, or that quote the file. */
const ownWords: Readonly<Record<string, string>> = {
  BAD_DIRECTIVE: 'unknown directive',
  BAD_DQ_ESCAPE: 'invalid escape sequence',
  BAD_SCALAR_START: 'a text that begins with @, ` or % must be quoted',
  MULTIPLE_DOCS: 'a second document begins here, but only one is allowed',
  NON_STRING_KEY: 'expected a text as key',
  RESOURCE_EXHAUSTION: 'is nested too deep',
  TAG_RESOLVE_FAILED: 'unknown tag',
};

const wordsOf = ({ code, message }: { readonly code: string; readonly message: string }): string =>
  // break: yaml-message
  ownWords[code] ?? (code === 'UNEXPECTED_TOKEN' ? message.replace(/: .*$/s, '') : message);

/** Usually caused by an unquoted name that begins with a wildcard, such as `exclude: [*-production]`. */
const unquoted = 'YAML treats a text that begins with * as an alias: quote it, such as "*-name"';

/** Aliases without an anchor, each with the range of offsets at which the YAML library reports errors for it. */
function aliasesOfNothing(document: ReturnType<typeof parseYaml>): { start: number; end: number }[] {
  const anchors = new Set<string>();
  const found: { start: number; end: number }[] = [];
  visit(document, {
    Value: (_key, { anchor }) => {
      if (anchor !== undefined) anchors.add(anchor);
    },
    Alias: (_key, { source, range }) => {
      if (!anchors.has(source)) found.push({ start: range?.[0] ?? 0, end: range?.[2] ?? 0 });
    },
  });
  return found;
}

function doubledKeys(document: ReturnType<typeof parseYaml>): Mistake[] {
  const mistakes: Mistake[] = [];
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const { value, range } = key as { value?: unknown } & Ranged;
        if (seen.has(value)) mistakes.push({ offset: range?.[0] ?? 0, message: doubledKey(value) });
        seen.add(value);
      }
    },
  });
  return mistakes.slice(0, mostMistakes);
}

const doubledKey = (key: unknown) => `the key ${quote(key)} appears twice`;

/** Whether a value is nested too deep. A YAML alias can even make a value contain itself. */
function isTooDeep(value: unknown): boolean {
  let level = [value].filter(isNested);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === deepest) return true;
    // A set, so that a value shared by several aliases is visited once per level.
    level = [...new Set(level.flatMap((inner) => Object.values(inner).filter(isNested)))];
  }
  return false;
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null;

function placeOf(text: string, offset: number): Place {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0 && end < offset; end = text.indexOf('\n', start)) {
    line += 1;
    start = end + 1;
  }
  // break: column
  return { line, column: offset - start + 1 };
}

/** The problems of a document as one error, one line each: `file:3:5: message`, or `-p, line 3, column 5: message`. */
export function documentError(document: SourceDocument, problems: readonly Problem[]): InvalidDocumentError {
  const places = document.locate(problems.map(({ path }) => path));
  return new InvalidDocumentError(
    problems.map((problem, index) => at(document.source, places[index], problem.message)).join('\n'),
  );
}

function at(source: string, place: Place | undefined, message: string): string {
  if (!place) return `${source}: ${message}`;
  const { line, column } = place;
  // Editors and terminals turn `file:line:column` into a link. For other sources, words are clearer.
  return isFile(source)
    ? `${source}:${line}:${column}: ${message}`
    : `${source}, line ${line}, column ${column}: ${message}`;
}

const isFile = (source: string): boolean => !/^(?:-p$|--set |standard input$)/.test(source);

interface Ranged {
  readonly range?: readonly [number, number, number] | null;
}

/** The offset of a field's key, or of a list item. If `path` does not exist, the offset of its nearest parent. */
function nearestRange(document: ReturnType<typeof parseYaml>, path: Path): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const found = rangeOf(document, path.slice(0, length));
    if (found !== undefined) return found;
  }
  return 0;
}

function rangeOf(document: ReturnType<typeof parseYaml>, path: Path): number | undefined {
  if (path.length === 0) return (document.contents as Ranged | null)?.range?.[0];
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  const items = (parent as { items?: readonly { key?: unknown; value?: unknown }[] } | null | undefined)
    ?.items;
  if (typeof last === 'number') return (items?.[last] as Ranged | undefined)?.range?.[0];
  const pair = items?.find(({ key }) => (key as { value?: unknown } | undefined)?.value === last);
  return (pair?.key as Ranged | undefined)?.range?.[0];
}
