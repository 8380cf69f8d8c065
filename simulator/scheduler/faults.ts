/** @module What can be scripted to go wrong: on the wire of an operation, and between a due time and the function. */
import type { ErrorType } from './errors.ts';
import type { OperationName } from './operations.ts';

/** Which occasions a rule is for, and how many of them. */
interface Occasion {
  /** Name of the schedule or group; all when left out. */
  readonly name?: string | RegExp;
  /** Occasions to let pass first; 0 when left out. */
  readonly skip?: number;
  /** How many to spoil; 1 when left out. */
  readonly times?: number;
}

/** Spoils calls of one operation, or of all. */
export interface ApiFault extends Occasion {
  readonly on: OperationName | 'any';
  /** The answer instead of the operation's; nothing is done. */
  readonly error?: {
    readonly type: ErrorType | (string & {});
    readonly status?: number;
    readonly message?: string;
    readonly retryAfterSeconds?: number;
  };
  /** An answer that no Scheduler would give: a gateway's page, a body that ends too soon. */
  readonly page?: { readonly status: number; readonly body: string };
  /** Waits this long before anything is done. */
  readonly delayMs?: number;
  /** Cuts the connection: before the operation is carried out, or when its answer should be sent. */
  readonly cut?: 'before' | 'after';
}

/** Spoils the way from a schedule that is due to its target. */
export interface DeliveryFault extends Occasion {
  readonly on: 'delivery';
  /** Sets off so much later than due; the service itself takes up to 60 s. */
  readonly lateMs?: number;
  /** Delivers the same occurrence so many times more. */
  readonly duplicates?: number;
  /** The attempt fails; the retry policy decides what then. */
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

  /** The first rule left for this call, spent by it. */
  api(operation: OperationName, name: string): ApiFault | undefined {
    return this.#take((fault): fault is ApiFault => fault.on === operation || fault.on === 'any', name);
  }

  /** The first rule left for this attempt, spent by it. Lateness and duplicates are of the first attempt alone. */
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
