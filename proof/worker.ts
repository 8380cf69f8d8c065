/** @module One process of the pool: takes chunks of random cases from its parent, and reports. */
import { runMany } from './failure.ts';
import type { Chunk, ChunkResult } from './pool.ts';
import { emptyTally } from './tally.ts';

process.on('message', (chunk: Chunk) => {
  const tally = emptyTally();
  void runMany({ ...chunk, tally }).then((failure) => {
    process.send?.({ tally, failure } satisfies ChunkResult);
  });
});
