/** @module Reads what `jobsweep doctor` checks of the cluster for reports. Changes nothing, and writes no test document. */
import type { Clock } from '../base/clock.ts';
import { isJsonObject } from '../base/json.ts';
import { writePrivileges } from '../sweep/reporting/stream-names.ts';
import { type Fields, UnreadableAnswer } from './answers.ts';
import type { Connection } from './connection.ts';
import { mayPass, Reader, type Reading, requestedWait } from './retry-reads.ts';
import { type Question, Wire } from './wire.ts';

export interface StreamFacts {
  /** `GET /` */
  readonly root: Reading<Fields>;
  /** The privileges that the credentials lack, by data stream. Reading them needs no privilege. */
  readonly lacking: Reading<ReadonlyMap<string, readonly string[]>>;
}

/** The longest wait before a retry, in milliseconds. */
const longestWait = 10_000;

export async function examineStreams(
  connection: Connection,
  clock: Clock,
  { signal, streams }: { readonly signal: AbortSignal; readonly streams: readonly string[] },
): Promise<StreamFacts> {
  const wire = new Wire(connection);
  try {
    const reader = new Reader(wire, clock);
    const ask = <T>(question: Question, understand: (body: Fields) => T): Promise<Reading<T>> =>
      reader.read(
        question,
        (body) => {
          if (!isJsonObject(body)) throw new UnreadableAnswer('it is not a JSON object');
          return understand(body);
        },
        signal,
        (failure) =>
          mayPass(failure) &&
          !('error' in failure && failure.error.status === 500) &&
          requestedWait(failure) <= longestWait,
      );
    const privileges = [...writePrivileges, 'read'];
    const [root, lacking] = await Promise.all([
      ask({ method: 'GET', path: '/' }, (body) => body),
      ask(
        {
          method: 'POST',
          path: '/_security/user/_has_privileges',
          body: { index: [{ names: streams, privileges }] },
        },
        ({ index }) => {
          const owned = isJsonObject(index) ? index : {};
          return new Map(
            streams.map((stream) => {
              const own = owned[stream];
              return [stream, privileges.filter((name) => !isJsonObject(own) || own[name] !== true)];
            }),
          );
        },
      ),
    ]);
    return { root, lacking };
  } finally {
    await wire.close();
  }
}
