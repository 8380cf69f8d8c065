/** @module Reads the data streams of a test's cluster. */
import type { World } from './world.ts';

export interface StoredDocument {
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: the documents are what the tests are about
  readonly source: any;
}

/** The documents of a data stream, in the order in which they were written. */
export function documentsIn(world: World, kind: 'sweep' | 'job', namespace = 'default'): StoredDocument[] {
  return world.cluster.cluster.streams
    .hits(`logs-jobsweep.${kind}-${namespace}`)
    .map(({ id, source }) => ({ id, source }));
}

/** The document of one job. */
export function jobDocument(world: World, jobId: string): StoredDocument['source'] {
  return documentsIn(world, 'job').find(({ source }) => source.jobsweep.job.id === jobId)?.source;
}

export const bulkRequests = (world: World) =>
  world.server.requests.filter(({ path }) => path.endsWith('/_bulk'));
