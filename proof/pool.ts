/** @module Runs random cases on all cores: one process per core takes chunks of cases until all are done. */
import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { add, type Coverage, emptyCoverage } from './coverage.ts';
import type { Failure } from './run-many.ts';

/** A message to a worker: one chunk of cases to run. */
export interface Chunk {
  readonly seed: number;
  readonly cases: number;
  /** Whether to shrink the first failing case; default true. */
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

/**
 * The number of cases in a chunk. Larger chunks have less overhead, but with smaller chunks all cores finish at about
 * the same time.
 */
const chunkCases = 250;
const worker = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** Runs the cases. After the first failure, no further chunk starts, and the running chunks finish. */
export async function runPool({ seed, cases, timeMs, progress }: PoolOptions): Promise<PoolResult> {
  const workers = availableParallelism();
  const coverage = emptyCoverage();
  const failures: Failure[] = [];
  const end = Date.now() + (timeMs ?? Number.POSITIVE_INFINITY);
  let handedOut = 0;
  // each chunk's seed depends on the run's seed, so that a run with the same seed has the same cases
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
        const result = await runChunk(child, chunk);
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

/** Makes a worker run one chunk of cases. @throws {Error} if the worker's process ends without an answer */
export const runChunk = (child: ChildProcess, chunk: Chunk): Promise<ChunkResult> =>
  sendOrder<ChunkResult>(child, chunk, chunk.seed);

/**
 * Sends a message to a worker and returns its answer. @throws {Error} if the worker's process ends without an answer
 */
export function sendOrder<Answer>(child: ChildProcess, order: Serializable, seed: number): Promise<Answer> {
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
