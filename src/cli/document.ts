/** @module JSON and YAML files that people write, read so that every complaint can say line and column. */
import { LineCounter, parseDocument as parseYaml } from 'yaml';
import { JobsweepError, type Problem } from '../sweep/errors.ts';
import { printable } from '../sweep/text.ts';

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
  /** Where the value (or, for an unknown field, its key) at `path` stands; lines and columns from 1. */
  locate(path: readonly (string | number)[]): Place | undefined;
}

/**
 * Reads a document. JSON must be strict JSON, because the same text is also given to programs that take nothing else;
 * a name that ends in .yaml or .yml is YAML. A key that stands twice is an error in both.
 * @throws {InvalidDocumentError} with line and column.
 */
export function readDocument(text: string, source: string): SourceDocument {
  const isYaml = /\.ya?ml$/i.test(source);
  const value = isYaml ? undefined : parseJson(text, source);
  const lines = new LineCounter();
  const document = parseYaml(text, {
    lineCounter: lines,
    version: '1.2',
    uniqueKeys: true,
    prettyErrors: false,
  });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  // For JSON the YAML reader only tells places and doubled keys: what else it finds odd, strict JSON has allowed.
  const fatal = document.errors.filter((error) => isYaml || error.code === 'DUPLICATE_KEY');
  if (fatal.length > 0) {
    throw new InvalidDocumentError(
      fatal.map((error) => at(source, place(error.pos[0]), error.message)).join('\n'),
    );
  }
  return {
    source,
    value: isYaml ? document.toJS({ maxAliasCount: 100 }) : value,
    locate: (path) => {
      for (let length = path.length; length >= 0; length -= 1) {
        const found = rangeOf(document, path.slice(0, length));
        if (found !== undefined) return place(found);
      }
      return undefined;
    },
  };
}

/** The problems of a document as one error, a line each: `file:3:5: message`. */
export function documentError(document: SourceDocument, problems: readonly Problem[]): InvalidDocumentError {
  return new InvalidDocumentError(
    problems.map((problem) => at(document.source, document.locate(problem.path), problem.message)).join('\n'),
  );
}

function at(source: string, place: Place | undefined, message: string): string {
  return place ? `${source}:${place.line}:${place.column}: ${message}` : `${source}: ${message}`;
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const message = printable((error as Error).message);
    const offset = /at position (\d+)/.exec(message)?.[1];
    const before = offset === undefined ? text.trimEnd() : text.slice(0, Number(offset));
    const line = before.split('\n').length;
    const column = before.length - before.lastIndexOf('\n');
    throw new InvalidDocumentError(
      at(source, { line, column }, `not valid JSON: ${message.replace(/ in JSON at position.*$/, '')}`),
    );
  }
}

interface Ranged {
  readonly range?: readonly [number, number, number] | null;
}

/** The offset of the key that leads to `path`, or of the value itself in a list or at the top. */
function rangeOf(
  document: ReturnType<typeof parseYaml>,
  path: readonly (string | number)[],
): number | undefined {
  if (path.length === 0) return (document.contents as Ranged | null)?.range?.[0];
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  const items = (parent as { items?: readonly { key?: unknown; value?: unknown }[] } | null | undefined)
    ?.items;
  if (typeof last === 'number') return (items?.[last] as Ranged | undefined)?.range?.[0];
  const pair = items?.find(({ key }) => (key as { value?: unknown } | undefined)?.value === last);
  return (pair?.key as Ranged | undefined)?.range?.[0];
}
