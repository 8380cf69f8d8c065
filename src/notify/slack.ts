/** @module Converts a message for Slack's incoming webhooks, within Slack's limits for blocks. */

import { cut, factsOf, fitting, linksOf, type Message, plainLine } from './message.ts';

// Slack's limits. If all blocks together have more than about 13,200 characters, Slack answers `msg_blocks_too_long`.
const maxHeader = 150;
const maxSection = 3_000;
const maxFields = 10;
/**
 * Maximum size of all blocks together, in characters of JSON. Headline, facts and links are short, so most of the space
 * is left for the lines.
 */
const maxAll = 12_500;

/** Escapes the three characters that Slack interprets: `<!channel>` in a job's id would notify everyone. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

// With `verbatim`, Slack does not turn addresses and names of channels into links.
const markdown = (text: string) => ({ type: 'mrkdwn', text, verbatim: true });

const signs = { info: '', warning: '⚠️ ', error: '🔴 ' } as const;

export function slackBody(message: Message): object {
  const { severity, headline, lines } = message;
  const title = `${signs[severity]}${plainLine(headline)}`;
  // A fact has at most 160 characters. Escaping turns them into at most 800, and Slack allows 2,000 in a field.
  const fields = factsOf(message)
    .slice(0, maxFields)
    .map(({ name, value }) => markdown(`*${escaped(name)}*\n${escaped(value)}`));
  const blocks = (shown: readonly string[]) => [
    { type: 'header', text: { type: 'plain_text', text: cut(title, maxHeader - 10), emoji: false } },
    ...(fields.length > 0 ? [{ type: 'section', fields }] : []),
    ...sections(shown).map((part) => ({ type: 'section', text: markdown(part) })),
    {
      type: 'context',
      elements: linksOf(message).map(({ title: words, url }) => markdown(`<${url}|${words}>`)),
    },
  ];
  // The JSON of a section has about 70 characters in addition to its lines. A line longer than half a section may need
  // a section of its own, so these characters are added to the size of the line.
  const maxLines = maxAll - JSON.stringify(blocks([])).length;
  const sizeOf = (line: string) => JSON.stringify(line).length + (line.length > maxSection / 2 ? 70 : 5);
  return {
    // a phone shows only `text`; it is escaped, because Slack interprets markup in it
    text: escaped(cut(title, maxSection)),
    blocks: blocks(
      fitting(
        lines.map((line) => cutEscaped(escaped(line))),
        maxLines,
        sizeOf,
      ),
    ),
  };
}

/** Cuts an escaped line to the length of a section, without half an escape sequence at its end. */
const cutEscaped = (line: string): string =>
  line.length <= maxSection - 10 ? line : `${line.slice(0, maxSection - 10).replace(/&\w*$/, '')}…`;

/** Joins the lines into as few sections as their maximum length allows. */
function sections(lines: readonly string[]): string[] {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + 1 + line.length <= maxSection)
      texts[texts.length - 1] = `${last}\n${line}`;
    else texts.push(line);
  }
  return texts;
}
