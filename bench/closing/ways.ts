/** @module What people do today, with the official client as it comes, and the sweep beside it. */
import { Client } from '@elastic/elasticsearch';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { sweep } from '../../src/sweep/sweep.ts';
import type { BenchRun, Way } from './measure.ts';

/** What the client's own pool holds; what is more waits in it. */
const connections = 256;

/**
 * What most scripts read: the stats of every job, unfiltered, and in them the time of the newest record, which is event
 * time. One that is told which jobs are idle reads the same, and is as right about them as the sweep has to be.
 */
async function idleJobs(client: Client, { clock, told }: BenchRun): Promise<string[]> {
  const { jobs } = await client.ml.getJobStats();
  const before = clock.now() - 48 * 3_600_000;
  return jobs
    .filter(({ job_id: jobId, state, data_counts: counts }) => {
      if (told) return told.has(jobId);
      const latest = Number(counts.latest_record_timestamp);
      return state === 'opened' && latest > 0 && latest < before;
    })
    .map(({ job_id: jobId }) => jobId);
}

type Script = (client: Client, idle: readonly string[], run: BenchRun) => Promise<void>;

function script(act: Script): Way {
  return async (run) => {
    const client = new Client({ node: run.url });
    try {
      await act(client, await idleJobs(client, run), run);
    } catch {
      // the script ends at its first error, as they do; `ask` has noted it
    } finally {
      await client.close();
    }
    return {};
  };
}

export const loop = script(async (client, idle, { ask }) => {
  for (const jobId of idle) await ask([jobId], () => client.ml.closeJob({ job_id: jobId }));
});

export const allAtOnce = script(async (client, idle, { ask }) => {
  const left = idle.values();
  const connection = async () => {
    for (const jobId of left) await ask([jobId], () => client.ml.closeJob({ job_id: jobId }));
  };
  await Promise.all(Array.from({ length: connections }, connection));
});

export const fixedBatches = script(async (client, idle, { ask }) => {
  for (let from = 0; from < idle.length; from += 20) {
    const batch = idle.slice(from, from + 20);
    await ask(batch, () => client.ml.closeJob({ job_id: batch.join(',') }));
  }
});

export const oneList = script(async (client, idle, { ask }) => {
  await ask(idle, () => client.ml.closeJob({ job_id: idle.join(',') }));
});

export const allWithForce = script(async (client, idle, { ask }) => {
  await ask(idle, () => client.ml.closeJob({ job_id: '_all', force: true }));
});

/** The fuses would refuse to close half of a cluster, which is what the bench is about. */
const fuse = { maxJobs: null, maxShare: null };

/** The defaults. */
export const defaults: RequestPayload = { fuse };

/** With more time for each close, so that a slow one keeps its place. */
export const patient: RequestPayload = { close: { timeout: '15m' }, fuse };

/**
 * What the default request did before it had places: batches of 20 jobs of like size, biggest first, two in flight, each
 * looked at right before it is asked and read until its jobs are closed.
 */
export const before: Way = script(async (client, idle, { ask, clock }) => {
  const { jobs } = await client.ml.getJobStats();
  const known = new Map(jobs.map((job) => [job.job_id, job]));
  const sizes = new Map(
    idle.map((jobId) => [jobId, Number(known.get(jobId)?.model_size_stats.model_bytes ?? 0)]),
  );
  const nodes = new Map(idle.map((jobId) => [jobId, known.get(jobId)?.node?.id]));
  const batches = inBatches(spreadOver(idle, sizes, nodes), 20).values();
  const connection = async () => {
    for (const batch of batches) {
      const names = batch.join(',');
      await Promise.all([client.ml.getJobs({ job_id: names }), client.ml.getJobStats({ job_id: names })]);
      const timeout = '2m';
      await ask(batch, () => client.ml.closeJob({ job_id: names, timeout })).catch(() => undefined);
      await untilClosed(client, names, clock);
    }
  };
  await Promise.all([connection(), connection()]);
});

/** Biggest first; among jobs within a factor of two, one node after the other. */
function spreadOver(
  jobIds: readonly string[],
  sizes: ReadonlyMap<string, number>,
  nodes: ReadonlyMap<string, string | undefined>,
): string[] {
  const size = (jobId: string) => sizes.get(jobId) ?? 0;
  const alike = Map.groupBy(jobIds, (jobId) => Math.floor(Math.log2(size(jobId) + 1)));
  return [...alike.entries()]
    .sort(([a], [b]) => b - a)
    .flatMap(([, group]) => {
      const ofNode = [...Map.groupBy(group, (jobId) => nodes.get(jobId)).values()];
      for (const own of ofNode) own.sort((a, b) => size(b) - size(a) || (a < b ? -1 : 1));
      const rounds = Math.max(...ofNode.map(({ length }) => length));
      return Array.from({ length: rounds }, (_, round) => ofNode.flatMap((own) => own[round] ?? [])).flat();
    });
}

const inBatches = (jobIds: readonly string[], size: number): string[][] =>
  Array.from({ length: Math.ceil(jobIds.length / size) }, (_, index) =>
    jobIds.slice(index * size, (index + 1) * size),
  );

/** Reads the states of jobs, for two minutes at most, until none of them is closing. */
async function untilClosed(client: Client, names: string, clock: BenchRun['clock']): Promise<void> {
  const end = clock.now() + 2 * 60_000;
  for (let pace = 1_000; clock.now() < end; pace = Math.min(pace * 1.5, 5_000)) {
    const { jobs } = await client.ml.getJobStats({ job_id: names });
    if (jobs.every(({ state }) => state !== 'closing')) return;
    await clock.sleep(pace);
  }
}

/** `remainingMs`: what the function, or the command's deadline, has. */
export function jobsweep(payload: RequestPayload, remainingMs: number): Way {
  return async ({ url, clock }) => {
    const cluster = new ElasticsearchCluster({ address: { url } }, clock);
    const order = { sweepId: 'bench', ...parseRequest(payload) };
    const { counts, jobs } = await sweep(order, { cluster, clock, remainingMs });
    const closed = jobs.filter(({ outcome }) => outcome === 'closed').map(({ jobId }) => jobId);
    return { closed, unknown: counts.unknown };
  };
}
