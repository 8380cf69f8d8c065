/** @module How `jobsweep doctor` reads: with retries, but never for long, because a person waits. */
import { isJsonObject } from '../base/json.ts';
import { type Fields, UnreadableAnswer } from './answers.ts';
import { mayPass, type Reader, type Reading, requestedWait } from './retry-reads.ts';
import type { Question } from './wire.ts';

/**
 * The longest wait before a retry, in milliseconds. If the server asks for a longer wait, doctor does not retry, and
 * reports the wait.
 */
const longestWait = 10_000;

/**
 * Returns a function that sends a request and parses the answer with `understand`. The answer must be a JSON object.
 */
export function doctorRead(reader: Reader, signal: AbortSignal) {
  return <T>(question: Question, understand: (body: Fields) => T): Promise<Reading<T>> =>
    reader.read(
      question,
      (body) => {
        if (!isJsonObject(body)) throw new UnreadableAnswer('it is not a JSON object');
        return understand(body);
      },
      signal,
      // If security is off, the security APIs answer 500. A retry cannot fix that.
      (failure) =>
        mayPass(failure) &&
        !('error' in failure && failure.error.status === 500) &&
        requestedWait(failure) <= longestWait,
    );
}
