/** @module Values from outside, made safe to show: on a terminal, in a log line, in an error message. */

// Control characters, and the invisible ones that reorder or hide text: an id must not repaint someone's terminal.
const unprintable = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** `text` with every control or invisible character written as its code. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A value as it stood in an input, cut to `limit` characters; undefined is `nothing`. */
export function quote(value: unknown, limit = 80): string {
  if (value === undefined) return 'nothing';
  let text: string;
  try {
    text = JSON.stringify(value) ?? typeof value;
  } catch {
    text = 'a value that JSON cannot hold'; // a BigInt, or one that holds itself, as YAML can say it
  }
  const shown = printable(text);
  return shown.length > limit ? `${shown.slice(0, limit - 1)}…` : shown;
}

/** `3 jobs`, `1 job`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
