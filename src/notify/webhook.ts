/**
 * @module Posts JSON to a webhook. The webhook's address is a secret: no message of this module shows more of the
 * address than the host.
 */
import { once } from 'node:events';
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { printable, withoutNodeHint } from '../base/text.ts';
import { type WayOut, wayTo } from '../base/way-out.ts';
import { DeliveryError, defaultRetryMs, type SendContext } from './delivery.ts';

/** Maximum number of bytes to read from an answer. Webhooks answer in a few words. */
const maxAnswer = 2_000;
const maxShown = 120;

/**
 * A webhook's address as a URL. @throws {DeliveryError} if the text is not a URL, or if the URL is neither https nor
 * local.
 */
export function webhookUrl(setting: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // The value is not shown, because it may contain the secret part of an address.
  if (!url) throw new DeliveryError(`${setting} is not an address`);
  const isLocal = url.protocol === 'http:' && /^(127\.0\.0\.1|\[::1\]|localhost)$/.test(url.hostname);
  if (url.protocol !== 'https:' && !isLocal)
    throw new DeliveryError(`${setting} does not start with https://, and its address is a secret`);
  return url;
}

export interface Post extends SendContext {
  readonly url: URL;
  readonly body: object;
  /** Checks the text of an answer with a 2xx status. By default, any text is accepted. */
  readonly isAccepted?: (answer: string) => boolean;
}

/** @throws {DeliveryError} unless the target accepts the message. A redirect is not followed. */
export async function post(given: Post): Promise<void> {
  const { url, isAccepted = () => true } = given;
  const way = wayOf(given);
  const { response, answer } = await exchange(given, way);
  const status = response.statusCode ?? 0;
  const clean = inFewWords(answer, url);
  if (status >= 200 && status < 300) {
    if (isAccepted(answer.trim())) return;
    throw new DeliveryError(`HTTP ${status} with an unexpected answer: ${clean}`);
  }
  if (status >= 300 && status < 400)
    throw new DeliveryError(`HTTP ${status}, a redirect: set the address that it leads to`);
  const why = [`HTTP ${status}`, clean].filter(Boolean).join(' ');
  throw new DeliveryError(why, status === 429 || status >= 500 ? waitOf(response) : undefined);
}

function wayOf({ url, environment }: Post): WayOut {
  try {
    return wayTo(url, environment);
  } catch (error) {
    // The proxy setting is invalid. The error's message never contains the proxy's password.
    throw new DeliveryError((error as Error).message);
  }
}

async function exchange(
  { url, body, signal }: Post,
  { agent: options, proxy }: WayOut,
): Promise<{ readonly response: IncomingMessage; readonly answer: string }> {
  const text = JSON.stringify(body);
  const isHttp = url.protocol === 'http:';
  const agent = options && (isHttp ? new HttpAgent(options) : new HttpsAgent(options));
  try {
    const request = (isHttp ? requestHttp : requestHttps)(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(text),
      },
      signal,
      agent: agent ?? false,
    });
    request.end(text);
    // An error that occurs after the answer begins must not end the process.
    request.on('error', () => undefined);
    const [response] = (await once(request, 'response', { signal })) as [IncomingMessage];
    return { response, answer: await textOf(response) };
  } catch (error) {
    // The message may have arrived, so a retry could post it twice.
    if (signal.aborted) throw new DeliveryError('no answer in time');
    const through = proxy ? ` through the proxy ${proxy.shown}` : '';
    throw new DeliveryError(`${url.host}${through}: ${networkProblem(error, proxy)}`, defaultRetryMs);
  } finally {
    agent?.destroy();
  }
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

function networkProblem(error: unknown, proxy: WayOut['proxy']): string {
  const { code, message = 'no connection' } = error as { readonly code?: unknown; readonly message?: string };
  // If the proxy refuses the tunnel, only the error's message contains the proxy's status.
  const text = typeof code === 'string' && !code.startsWith('ERR_PROXY') ? code : withoutNodeHint(message);
  const secrets = proxy?.secrets ?? [];
  return printable(secrets.reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text));
}

/**
 * Shortens an answer for a message. A gateway's page may repeat the webhook's address or its secret parts, so they are
 * removed.
 */
function inFewWords(answer: string, url: URL): string {
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

/** The wait that `Retry-After` asks for, in milliseconds. The header holds seconds or a date. */
function waitOf({ headers: { 'retry-after': after } }: IncomingMessage): number {
  if (after === undefined) return defaultRetryMs;
  const seconds = Number(after);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(after) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : defaultRetryMs;
}
