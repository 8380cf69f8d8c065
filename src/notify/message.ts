/** @module A notification before it is converted to the format of its target. */
import { printable } from '../base/text.ts';
import { type Anchor, runbookLink } from '../sweep/reporting/runbook.ts';

export interface Fact {
  readonly name: string;
  readonly value: string;
}

/**
 * The content of one notification. `headline` and `lines` are plain text in which backticks mark names and quotations.
 * Wrap every text from external sources in `code()`, so that no target interprets it as markup.
 */
export interface Message {
  readonly severity: 'info' | 'warning' | 'error';
  /** One sentence. A phone shows only this part of a message. */
  readonly headline: string;
  readonly lines: readonly string[];
  /** Numbers with their names, shown as a table. */
  readonly facts?: readonly Fact[];
  /** The section of the runbook that explains the message. */
  readonly anchor: Anchor;
  /** Further sections of the runbook, each with the text for its link. */
  readonly alsoSee?: readonly { readonly title: string; readonly anchor: Anchor }[];
  /** The detail type of the event, for example `Jobsweep Sweep Finished`. */
  readonly kind: string;
  /** Targets group messages with the same thread. All messages about one cluster have the same thread. */
  readonly thread: string;
  /** Machine-readable data, in addition to the text in the other fields. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** `text` with at most `limit` characters (UTF-16 units), without half a character at its end. */
export const cut = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;

/** The links of a message to sections of the runbook, the most important first. */
export function linksOf({ anchor, alsoSee = [] }: Message): readonly { title: string; url: string }[] {
  const first = { title: 'What this means, and what to do', anchor };
  return [first, ...alsoSee].map((section) => ({ title: section.title, url: runbookLink(section.anchor) }));
}

const maxFacts = 20;

/** The facts of a message, shortened so that the table stays readable. */
export const factsOf = ({ facts = [] }: Message): Fact[] =>
  facts.slice(0, maxFacts).map(({ name, value }) => ({ name: cut(name, 60), value: cut(value, 100) }));

/** Quotes a text from an external source, shortened to at most `limit` characters. */
export function code(text: string, limit = 100): string {
  return `\`${cut(printable(text.replace(/\s+/g, ' ')).replaceAll('`', "'"), limit)}\``;
}

/** One piece of a line, and whether it is a quotation. */
export interface Part {
  readonly text: string;
  readonly isCode: boolean;
}

/** Splits a line at its backticks. */
export function partsOf(line: string): Part[] {
  return line
    .split('`')
    .map((text, index) => ({ text, isCode: index % 2 === 1 }))
    .filter(({ text }) => text !== '');
}

/** A line without the backticks around quoted text. */
export const plainLine = (line: string): string => line.replaceAll('`', '');

/**
 * As many of `lines` as fit into `maxSize`; `sizeOf` measures one line. If some do not fit, the last line says how many
 * are missing.
 */
export function fitting(
  lines: readonly string[],
  maxSize: number,
  sizeOf: (line: string) => number,
): readonly string[] {
  const note = (left: number) => `… and ${left} more ${left === 1 ? 'line' : 'lines'}`;
  const total = lines.reduce((sum, line) => sum + sizeOf(line), 0);
  if (total <= maxSize) return lines;
  const kept: string[] = [];
  let left = maxSize - sizeOf(note(lines.length));
  for (const line of lines) {
    left -= sizeOf(line);
    if (left < 0) break;
    kept.push(line);
  }
  return [...kept, note(lines.length - kept.length)];
}
