/** @module Turns the answer to a close request into a hint for the next step (`CloseAnswer`). */
import { isJsonObject } from '../base/json.ts';
import type { CloseAnswer } from '../sweep/ports.ts';
import { concernsAll, type Failure } from './failure.ts';
import type { Answer } from './wire.ts';

/**
 * Turns an answer into a hint. Relies on the server's texts, which do not differ between 7.17 and 9.x. An unknown text
 * becomes `error`.
 */
export function closeAnswerOf(answer: Answer): CloseAnswer {
  if ('failure' in answer) return ofFailure(answer.failure);
  if (isJsonObject(answer.body) && answer.body.closed === true) return { kind: 'acknowledged' };
  return { kind: 'lost', reason: 'the answer to the close did not say that it was done' };
}

function ofFailure(failure: Failure): CloseAnswer {
  switch (failure.kind) {
    case 'ended':
      return { kind: 'lost', reason: 'no answer in time' };
    case 'not_elasticsearch':
      return { kind: 'lost', reason: `the answer is not from Elasticsearch: ${failure.reason}` };
    case 'unreadable':
      return { kind: 'lost', reason: `the answer cannot be read: ${failure.reason}` };
    case 'lost':
      return { kind: 'lost', reason: failure.reason };
    case 'page':
      return ofPage(failure);
    case 'answer':
      return ofError(failure);
  }
}

/**
 * Turns an error that comes from a gateway into a hint. If the gateway gave up waiting, the cluster may still carry out
 * the request. If the gateway refused the request, the cluster never received it.
 */
function ofPage({ error, retryAfterMs }: Extract<Failure, { kind: 'page' }>): CloseAnswer {
  if (concernsAll(error)) return { kind: 'denied', error };
  if (error.status === 429 || (error.status === 503 && retryAfterMs !== undefined))
    return { kind: 'busy', error, retryAfterMs };
  return {
    kind: 'lost',
    reason: `HTTP ${error.status} from something in front of the cluster: ${error.reason}`,
  };
}

function ofError({ error, missing, retryAfterMs }: Extract<Failure, { kind: 'answer' }>): CloseAnswer {
  const { status, reason } = error;
  if (concernsAll(error)) return { kind: 'denied', error };
  if (missing.length > 0) return { kind: 'missing', error, jobIds: missing };
  // The server has one text for a single id and another for several ids. Both texts end with these words. (A search for
  // "state failed" would not be enough, because a datafeed's error may contain it as well.)
  if (status === 409 && reason.endsWith('use force close')) return { kind: 'failed_jobs', error };
  if (status >= 500 && reason.startsWith('Timed out when waiting for persistent tasks'))
    return { kind: 'timed_out', error };
  if (status === 429 || retryAfterMs !== undefined) return { kind: 'busy', error, retryAfterMs };
  return { kind: 'error', error };
}
