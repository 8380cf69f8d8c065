/** @module Random cases on all cores: one process each, that takes chunks of cases until all are done. */
import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { add, type Coverage, emptyCoverage } from './coverage.ts';
import type { Failure } from './run-many.ts';

/** One chunk of work, and what came of it. */
export interface Chunk {
  readonly seed: number;
  readonly cases: number;
  /** Whether the first failing case is made small; default true. */
  readonly shrink?: boolean;
}
export interface ChunkResult {
  readonly coverage: Coverage;
  readonly failure: Failure | undefined;
}

export interface PoolOptions {
  readonly seed: number;
  readonly cases: number;
  readonly timeMs?: number | undefined;
  readonly progress?: (coverage: Coverage) => void;
}

export interface PoolResult {
  readonly coverage: Coverage;
  readonly failures: readonly Failure[];
  readonly workers: number;
}

/** Small enough that the cores end together, large enough that nothing is lost between two. */
const chunkCases = 250;
const worker = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** Runs the cases; the first failure ends it when the chunks that are under way are done. */
export async function runPool({ seed, cases, timeMs, progress }: PoolOptions): Promise<PoolResult> {
  const workers = availableParallelism();
  const coverage = emptyCoverage();
  const failures: Failure[] = [];
  const end = Date.now() + (timeMs ?? Number.POSITIVE_INFINITY);
  let handedOut = 0;
  // Each chunk's seed is a function of the run's: the same run again makes the same cases.
  const nextChunk = (): Chunk | undefined => {
    if (handedOut >= cases || failures.length > 0 || Date.now() >= end) return undefined;
    const chunk = {
      seed: (seed + Math.imul(handedOut / chunkCases, 0x9e3779b1)) | 0,
      cases: Math.min(chunkCases, cases - handedOut),
    };
    handedOut += chunkCases;
    return chunk;
  };
  const work = async () => {
    const child = fork(worker);
    try {
      for (let chunk = nextChunk(); chunk; chunk = nextChunk()) {
        const result = await askWorker(child, chunk);
        add(coverage, result.coverage);
        if (result.failure) failures.push(result.failure);
        progress?.(coverage);
      }
    } finally {
      child.disconnect();
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return { coverage, failures, workers };
}

/** Has a worker run one chunk. @throws {Error} when the process ends instead. */
export const askWorker = (child: ChildProcess, chunk: Chunk): Promise<ChunkResult> =>
  ask<ChunkResult>(child, chunk, chunk.seed);

/** Sends a worker an order, and returns what it answers. @throws {Error} when the process ends instead. */
export function ask<Answer>(child: ChildProcess, order: Serializable, seed: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a worker ended with ${code}, at seed ${seed}`));
    child.once('exit', ended);
    child.once('message', (answer) => {
      child.off('exit', ended);
      resolve(answer as Answer);
    });
    child.send(order);
  });
}
