/** @module The content of a request: its body, or its `source` parameter. */
import { ElasticsearchError } from '../errors.ts';
import { toLocation } from './line-and-column.ts';
import { type JsonObject, type ObjectParser, parseObject } from './object-parser.ts';

export class RequestBody {
  readonly text: string;
  readonly bytes: number;

  constructor(text: string) {
    this.text = text;
    this.bytes = Buffer.byteLength(text);
  }

  get present(): boolean {
    return this.bytes > 0;
  }

  /** The whole content as one JSON value. @throws 400 with the location of the syntax error */
  json(): unknown {
    try {
      return JSON.parse(this.text) as unknown;
    } catch (error) {
      throw malformed(this.text, error);
    }
  }

  /** The content, parsed with `parser`. Missing content counts as an empty object. */
  read(parser: ObjectParser): JsonObject {
    return this.present ? parseObject(parser, this.json(), { text: this.text, path: [] }) : {};
  }
}

/** The server's error for text that is not JSON. */
export function malformed(text: string, error: unknown): ElasticsearchError {
  const message = error instanceof Error ? error.message : '';
  const position = /position (\d+)/.exec(message)?.[1];
  const offset = position === undefined ? text.length : Number(position);
  const { line, column } = toLocation(text, offset);
  const character = text[offset];
  const what =
    character === undefined
      ? 'Unexpected end-of-input: expected close marker'
      : `Unexpected character ('${character}' (code ${character.codePointAt(0)})): was expecting a valid JSON value`;
  return new ElasticsearchError(400, {
    type: 'x_content_parse_exception',
    reason: `[${line}:${column}] ${what}`,
  });
}
