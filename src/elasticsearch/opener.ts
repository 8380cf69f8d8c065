/** @module Opens jobs and starts datafeeds, for `jobsweep reopen`. A sweep never uses this module. */
import type { Clock } from '../base/clock.ts';
import { answerMargin } from '../sweep/budget.ts';
import type { JobId } from '../sweep/planning/concrete-id.ts';
import type { ClusterError } from '../sweep/ports.ts';
import type { Connection } from './connection.ts';
import type { Failure } from './failure.ts';
import { Wire } from './wire.ts';

/**
 * The result of a request: empty if the request succeeded, otherwise the error. In both cases, callers read the states
 * of the jobs and datafeeds afterwards.
 */
export interface Opened {
  readonly error?: ClusterError;
  /** The cluster has no capacity now. `retryAfterMs` is the wait that the cluster asks for, if any. */
  readonly busy?: { readonly retryAfterMs?: number | undefined };
}

export class Opener implements AsyncDisposable {
  readonly #wire: Wire;
  readonly #clock: Clock;

  constructor(connection: Connection, clock: Clock) {
    this.#wire = new Wire(connection);
    this.#clock = clock;
  }

  /**
   * Opens a job. After `timeoutMs` the server answers even if it is still opening the job. The request is never sent
   * twice.
   */
  openJob(jobId: JobId, timeoutMs: number, signal: AbortSignal): Promise<Opened> {
    return this.#ask(`/_ml/anomaly_detectors/${jobId}/_open`, timeoutMs, signal);
  }

  /**
   * Starts a datafeed where it stopped. If the datafeed is already running, the server answers with an error. The
   * request is never sent twice.
   */
  startDatafeed(datafeedId: string, timeoutMs: number, signal: AbortSignal): Promise<Opened> {
    return this.#ask(`/_ml/datafeeds/${encodeURIComponent(datafeedId)}/_start`, timeoutMs, signal);
  }

  async #ask(path: string, timeoutMs: number, signal: AbortSignal): Promise<Opened> {
    using limit = this.#clock.limit(timeoutMs + answerMargin);
    const query = { timeout: `${timeoutMs}ms` };
    const answer = await this.#wire.ask(
      { method: 'POST', path, query },
      AbortSignal.any([signal, limit.signal]),
    );
    return 'failure' in answer ? openedAs(answer.failure) : {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire.close();
  }
}

function openedAs(failure: Failure): Opened {
  const error = errorOf(failure);
  const { retryAfterMs } = 'error' in failure ? failure : {};
  const isBusy = error.status === 429 || (error.status === 503 && retryAfterMs !== undefined);
  return { error, ...(isBusy && { busy: { retryAfterMs } }) };
}

function errorOf(failure: Failure): ClusterError {
  if ('error' in failure) return failure.error;
  const reason = failure.kind === 'ended' ? 'no answer in time' : failure.reason;
  return { status: 0, type: 'no_answer', reason };
}
