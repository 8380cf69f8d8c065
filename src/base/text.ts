/** @module Values from outside, made safe to show: on a terminal, in a log line, in an error message. */

// Control characters, and the invisible ones that reorder or hide text: an id must not repaint someone's terminal.
const unprintable = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** `text` with every control or invisible character written as its code. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `text` with those control and invisible characters written as their codes that JSON itself would leave. */
export function shownInJson(text: string): string {
  return text.replace(unprintable, (character) =>
    JSON.stringify(character) === `"${character}"` ? printable(character) : character,
  );
}

/**
 * A value as JSON in which every control or invisible character is escaped: JSON itself demands that of a few only, and
 * the others act on the terminal that somebody reads it on. `indent` as for `JSON.stringify`.
 */
export function plainJson(value: unknown, indent?: number): string {
  return (JSON.stringify(value, null, indent) ?? 'null').replace(unprintable, (character) =>
    character === '\n' ? character : character.split('').map(escaped).join(''),
  );
}

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A value as it stood in an input, cut to `limit` characters; undefined is `nothing`. */
export function quote(value: unknown, limit = 80): string {
  if (value === undefined) return 'nothing';
  // 1e999 in JSON: the writer of JSON would say null, which may be a value that is allowed
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  let text: string;
  try {
    text = JSON.stringify(value) ?? typeof value;
  } catch {
    text = 'a value that JSON cannot hold'; // a BigInt, or one that holds itself, as YAML can say it
  }
  const shown = printable(text);
  return shown.length > limit ? `${shown.slice(0, limit - 1)}…` : shown;
}

/** An error of the network without Node's advice on its own options, which a function and a command do not have. */
export function withoutNodeHint(text: string): string {
  return text.replace(/;[^;]*\btry running Node\.js with --use-system-ca\b.*$/s, '');
}

/** `3 jobs`, `1 job`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
