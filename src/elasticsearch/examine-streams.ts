/**
 * @module Reads what `jobsweep doctor` checks about the cluster that stores reports. Changes nothing, and writes no
 * test document.
 */
import type { Clock } from '../base/clock.ts';
import { isJsonObject } from '../base/json.ts';
import { writePrivileges } from '../sweep/reporting/stream-names.ts';
import type { Fields } from './answers.ts';
import type { Connection } from './connection.ts';
import { doctorRead } from './doctor-read.ts';
import { Reader, type Reading } from './retry-reads.ts';
import { Wire } from './wire.ts';

export interface StreamFacts {
  /** `GET /` */
  readonly root: Reading<Fields>;
  /** The privileges that the credentials lack, by data stream. The request that reads them needs no privilege. */
  readonly lacking: Reading<ReadonlyMap<string, readonly string[]>>;
}

export async function examineStreams(
  connection: Connection,
  clock: Clock,
  { signal, streams }: { readonly signal: AbortSignal; readonly streams: readonly string[] },
): Promise<StreamFacts> {
  const wire = new Wire(connection);
  try {
    const ask = doctorRead(new Reader(wire, clock), signal);
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
