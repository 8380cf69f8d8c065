/**
 * @module Converts a message for an SNS topic: into a custom notification for Amazon Q Developer in chat applications,
 * which posts it to Slack, Teams or Chime, and into plain text for e-mail subscribers.
 */

import { cut, factsOf, fitting, linksOf, type Message, plainLine } from './message.ts';

/** The limits of SNS and of the schema of Amazon Q. */
const maxSubject = 100;
const maxTitle = 250;
const maxDescription = 8_000;
const maxText = 60_000;

/** Replaces the characters that start a mention or a link, because Amazon Q and chat apps treat lines as Markdown. */
const inert = (text: string): string => text.replaceAll('<', '‹').replaceAll('>', '›');

export interface SnsPublication {
  readonly Subject: string;
  readonly MessageStructure: 'json';
  readonly Message: string;
  readonly MessageAttributes: Readonly<
    Record<string, { readonly DataType: 'String'; readonly StringValue: string }>
  >;
}

export function snsPublication(message: Message): SnsPublication {
  const headline = plainLine(message.headline);
  return {
    // SNS accepts only printable ASCII in a subject
    Subject: cut(headline, maxSubject - 1).replace(/[^\x20-\x7e]/g, '.'),
    MessageStructure: 'json',
    Message: JSON.stringify({
      default: JSON.stringify(customNotification(message)),
      email: emailText(message),
      sms: cut(headline, 140),
    }),
    MessageAttributes: {
      kind: { DataType: 'String', StringValue: message.kind },
      severity: { DataType: 'String', StringValue: message.severity },
      thread: { DataType: 'String', StringValue: message.thread },
    },
  };
}

function customNotification(message: Message) {
  const { headline, lines, kind, thread, severity } = message;
  const counts = factsOf(message)
    .map(({ name, value }) => `${name}: ${value}`)
    .join(', ');
  const all = [...(counts === '' ? [] : [counts]), ...lines].map((line) => cut(inert(line), 1_000));
  const description = fitting(all, maxDescription, ({ length }) => length + 2).join('\n\n');
  return {
    version: '1.0',
    source: 'custom',
    content: {
      textType: 'client-markdown',
      title: cut(inert(plainLine(headline)), maxTitle),
      description: description || inert(plainLine(headline)),
      nextSteps: linksOf(message).map(({ title, url }) => `${title}: ${url}`),
    },
    metadata: {
      threadId: `jobsweep-${thread}`,
      summary: cut(inert(plainLine(headline)), maxTitle),
      eventType: kind,
      additionalContext: { severity },
    },
  };
}

function emailText(message: Message): string {
  const { headline, lines } = message;
  const table = factsOf(message).map(({ name, value }) => `${name}: ${value}`);
  const text = fitting(lines.map(plainLine), maxText, (line) => Buffer.byteLength(JSON.stringify(line)));
  return [
    cut(plainLine(headline), 1_000),
    '',
    ...table,
    '',
    ...text,
    '',
    ...linksOf(message).map(({ title, url }) => `${title}: ${url}`),
  ].join('\n');
}
