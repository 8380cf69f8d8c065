/** @module The context and the error that all notification targets share. */
import type { Environment } from '../settings/environment.ts';

export interface SendContext {
  readonly signal: AbortSignal;
  /** Contains the proxy settings, if there are any. */
  readonly environment: Environment;
}

/** A target did not accept a message. `message` is logged, so it never contains the address of a webhook. */
export class DeliveryError extends Error {
  /** How long to wait before the only retry, in milliseconds; undefined if a retry would not help. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'DeliveryError';
    this.retryAfterMs = retryAfterMs;
  }
}

/** The wait before a retry, in milliseconds, if the target does not ask for a certain wait. */
export const defaultRetryMs = 500;
