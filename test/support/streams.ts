/** @module Reads the data streams in a test's cluster. */
import type { SweepSetup } from './sweep-setup.ts';

export interface StoredDocument {
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests check the documents, so they have no type
  readonly source: any;
}

/** The documents in a data stream, in the order in which they were written. */
export function documentsIn(
  setup: SweepSetup,
  kind: 'sweep' | 'job',
  namespace = 'default',
): StoredDocument[] {
  return setup.cluster.cluster.streams
    .hits(`logs-jobsweep.${kind}-${namespace}`)
    .map(({ id, source }) => ({ id, source }));
}

/** The document about one job. */
export function jobDocument(setup: SweepSetup, jobId: string): StoredDocument['source'] {
  return documentsIn(setup, 'job').find(({ source }) => source.jobsweep.job.id === jobId)?.source;
}

export const bulkRequests = (setup: SweepSetup) =>
  setup.server.requests.filter(({ path }) => path.endsWith('/_bulk'));
