/** @module Sends one request to the cluster and returns its answer or failure. Never throws and never retries. */
import { connect, type LeanClient } from './client/client.ts';
import type { RequestContext } from './client/node-connection.ts';
import { type Connection, urlOf } from './connection.ts';
import { type Failure, failureOf, isOfKibana } from './failure.ts';
import { redactorFor } from './redact.ts';

export interface Question {
  readonly method: 'GET' | 'POST';
  /** The path as sent in the request line, percent-encoded where needed. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | boolean>>;
  /** An object is sent as JSON. A string holds one JSON value on each line, as `_bulk` requires. */
  readonly body?: object | string;
}

/**
 * The parsed body of a successful answer, which the caller must still check, and the answer's `Date` in epoch
 * milliseconds; or a failure.
 */
export type Answer =
  | { readonly body: unknown; readonly date?: number | undefined }
  | { readonly failure: Failure };

export class Wire {
  readonly #connection: Connection;
  readonly #clean: (text: string) => string;
  readonly #warnings = new Set<string>();
  readonly #closed = new AbortController();
  #client: Promise<LeanClient> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#clean = redactorFor(connection);
  }

  /**
   * Sends the request, and never repeats it. The wait ends as soon as `caller` aborts, even in the middle of an answer.
   */
  async ask({ method, path, query = {}, body }: Question, caller: AbortSignal): Promise<Answer> {
    // Each request needs its own signal: the client aborts the given signal when it gives up.
    const signal = AbortSignal.any([caller, this.#closed.signal]);
    const context: RequestContext = { connected: false };
    try {
      signal.throwIfAborted();
      const client = await this.#connected(signal);
      const result = await client.transport.request<unknown>(
        {
          method,
          path,
          querystring: query,
          ...(typeof body === 'string' ? { bulkBody: body } : body && { body }),
        },
        { signal, meta: true, context },
      );
      if (result.statusCode !== undefined && result.statusCode >= 300)
        return { failure: this.#redirect(result.headers ?? {}, path) };
      for (const warning of warningsIn(result.headers?.warning)) this.#warnings.add(this.#clean(warning));
      return { body: result.body, date: dateOf(result.headers ?? {}) };
    } catch (error) {
      // the client reports an abort with different errors
      if (signal.aborted) return { failure: { kind: 'ended', connected: context.connected } };
      return { failure: await this.#explained(failureOf(error, this.#clean), signal) };
    }
  }

  /** The distinct warnings that the server has sent so far. */
  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /** Closes the connections and aborts pending requests, which would otherwise hold them open. */
  async close(): Promise<void> {
    this.#closed.abort();
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }

  #connected(signal: AbortSignal): Promise<LeanClient> {
    this.#client ??= connect(this.#connection, signal).catch((error: unknown) => {
      // reading the certificates failed; the next request tries again
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  /** If the server's certificate is not trusted, adds the name of the certificate that is missing from its chain. */
  async #explained(failure: Failure, signal: AbortSignal): Promise<Failure> {
    if (failure.kind !== 'lost' || failure.cause !== 'certificate') return failure;
    // Loaded on demand: few connections have an untrusted certificate or a fingerprint.
    const { missingCertificate } = await import('./client/authority.ts');
    const { route } = this.#connection;
    const missing = await missingCertificate(urlOf(this.#connection), signal, route?.proxy);
    return missing === undefined ? failure : { ...failure, about: this.#clean(missing) };
  }

  #redirect(headers: Readonly<Record<string, unknown>>, path: string): Failure {
    const base = urlOf(this.#connection);
    const location = String(headers.location);
    const target = URL.canParse(location, base.href) ? new URL(location, base) : base;
    // without the query, which may contain the tokens of a login page
    const reason = `it redirects to ${this.#clean(target.origin + target.pathname)}`;
    // suggests only an address on the same host: credentials must not go to a captive portal
    const isUpgrade = base.protocol === 'http:' && target.protocol === 'https:';
    const prefix = base.pathname.replace(/\/$/, '');
    if (isUpgrade && target.hostname === base.hostname && target.pathname === prefix + path)
      return { kind: 'not_elasticsearch', reason, movedTo: target.origin + prefix };
    return { kind: 'not_elasticsearch', reason, isKibana: isOfKibana(headers) };
  }
}

/** The time of the answer; undefined if the answer has no `Date` or comes from a cache. */
function dateOf({ date, age }: Readonly<Record<string, unknown>>): number | undefined {
  const written = age === undefined && typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(written) ? undefined : written;
}

/**
 * The texts of `Warning` headers, which look like `299 Elasticsearch-7.17.29-hash "the text", 299 …`. (The client's own
 * parser splits a text at its commas if the text also contains quotes.)
 */
function warningsIn(header: unknown): string[] {
  const lines = (Array.isArray(header) ? header : [header]).filter((line) => typeof line === 'string');
  const warnings = lines.join(', ').matchAll(/\b\d{3} Elasticsearch-\S* "((?:[^"\\]|\\.)*)"/g);
  return [...warnings].map(([, words = '']) => words.replace(/\\(.)/g, '$1'));
}
