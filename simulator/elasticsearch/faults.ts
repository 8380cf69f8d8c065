/**
 * @module Scripted faults for the nth request to an endpoint: a status, a delay, a connection that breaks before or
 * after the request takes effect, half a body, or a wrong content type. Also runs scripted events at a given time or
 * after a number of requests.
 */
import type { SimulatorClock } from '../clock.ts';
import { wildcard } from './state/expressions.ts';

export interface Fault {
  /** The API's name in the client, which may contain wildcards: `ml.close_job`, `ml.get_*`, `*`. */
  readonly api: string;
  /** Limits the fault to requests whose path matches this pattern, which may contain wildcards. */
  readonly path?: string | undefined;
  /** Which matching request is the first to fail, counted from 1; default 1. */
  readonly nth?: number | undefined;
  /** How many matching requests fail from `nth` on; default 1, `Infinity` for all. */
  readonly times?: number | undefined;
  /** Milliseconds to wait before the request is processed. */
  readonly delay?: number | undefined;
  /** Milliseconds to wait between the request's effect and its answer. */
  readonly delayAnswer?: number | undefined;
  /** Answer with this status and do not carry out the request. With `after`, carry it out first. */
  readonly status?: number | undefined;
  readonly type?: string | undefined;
  readonly reason?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Carry out the request, but still answer with `status`. */
  readonly after?: boolean | undefined;
  /** Break the connection before the request has any effect, or after it. */
  readonly reset?: 'before' | 'after' | undefined;
  /** Send only this many bytes of the body, then break the connection. */
  readonly cut?: number | undefined;
  readonly contentType?: string | undefined;
  /** Leave out `X-elastic-product`. */
  readonly noProduct?: boolean | undefined;
  /** Never answer; the connection stays open until the client disconnects. */
  readonly hang?: boolean | undefined;
}

interface Armed {
  readonly fault: Fault;
  readonly matches: (api: string) => boolean;
  readonly matchesPath: (path: string) => boolean;
  seen: number;
  readonly cancelled: () => boolean;
}

interface Trigger {
  readonly matches: (api: string) => boolean;
  left: number;
  readonly event: () => void;
}

export class FaultScript {
  readonly #clock: SimulatorClock;
  readonly #armed: Armed[] = [];
  readonly #triggers: Trigger[] = [];

  constructor(clock: SimulatorClock) {
    this.#clock = clock;
  }

  /** Adds a fault. Returns a function that removes it. */
  add(fault: Fault): () => void {
    let cancelled = false;
    this.#armed.push({
      fault,
      matches: wildcard(fault.api),
      matchesPath: fault.path === undefined ? () => true : wildcard(fault.path),
      seen: 0,
      cancelled: () => cancelled,
    });
    return () => {
      cancelled = true;
    };
  }

  /** Runs `event` at `when`, in epoch milliseconds. */
  at(when: number, event: () => void): () => void {
    return this.#clock.at(when, event);
  }

  /**
   * Counts the requests to `api` from now on. Runs `event` when the `nth` request has been carried out, before its
   * answer is sent.
   */
  afterRequest(nth: number, event: () => void, api = '*'): void {
    this.#triggers.push({ matches: wildcard(api), left: nth, event });
  }

  /** Counts this request for every fault that matches it. Returns the oldest fault that is due, if any. */
  strike(api: string, path: string): Fault | undefined {
    let found: Fault | undefined;
    for (const armed of this.#armed) {
      if (armed.cancelled() || !armed.matches(api) || !armed.matchesPath(path)) continue;
      armed.seen += 1;
      const { nth = 1, times = 1 } = armed.fault;
      if (!found && armed.seen >= nth && armed.seen < nth + times) found = armed.fault;
    }
    return found;
  }

  /** Must be called when a request to `api` has been carried out. */
  requestDone(api: string): void {
    const due: Trigger[] = [];
    for (const trigger of this.#triggers) {
      if (!trigger.matches(api)) continue;
      trigger.left -= 1;
      if (trigger.left === 0) due.push(trigger);
    }
    for (const trigger of due) {
      this.#triggers.splice(this.#triggers.indexOf(trigger), 1);
      trigger.event();
    }
  }
}
