/** @module A worker process of the pool: runs chunks of random cases for its parent and reports the results. */

import { emptyCoverage } from './coverage.ts';
import type { Chunk, ChunkResult } from './pool.ts';
import { runMany } from './run-many.ts';

process.on('message', (chunk: Chunk) => {
  const coverage = emptyCoverage();
  void runMany({ ...chunk, coverage }).then((failure) => {
    process.send?.({ coverage, failure } satisfies ChunkResult);
  });
});
