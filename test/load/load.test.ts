/**
 * @module Runs short versions of the load tests of `npm run proof` (proof/load.ts), and tests that the load tests
 * detect leaks and high memory use.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../bench/function/bundle.ts';
import { type Folder, newFolder } from '../support/folder.ts';
import { sized } from '../support/nightly.ts';
import { sweepLargeFleet } from './large-fleet.ts';
import { sweepSlowClusters } from './slow-cluster.ts';
import { planWarm } from './warm-fleet.ts';
import { warmFunction } from './warm-function.ts';

const mb = 2 ** 20;
const own = { timeout: 120_000 };

let folder: Folder;
let handler: string;
beforeAll(async () => {
  folder = await newFolder();
  ({ file: handler } = await bundle('src/function/handler.ts', folder.path));
});
afterAll(() => folder[Symbol.asyncDispose]());

/** A module beside the deployed bundle, which runs the statement `leak` before each invocation. */
const leaky = (name: string, leak: string) =>
  folder.write(
    `${name}.mjs`,
    `
      import { createServer } from 'node:net';
      import { handler as whole } from './handler.mjs';
      const left = [];
      export const handler = (...invocation) => {
        ${leak}
        return whole(...invocation);
      };
    `,
  );

describe('the deployed function under load', () => {
  it(
    'the deployed function closes the idle jobs of a large fleet, reports them correctly, and uses little memory',
    own,
    async () => {
      const { problems } = await sweepLargeFleet({
        handler,
        jobs: 2_000,
        idle: 200,
        // With the default limit of closes on each node and the rate limit, 200 closes take ten seconds. On a push, all
        // of them run at once.
        close: sized({ push: { batch: 100, perNode: 100 }, nightly: undefined }),
        mostBytes: 110 * mb,
      });
      expect(problems).toEqual([]);
    },
  );

  it(
    'the memory check of the load tests reports a problem if the function needs more memory than the limit',
    own,
    async () => {
      const { problems } = await sweepLargeFleet({ handler, jobs: 20, idle: 5, mostBytes: 40 * mb });
      expect(problems).toEqual([expect.stringMatching(/^the peak is \d+ MB, over 40 MB$/)]);
    },
  );

  it('the deployed function keeps at most 2.5 kB of memory for each sweep that has ended', own, async () => {
    const { problems } = await warmFunction({ handler, sweeps: 48, mostBytesPerSweep: 2_500 });
    expect(problems).toEqual([]);
  });

  it('the deployed function’s memory does not grow with each further plan of many jobs', own, async () => {
    const { problems } = await planWarm({
      handler,
      jobs: sized({ push: 3_000, nightly: 6_000 }),
      calls: 6,
      maxBytes: 200 * mb,
      maxGrowth: 1.4,
    });
    expect(problems).toEqual([]);
  });

  it('the memory check finds a function that leaks 20 MB with each plan', own, async () => {
    const { problems } = await planWarm({
      handler: await leaky('memory', 'left.push(Buffer.alloc(20 * 2 ** 20, 1));'),
      jobs: 500,
      calls: 6,
      maxBytes: 120 * mb,
      maxGrowth: 1.4,
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
      const { problems } = await warmFunction({
        handler: await leaky(
          'resources',
          `left.push(Array.from({ length: 500 }, Math.random), createServer().listen(0, '127.0.0.1').unref());
           process.on('SIGTERM', () => undefined);`,
        ),
        sweeps: 48,
        mostBytesPerSweep: 2_500,
      });
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
