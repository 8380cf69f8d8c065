/** @module One process of the pool: takes chunks of random cases from its parent, and reports. */

import { emptyCoverage } from './coverage.ts';
import type { Chunk, ChunkResult } from './pool.ts';
import { runMany } from './run-many.ts';

process.on('message', (chunk: Chunk) => {
  const coverage = emptyCoverage();
  void runMany({ ...chunk, coverage }).then((failure) => {
    process.send?.({ coverage, failure } satisfies ChunkResult);
  });
});
