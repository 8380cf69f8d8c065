/** @module JSON and YAML files that people write, read so that every complaint can say line and column. */
import { parseDocument as parseYaml, visit } from 'yaml';
import { JobsweepError, type Problem } from '../sweep/errors.ts';
import { printable, quote } from '../sweep/text.ts';
import { placesIn } from './json-places.ts';

/** A file or input that is not what it should be; the message has one line a problem, each with its place. */
export class InvalidDocumentError extends JobsweepError {
  readonly exitCode = 2;
}

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface SourceDocument {
  /** The file's name, or `standard input`. */
  readonly source: string;
  readonly value: unknown;
  /** Where the value (or, of a field, its key) at each path stands, or what leads there; lines and columns from 1. */
  locate(paths: readonly Path[]): readonly Place[];
}

type Path = readonly (string | number)[];

/**
 * Reads a document. JSON must be strict JSON, because the same text is also given to programs that take nothing else;
 * a name that ends in .yaml or .yml is YAML, of which only what JSON can say as well is taken: keys are texts, and tags
 * mean nothing. A key that stands twice is an error in both.
 * @throws {InvalidDocumentError} with line and column.
 */
export function readDocument(text: string, source: string): SourceDocument {
  const { value, offsetsOf, mistakes } = /\.ya?ml$/i.test(source) ? readYaml(text) : readJson(text, source);
  const place = (offset: number): Place => placeOf(text, offset);
  const tell = ({ offset, message }: Mistake) => at(source, place(offset), message);
  if (mistakes.length > 0) throw new InvalidDocumentError(mistakes.map(tell).join('\n'));
  if (isTooDeep(value))
    throw new InvalidDocumentError(`${source}: is nested more than ${deepest} levels deep, or holds itself`);
  return { source, value, locate: (paths) => offsetsOf(paths).map(place) };
}

interface Mistake {
  readonly offset: number;
  readonly message: string;
}

interface ReadText {
  readonly value: unknown;
  readonly offsetsOf: (paths: readonly Path[]) => readonly number[];
  readonly mistakes: readonly Mistake[];
}

/** As deep as Elasticsearch itself takes JSON; whoever writes what was read would run out of stack at some thousands. */
const deepest = 1_000;
/** More mistakes in the form of a file are the same one again. */
const mostMistakes = 20;

function readJson(text: string, source: string): ReadText {
  const value = parseJson(text, source);
  // break: doubled-key
  const mistakes = placesIn(text).doubled.map(({ key, offset }) => ({ offset, message: doubledKey(key) }));
  return { value, offsetsOf: (paths) => placesIn(text, paths).offsets, mistakes };
}

function readYaml(text: string): ReadText {
  const document = parseYaml(text, {
    version: '1.2',
    prettyErrors: false,
    logLevel: 'error',
    stringKeys: true,
    merge: true,
    resolveKnownTags: false,
    // it would compare each key with all others
    uniqueKeys: false,
  });
  const offsetsOf: ReadText['offsetsOf'] = (paths) => paths.map((path) => nearestRange(document, path));
  // what it only warns of is a tag or a version that it does not know: then the text means something else than it says
  const mistakes = [...document.errors, ...document.warnings]
    .slice(0, mostMistakes)
    .map((error): Mistake => ({ offset: error.pos[0], message: wordsOf(error) }));
  if (mistakes.length > 0) return { value: undefined, offsetsOf, mistakes };
  const doubled = doubledKeys(document);
  if (doubled.length > 0) return { value: undefined, offsetsOf, mistakes: doubled };
  try {
    return { value: document.toJS({ maxAliasCount: 100 }), offsetsOf, mistakes: [] };
  } catch (error) {
    // one that would grow to billions of values is not followed
    // break: yaml-reference
    if (!(error instanceof ReferenceError)) throw error;
    const message = 'an alias of nothing, or aliases of aliases without end';
    return { value: undefined, offsetsOf, mistakes: [{ offset: 0, message }] };
  }
}

/** Where the reader of YAML speaks to programmers, or quotes the file: what stands in a file of clusters is not for a log. */
const ownWords: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an alias that cannot be read',
  BAD_DIRECTIVE: 'a directive that is not known',
  BAD_DQ_ESCAPE: 'an escape sequence that is none',
  MULTIPLE_DOCS: 'a second document begins; expected one',
  NON_STRING_KEY: 'expected a text as key',
  RESOURCE_EXHAUSTION: 'is nested too deep',
  TAG_RESOLVE_FAILED: 'a tag that is not known',
};

const wordsOf = ({ code, message }: { readonly code: string; readonly message: string }): string =>
  // break: yaml-message
  ownWords[code] ?? (code === 'UNEXPECTED_TOKEN' ? message.replace(/: .*$/s, '') : message);

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

const doubledKey = (key: unknown) => `the key ${quote(key)} stands twice`;

/** Whether a value has more levels than it may; one that holds itself, by an alias of YAML, has no end of them. */
function isTooDeep(value: unknown): boolean {
  let level = [value].filter(isNested);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === deepest) return true;
    // each once a level: what several aliases share is not looked at several times over
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

/** The problems of a document as one error, a line each: `file:3:5: message`. */
export function documentError(document: SourceDocument, problems: readonly Problem[]): InvalidDocumentError {
  const places = document.locate(problems.map(({ path }) => path));
  return new InvalidDocumentError(
    problems.map((problem, index) => at(document.source, places[index], problem.message)).join('\n'),
  );
}

function at(source: string, place: Place | undefined, message: string): string {
  return place ? `${source}:${place.line}:${place.column}: ${message}` : `${source}: ${message}`;
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const { message } = error as Error;
    // without the piece of the text that it may quote: there could be a credential in it
    const what = message
      .replace(/(?<=^Unexpected token .{1,2}'?),.*$| at position.*$|^".*(?=is not valid JSON$)/s, '')
      .replace(/ in JSON$/, '');
    throw new InvalidDocumentError(
      at(source, placeOf(text, offsetOfMistake(text, message)), `not valid JSON: ${printable(what)}`),
    );
  }
}

/** Where the parser stopped. Of a token that it did not expect it tells no position: there the text begins to have one. */
function offsetOfMistake(text: string, message: string): number {
  const told = /at position (\d+)/.exec(message)?.[1];
  if (told !== undefined) return Number(told);
  if (!message.startsWith(unexpected)) return text.trimEnd().length;
  let [right, wrong] = [0, text.length];
  while (wrong - right > 1) {
    const middle = (right + wrong) >> 1;
    if (hasUnexpected(text.slice(0, middle))) wrong = middle;
    else right = middle;
  }
  return right;
}

const unexpected = 'Unexpected token';

function hasUnexpected(text: string): boolean {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''));
    return false;
  } catch (error) {
    return (error as Error).message.startsWith(unexpected);
  }
}

interface Ranged {
  readonly range?: readonly [number, number, number] | null;
}

/** The offset of the key that leads to `path`, or of the value itself in a list or at the top, or of what leads there. */
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
