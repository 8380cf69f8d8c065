/**
 * @module Properties under load: very many jobs, very many sweeps, a very slow cluster. `npm run proof` prints a row
 * for each load.
 */
import { sweepLargeFleet } from '../test/load/large-fleet.ts';
import type { LoadResult } from '../test/load/result.ts';
import { sweepSlowClusters } from '../test/load/slow-cluster.ts';
import { planWarm } from '../test/load/warm-fleet.ts';
import { warmFunction } from '../test/load/warm-function.ts';
import { withHandler } from '../test/load/with-handler.ts';

export interface Load {
  readonly name: string;
  readonly sentence: string;
  /** Tries the property. It holds if the result lists no problems. */
  readonly run: () => Promise<LoadResult>;
}

const [second, minute] = [1_000, 60_000];

/** All loads together take about two minutes of real time. They need an otherwise idle machine. */
export const loads: readonly Load[] = [
  {
    name: 'ten-thousand-jobs',
    sentence:
      'The deployed function closes the 2,000 idle jobs out of 10,000, reports the truth, and never uses more than 160 MB.',
    run: () =>
      withHandler((handler) =>
        sweepLargeFleet({ handler, jobs: 10_000, idle: 2_000, mostBytes: 160 * 2 ** 20 }),
      ),
  },
  {
    name: 'thirty-thousand-jobs',
    sentence:
      'The deployed function plans 30,000 idle jobs with ids of the maximum length three times in one process, and never has more than 320 MB.',
    run: () =>
      withHandler((handler) =>
        planWarm({ handler, jobs: 30_000, calls: 3, maxBytes: 320 * 2 ** 20, maxGrowth: 1.25 }),
      ),
  },
  {
    name: 'two-hundred-sweeps',
    sentence:
      'After 200 sweeps in one process, some of which failed, the deployed function holds no more memory, files, sockets, timers and listeners than after the first hundred.',
    run: () => withHandler((handler) => warmFunction({ handler, sweeps: 200, mostBytesPerSweep: 500 })),
  },
  {
    name: 'slow-cluster',
    sentence: 'If every read takes 5 seconds, a sweep still ends in time and reports the truth.',
    run: () =>
      sweepSlowClusters([
        { idle: 40, remainingMs: 15 * minute },
        { idle: 400, remainingMs: 15 * minute },
        { idle: 2_000, remainingMs: 15 * minute },
        { idle: 2_000, remainingMs: 15 * minute, payload: { close: { concurrency: 32, perNode: 9 } } },
        { idle: 400, remainingMs: 3 * minute },
        { idle: 100, remainingMs: 80 * second },
        { idle: 40, remainingMs: 30 * second },
        { idle: 40, remainingMs: 12 * second },
        { idle: 40, remainingMs: 5 * second },
      ]),
  },
];
