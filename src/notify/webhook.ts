/** @module Posts JSON to a webhook. Its address is a secret: nothing here shows more of it than the host. */
import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { printable, withoutNodeHint } from '../base/text.ts';
import { DeliveryError, defaultRetryMs } from './delivery-error.ts';

/** The most that is read of an answer, in bytes. Answers of webhooks are a few words. */
const maxAnswer = 2_000;
const maxShown = 120;

/** A webhook's address. @throws {DeliveryError} if it is none, or not encrypted. */
export function webhookUrl(setting: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // The value is not shown: a part of it may be the secret.
  if (!url) throw new DeliveryError(`${setting} is not an address`);
  const isLocal = url.protocol === 'http:' && /^(127\.0\.0\.1|\[::1\]|localhost)$/.test(url.hostname);
  if (url.protocol !== 'https:' && !isLocal)
    throw new DeliveryError(`${setting} does not start with https://, and its address is a secret`);
  return url;
}

export interface Post {
  readonly url: URL;
  readonly body: object;
  readonly signal: AbortSignal;
  /** Whether the answer of a success is the right one; by default any is. */
  readonly isAccepted?: (answer: string) => boolean;
}

/** @throws {DeliveryError} unless the target accepts the message. Follows no redirect. */
export async function post({ url, body, signal, isAccepted = () => true }: Post): Promise<void> {
  const text = JSON.stringify(body);
  let response: IncomingMessage;
  let answer: string;
  try {
    const send = url.protocol === 'http:' ? requestHttp : requestHttps;
    const request = send(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(text),
      },
      signal,
      agent: false,
    });
    request.end(text);
    [response] = (await once(request, 'response', { signal })) as [IncomingMessage];
    answer = await textOf(response);
  } catch (error) {
    // It may have arrived, so a retry could post it twice.
    if (signal.aborted) throw new DeliveryError('no answer in time');
    throw new DeliveryError(`${url.host}: ${networkProblem(error)}`, defaultRetryMs);
  }
  const status = response.statusCode ?? 0;
  const clean = withoutAddress(answer, url);
  if (status >= 200 && status < 300) {
    if (isAccepted(answer.trim())) return;
    throw new DeliveryError(`HTTP ${status} with an unexpected answer: ${clean}`);
  }
  if (status >= 300 && status < 400)
    throw new DeliveryError(`HTTP ${status}, a redirect: set the address that it leads to`);
  const why = [`HTTP ${status}`, clean].filter(Boolean).join(' ');
  throw new DeliveryError(why, status === 429 || status >= 500 ? waitOf(response) : undefined);
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response) {
    parts.push(part as Buffer);
    size += (part as Buffer).length;
    if (size > maxAnswer) break; // leaving the loop closes the connection
  }
  return Buffer.concat(parts).toString();
}

function networkProblem(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string };
  return printable(withoutNodeHint(typeof code === 'string' ? code : (message ?? 'no connection')));
}

/** An answer in a few words. A gateway's page may repeat the address, or the part of it that is secret. */
function withoutAddress(answer: string, url: URL): string {
  const secrets = [
    url.href,
    `${url.pathname}${url.search}`,
    url.search,
    ...url.pathname.split('/'),
    ...url.searchParams.values(),
  ]
    .filter((part) => part.length >= 6)
    .sort((a, b) => b.length - a.length);
  const clean = secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), answer);
  return printable(clean.replace(/\s+/g, ' ').trim()).slice(0, maxShown);
}

/** `Retry-After` in milliseconds: seconds or a date. */
function waitOf({ headers: { 'retry-after': after } }: IncomingMessage): number {
  if (after === undefined) return defaultRetryMs;
  const seconds = Number(after);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(after) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : defaultRetryMs;
}
