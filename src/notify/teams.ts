/** @module Converts a message for Microsoft Teams into an adaptive card for the webhook of a workflow. */

import { cut, type Fact, factsOf, fitting, linksOf, type Message, partsOf } from './message.ts';

/** Teams refuses messages over 28 KB. It counts its own wrapper, too, which adds about a fifth. */
const maxBytes = 19_000;

const colours = { info: 'default', warning: 'warning', error: 'attention' } as const;

/** A `TextRun` shows its text unchanged. A `TextBlock` would interpret it as Markdown, links included. */
const line = (text: string, look: object = {}) => ({
  type: 'RichTextBlock',
  inlines: partsOf(text).map((part) => ({
    type: 'TextRun',
    text: part.text,
    ...(part.isCode && { fontType: 'monospace' }),
    ...look,
  })),
});

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

export function teamsCard(message: Message): object {
  const { severity, headline, lines } = message;
  const facts = factsOf(message);
  const card = (shown: readonly string[]) => ({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            line(cut(headline, 300), { weight: 'bolder', size: 'medium', color: colours[severity] }),
            ...(facts.length > 0 ? [factSet(facts)] : []),
            ...shown.map((text) => line(text)),
          ],
          actions: linksOf(message).map((link) => ({ type: 'Action.OpenUrl', ...link })),
          msteams: { width: 'Full' },
        },
      },
    ],
  });
  const short = lines.map((text) => cut(text, 1_000));
  return card(fitting(short, maxBytes - bytesOf(card([])), (text) => bytesOf(line(text)) + 1));
}

const factSet = (facts: readonly Fact[]) => ({
  type: 'FactSet',
  facts: facts.map(({ name, value }) => ({ title: name, value })),
});
