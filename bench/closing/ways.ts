/**
 * @module The ways of closing: common scripts that use the unmodified official client, the previous default, and the
 * sweep.
 */
import { Client } from '@elastic/elasticsearch';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import { sweep } from '../../src/sweep/sweep.ts';
import type { BenchRun, Way } from './measure.ts';

/**
 * The number of connections that the official client opens by default. While all of them are in use, further requests
 * wait.
 */
const connections = 256;

/**
 * The jobs that a common script closes: according to the job stats, they are open, and their newest record is more than
 * 48 hours old. If the bench passes the idle jobs to the script, the script still reads the stats, but closes exactly
 * the jobs that were passed.
 */
async function idleJobs(client: Client, { clock, given }: BenchRun): Promise<string[]> {
  const { jobs } = await client.ml.getJobStats();
  const before = clock.now() - 48 * 3_600_000;
  return jobs
    .filter(({ job_id: jobId, state, data_counts: counts }) => {
      if (given) return given.has(jobId);
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
      // like common scripts, this script ends at its first error, which `recordClose` has recorded
    } finally {
      await client.close();
    }
    return {};
  };
}

export const loop = script(async (client, idle, { recordClose }) => {
  for (const jobId of idle) await recordClose([jobId], () => client.ml.closeJob({ job_id: jobId }));
});

export const allAtOnce = script(async (client, idle, { recordClose }) => {
  const left = idle.values();
  const connection = async () => {
    for (const jobId of left) await recordClose([jobId], () => client.ml.closeJob({ job_id: jobId }));
  };
  await Promise.all(Array.from({ length: connections }, connection));
});

export const fixedBatches = script(async (client, idle, { recordClose }) => {
  for (let from = 0; from < idle.length; from += 20) {
    const batch = idle.slice(from, from + 20);
    await recordClose(batch, () => client.ml.closeJob({ job_id: batch.join(',') }));
  }
});

export const oneList = script(async (client, idle, { recordClose }) => {
  await recordClose(idle, () => client.ml.closeJob({ job_id: idle.join(',') }));
});

export const allWithForce = script(async (client, idle, { recordClose }) => {
  await recordClose(idle, () => client.ml.closeJob({ job_id: '_all', force: true }));
});

/** The default request without two fuses, which would trip because the bench closes half of a cluster's jobs. */
export const defaults: RequestPayload = { fuse: { maxJobs: null, maxShare: null } };

/**
 * The default request before `close.perNode` existed: batches of 20 jobs of similar size, biggest first, with two
 * batches in flight. For each batch, it reads the jobs, sends their close request, and polls the jobs until none is
 * closing.
 */
export const before: Way = script(async (client, idle, { recordClose, clock }) => {
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
      await recordClose(batch, () => client.ml.closeJob({ job_id: names, timeout })).catch(() => undefined);
      await untilClosed(client, names, clock);
    }
  };
  await Promise.all([connection(), connection()]);
});

/**
 * Orders jobs by size, biggest first. Consecutive jobs of similar size (within a factor of two) are on different nodes
 * if possible.
 */
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

/** Polls jobs until none of them is closing, but for at most two minutes. */
async function untilClosed(client: Client, names: string, clock: BenchRun['clock']): Promise<void> {
  const end = clock.now() + 2 * 60_000;
  for (let pace = 1_000; clock.now() < end; pace = Math.min(pace * 1.5, 5_000)) {
    const { jobs } = await client.ml.getJobStats({ job_id: names });
    if (jobs.every(({ state }) => state !== 'closing')) return;
    await clock.sleep(pace);
  }
}

/** `remainingMs` is the time that the function or the command has left. */
export function jobsweep(payload: RequestPayload, remainingMs: number): Way {
  return async ({ url, clock }) => {
    const cluster = new ElasticsearchCluster({ address: { url } }, clock);
    const order = { sweepId: 'bench', ...parseRequest(payload) };
    const { counts, jobs } = await sweep(order, { cluster, clock, remainingMs });
    const closed = jobs.filter(({ outcome }) => outcome === 'closed').map(({ jobId }) => jobId);
    return { closed, unknown: counts.unknown };
  };
}
