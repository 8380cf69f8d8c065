/** @module Markdown, for an issue, a chat or a wiki page. */
import { printable } from '../../base/text.ts';

/** Rows under titles as a Markdown table; cells are taken as plain text. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(markdownText).join(' | ')} |`;
  return [line(titles), `|${titles.map(() => ' --- |').join('')}`, ...rows.map(line)].join('\n');
}

/** A text that Markdown shows as it is: an id or an error text of a cluster must not become a link or a tag. */
export function markdownText(text: string): string {
  const shown = printable(text);
  if (/^[a-z0-9][a-z0-9_.-]*$/.test(shown) && shown.includes('_')) return `\`${shown}\``;
  return shown.replace(meaning, (character) => `&#${character.charCodeAt(0)};`);
}

/** Its signs, and what makes an address of a text: Markdown of GitHub and of chats makes links of those unasked. */
// break: markdown-links
const meaning = /[\\`*_{}[\]<>()#|&!~@]|(?<=\b(?:https?|ftp|mailto|xmpp)):|(?<=\bwww)\./gi;
