import { Client } from '@elastic/elasticsearch';
import { expect, test } from 'vitest';
import { VirtualClock } from '../../../src/simulator/clock.ts';
import { defaultFleet, startElasticsearch } from '../../../src/simulator/elasticsearch/index.ts';
import { trackHttp } from '../../../src/simulator/track-http.ts';

const headers = { accept: 'application/json', 'content-type': 'application/json' };

test('the official client closes a job of the default fleet, on simulated time', async () => {
  using clock = new VirtualClock();
  using _tracked = trackHttp(clock);
  await using server = await startElasticsearch({ clock, fleet: defaultFleet(clock.now()) });
  const client = new Client({ node: server.url, headers, maxRetries: 0 });
  const info = await client.info();
  expect(info.version.number).toBe('9.2.1');
  const stats = await client.ml.getJobStats();
  expect(stats.count).toBe(server.cluster.jobIds.length);
  const before = clock.now();
  const answer = await client.ml.closeJob({ job_id: 'web-sessions-archive,web-checkout-beta' });
  expect(answer).toEqual({ closed: true });
  expect(clock.now() - before).toBeGreaterThanOrEqual(240_000);
  expect(server.cluster.job('web-sessions-archive')).toMatchObject({ state: 'closed', closedCleanly: true });
  await client.close();
});
