/**
 * @module Classifies the client's errors by what can be done about them. Each error gets a reason that is safe to show.
 */
import { errors } from '@elastic/elasticsearch';
import { isJsonObject } from '../base/json.ts';
import { printable, withoutNodeHint } from '../base/text.ts';
import type { ClusterError } from '../sweep/ports.ts';
import { WrongPacking } from './client/unpacking.ts';
import { missingIds } from './listing.ts';

/** Why there was no answer. Each cause has a different fix. `certificate`: the server's certificate is not trusted. */
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
  | 'no_connection'
  | 'silent'
  | 'proxy'
  | 'other';

export type Failure =
  /** An error from Elasticsearch itself. `missing`: the ids that a 404 reports as missing. */
  | {
      readonly kind: 'answer';
      readonly error: ClusterError;
      readonly missing: readonly string[];
      readonly retryAfterMs?: number | undefined;
    }
  /** An error status from something other than the cluster: for example, a gateway that answers with a page or JSON. */
  | {
      readonly kind: 'page';
      readonly error: ClusterError;
      readonly isKibana: boolean;
      readonly retryAfterMs?: number | undefined;
    }
  /** A successful answer or a redirect from a server that does not identify itself as Elasticsearch. */
  | {
      readonly kind: 'not_elasticsearch';
      readonly reason: string;
      readonly isKibana?: boolean;
      /** The address to which the server redirects, which the user should set instead. */
      readonly movedTo?: string;
    }
  /** An answer that cannot be used: it is incomplete, or has an unexpected format. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** No answer. */
  | {
      readonly kind: 'lost';
      readonly cause: LostCause;
      readonly reason: string;
      /** A detail of the cause, such as the missing certificate. */
      readonly about?: string;
    }
  /**
   * The caller's signal aborted the request or a wait before a retry. `silentMs`: how long the server had been silent.
   * `before`: the failure of the previous try.
   */
  | {
      readonly kind: 'ended';
      readonly silentMs?: number;
      readonly before?: Failure;
      /** False if there was no connection yet when the request was aborted. */
      readonly connected?: boolean;
    };

const longestReason = 1_000;
/** Texts from a gateway's page or JSON are cut to this length. */
const longestWords = 200;

/** Classifies the error of a request. `clean` removes credentials from external texts (see `redact.ts`). */
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
    return { kind: 'unreadable', reason: 'it is far larger than expected' };
  if (reason.includes('Expected HTTP/'))
    return { kind: 'not_elasticsearch', reason: 'it does not speak HTTP' };
  return { kind: 'lost', cause: causeOf(error, reason), reason: reason || 'no answer' };
}

function ofResponse(error: errors.ResponseError, show: (text: string) => string): Failure {
  // not `error.statusCode`, which prefers a `status` in the body over the real one
  const status = error.meta.statusCode ?? 0;
  const retryAfterMs = retryAfter(error.headers);
  const serverError = isJsonObject(error.body) ? error.body.error : undefined;
  if (isJsonObject(serverError) && ['type', 'reason', 'root_cause'].some((field) => field in serverError)) {
    const said = typeof serverError.reason === 'string' ? serverError.reason : 'no reason given';
    // The reason of an index_closed_exception is only "closed". A separate field names the index.
    const { index } = serverError;
    const reason = typeof index === 'string' && !said.includes(index) ? `${said}: index [${index}]` : said;
    const causedBy = causesOf(serverError).map(show).join('; ');
    return {
      kind: 'answer',
      error: {
        status,
        type: typeof serverError.type === 'string' ? show(serverError.type) : 'unknown',
        reason: show(reason),
        ...(causedBy && { causedBy: causedBy.slice(0, longestReason) }),
      },
      // from the full text: messages shorten it, and a list of fifty long ids would not fit
      missing: status === 404 ? missingIds(reason) : [],
      retryAfterMs,
    };
  }
  // For a wrong method, path or media type, Elasticsearch answers with a string in the field `error`. A gateway may
  // answer with such a string, too.
  if (
    typeof serverError === 'string' &&
    (isOfElasticsearch(error, status) || serverError.startsWith('no handler found for uri'))
  )
    return {
      kind: 'answer',
      error: { status, type: 'http_error', reason: show(serverError) },
      missing: [],
      retryAfterMs,
    };
  const text = show(wordsOf(error.body)).slice(0, longestWords);
  if (/\bto (an )?(HTTPS|SSL-enabled server|TLS-enabled server) port\b/i.test(text))
    return { kind: 'lost', cause: 'only_tls', reason: text };
  const reason = text || 'an answer without an Elasticsearch error';
  const isKibana = isOfKibana(error.headers ?? {}) || isErrorOfKibana(error.body);
  return { kind: 'page', error: { status, type: 'http_error', reason }, isKibana, retryAfterMs };
}

const isOfElasticsearch = ({ body, headers }: errors.ResponseError, status: number): boolean =>
  headers?.['x-elastic-product'] === 'Elasticsearch' || (isJsonObject(body) && body.status === status);

/** Whether the headers come from Kibana, which sends its name and license in each answer. */
export const isOfKibana = (headers: Readonly<Record<string, unknown>>): boolean =>
  'kbn-name' in headers || 'kbn-license-sig' in headers;

/** Recognizes Kibana by the fields of its errors, in case a proxy drops Kibana's headers. */
const isErrorOfKibana = (body: unknown): boolean =>
  isJsonObject(body) &&
  typeof body.statusCode === 'number' &&
  typeof body.error === 'string' &&
  typeof body.message === 'string';

/** The human-readable text in an answer that is not from Elasticsearch; empty if there is none. */
function wordsOf(body: unknown): string {
  const parsed = typeof body === 'string' && body.trimStart().startsWith('{') ? parsedJson(body) : body;
  if (isJsonObject(parsed)) return wordsOfJson(parsed);
  return typeof body === 'string' ? wordsOfPage(body) : '';
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The fields in which gateways, load balancers and clouds put an error message, the most useful field first. */
const sentenceFields = ['message', 'Message', 'error_description', 'detail', 'title', 'error', 'reason'];

function wordsOfJson(body: Readonly<Record<string, unknown>>): string {
  const [first] = Array.isArray(body.errors) ? (body.errors as unknown[]) : [];
  const inner = [body, body.error, first].filter(isJsonObject);
  const found = inner
    .flatMap((fields) => sentenceFields.map((field) => fields[field]))
    .find((text) => typeof text === 'string' && text.trim() !== '');
  return typeof found === 'string' ? found : typeof first === 'string' ? first : '';
}

/** Maximum number of nested causes to read. Deeper causes usually repeat the outer ones. */
const maxCauses = 5;

/** The types and reasons of the nested `caused_by` of an error, the outermost first. */
function causesOf({ caused_by: cause }: Readonly<Record<string, unknown>>, max = maxCauses): string[] {
  if (!isJsonObject(cause) || max === 0) return [];
  const { reason, type } = cause;
  const words = [type, reason].filter((each) => typeof each === 'string' && each !== '').join(': ');
  return [...(words === '' ? [] : [words]), ...causesOf(cause, max - 1)];
}

/** The title of an HTML page, or else its text. */
function wordsOfPage(page: string): string {
  const title = /<title[^>]*>([^<]{1,300})/i.exec(page.slice(0, 10_000))?.[1];
  return (title ?? page.slice(0, 2_000).replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ').trim();
}

/**
 * The wait that `Retry-After` asks for, in milliseconds. The header holds seconds or a date. A date is compared with
 * the answer's `Date`, because the same clock wrote both, and our clock may differ.
 */
function retryAfter(headers: Readonly<Record<string, unknown>> | null | undefined): number | undefined {
  const value = headers?.['retry-after'];
  if (typeof value !== 'string') return undefined;
  if (/^[0-9]+$/.test(value)) return Number(value) * 1_000;
  const wait = Date.parse(value) - Date.parse(String(headers?.date));
  return Number.isFinite(wait) && wait >= 0 ? wait : undefined;
}

/**
 * Derives the cause from the text of Node's or OpenSSL's error, because the client keeps only the text of a network
 * error.
 */
function causeOf(error: unknown, reason: string): LostCause {
  if (error instanceof Error && error.name === 'WrongFingerprint') return 'fingerprint';
  // The proxy refused the tunnel (4xx). The cause `proxy` prevents a retry: the proxy would refuse again, and too many
  // wrong passwords lock an account.
  if (/establish tunnel .*: HTTP\S+ 4/.test(reason)) return 'proxy';
  if (/ENOTFOUND/.test(reason)) return 'host';
  if (/EAI_AGAIN/.test(reason)) return 'lookup';
  if (/ECONNREFUSED/.test(reason)) return 'refused';
  if (/wrong version number|packet length too long|record layer/i.test(reason)) return 'not_tls';
  // a TLS alert from the server reports a problem with our side of the connection, even if the alert mentions
  // certificates
  if (/EPROTO|SSL routines|SSL alert/i.test(reason)) return 'handshake';
  if (/certificate has expired|not yet valid/i.test(reason)) return 'expired';
  if (/does not match certificate's altnames/.test(reason)) return 'other_host';
  if (/certificate|self-signed/i.test(reason)) return 'certificate';
  if (/other side closed|ECONNRESET|EPIPE|socket hang up/i.test(reason)) return 'closed';
  return /EHOSTUNREACH|ENETUNREACH/.test(reason) ? 'no_route' : 'other';
}

/** What an Elasticsearch error is about. The status alone would mislead: a 403 is not always a missing privilege. */
export type ErrorSubject = 'credentials' | 'privilege' | 'license' | 'block' | 'front' | 'other';

/**
 * The subject of an error, according to its type. If a type has several subjects, the server's text decides. These
 * texts are the same from 7.17 to 9.x. A 403 without a type comes from a gateway that refuses the caller.
 */
export function subjectOf({ status, type, reason }: ClusterError): ErrorSubject {
  if (status === 401) return 'credentials';
  if (type === 'cluster_block_exception' || type === 'index_closed_exception') return 'block';
  if (type === 'security_exception')
    return /\blicense\b/.test(reason) ? 'license' : status === 403 ? 'privilege' : 'credentials';
  return status === 403 && type === 'http_error' ? 'front' : 'other';
}

/** Whether a read failed because an Elasticsearch privilege is missing. */
export const lacksPrivilege = (failure: Failure): boolean =>
  failure.kind === 'answer' && subjectOf(failure.error) === 'privilege';

/** Whether every request would fail: the error concerns the caller or the whole cluster, not only the named jobs. */
export const concernsAll = (error: ClusterError): boolean =>
  ['credentials', 'privilege', 'license', 'front'].includes(subjectOf(error));
