/** Tests an answer with ten thousand jobs. `bench/embedded-elasticsearch.ts` measures the cost. */
import { expect, test } from 'vitest';
import { generateFleet, scaledClock, startElasticsearch } from '../../../simulator/index.ts';

test('a request for the stats of ten thousand jobs returns each job exactly once, in the order of the ids', async () => {
  await using server = await startElasticsearch({
    clock: scaledClock(),
    fleet: generateFleet({ jobs: 10_000, seed: 7 }),
  });
  const response = await fetch(`${server.url}/_ml/anomaly_detectors/_stats`);
  const { count, jobs } = (await response.json()) as { count: number; jobs: { job_id: string }[] };

  expect(count).toBe(10_000);
  const ids = jobs.map(({ job_id: id }) => id);
  expect(new Set(ids).size).toBe(10_000);
  expect(ids).toEqual(ids.toSorted());
});
