/**
 * @module The parameters of a request's URL. Reading a parameter marks it as used, and unused parameters are an error.
 */
import { illegalArgument } from '../errors.ts';
import { parseTimeValue } from '../units.ts';
import { near } from './object-parser.ts';

/** Parameters that shape the response and that every endpoint accepts. */
const common = ['error_trace', 'filter_path', 'format', 'human', 'pretty'];
/**
 * Parameters that contain the request body and its media type. Every endpoint with a body accepts them. They are never
 * suggested for a misspelled parameter.
 */
const content = ['source', 'source_content_type'];

export class Query {
  readonly #values = new Map<string, string>();
  readonly #consumed = new Set<string>(common);

  constructor(search: string) {
    for (const pair of search.split('&')) {
      if (pair === '') continue;
      const [name = '', ...value] = pair.split('=');
      this.#values.set(decode(name), decode(value.join('=')));
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value of a parameter. Does not mark the parameter as used. */
  peek(name: string): string | undefined {
    return this.#values.get(name);
  }

  text(name: string): string | undefined {
    this.#consumed.add(name);
    return this.#values.get(name);
  }

  /** `?name` and `?name=` mean true. */
  flag(name: string, otherwise: boolean): boolean {
    const value = this.text(name);
    if (value === undefined) return otherwise;
    if (value === '' || value === 'true') return true;
    if (value === 'false') return false;
    throw illegalArgument(`Failed to parse value [${value}] as only [true] or [false] are allowed.`);
  }

  time(name: string, otherwise: number): number {
    const value = this.text(name);
    return value === undefined ? otherwise : parseTimeValue(value, name);
  }

  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (/^[+-]?\d+$/.test(value)) return Number.parseInt(value, 10);
    throw illegalArgument(`Failed to parse int parameter [${name}] with value [${value}]`);
  }

  /** Marks parameters as used and ignores their values. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#consumed.add(name);
  }

  /** @throws 400 if any parameter is unused; the error names all unused ones */
  refuseUnconsumed(path: string): void {
    const unknown = [...this.#values.keys()]
      .filter((name) => !this.#consumed.has(name) && !content.includes(name))
      .sort();
    if (unknown.length === 0) return;
    const named = unknown.map((name) => `[${name}]${hint(name, [...this.#consumed])}`);
    throw illegalArgument(
      `request [${path}] contains unrecognized parameter${unknown.length === 1 ? '' : 's'}: ${named.join(', ')}`,
    );
  }
}

function hint(name: string, candidates: readonly string[]): string {
  const found = near(name, candidates);
  if (found.length === 0) return '';
  return found.length === 1
    ? ` -> did you mean [${found[0]}]?`
    : ` -> did you mean any of [${found.join(', ')}]?`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
