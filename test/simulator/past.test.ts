import { describe, expect, it } from 'vitest';
import { defaultFleet, type FleetJob } from '../../simulator/index.ts';
import { drawPast, habits } from '../../simulator/past/life.ts';
import { cleanUp, type KeptSnapshot } from '../../simulator/past/retention.ts';
import { startSetup } from '../support/sweep-setup.ts';

const hour = 3_600_000;
const day = 24 * hour;
const asOf = Date.parse('2026-05-20T12:00:00Z');

const send = async (url: string, path: string, body?: object) => {
  const response = await fetch(url + path, {
    ...(body && {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, never> };
};

interface Page {
  readonly count: number;
  readonly model_snapshots: readonly { readonly job_id: string; readonly timestamp: number }[];
}

describe('a random past', () => {
  it.each(habits)(
    'the random past of a job has data only while the job is open, and leads to its present state: %s',
    (habit) => {
      for (let seed = 1; seed <= 30; seed += 1) {
        const past = drawPast({ jobId: 'job', seed, asOf, days: 60, habit });
        const { stays, starts, data, createdAt } = past.truth;
        const isOpenAt = (moment: number) =>
          stays.some(({ from, closed }) => moment >= from && moment <= (closed ?? asOf));
        for (const moment of [...data, ...starts]) expect(isOpenAt(moment)).toBe(true);
        for (const { timestamp } of past.snapshots) {
          expect(timestamp).toBeGreaterThan(createdAt - 61_000);
          expect(timestamp).toBeLessThan(asOf + 61_000);
        }
        const last = stays.at(-1);
        expect(past.now.state).toBe(last && last.closed === undefined ? 'opened' : 'closed');
        expect(past.now.openedAt === undefined).toBe(past.now.state === 'closed');
      }
    },
  );

  it('the random past of a job is the same for the same seed', () => {
    const options = { jobId: 'job', seed: 7, asOf, days: 40 };
    expect(drawPast(options)).toEqual(drawPast(options));
    expect(drawPast({ ...options, seed: 8 })).not.toEqual(drawPast(options));
  });

  it('the random past of a job ends in the present state that the fleet describes', async () => {
    const fleet = defaultFleet(Date.now());
    await using setup = await startSetup(fleet.jobs ?? [], { nodes: fleet.nodes ?? [] });
    let count = 0;
    for (const job of setup.cluster.cluster.jobs.values()) {
      const past = job.past?.();
      if (!past) continue;
      count += 1;
      const truth = setup.cluster.job(job.id);
      // A running datafeed has delivered newer data than the past contains.
      if (truth?.datafeed?.state !== 'started') expect(past.truth.data.at(-1)).toBe(truth?.lastDataTime);
      if (truth?.openedAt !== undefined) expect(past.truth.starts.at(-1)).toBe(truth.openedAt);
      expect(past.truth.stays.at(-1)?.closed === undefined).toBe(truth?.state !== 'closed');
    }
    expect(count).toBeGreaterThan(20);
  });
});

describe('the nightly cleanup of snapshots', () => {
  const every4h: readonly KeptSnapshot[] = Array.from({ length: 120 }, (_, index) => ({
    snapshotId: String(index),
    timestamp: asOf - (119 - index) * 4 * hour,
    description: '',
    bytes: 1,
  }));

  it('the nightly cleanup keeps all snapshots of the last day and one of each of the nine days before it, and no older ones', () => {
    const kept = cleanUp(every4h);
    expect(kept.length).toBe(7 + 9);
    expect(kept[0]?.timestamp).toBe(asOf - 10 * day);
    expect(kept.at(-1)).toBe(every4h.at(-1));
  });

  it('the nightly cleanup calculates the age of snapshots from the newest snapshot, and not from the current time', () => {
    const kept = cleanUp([...every4h, { ...(every4h[0] as KeptSnapshot), timestamp: asOf + 30 * day }]);
    expect(kept).toHaveLength(1);
  });
});

describe('model snapshots over HTTP', () => {
  const jobs: readonly FleetJob[] = ['one', 'two'].map((jobId) => ({
    jobId,
    created: '60d',
    openedAt: '40d',
    lastData: '2d',
    datafeed: { state: 'stopped' },
    past: { habit: 'live' },
  }));

  it('a request for the model snapshots of `*` returns those of all jobs, the newest first by default', async () => {
    await using setup = await startSetup(jobs);
    const path = '/_ml/anomaly_detectors/*/model_snapshots';
    const { body } = (await send(setup.server.url, path)) as unknown as { body: Page };
    expect(new Set(body.model_snapshots.map(({ job_id: id }) => id))).toEqual(new Set(['one', 'two']));
    const times = body.model_snapshots.map(({ timestamp }) => timestamp);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    const rising = (await send(setup.server.url, `${path}?desc=false&from=1&size=2`)) as unknown as {
      body: Page;
    };
    expect(rising.body.count).toBe(body.count);
    expect(rising.body.model_snapshots.map(({ timestamp }) => timestamp)).toEqual(
      times.toReversed().slice(1, 3),
    );
  });

  it('a request for model snapshots beyond the first 10,000 is refused', async () => {
    await using setup = await startSetup(jobs);
    const path = '/_ml/anomaly_detectors/*/model_snapshots?from=9999&size=2';
    expect((await send(setup.server.url, path)).status).toBe(400);
  });

  it('a request for the model snapshots of an unknown job, a list of jobs or a pattern such as `o*` is refused with 404', async () => {
    await using setup = await startSetup(jobs);
    for (const name of ['three', 'one,two', 'o*'])
      expect((await send(setup.server.url, `/_ml/anomaly_detectors/${name}/model_snapshots`)).status).toBe(
        404,
      );
  });
});

describe('notifications over HTTP', () => {
  it('a search finds the notifications of a job’s generated past and those of later events in the cluster', async () => {
    await using setup = await startSetup([
      { jobId: 'one', created: '60d', openedAt: '40d', lastData: '2d', past: { habit: 'pushed' } },
    ]);
    const search = async () => {
      const { body } = await send(setup.server.url, '/.ml-notifications*/_search', {
        size: 100,
        sort: [{ timestamp: 'asc' }],
        query: { bool: { filter: [{ term: { job_id: 'one' } }] } },
      });
      const { hits } = (body as unknown as { hits: { hits: readonly { _source: { message: string } }[] } })
        .hits;
      return hits.map(({ _source }) => _source.message);
    };
    const before = await search();
    expect(before[0]).toBe('Job created');
    expect(before.at(-1)).toMatch(/^Loading model snapshot/);
    await setup.sweep({ fuse: { maxShare: null, massIdle: false }, idleFor: '1h' });
    expect((await search()).slice(before.length)).toEqual(['Job is closing']);
  });
});
