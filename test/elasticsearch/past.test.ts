import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../simulator/clock.ts';
import { type EmbeddedElasticsearch, startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import type { Notification, Past } from '../../simulator/past/life.ts';
import type { KeptSnapshot } from '../../simulator/past/retention.ts';
import { ElasticsearchPast } from '../../src/elasticsearch/past.ts';

const asOf = Date.parse('2026-05-20T12:00:00Z');
const second = 1_000;
const day = 86_400_000;
const never = new AbortController().signal;

/** Starts a cluster of `count` jobs with the given pasts. */
async function startWith(
  count: number,
  snapshots: (job: number) => readonly KeptSnapshot[],
  messages: (job: number) => readonly Pick<Notification, 'message' | 'timestamp'>[],
): Promise<EmbeddedElasticsearch> {
  const clock = new VirtualClock(asOf);
  const server = await startElasticsearch({
    clock,
    fleet: {
      jobs: Array.from({ length: count }, (_, index) => ({
        jobId: `job-${index}`,
        lastData: '3d',
        past: {},
      })),
    },
  });
  for (const [index, job] of [...server.cluster.cluster.jobs.values()].entries()) {
    const past = {
      now: { at: asOf },
      snapshots: snapshots(index),
      notifications: messages(index).map((each) => ({
        job_id: job.id,
        job_type: 'anomaly_detector',
        ...each,
      })),
    } as unknown as Past;
    (job as { past: () => Past }).past = () => past;
  }
  return server;
}

const snapshotAt = (timestamp: number): KeptSnapshot => ({
  snapshotId: String(timestamp / second),
  timestamp,
  description: 'Periodic background persist at …',
  latestRecord: timestamp,
  bytes: 1,
});

describe('reading the past of a cluster', () => {
  it('a read of the past of a cluster returns each snapshot and message exactly once, even if many have the same time', async () => {
    // 700 jobs save a snapshot in the same second, and one page cannot contain that many snapshots
    await using server = await startWith(
      700,
      (job) => [asOf - day, asOf - 2 * day, asOf - 3 * day - job * second].map(snapshotAt),
      (job) =>
        Array.from({ length: 12 }, (_, index) => ({
          message: index % 2 === 0 ? 'Opening job on node [ml-0]' : 'Job is closing',
          timestamp: asOf - (12 - index) * day - (index > 5 ? 0 : job),
        })),
    );
    await using past = new ElasticsearchPast({ address: { url: server.url } }, new VirtualClock(asOf));
    const snapshots = await past.snapshots(asOf - 30 * day, never);
    if (!('value' in snapshots)) throw new Error(snapshots.why);
    expect(snapshots.value.size).toBe(700);
    for (const own of snapshots.value.values()) expect(own).toHaveLength(3);
    const messages = await past.notifications(asOf - 30 * day, asOf, never);
    if (!('value' in messages)) throw new Error(messages.why);
    expect(messages.value.byJob.size).toBe(700);
    for (const own of messages.value.byJob.values()) expect(own).toHaveLength(12);
    expect(messages.value.coverage?.from).toBe(asOf - 12 * day - 699);
    // Jobs are not read one at a time: there are 2,100 snapshots on five pages and 8,400 messages on two.
    expect(server.requests.length).toBeLessThanOrEqual(9);
  });

  it('a read of the past of ten thousand jobs takes few requests', async () => {
    await using server = await startWith(
      10_000,
      (job) => [snapshotAt(asOf - day - (job % 600) * second)],
      (job) => [{ message: 'Opening job on node [ml-0]', timestamp: asOf - 5 * day - job }],
    );
    await using past = new ElasticsearchPast({ address: { url: server.url } }, new VirtualClock(asOf));
    const times = await past.jobTimes(never);
    expect(times.size).toBe(10_000);
    const messages = await past.notifications(asOf - 30 * day, asOf, never);
    expect('value' in messages && messages.value.byJob.size).toBe(10_000);
    const snapshots = await past.snapshots(asOf - 30 * day, never);
    expect('value' in snapshots && snapshots.value.size).toBe(10_000);
    const count = (api: string) => server.requests.filter((request) => request.api === api).length;
    expect(count('ml.get_model_snapshots')).toBeLessThanOrEqual(22);
    expect(count('search')).toBeLessThanOrEqual(5);
  });

  it('the past of a cluster counts as unknown if there are no messages', async () => {
    await using server = await startWith(
      1,
      () => [],
      () => [],
    );
    await using past = new ElasticsearchPast({ address: { url: server.url } }, new VirtualClock(asOf));
    const messages = await past.notifications(asOf - 30 * day, asOf, never);
    expect('value' in messages && messages.value).toEqual({
      byJob: new Map(),
      coverage: undefined,
      isEmpty: true,
    });
  });

  it('a read of the past of one job returns nothing about other jobs', async () => {
    await using server = await startWith(
      3,
      () => [snapshotAt(asOf - day)],
      () => [{ message: 'Job is closing', timestamp: asOf - day }],
    );
    await using past = new ElasticsearchPast({ address: { url: server.url } }, new VirtualClock(asOf));
    const snapshots = await past.snapshots(asOf - 30 * day, never, 'job-1');
    const messages = await past.notifications(asOf - 30 * day, asOf, never, 'job-1');
    expect('value' in snapshots && [...snapshots.value.keys()]).toEqual(['job-1']);
    expect('value' in messages && [...messages.value.byJob.keys()]).toEqual(['job-1']);
  });
});
