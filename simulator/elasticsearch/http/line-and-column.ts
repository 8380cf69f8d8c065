/** @module Line and column of a value in a JSON text, for error messages. The text must be valid JSON. */

export interface Location {
  readonly line: number;
  readonly column: number;
}

export type JsonPath = readonly (string | number)[];

/** Where the value at `path`, or its key, begins. If a key occurs twice, the last occurrence is used. */
export function locate(text: string, path: JsonPath, which: 'key' | 'value' = 'value'): Location {
  const scanner = new Scanner(text);
  scanner.visit(path, 0, which);
  return toLocation(text, scanner.found ?? 0);
}

export function toLocation(text: string, offset: number): Location {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}

class Scanner {
  found: number | undefined;
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads one value. `depth` is how many parts of `path` lead to the value; -1 if the value is not on `path`. */
  visit(path: JsonPath, depth: number, which: 'key' | 'value'): void {
    this.#blanks();
    if (depth === path.length && which === 'value') this.found = this.#at;
    const opening = this.#text[this.#at];
    if (opening === '{') this.#members(path, depth, which);
    else if (opening === '[') this.#elements(path, depth, which);
    else if (opening === '"') this.#string();
    else while (this.#at < this.#text.length && !/[,\]}\s]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #members(path: JsonPath, depth: number, which: 'key' | 'value'): void {
    this.#at += 1;
    for (;;) {
      this.#blanks();
      if (this.#text[this.#at] !== '"') break;
      const start = this.#at;
      const key = this.#string();
      const onPath = depth >= 0 && path[depth] === key;
      if (onPath && depth === path.length - 1 && which === 'key') this.found = start;
      this.#blanks();
      this.#at += 1;
      this.visit(path, onPath ? depth + 1 : -1, which);
      this.#blanks();
      if (this.#text[this.#at] === ',') this.#at += 1;
    }
    this.#at += 1;
  }

  #elements(path: JsonPath, depth: number, which: 'key' | 'value'): void {
    this.#at += 1;
    for (let index = 0; ; index++) {
      this.#blanks();
      if (this.#text[this.#at] === ']' || this.#at >= this.#text.length) break;
      this.visit(path, depth >= 0 && path[depth] === index ? depth + 1 : -1, which);
      this.#blanks();
      if (this.#text[this.#at] === ',') this.#at += 1;
    }
    this.#at += 1;
  }

  #string(): string {
    const start = this.#at;
    this.#at += 1;
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"')
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    this.#at += 1;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #blanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }
}
