/** @module What people do today, with the official client as it comes, and the sweep beside it. */
import { Client } from '@elastic/elasticsearch';
import { ElasticsearchCluster } from '../../src/elasticsearch/cluster.ts';
import { parseRequest, type RequestPayload } from '../../src/sweep/request.ts';
import { sweep } from '../../src/sweep/sweep.ts';
import type { BenchRun, Way } from './measure.ts';
import { type Nodes, nodesOfTheBench } from './model.ts';

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

/**
 * The bench's request: politeness raised to what its nodes can do. Places on each node are its closes at full speed and
 * one, which fills the time from a close to the round that sees it.
 */
export function swift({ capacity }: Nodes = nodesOfTheBench): RequestPayload {
  return { close: { concurrency: 32, perNode: capacity + 1, timeout: '15m' }, fuse };
}

/** As many requests at once, by someone who does not know the nodes. */
export const eager: RequestPayload = { close: { concurrency: 32, timeout: '15m' }, fuse };

/** The defaults: two requests at a time of at most 20 jobs, each given two minutes. */
export const polite: RequestPayload = { fuse };

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
