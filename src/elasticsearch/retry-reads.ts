/** @module Retries reads: up to four tries with pauses between them, each try with its own timeout. */
import type { Clock } from '../base/clock.ts';
import { formatDuration } from '../base/duration.ts';
import type { ReadLimits, ServerDate } from '../sweep/ports.ts';
import { UnreadableAnswer } from './answers.ts';
import type { Failure, LostCause } from './failure.ts';
import type { Question, Wire } from './wire.ts';

const mostTries = 4;
/** The pause before the second try, in milliseconds. Each further pause is twice as long as the previous one. */
const firstPause = 500;
/**
 * Timeout of one try, including the body, in milliseconds. A cluster that takes longer is too overloaded for closes.
 */
const longestTry = 30_000;
/** Minimum time left for another try, in milliseconds. */
const shortestTry = 1_000;
/** A wait of at least this length, in milliseconds, is explained to the user. */
const noticedWait = 5_000;

/** The result of a read: its value, or the last failure. */
export type Reading<T> =
  | { readonly value: T }
  /** `tooLong`: another try might have succeeded, but the wait for it does not fit the time left. */
  | { readonly failure: Failure; readonly tooLong?: true };

export class Reader {
  readonly #wire: Wire;
  readonly #clock: Clock;
  #limits: ReadLimits = { until: Number.POSITIVE_INFINITY, notice: () => undefined };
  /** No notice is sent before this time: one notice is enough for concurrent reads that wait for the same reason. */
  #noticedUntil = Number.NEGATIVE_INFINITY;
  #serverDate: ServerDate | undefined;

  constructor(wire: Wire, clock: Clock) {
    this.#wire = wire;
    this.#clock = clock;
  }

  limit(limits: Partial<ReadLimits>): void {
    this.#limits = { ...this.#limits, ...limits };
  }

  /** See `Cluster.serverDate`. */
  get serverDate(): ServerDate | undefined {
    return this.#serverDate;
  }

  /**
   * Sends the request and parses the answer with `understand`. If `understand` throws `UnreadableAnswer`, the read is
   * retried. `passes` decides which failures are worth another try.
   */
  async read<T>(
    question: Question,
    understand: (body: unknown) => T,
    signal: AbortSignal,
    passes: (failure: Failure) => boolean = mayPass,
  ): Promise<Reading<T>> {
    let before: Failure | undefined;
    for (let tries = 1; ; tries += 1) {
      const reading = await this.#try(question, understand, signal);
      if ('failure' in reading && reading.failure.kind === 'ended' && before)
        return { failure: { ...reading.failure, before } };
      if ('value' in reading || tries === mostTries || !passes(reading.failure)) return reading;
      const wait = Math.max(firstPause * 2 ** (tries - 1), requestedWait(reading.failure));
      if (this.#clock.now() + wait + shortestTry > this.#limits.until) return { ...reading, tooLong: true };
      this.#notice(reading.failure, wait);
      try {
        await this.#clock.sleep(wait, signal);
      } catch {
        return { failure: { kind: 'ended', before: reading.failure } };
      }
      before = reading.failure;
    }
  }

  #notice(failure: Failure, wait: number): void {
    if (wait < noticedWait) return;
    const said =
      'error' in failure
        ? `answers HTTP ${failure.error.status} (${failure.error.reason})`
        : 'does not answer';
    this.#noticeOnce(`the cluster ${said}; trying again in ${shownWait(wait)}`, wait);
  }

  /** Sends a notice if there is no answer after a few seconds. `answered` aborts when the wait ends. */
  async #noticeSilence({ method, path }: Question, answered: AbortSignal): Promise<void> {
    try {
      await this.#clock.sleep(noticedWait, answered);
    } catch {
      return;
    }
    const left = longestTry - noticedWait;
    this.#noticeOnce(
      `the cluster has not answered ${method} ${path} for ${shownWait(noticedWait)}; waiting up to ${shownWait(left)} more`,
      left,
    );
  }

  #noticeOnce(message: string, untilNextMs: number): void {
    const now = this.#clock.now();
    if (now < this.#noticedUntil) return;
    this.#noticedUntil = now + untilNextMs;
    this.#limits.notice(message);
  }

  async #try<T>(
    question: Question,
    understand: (body: unknown) => T,
    signal: AbortSignal,
  ): Promise<Reading<T>> {
    using limit = this.#clock.limit(longestTry);
    const sentAt = this.#clock.now();
    const answered = new AbortController();
    const ending = AbortSignal.any([signal, limit.signal]);
    void this.#noticeSilence(question, AbortSignal.any([answered.signal, ending]));
    const answer = await this.#wire.ask(question, ending);
    // With an explicit reason: the default reason is an exception, whose stack trace costs as much as a small request.
    answered.abort('answered');
    if ('failure' in answer) {
      if (answer.failure.kind !== 'ended') return answer;
      return {
        failure: signal.aborted
          ? { ...answer.failure, silentMs: this.#clock.now() - sentAt }
          : silence(answer.failure),
      };
    }
    if (answer.date !== undefined) {
      const read = { date: answer.date, sentAt, receivedAt: this.#clock.now() };
      if (!this.#serverDate || distance(read) < distance(this.#serverDate)) this.#serverDate = read;
    }
    try {
      return { value: understand(answer.body) };
    } catch (error) {
      if (error instanceof UnreadableAnswer)
        return { failure: { kind: 'unreadable', reason: error.message } };
      throw error;
    }
  }
}

function silence({ connected }: { readonly connected?: boolean }): Failure {
  const [cause, what] = connected
    ? (['silent', 'whole answer'] as const)
    : (['no_connection', 'connection'] as const);
  return { kind: 'lost', cause, reason: `no ${what} within ${longestTry / 1000} s` };
}

/** Causes that another try cannot fix. */
const permanentCauses: ReadonlySet<LostCause> = new Set([
  'host',
  'certificate',
  'expired',
  'other_host',
  'fingerprint',
  'not_tls',
  'only_tls',
  'proxy',
]);
/** How far the server's date lies outside the interval from the request to the answer, in milliseconds. */
const distance = ({ date, sentAt, receivedAt }: ServerDate): number =>
  Math.max(0, sentAt - date, date - receivedAt);

/**
 * Whether a retry could succeed: it cannot if the cluster understood the request and refused it, or if the address is
 * wrong.
 */
export function mayPass(failure: Failure): boolean {
  switch (failure.kind) {
    case 'answer':
    case 'page':
      return failure.error.status === 429 || failure.error.status >= 500;
    case 'lost':
      return !permanentCauses.has(failure.cause);
    case 'unreadable':
      return true;
    case 'not_elasticsearch':
    case 'ended':
      return false;
  }
}

/** A wait as text for messages, rounded up to whole seconds. */
export const shownWait = (ms: number): string => formatDuration(Math.ceil(ms / 1_000) * 1_000);

/** The wait that the server asked for with `retry-after`, in milliseconds. */
export const requestedWait = (failure: Failure): number =>
  'retryAfterMs' in failure ? (failure.retryAfterMs ?? 0) : 0;
