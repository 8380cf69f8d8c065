/**
 * @module Runs many sweeps in one warm process of the deployed bundle, with everything that a sweep may use: secrets,
 * closes, follow-ups, invalid requests, and a server that is not Elasticsearch. What the process holds must not grow.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { CreateScheduleGroupCommand, DeleteScheduleCommand } from '@aws-sdk/client-scheduler';
import { nodeOptions } from '../../deploy/template.ts';
import { scaledClock } from '../../simulator/clock.ts';
import {
  type EmbeddedElasticsearch,
  type FleetJob,
  startElasticsearch,
} from '../../simulator/elasticsearch/index.ts';
import { startScheduler } from '../../simulator/scheduler/index.ts';
import { sdkClient } from '../support/scheduler.ts';
import { startSecretsManager } from '../support/secrets-manager.ts';
import { type LoadResult, Problems } from './result.ts';
import type { Asked, Held, Told } from './warm-child.ts';

export interface WarmFunction {
  /** The path of the deployed bundle, or of a module around it that leaks. */
  readonly handler: string;
  readonly sweeps: number;
  /**
   * Maximum number of bytes that a sweep may leave behind. The first half of the sweeps does not count, because caches
   * fill.
   */
  readonly mostBytesPerSweep: number;
}

/**
 * Turns off V8's compilers and caches: what they learn about hot code grows by 2 kB a sweep for hundreds of sweeps,
 * which is not a leak.
 */
const withoutCompilers = ['--no-opt', '--no-maglev', '--no-sparkplug', '--no-use-ic', '--no-flush-bytecode'];

const group = 'jobsweep-prod';
const functionArn = 'arn:aws:lambda:eu-central-1:123456789012:function:jobsweep';

const busy = Array.from({ length: 20 }, (_, index): FleetJob => ({ jobId: `busy-${index}`, lastData: '1m' }));
const idle = Array.from(
  { length: 5 },
  (_, index): FleetJob => ({
    jobId: `idle-${index}`,
    lastData: '5d',
    closeTakes: '10ms',
  }),
);
const failed: FleetJob = { jobId: 'failed', lastData: '5d', state: 'failed' };
/** A job that is already closing, so that the sweep only polls the job and schedules a follow-up. */
const stuck: FleetJob = {
  jobId: 'stuck',
  lastData: '9d',
  state: 'closing',
  askedToClose: '5m',
  closeTakes: 'never',
};

interface Kind {
  readonly event: object;
  readonly jobs: readonly FleetJob[];
  readonly expected: Partial<Record<'closed' | 'forceClosed' | 'closing' | 'followedUp', number>> | string;
}

const quick = { close: { timeout: '100ms' } };
const kinds: readonly Kind[] = [
  { event: {}, jobs: [...idle, failed], expected: { closed: 5, forceClosed: 1 } },
  // the process runs in real time, and with this short timeout the sweep polls the closing job only briefly
  { event: quick, jobs: [stuck], expected: { closed: 0, closing: 1, followedUp: 1 } },
  { event: { dryRun: true }, jobs: idle, expected: { closed: 0 } },
  { event: { idelFor: '48h' }, jobs: [], expected: 'InvalidRequestError' },
  { event: { cluster: 'strange', dryRun: true }, jobs: [], expected: 'NotElasticsearchError' },
  { event: { cluster: 'nobody' }, jobs: [], expected: 'InvalidSettingError' },
];

/** Runs all sweeps in one process. In the result, `cases` counts the sweeps. */
export async function warmFunction({
  handler,
  sweeps,
  mostBytesPerSweep,
}: WarmFunction): Promise<LoadResult> {
  const clock = scaledClock();
  await using server = await startElasticsearch({ clock, fleet: { jobs: busy }, rememberedRequests: 1 });
  await using scheduler = await startScheduler({ clock });
  await using secrets = await startSecretsManager({
    'jobsweep/default': JSON.stringify({ ELASTICSEARCH_URL: server.url }),
    // a server that is not Elasticsearch: the sweep fails immediately, without retries
    'jobsweep/strange': JSON.stringify({ ELASTICSEARCH_URL: scheduler.url }),
  });
  const client = sdkClient(scheduler.url);
  await client.send(new CreateScheduleGroupCommand({ Name: group }));
  const child = fork(path.join(import.meta.dirname, 'warm-child.ts'), [handler], {
    execArgv: ['--expose-gc', ...withoutCompilers],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: {
      PATH: process.env.PATH,
      NODE_OPTIONS: nodeOptions,
      ELASTICSEARCH_SECRET: 'jobsweep/default',
      ELASTICSEARCH_SECRET_PREFIX: 'jobsweep/',
      JOBSWEEP_SCHEDULE_GROUP: group,
      JOBSWEEP_SCHEDULER_ROLE_ARN: 'arn:aws:iam::123456789012:role/jobsweep-scheduler',
      JOBSWEEP_FUNCTION_ARN: functionArn,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_SCHEDULER: scheduler.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
    },
  });
  const held: Held[] = [];
  const problems = new Problems();
  try {
    for (let sweep = 0; sweep < sweeps; sweep += 1) {
      const kind = kinds[sweep % kinds.length] as Kind;
      for (const job of kind.jobs) server.cluster.putJob(job);
      // Also measures during the first half, because each measurement collects garbage, and the first collection frees
      // less than later ones.
      const endsRound = (sweep + 1) % kinds.length === 0;
      const answer = await ask(child, { event: kind.event, look: endsRound });
      check(kind, answer, `sweep ${sweep + 1}`, problems);
      if (answer.held && sweep >= sweeps >> 1) held.push(answer.held);
      clear(kind, server);
      for (const { Name } of scheduler.schedules)
        await client.send(new DeleteScheduleCommand({ Name, GroupName: group }));
    }
  } finally {
    client.destroy();
    const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    if (child.connected) child.disconnect();
    await gone;
  }
  return { cases: sweeps, ...growthOf(held, mostBytesPerSweep, problems) };
}

async function ask(child: ChildProcess, asked: Asked): Promise<Told> {
  const answer = Promise.withResolvers<Told>();
  const gone = () => answer.reject(new Error('the process ended'));
  child.once('message', (message) => answer.resolve(message as Told));
  child.once('exit', gone);
  child.send(asked);
  try {
    return await answer.promise;
  } finally {
    child.off('exit', gone);
  }
}

function check(
  { expected }: Kind,
  { error, counts, followedUp }: Told,
  sweep: string,
  problems: Problems,
): void {
  if (typeof expected === 'string') {
    problems.expect(error === expected, `${sweep} ended with ${error ?? 'a report'}, not with ${expected}`);
    return;
  }
  const seen: Readonly<Record<string, number | undefined>> = { ...counts, followedUp };
  for (const [name, count] of Object.entries(expected))
    problems.expect(seen[name] === count, `${sweep}: ${name} is ${seen[name] ?? error}, not ${count}`);
}

const clear = ({ jobs }: Kind, { cluster }: EmbeddedElasticsearch) => {
  for (const { jobId } of jobs) cluster.removeJob(jobId);
};

/**
 * Computes the growth per sweep, as the median slope over all pairs of measurements, so that an occasional late garbage
 * collection has no effect. Each measurement follows a round with one sweep of each kind, because what a process holds
 * for a moment differs between the kinds.
 */
function growthOf(
  held: readonly Held[],
  mostBytesPerSweep: number,
  problems: Problems,
): Pick<LoadResult, 'measured' | 'problems'> {
  const perSweep = medianSlope(held.map(({ bytes }) => bytes));
  problems.expect(
    perSweep <= mostBytesPerSweep,
    `each sweep leaves ${Math.round(perSweep)} bytes, over ${mostBytesPerSweep}`,
  );
  const kept: Readonly<Record<string, (now: Held) => number>> = {
    'open files and sockets': ({ descriptors }) => descriptors,
    'active handles': ({ active }) => Object.values(active).reduce((sum, count) => sum + count, 0),
    'listeners on the process': ({ listeners }) => listeners,
  };
  for (const [what, count] of Object.entries(kept)) {
    const slope = medianSlope(held.map(count));
    // if only one of the six kinds of sweep left one thing behind each time, the slope would be 1/6 (0.17)
    problems.expect(slope < 0.1, `${what} grow by ${slope.toFixed(1)} each sweep`);
  }
  const last = held.at(-1)?.bytes ?? 0;
  return {
    measured: `${Math.round(perSweep)} bytes a sweep, ${(last / 2 ** 20).toFixed(1)} MB held at the end`,
    problems: problems.all,
  };
}

/** The growth per sweep of values that were measured once a round. */
function medianSlope(values: readonly number[]): number {
  const slopes = values.flatMap((value, index) =>
    values.slice(0, index).map((earlier, other) => (value - earlier) / (index - other) / kinds.length),
  );
  return slopes.sort((a, b) => a - b)[slopes.length >> 1] ?? 0;
}
