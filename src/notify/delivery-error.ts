/** @module Why a notification did not reach its target. */

/** `message` never contains an address of a webhook: it is logged. */
export class DeliveryError extends Error {
  /** How long to wait before the one retry, in milliseconds; undefined if a retry would not help. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'DeliveryError';
    this.retryAfterMs = retryAfterMs;
  }
}

/** The wait before a retry if the target does not say how long, in milliseconds. */
export const defaultRetryMs = 500;
