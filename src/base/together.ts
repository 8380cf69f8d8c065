/** @module Runs several reads whose results are needed together. */

/**
 * Returns the results of all reads. If one fails, aborts the others: their retries would otherwise continue after the
 * sweep has failed.
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
