/** @module What the client throws, sorted once into what can be done about it, in words that may be shown. */
import { errors } from '@elastic/elasticsearch';
import { printable, withoutNodeHint } from '../base/text.ts';
import type { ClusterError } from '../sweep/ports.ts';
import { WrongFingerprint } from './client/authority.ts';
import { WrongPacking } from './client/unpacking.ts';
import { missingIds } from './listing.ts';

/** Why no answer came, if that says what to fix. `certificate`: it is not trusted. */
export type LostCause =
  | 'host'
  | 'lookup'
  | 'refused'
  | 'certificate'
  | 'expired'
  | 'other_host'
  | 'fingerprint'
  | 'not_tls'
  | 'only_tls'
  | 'handshake'
  | 'closed'
  | 'no_route'
  | 'silent'
  | 'other';

export type Failure =
  /** An error of Elasticsearch itself. `missing`: the ids that a 404 names. */
  | {
      readonly kind: 'answer';
      readonly error: ClusterError;
      readonly missing: readonly string[];
      readonly retryAfterMs?: number | undefined;
    }
  /** An error status from something in front of the cluster, or in its place: a gateway's page or JSON. */
  | {
      readonly kind: 'page';
      readonly error: ClusterError;
      readonly isKibana: boolean;
      readonly retryAfterMs?: number | undefined;
    }
  /** A good answer, or a redirect, of something that does not say it is Elasticsearch. */
  | {
      readonly kind: 'not_elasticsearch';
      readonly reason: string;
      readonly isKibana?: boolean;
      /** The address to set instead. */
      readonly movedTo?: string;
    }
  /** An answer that cannot be understood: half of one, or not what was asked for. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** No answer. */
  | {
      readonly kind: 'lost';
      readonly cause: LostCause;
      readonly reason: string;
      /** What belongs to the cause, such as the certificate that is missing. */
      readonly about?: string;
    }
  /** The caller's signal ended the wait: for an answer, for so long, or for the next try after what failed before. */
  | { readonly kind: 'ended'; readonly silentMs?: number; readonly before?: Failure };

const longestReason = 1_000;
/** What a page or the JSON of a front says is cut here. */
const longestWords = 200;

/** Sorts what a request was rejected with. `clean` makes a text of the outside fit to show (see `redact.ts`). */
export function failureOf(error: unknown, clean: (text: string) => string): Failure {
  const show = (text: string) => printable(clean(text).trim()).slice(0, longestReason);
  if (error instanceof errors.ProductNotSupportedError)
    return {
      kind: 'not_elasticsearch',
      reason: 'its answers lack the header X-elastic-product',
      isKibana: isOfKibana(error.meta?.headers ?? {}),
    };
  if (error instanceof errors.ResponseError) return ofResponse(error, show);
  const reason = error instanceof Error ? show(withoutNodeHint(error.message)) : '';
  if (error instanceof errors.DeserializationError)
    return { kind: 'unreadable', reason: `it is not JSON: ${reason}` };
  const thrown = error instanceof Error ? (error.cause ?? error) : error;
  if (thrown instanceof WrongPacking) return { kind: 'unreadable', reason: show(thrown.message) };
  if (reason.includes('Header overflow'))
    return { kind: 'unreadable', reason: 'its headers are larger than 16 KB' };
  if (error instanceof errors.RequestAbortedError && reason.startsWith('The content length'))
    return { kind: 'unreadable', reason: 'it is far larger than what was asked for' };
  if (reason.includes('Expected HTTP/'))
    return { kind: 'not_elasticsearch', reason: `what it speaks is not HTTP` };
  return { kind: 'lost', cause: causeOf(error, reason), reason: reason || 'no answer' };
}

function ofResponse(error: errors.ResponseError, show: (text: string) => string): Failure {
  // not `error.statusCode`, which believes a `status` in the body over the real one
  const status = error.meta.statusCode ?? 0;
  const retryAfterMs = retryAfter(error.headers);
  const told = isObject(error.body) ? error.body.error : undefined;
  if (isObject(told) && ['type', 'reason', 'root_cause'].some((field) => field in told)) {
    const said = typeof told.reason === 'string' ? told.reason : 'no reason given';
    // The reason of index_closed_exception is "closed", and the index is in a field of its own.
    const { index } = told;
    const reason = typeof index === 'string' && !said.includes(index) ? `${said}: index [${index}]` : said;
    const causedBy = causesOf(told).map(show).join('; ');
    return {
      kind: 'answer',
      error: {
        status,
        type: typeof told.type === 'string' ? show(told.type) : 'unknown',
        reason: show(reason),
        ...(causedBy && { causedBy: causedBy.slice(0, longestReason) }),
      },
      // from the whole text: a list of fifty long ids is over the length that is shown
      missing: status === 404 ? missingIds(reason) : [],
      retryAfterMs,
    };
  }
  // Elasticsearch reports a wrong method, path or media type as a text. A front may have one under the same name.
  if (
    typeof told === 'string' &&
    (isOfElasticsearch(error, status) || told.startsWith('no handler found for uri'))
  )
    return {
      kind: 'answer',
      error: { status, type: 'http_error', reason: show(told) },
      missing: [],
      retryAfterMs,
    };
  const text = show(wordsOf(error.body)).slice(0, longestWords);
  if (/\bto (an )?(HTTPS|SSL-enabled server|TLS-enabled server) port\b/i.test(text))
    return { kind: 'lost', cause: 'only_tls', reason: text };
  const reason = text || 'an answer without an error of Elasticsearch';
  const isKibana = isOfKibana(error.headers ?? {}) || isErrorOfKibana(error.body);
  return { kind: 'page', error: { status, type: 'http_error', reason }, isKibana, retryAfterMs };
}

const isOfElasticsearch = ({ body, headers }: errors.ResponseError, status: number): boolean =>
  headers?.['x-elastic-product'] === 'Elasticsearch' || (isObject(body) && body.status === status);

/** Whether the headers are Kibana's, which names itself and its licence in each answer. */
export const isOfKibana = (headers: Readonly<Record<string, unknown>>): boolean =>
  'kbn-name' in headers || 'kbn-license-sig' in headers;

/** The errors of Kibana's web framework, where a proxy drops its headers. */
const isErrorOfKibana = (body: unknown): boolean =>
  isObject(body) &&
  typeof body.statusCode === 'number' &&
  typeof body.error === 'string' &&
  typeof body.message === 'string';

/** What an answer that is not of Elasticsearch says to people; empty if it says nothing. */
function wordsOf(body: unknown): string {
  const parsed = typeof body === 'string' && body.trimStart().startsWith('{') ? parsedJson(body) : body;
  if (isObject(parsed)) return wordsOfJson(parsed);
  return typeof body === 'string' ? wordsOfPage(body) : '';
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Where gateways, load balancers and clouds put their sentence, the most telling first. */
const sentenceFields = ['message', 'Message', 'error_description', 'detail', 'title', 'error', 'reason'];

function wordsOfJson(body: Readonly<Record<string, unknown>>): string {
  const [first] = Array.isArray(body.errors) ? (body.errors as unknown[]) : [];
  const inner = [body, body.error, first].filter(isObject);
  const found = inner
    .flatMap((fields) => sentenceFields.map((field) => fields[field]))
    .find((text) => typeof text === 'string' && text.trim() !== '');
  return typeof found === 'string' ? found : typeof first === 'string' ? first : '';
}

/** More causes within causes repeat each other. */
const maxCauses = 5;

/** The reasons of an error's `caused_by`, the outermost first. */
function causesOf({ caused_by: cause }: Readonly<Record<string, unknown>>, max = maxCauses): string[] {
  if (!isObject(cause) || max === 0) return [];
  const { reason, type } = cause;
  const words = [type, reason].filter((each) => typeof each === 'string' && each !== '').join(': ');
  return [...(words === '' ? [] : [words]), ...causesOf(cause, max - 1)];
}

/** What a page says to people: its title, or its text. */
function wordsOfPage(page: string): string {
  const title = /<title[^>]*>([^<]{1,300})/i.exec(page.slice(0, 10_000))?.[1];
  return (title ?? page.slice(0, 2_000).replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ').trim();
}

/**
 * Milliseconds of a `Retry-After`: seconds, or a date. A date is counted from the answer's own `Date`, as what wrote
 * both has one clock, and ours may differ.
 */
function retryAfter(headers: Readonly<Record<string, unknown>> | null | undefined): number | undefined {
  const value = headers?.['retry-after'];
  if (typeof value !== 'string') return undefined;
  if (/^[0-9]+$/.test(value)) return Number(value) * 1_000;
  const wait = Date.parse(value) - Date.parse(String(headers?.date));
  return Number.isFinite(wait) && wait >= 0 ? wait : undefined;
}

/** The client keeps of the network's error only the text, and the text is Node's and OpenSSL's own. */
function causeOf(error: unknown, reason: string): LostCause {
  if (error instanceof WrongFingerprint) return 'fingerprint';
  if (/ENOTFOUND/.test(reason)) return 'host';
  if (/EAI_AGAIN/.test(reason)) return 'lookup';
  if (/ECONNREFUSED/.test(reason)) return 'refused';
  if (/wrong version number|packet length too long|record layer/i.test(reason)) return 'not_tls';
  // an alert of the server about our own side may name certificates, and is not about the server's
  if (/EPROTO|SSL routines|SSL alert/i.test(reason)) return 'handshake';
  if (/certificate has expired|not yet valid/i.test(reason)) return 'expired';
  if (/does not match certificate's altnames/.test(reason)) return 'other_host';
  if (/certificate|self-signed/i.test(reason)) return 'certificate';
  if (/other side closed|ECONNRESET|EPIPE|socket hang up/i.test(reason)) return 'closed';
  return /EHOSTUNREACH|ENETUNREACH/.test(reason) ? 'no_route' : 'other';
}

/** What an error of Elasticsearch is about, where its status alone would mislead: 403 is not always a privilege. */
export type ErrorSubject = 'credentials' | 'privilege' | 'license' | 'block' | 'front' | 'other';

/**
 * The subject of an error, by its type and, where one type has several subjects, by the server's own words, which are
 * the same in 7.17 to 9.x. A 403 without a type comes from a front, which refuses the caller.
 */
export function subjectOf({ status, type, reason }: ClusterError): ErrorSubject {
  if (status === 401) return 'credentials';
  if (type === 'cluster_block_exception' || type === 'index_closed_exception') return 'block';
  if (type === 'security_exception')
    return /\blicense\b/.test(reason) ? 'license' : status === 403 ? 'privilege' : 'credentials';
  return status === 403 && type === 'http_error' ? 'front' : 'other';
}

/** Whether a read failed for want of a privilege of Elasticsearch. */
export const lacksPrivilege = (failure: Failure): boolean =>
  failure.kind === 'answer' && subjectOf(failure.error) === 'privilege';

/** Whether an error of a request that names jobs concerns the caller or the whole cluster, and so every other request too. */
export const concernsAll = (error: ClusterError): boolean =>
  ['credentials', 'privilege', 'license', 'front'].includes(subjectOf(error));

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
