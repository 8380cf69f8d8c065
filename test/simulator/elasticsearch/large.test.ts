/** Ten thousand jobs: what an answer costs, as a ratio, so that a slow machine does not matter. */
import { expect, test } from 'vitest';
import { scaledClock } from '../../../src/simulator/clock.ts';
import { startElasticsearch } from '../../../src/simulator/elasticsearch/index.ts';
import { generateFleet } from '../../../src/simulator/fleets/generate.ts';

test('a full stats answer costs a few times what serialising the same JSON costs', async () => {
  await using server = await startElasticsearch({
    clock: scaledClock(),
    fleet: generateFleet({ jobs: 10_000, seed: 7 }),
  });
  const read = async () =>
    Buffer.from(await (await fetch(`${server.url}/_ml/anomaly_detectors/_stats`)).arrayBuffer()).toString();
  const body = JSON.parse(await read()) as { count: number };
  const cost = async (run: () => unknown) => {
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      const start = performance.now();
      await run();
      times.push(performance.now() - start);
    }
    return Math.min(...times);
  };

  const ratio = (await cost(read)) / (await cost(() => JSON.stringify(body)));

  expect(body.count).toBe(10_000);
  expect(ratio).toBeLessThan(8);
});
