/** @module Markdown, for an issue, a chat or a wiki page. */
import { printable } from '../../base/text.ts';

/** A Markdown table with plain text cells. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(markdownText).join(' | ')} |`;
  return [line(titles), `|${titles.map(() => ' --- |').join('')}`, ...rows.map(line)].join('\n');
}

/** Escapes a text for Markdown, so that an id or an error text never becomes a link or a tag. */
export function markdownText(text: string): string {
  const shown = printable(text);
  if (/^[a-z0-9][a-z0-9_.-]*$/.test(shown) && shown.includes('_')) return `\`${shown}\``;
  return shown.replace(meaning, (character) => `&#${character.charCodeAt(0)};`);
}

/** Markdown's special characters, and those that GitHub and chats turn into links. */
// break: markdown-links
const meaning = /[\\`*_{}[\]<>()#|&!~@]|(?<=\b(?:https?|ftp|mailto|xmpp)):|(?<=\bwww)\./gi;
