import { describe, expect, it } from 'vitest';
import { readStoredRecords } from '../../src/elasticsearch/stored-records.ts';
import { type SweepSetup, startSetup } from '../support/sweep-setup.ts';

const day = 86_400_000;
const hour = 3_600_000;

/** Writes the documents that an earlier sweep of one job has left behind. */
function leave(setup: SweepSetup, id: string, readAt: number, jobDocuments = 1): void {
  const { streams } = setup.cluster.cluster;
  const moment = new Date(readAt).toISOString();
  const shared = { '@timestamp': moment, event: { id } };
  const sweep = { id, read_at: moment };
  for (const [stream, source] of [
    ['logs-jobsweep.sweep-default', { ...sweep, job_documents: jobDocuments, whole: true }],
    ['logs-jobsweep.job-default', sweep],
  ] as const) {
    if (!streams.get(stream)) streams.create(stream, readAt);
    const job = { id: 'job', state: 'opened', last_data_at: moment };
    streams.add(stream, id, { ...shared, jobsweep: { cluster: { id: 'uuid' }, sweep: source, job } });
  }
}

async function read(setup: SweepSetup, from: number) {
  const records = await readStoredRecords({ address: { url: setup.server.url } }, setup.clock, {
    namespace: 'default',
    clusterIds: ['uuid'],
    from,
    signal: new AbortController().signal,
  });
  if (!('value' in records)) throw new Error(records.why);
  return records.value;
}

describe('the records in the data stream', () => {
  it('stored records of two months of hourly sweeps are thinned to at most 401 sweeps, evenly spread and including the newest', async () => {
    await using setup = await startSetup([]);
    const end = setup.clock.now();
    for (let age = 0; age < 60 * 24; age += 1) leave(setup, `sweep-${age}`, end - age * hour);
    const { byJob, wholeAt } = await read(setup, end - 60 * day);
    const moments = (byJob.get('job') ?? []).map(({ at }) => at).sort((a, b) => a - b);
    expect(moments.length).toBeGreaterThan(300);
    expect(moments.length).toBeLessThanOrEqual(401);
    expect(moments.at(-1)).toBe(end);
    const gaps = moments.slice(1).map((at, index) => at - (moments[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5 * hour);
    expect(wholeAt).toEqual(moments);
  });

  it('stored records of large sweeps are thinned until at most 1.5 million documents remain', async () => {
    await using setup = await startSetup([]);
    const end = setup.clock.now();
    for (let age = 0; age < 300; age += 1) leave(setup, `sweep-${age}`, end - age * hour, 20_000);
    const { byJob, wholeAt } = await read(setup, end - 60 * day);
    expect(byJob.get('job')?.length).toBeLessThanOrEqual(75);
    expect(byJob.get('job')?.length).toBeGreaterThan(30);
    // Each sweep claims 20,000 job documents and has only one, so no sweep counts as complete.
    expect(wholeAt).toEqual([]);
  });

  it('stored records from before the requested period are not read', async () => {
    await using setup = await startSetup([]);
    const end = setup.clock.now();
    for (const days of [1, 5, 50]) leave(setup, `sweep-${days}`, end - days * day);
    expect((await read(setup, end - 10 * day)).wholeAt).toEqual([end - 5 * day, end - day]);
  });
});
