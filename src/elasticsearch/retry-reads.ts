/** @module Reads that are tried again: up to four times, with pauses, each within a time limit of its own. */
import type { Clock } from '../base/clock.ts';
import { formatDuration } from '../base/duration.ts';
import type { ReadLimits, ServerDate } from '../sweep/ports.ts';
import { UnreadableAnswer } from './answers.ts';
import type { Failure, LostCause } from './failure.ts';
import type { Question, Wire } from './wire.ts';

const mostTries = 4;
/** The pause before the second try, in milliseconds; each further one is twice as long. */
const firstPause = 500;
/** One try, body included, in milliseconds; a cluster that needs longer is not fit to close jobs on. */
const longestTry = 30_000;
/** A wait that leaves less than this for the next try is useless. */
const shortestTry = 1_000;
/** People notice a wait of this length, and wonder. */
const noticedWait = 5_000;

/** What a read came to: what was understood of its answer, or the failure that was the last or will not pass. */
export type Reading<T> =
  | { readonly value: T }
  /** `tooLong`: another try might have helped, and the wait for it does not fit the time left. */
  | { readonly failure: Failure; readonly tooLong?: true };

export class Reader {
  readonly #wire: Wire;
  readonly #clock: Clock;
  #limits: ReadLimits = { until: Number.POSITIVE_INFINITY, notice: () => undefined };
  /** Reads side by side wait for the same reason: one notice is enough until then. */
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
   * Asks, and understands the answer with `understand`; what that refuses with `UnreadableAnswer` is tried again too.
   * `passes` says which failures another try could mend.
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
      const wait = Math.max(firstPause * 2 ** (tries - 1), waitTold(reading.failure));
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

  /** Says that an answer is awaited if none comes for some seconds, until `answered` ends. */
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
    void this.#noticeSilence(question, AbortSignal.any([answered.signal, signal, limit.signal]));
    const answer = await this.#wire.ask(question, AbortSignal.any([signal, limit.signal]));
    answered.abort();
    if ('failure' in answer) {
      if (answer.failure.kind !== 'ended') return answer;
      return {
        failure: signal.aborted
          ? { kind: 'ended', silentMs: this.#clock.now() - sentAt }
          : { kind: 'lost', cause: 'silent', reason: `no whole answer within ${longestTry / 1000} s` },
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

/** What another try finds as it was. */
const permanentCauses: ReadonlySet<LostCause> = new Set([
  'host',
  'certificate',
  'expired',
  'other_host',
  'fingerprint',
  'not_tls',
  'only_tls',
]);
/** How far a date is from the time in which it was asked for and came. */
const distance = ({ date, sentAt, receivedAt }: ServerDate): number =>
  Math.max(0, sentAt - date, date - receivedAt);

/** Whether trying again could help: not where the cluster has understood and refuses, nor where the address is wrong. */
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

/** A wait in words: whole seconds, minutes or hours. */
export const shownWait = (ms: number): string => formatDuration(Math.ceil(ms / 1_000) * 1_000);

/** How long the failure says to wait before the next try, in milliseconds. */
export const waitTold = (failure: Failure): number =>
  'retryAfterMs' in failure ? (failure.retryAfterMs ?? 0) : 0;
