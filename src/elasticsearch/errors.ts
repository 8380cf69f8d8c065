/** @module What the client throws, sorted once into what can be done about it. */
import { errors } from '@elastic/elasticsearch';
import type { ClusterError } from '../sweep/ports.ts';
import { printable } from '../sweep/text.ts';

/** An answer with an error status, or none at all. */
export type Failure =
  | { readonly kind: 'answer'; readonly error: ClusterError; readonly retryAfterMs?: number | undefined }
  /** Something answered that does not say it is Elasticsearch. */
  | { readonly kind: 'not_elasticsearch' }
  /** No answer, half of one, or one that is not JSON; in the client's words. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** The caller's signal ended the wait. */
  | { readonly kind: 'ended' };

/** Sorts an error of the client. `signal` is the one that the call was given: the client names an abort in several ways. */
export function failureOf(error: unknown, signal: AbortSignal): Failure {
  if (signal.aborted) return { kind: 'ended' };
  if (error instanceof errors.ProductNotSupportedError) return { kind: 'not_elasticsearch' };
  if (error instanceof errors.ResponseError) {
    return {
      kind: 'answer',
      // not `error.statusCode`, which believes a `status` in the body over the real one
      error: clusterError(error.meta.statusCode ?? 0, error.body),
      retryAfterMs: retryAfter(error.headers?.['retry-after']),
    };
  }
  return { kind: 'lost', reason: error instanceof Error ? printable(error.message) : 'no answer' };
}

/** The server's own words from an error body; a gateway's page has none, and is cut to its first words. */
export function clusterError(status: number, body: unknown): ClusterError {
  const error = typeof body === 'object' && body !== null ? (body as { error?: unknown }).error : body;
  if (typeof error === 'object' && error !== null) {
    const { type, reason } = error as { type?: unknown; reason?: unknown };
    return {
      status,
      type: typeof type === 'string' ? printable(type) : 'unknown',
      reason: typeof reason === 'string' ? printable(reason).slice(0, 1_000) : 'no reason given',
    };
  }
  const text = typeof error === 'string' ? printable(error.trim()).slice(0, 200) : '';
  return {
    status,
    type: 'http_error',
    reason: text || `the answer was HTTP ${status} without an error of Elasticsearch`,
  };
}

/** Milliseconds of a `Retry-After` in seconds; a date is not used by what stands before a cluster, and is ignored. */
function retryAfter(header: unknown): number | undefined {
  return typeof header === 'string' && /^[0-9]{1,6}$/.test(header) ? Number(header) * 1_000 : undefined;
}
