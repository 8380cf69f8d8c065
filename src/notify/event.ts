/**
 * @module Converts a message into a machine-readable format: the detail of an EventBridge event, and the body for a
 * generic webhook.
 */

import { cut, fitting, linksOf, type Message, plainLine } from './message.ts';

/** EventBridge accepts 256 KB in all regions. The limit leaves room for the other fields of the entry. */
const maxBytes = 200_000;
const maxLines = 60_000;

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** The source of our events. */
export const eventSource = 'jobsweep';

/**
 * The detail of the event for a message. The message's own `detail` is left out if it does not fit; `truncated` is then
 * true.
 */
export function eventDetail(message: Message): Readonly<Record<string, unknown>> {
  const { severity, headline, lines, thread, detail = {} } = message;
  const [runbook, ...alsoSee] = linksOf(message).map(({ url }) => url);
  const text = {
    severity,
    headline: cut(plainLine(headline), 1_000),
    lines: fitting(lines.map(plainLine), maxLines, (line) => bytesOf(line) + 1),
    runbook,
    ...(alsoSee.length > 0 && { alsoSee }),
    thread,
  };
  const whole = { ...detail, ...text };
  return bytesOf(whole) <= maxBytes ? whole : { ...text, truncated: true };
}

/** The body for a generic webhook: the event, and the headline in `text`, the field that most chat apps show. */
export function webhookBody(message: Message): object {
  const detail = eventDetail(message);
  return { text: detail.headline, source: eventSource, kind: message.kind, detail };
}
