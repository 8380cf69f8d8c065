/** @module One request to the cluster, and what came of it. Nothing is thrown and nothing is sent twice here. */
import { missingCertificate } from './client/authority.ts';
import { connect, type LeanClient } from './client/client.ts';
import { type Connection, urlOf } from './connection.ts';
import { type Failure, failureOf, isOfKibana } from './failure.ts';
import { redactorFor } from './redact.ts';

export interface Question {
  readonly method: 'GET' | 'POST';
  /** As it stands in the request line, percent-encoded where needed. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | boolean>>;
  readonly body?: object;
}

/**
 * The body of a good answer, as the client parsed it (anything, if what answers is not Elasticsearch), and its `Date`,
 * epoch milliseconds; or a failure.
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

  /** Asks once. When `caller` aborts, the waiting ends, in the middle of the answer if it must. */
  async ask({ method, path, query = {}, body }: Question, caller: AbortSignal): Promise<Answer> {
    // A signal of its own for each request: the client aborts the one that it is given when it gives up.
    const signal = AbortSignal.any([caller, this.#closed.signal]);
    try {
      signal.throwIfAborted();
      const client = await this.#connected(signal);
      const result = await client.transport.request<unknown>(
        { method, path, querystring: query, ...(body && { body }) },
        { signal, meta: true },
      );
      if (result.statusCode !== undefined && result.statusCode >= 300)
        return { failure: this.#redirect(result.headers ?? {}, path) };
      for (const warning of warningsIn(result.headers?.warning)) this.#warnings.add(this.#clean(warning));
      return { body: result.body, date: dateOf(result.headers ?? {}) };
    } catch (error) {
      // the client names an abort in several ways
      if (signal.aborted) return { failure: { kind: 'ended' } };
      return { failure: await this.#explained(failureOf(error, this.#clean), signal) };
    }
  }

  /** Warnings of the server so far, each once. */
  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /** Ends the connections, and the waiting on them: a read that nobody needs any more would else hold them open. */
  async close(): Promise<void> {
    this.#closed.abort();
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }

  #connected(signal: AbortSignal): Promise<LeanClient> {
    this.#client ??= connect(this.#connection, signal).catch((error: unknown) => {
      // the look at the certificates failed: the next request looks again
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  /** A certificate that is not trusted, with the name of the one that is missing. */
  async #explained(failure: Failure, signal: AbortSignal): Promise<Failure> {
    if (failure.kind !== 'lost' || failure.cause !== 'certificate') return failure;
    const missing = await missingCertificate(urlOf(this.#connection), signal);
    return missing === undefined ? failure : { ...failure, about: this.#clean(missing) };
  }

  #redirect(headers: Readonly<Record<string, unknown>>, path: string): Failure {
    const base = urlOf(this.#connection);
    const location = String(headers.location);
    const target = URL.canParse(location, base.href) ? new URL(location, base) : base;
    // without the query, in which login pages carry tokens
    const reason = `it redirects to ${this.#clean(target.origin + target.pathname)}`;
    // only on the same host: a captive portal must not have credentials sent to it
    const isUpgrade = base.protocol === 'http:' && target.protocol === 'https:';
    const prefix = base.pathname.replace(/\/$/, '');
    if (isUpgrade && target.hostname === base.hostname && target.pathname === prefix + path)
      return { kind: 'not_elasticsearch', reason, movedTo: target.origin + prefix };
    return { kind: 'not_elasticsearch', reason, isKibana: isOfKibana(headers) };
  }
}

/** When the answer was written; undefined when it does not say, or comes from a cache. */
function dateOf({ date, age }: Readonly<Record<string, unknown>>): number | undefined {
  const written = age === undefined && typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(written) ? undefined : written;
}

/**
 * The words of Elasticsearch in `Warning` headers, as `299 Elasticsearch-7.17.29-hash "the words", 299 …`. (The client
 * cuts at commas within the words when there are quotes in them as well.)
 */
function warningsIn(header: unknown): string[] {
  const lines = (Array.isArray(header) ? header : [header]).filter((line) => typeof line === 'string');
  const warnings = lines.join(', ').matchAll(/\b\d{3} Elasticsearch-\S* "((?:[^"\\]|\\.)*)"/g);
  return [...warnings].map(([, words = '']) => words.replace(/\\(.)/g, '$1'));
}
