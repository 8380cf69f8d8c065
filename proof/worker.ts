/** @module One process of the pool: takes chunks of random cases from its parent, and reports. */

import { emptyTally } from './coverage.ts';
import type { Chunk, ChunkResult } from './pool.ts';
import { runMany } from './run-many.ts';

process.on('message', (chunk: Chunk) => {
  const tally = emptyTally();
  void runMany({ ...chunk, tally }).then((failure) => {
    process.send?.({ tally, failure } satisfies ChunkResult);
  });
});
