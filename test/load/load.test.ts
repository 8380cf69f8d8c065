/**
 * @module Runs short versions of the load tests of `npm run proof` (proof/load.ts), and tests that the load tests
 * detect leaks and high memory use.
 */
import { describe, expect, it } from 'vitest';
import { sized } from '../support/nightly.ts';
import { sweepLargeFleet } from './large-fleet.ts';
import { sweepSlowClusters } from './slow-cluster.ts';
import { planWarm } from './warm-fleet.ts';
import { warmFunction } from './warm-function.ts';

const mb = 2 ** 20;
const own = { timeout: 120_000 };

describe('the deployed function under load', () => {
  it(
    'the deployed function closes the idle jobs of a large fleet, reports them correctly, and uses little memory',
    own,
    async () => {
      const { problems } = await sweepLargeFleet({ jobs: 2_000, idle: 200, mostBytes: 110 * mb });
      expect(problems).toEqual([]);
    },
  );

  it(
    'the memory check of the load tests reports a problem if the function needs more memory than the limit',
    own,
    async () => {
      const { problems } = await sweepLargeFleet({ jobs: 20, idle: 5, mostBytes: 40 * mb });
      expect(problems).toEqual([expect.stringMatching(/^the peak is \d+ MB, over 40 MB$/)]);
    },
  );

  it('the deployed function keeps at most 2.5 kB of memory for each sweep that has ended', own, async () => {
    const { problems } = await warmFunction({ sweeps: 42, mostBytesPerSweep: 2_500 });
    expect(problems).toEqual([]);
  });

  it('the deployed function’s memory does not grow with each further plan of many jobs', own, async () => {
    const { problems } = await planWarm({
      jobs: sized({ push: 3_000, nightly: 6_000 }),
      calls: 6,
      maxBytes: 200 * mb,
      maxGrowth: 1.4,
    });
    expect(problems).toEqual([]);
  });

  it('the memory check finds a function that leaks 20 MB with each plan', own, async () => {
    const text = `
      import { handler as whole } from './src/function/handler.ts';
      const left = [];
      export const handler = (...invocation) => {
        left.push(Buffer.alloc(20 * 2 ** 20, 1));
        return whole(...invocation);
      };
    `;
    const { problems } = await planWarm({
      jobs: 500,
      calls: 6,
      maxBytes: 120 * mb,
      maxGrowth: 1.4,
      entry: { text },
    });
    expect(problems).toEqual([
      expect.stringMatching(/^the peaks are .*, over 120 MB$/),
      expect.stringMatching(/^the peaks grow from call to call: .*, over 1.4 times the second$/),
    ]);
  });

  it(
    'the leak check finds a function that leaks 4 kB, a server and a signal listener with each sweep',
    own,
    async () => {
      const text = `
      import { createServer } from 'node:net';
      import { handler as whole } from './src/function/handler.ts';
      const left = [];
      export const handler = (...invocation) => {
        left.push(Array.from({ length: 500 }, Math.random), createServer().listen(0, '127.0.0.1').unref());
        process.on('SIGTERM', () => undefined);
        return whole(...invocation);
      };
    `;
      const { problems } = await warmFunction({ sweeps: 42, mostBytesPerSweep: 2_500, entry: { text } });
      expect(problems).toEqual([
        expect.stringMatching(/^each sweep leaves \d+ bytes, over 2500$/),
        expect.stringMatching(/^open files and sockets grow by \d\.\d each sweep$/),
        'listeners on the process grow by 1.0 each sweep',
      ]);
    },
  );
});

describe('a cluster in which every read takes 5 seconds', () => {
  it('a cluster in which every read takes 5 seconds is swept before the deadline and reported correctly', async () => {
    const { problems } = await sweepSlowClusters([
      { idle: 120, remainingMs: 15 * 60_000 },
      { idle: 400, remainingMs: 3 * 60_000 },
      { idle: 40, remainingMs: 12_000 },
      { idle: 40, remainingMs: 5_000 },
    ]);
    expect(problems).toEqual([]);
  });
});
