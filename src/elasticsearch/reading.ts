/** @module Reads that are tried again: up to four times, with pauses, each within a time limit of its own. */
import type { Clock } from '../sweep/clock.ts';
import type { ServerDate } from '../sweep/ports.ts';
import { UnreadableAnswer } from './answers.ts';
import type { Failure } from './failure.ts';
import type { Question, Wire } from './wire.ts';

const mostTries = 4;
/** The pause before the second try, in milliseconds; each further one is twice as long. */
const firstPause = 500;
/** One try, body included, in milliseconds; a cluster that needs longer is not fit to close jobs on. */
const longestTry = 30_000;

/** What a read came to: what was understood of its answer, or the failure that was the last or will not pass. */
export type Reading<T> = { readonly value: T } | { readonly failure: Failure };

export class Reader {
  readonly #wire: Wire;
  readonly #clock: Clock;
  #serverDate: ServerDate | undefined;

  constructor(wire: Wire, clock: Clock) {
    this.#wire = wire;
    this.#clock = clock;
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
    for (let tries = 1; ; tries += 1) {
      const reading = await this.#try(question, understand, signal);
      if ('value' in reading || tries === mostTries || !passes(reading.failure)) return reading;
      const pause = firstPause * 2 ** (tries - 1);
      try {
        await this.#clock.sleep(Math.max(pause, waitTold(reading.failure)), signal);
      } catch {
        return { failure: { kind: 'ended' } };
      }
    }
  }

  async #try<T>(
    question: Question,
    understand: (body: unknown) => T,
    signal: AbortSignal,
  ): Promise<Reading<T>> {
    using limit = this.#clock.limit(longestTry);
    const sentAt = this.#clock.now();
    const answer = await this.#wire.ask(question, AbortSignal.any([signal, limit.signal]));
    if ('failure' in answer) {
      if (answer.failure.kind === 'ended' && !signal.aborted)
        return {
          failure: { kind: 'lost', cause: 'other', reason: `no whole answer within ${longestTry / 1000} s` },
        };
      return answer;
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
      return failure.cause === 'refused' || failure.cause === 'other';
    case 'unreadable':
      return true;
    case 'not_elasticsearch':
    case 'ended':
      return false;
  }
}

/** How long the failure says to wait before the next try, in milliseconds. */
export const waitTold = (failure: Failure): number =>
  'retryAfterMs' in failure ? (failure.retryAfterMs ?? 0) : 0;
