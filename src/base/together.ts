/** @module Reads that count only together. */

/**
 * What all of the reads return. When one fails, the others are given up: they would go on asking, with pauses and tries
 * of their own, after the sweep has said that it cannot go on.
 */
export async function together<const T extends readonly unknown[]>(
  signal: AbortSignal,
  start: (signal: AbortSignal) => T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const failed = new AbortController();
  try {
    return await Promise.all(start(AbortSignal.any([signal, failed.signal])));
  } catch (error) {
    failed.abort(new Error('another read failed'));
    throw error;
  }
}
