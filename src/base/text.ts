/** @module Makes values from external sources safe to show: on a terminal, in a log line, in an error message. */

// Control characters, and invisible ones that reorder or hide text: a job id must not manipulate a terminal.
const unprintable = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** `text` with each control or invisible character replaced by its code. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `text` with its control and invisible characters replaced by their codes, except those that JSON escapes itself. */
export function shownInJson(text: string): string {
  return text.replace(unprintable, (character) =>
    JSON.stringify(character) === `"${character}"` ? printable(character) : character,
  );
}

/**
 * A value as JSON in which every control or invisible character is escaped. JSON itself escapes only some of them,
 * and the others could manipulate a terminal. `indent` is the number of spaces, as in `JSON.stringify`.
 */
export function plainJson(value: unknown, indent?: number): string {
  return (JSON.stringify(value, null, indent) ?? 'null').replace(unprintable, (character) =>
    character === '\n' ? character : character.split('').map(escaped).join(''),
  );
}

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text that shows an input value, at most `limit` characters long. The text for undefined is `nothing`. */
export function quote(value: unknown, limit = 80): string {
  if (value === undefined) return 'nothing';
  // JSON.stringify writes Infinity (1e999 in the input) as null, which can be a valid value.
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  let text: string;
  try {
    text = JSON.stringify(value) ?? typeof value;
  } catch {
    text = 'a value that JSON cannot represent'; // a BigInt, or a YAML value that contains itself
  }
  const shown = printable(text);
  return shown.length > limit ? `${shown.slice(0, limit - 1)}…` : shown;
}

/**
 * Removes Node's advice about its own options from a network error, because users of the function cannot set Node's
 * options.
 */
export function withoutNodeHint(text: string): string {
  return text.replace(/;[^;]*\btry running Node\.js with --use-system-ca\b.*$/s, '');
}

/** A count with its noun: `3 jobs`, `1 job`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
