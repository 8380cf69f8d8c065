/** @module Scripted faults in API requests and in deliveries from a due schedule to the function. */
import type { ErrorType } from './errors.ts';
import type { OperationName } from './operations.ts';

/** The requests or deliveries to which a fault applies. */
interface Occasion {
  /** Name of the schedule or group; default: all. */
  readonly name?: string | RegExp;
  /** How many matching requests or deliveries to skip first; default 0. */
  readonly skip?: number;
  /** How many of the following matching requests or deliveries fail; default 1. */
  readonly times?: number;
}

/** A fault in requests of one operation, or of all operations. */
export interface ApiFault extends Occasion {
  readonly on: OperationName | 'any';
  /** Answer with this error and do not carry out the request. */
  readonly error?: {
    readonly type: ErrorType | (string & {});
    readonly status?: number;
    readonly message?: string;
    readonly retryAfterSeconds?: number;
  };
  /** Answer with this page, which the Scheduler itself would not send: a gateway's page or a truncated body. */
  readonly page?: { readonly status: number; readonly body: string };
  /** Wait this long before carrying out the request. */
  readonly delayMs?: number;
  /** Break the connection before carrying out the request, or instead of sending the answer. */
  readonly cut?: 'before' | 'after';
}

/** A fault in the delivery from a due schedule to its target. */
export interface DeliveryFault extends Occasion {
  readonly on: 'delivery';
  /** Delivers this many milliseconds late; the real service may be up to 60 s late. */
  readonly lateMs?: number;
  /** Delivers the same occurrence this many more times. */
  readonly duplicates?: number;
  /** The attempt fails, and the retry policy applies. */
  readonly fail?: { readonly code: string; readonly message?: string };
}

export type Fault = ApiFault | DeliveryFault;

export class FaultScript {
  readonly #rules: { readonly fault: Fault; skip: number; left: number }[] = [];

  add(...faults: readonly Fault[]): void {
    for (const fault of faults) this.#rules.push({ fault, skip: fault.skip ?? 0, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#rules.length = 0;
  }

  /** The fault for this request, if any. The request counts as one of the fault's `times`. */
  api(operation: OperationName, name: string): ApiFault | undefined {
    return this.#take((fault): fault is ApiFault => fault.on === operation || fault.on === 'any', name);
  }

  /** The fault for this attempt, if any. Lateness and duplicates apply to the first attempt only. */
  delivery(name: string, attempt: number): DeliveryFault | undefined {
    return this.#take(
      (fault): fault is DeliveryFault =>
        fault.on === 'delivery' && (attempt === 1 || fault.fail !== undefined),
      name,
    );
  }

  #take<F extends Fault>(fits: (fault: Fault) => fault is F, name: string): F | undefined {
    for (const rule of this.#rules) {
      const { fault } = rule;
      if (rule.left === 0 || !fits(fault) || !named(fault, name)) continue;
      if (rule.skip > 0) {
        rule.skip -= 1;
        continue;
      }
      rule.left -= 1;
      return fault;
    }
    return undefined;
  }
}

function named({ name }: Occasion, actual: string): boolean {
  return name === undefined || (typeof name === 'string' ? name === actual : name.test(actual));
}
