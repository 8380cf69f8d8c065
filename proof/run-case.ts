/** @module Sets up a case, runs its sweeps in simulated time over real HTTP, and returns the observation. */

import {
  type EmbeddedElasticsearch,
  startElasticsearch,
  trackHttp,
  VirtualClock,
} from '../simulator/index.ts';
import type { Clock } from '../src/base/clock.ts';
import { ElasticsearchCluster } from '../src/elasticsearch/cluster.ts';
import { plannedJobs } from '../src/sweep/planning/approved-plan.ts';
import { parseRequest, toPayload } from '../src/sweep/request/read-request.ts';
import type { RequestPayload } from '../src/sweep/request/request-schema.ts';
import {
  agreedTo,
  carryOut,
  type Plan,
  planSweep,
  reportPlan,
  type SweepContext,
  type SweepOrder,
  sweep,
} from '../src/sweep/sweep.ts';
import { type CaseJob, caseStart, idAt, nodes, type RandomCase } from './case.ts';
import { FakeFollowUps } from './fake-follow-ups.ts';
import { truthOf } from './ground-truth.ts';
import { type Observation, type ObservedSweep, ServerLog, WatchedCluster } from './observe.ts';
import { type ActionLog, runWhen, scheduleOutsideActions } from './outside-actions.ts';
import { type Struck, scriptFaults } from './scripted-faults.ts';

/**
 * A case with more requests than this counts as an endless loop. A normal sweep needs fewer than 400, and a case may
 * have several sweeps.
 */
const maxRequests = 6_000;
/** Milliseconds of real time after which a case counts as hanging. A case normally takes about 20 ms. */
const maxRealMs = 120_000;

interface Running {
  readonly case: RandomCase;
  readonly clock: VirtualClock;
  readonly server: EmbeddedElasticsearch;
  readonly log: ServerLog;
  readonly followUps: FakeFollowUps;
}

export async function runCase(given: RandomCase): Promise<Observation> {
  using clock = new VirtualClock(caseStart);
  using _tracked = trackHttp(clock);
  await using server = await startElasticsearch({
    clock,
    stack: given.stack,
    seed: given.seed,
    fleet: {
      nodes,
      jobs: given.jobs.map(({ history: _history, waited: _waited, ...job }, index) => ({
        jobId: idAt(index),
        ...job,
      })),
      upgradeMode: given.upgradeMode,
      apiKeys: ['one', 'two'].map((id) => ({
        id,
        key: `secret-${id}-key`,
        owner: 'sweeper',
        cluster: [given.privilege],
      })),
    },
  });
  const running: Running = {
    case: given,
    clock,
    server,
    log: new ServerLog(server, clock),
    followUps: new FakeFollowUps(given.followUps, clock, idAt(0)),
  };
  const struck: Struck[] = scriptFaults(server, running.log, given, maxRequests);
  const done: ActionLog = scheduleOutsideActions(server, clock, given.outsideActions);
  const sweeps: ObservedSweep[] = [];
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(resolve, maxRealMs, 'late');
  const finished = await Promise.race([story(running, sweeps), late]);
  clearTimeout(timer);
  // The server receives the requests that were in flight when the last sweep ended. Any request after them was sent by
  // a sweep that should have stopped.
  await clock.advance(0);
  const answered = server.requests.length;
  if (finished !== 'late') await clock.advance(5 * 60_000);
  const jobs = server.cluster.cluster.jobs;
  const everNamed = given.jobs.map((_, index) => idAt(index));
  return {
    case: given,
    sweeps,
    requests: server.requests,
    struck,
    done,
    history: new Map([...jobs].map(([id, job]) => [id, job.history])),
    jobIds: new Set([...jobs.keys(), ...everNamed, ...done.map(({ jobId }) => jobId)]),
    hung: finished === 'late' || server.requests.length >= maxRequests,
    lingering: server.requests.length - answered,
    secrets: ['one', 'two'].flatMap((id) => [`secret-${id}-key`, encodedKey(id)]),
  };
}

const encodedKey = (id: string) => Buffer.from(`${id}:secret-${id}-key`).toString('base64');

async function story(running: Running, sweeps: ObservedSweep[]): Promise<void> {
  const { case: given, clock, followUps } = running;
  const first = { payload: firstPayload(given), sweepId: 'first', key: 'one' };
  switch (given.repetition) {
    case 'once':
      await oneSweep(running, sweeps, first);
      return;
    case 'again':
      await oneSweep(running, sweeps, first);
      await oneSweep(running, sweeps, { ...first, key: 'two' });
      return;
    case 'together':
      await Promise.all([
        oneSweep(running, sweeps, first),
        oneSweep(running, sweeps, { ...first, key: 'two', sweepId: 'second' }),
      ]);
      return;
    case 'planned': {
      const plan = await onlyPlan(running, sweeps, { ...first, payload: { ...first.payload, dryRun: true } });
      await clock.sleep(9_000);
      const planned = plan && plannedJobs(plan.decisions);
      await oneSweep(running, sweeps, { ...first, key: 'two', planned });
      return;
    }
    case 'agreed': {
      const plan = await onlyPlan(running, sweeps, first);
      await clock.sleep(given.readingMs ?? 9_000);
      if (plan) await carryOutAgreed(running, sweeps, { ...first, key: 'two' }, plan);
      return;
    }
    case 'rounds':
      break;
  }
  await oneSweep(running, sweeps, first);
  for (let round = 1; round <= 8; round++) {
    const order = followUps.takeNext();
    if (!order) return;
    await clock.sleep(Math.max(0, order.at - clock.now()));
    const { sweepId, round: number } = order.chain;
    const payload = {
      ...toPayload(order.request),
      followUpOf: { ...order.chain, jobs: order.jobs },
    } as RequestPayload;
    await oneSweep(running, sweeps, {
      payload,
      sweepId: `${sweepId}-${number}`,
      key: round % 2 ? 'two' : 'one',
    });
  }
}

/**
 * The payload of the case's first sweep. If that sweep is a follow-up, the payload lists the jobs that it waits for.
 */
export function firstPayload(given: RandomCase): RequestPayload {
  if (given.followUpRound === null) return given.payload;
  const ago = (ms: number) => new Date(caseStart + given.skewMs - ms).toISOString();
  const waiting = given.jobs.flatMap(({ waited }: CaseJob, index) =>
    waited
      ? [
          {
            jobId: idAt(index),
            askedAt: ago(waited.askedAgo),
            attempts: waited.attempts,
            ...(waited.activeAgo !== undefined && { lastActivity: ago(waited.activeAgo) }),
          },
        ]
      : [],
  );
  const gone = { jobId: 'deleted-long-ago', askedAt: ago(900_000), attempts: 1 };
  return {
    ...given.payload,
    followUpOf: {
      sweepId: 'chain',
      round: given.followUpRound,
      jobs: [...waiting, gone],
      ...(given.followUpRest && { rest: true }),
    },
  };
}

interface OneSweep {
  readonly payload: RequestPayload;
  readonly sweepId: string;
  readonly key: string;
  readonly planned?: SweepOrder['planned'];
}

/** Starts to record a sweep that is about to begin. */
function watch(
  { case: given, clock, server }: Running,
  sweeps: ObservedSweep[],
  { payload, sweepId, key, planned }: OneSweep,
): ObservedSweep {
  const seen: ObservedSweep = {
    payload,
    sweepId,
    plan: planned === undefined ? undefined : sweeps.at(-1),
    onlyPlans: false,
    authorization: `ApiKey ${encodedKey(key)}`,
    startedAt: clock.now(),
    remainingMs: given.remainingMs,
    skewMs: given.skewMs,
    histories: historiesOf(given, clock.now() + given.skewMs),
    endedAt: Number.POSITIVE_INFINITY,
    stoppedAt: undefined,
    reads: [],
    closes: [],
    upgradeMode: undefined,
    upgradeReadAt: undefined,
    mayClose: undefined,
    foundAt: undefined,
    report: undefined,
    error: undefined,
    arranged: [],
    pendingCall: undefined,
    pending: new Set(),
    before: truthOf(server.cluster),
    after: new Map(),
  };
  sweeps.push(seen);
  return seen;
}

/** Runs `work` as the sweep `seen`, with its own client, clock and signal. */
async function runAs<T>(
  { case: given, clock, server, log, followUps }: Running,
  sweeps: readonly ObservedSweep[],
  seen: ObservedSweep,
  key: string,
  work: (context: SweepContext) => Promise<T>,
): Promise<T | undefined> {
  const own = skewed(clock, given.skewMs);
  const stop = new AbortController();
  if (given.stop && sweeps.length === 1)
    runWhen(given.stop, server, clock, () => {
      seen.stoppedAt ??= clock.now();
      stop.abort(new Error('SIGTERM'));
    });
  await using client = new ElasticsearchCluster(
    { address: { url: server.url }, credentials: { apiKey: encodedKey(key) } },
    own,
  );
  try {
    return await work({
      cluster: new WatchedCluster(client, seen, clock, log),
      clock: own,
      remainingMs: given.remainingMs,
      stop: stop.signal,
      ...(given.followUps !== 'absent' && { followUps: followUps.seenBy(seen) }),
    });
  } catch (error) {
    seen.error = error as Error;
    return undefined;
  } finally {
    seen.endedAt = clock.now();
    seen.after = truthOf(server.cluster);
  }
}

const orderOf = (seen: ObservedSweep, planned: SweepOrder['planned']): SweepOrder => ({
  sweepId: seen.sweepId,
  histories: seen.histories,
  ...parseRequest(seen.payload),
  ...(planned && { planned }),
});

async function oneSweep(running: Running, sweeps: ObservedSweep[], given: OneSweep): Promise<void> {
  const seen = watch(running, sweeps, given);
  await runAs(running, sweeps, seen, given.key, async (context) => {
    seen.report = await sweep(orderOf(seen, given.planned), context);
  });
}

/** Makes a plan and its report. */
async function onlyPlan(
  running: Running,
  sweeps: ObservedSweep[],
  given: OneSweep,
): Promise<Plan | undefined> {
  const seen = watch(running, sweeps, given);
  seen.onlyPlans = true;
  return await runAs(running, sweeps, seen, given.key, async (context) => {
    const plan = await planSweep(orderOf(seen, undefined), context);
    seen.report = reportPlan(plan);
    return plan;
  });
}

/**
 * Carries out the plan that the last sweep made. The new sweep reuses the reads of the plan, unless they are more than
 * 5 minutes old.
 */
async function carryOutAgreed(
  running: Running,
  sweeps: ObservedSweep[],
  given: OneSweep,
  plan: Plan,
): Promise<void> {
  const planning = sweeps.at(-1) as ObservedSweep;
  const seen = watch(running, sweeps, { ...given, planned: new Map() });
  Object.assign(seen, { plan: planning, histories: planning.histories });
  const { reads, upgradeMode, mayClose, foundAt } = planning;
  const isStale = running.clock.now() - (foundAt ?? 0) > 5 * 60_000 && !plan.order.request.dryRun;
  if (!isStale) {
    Object.assign(seen, { upgradeMode, mayClose, foundAt });
    seen.reads.push(...reads);
  }
  await runAs(running, sweeps, seen, given.key, async (context) => {
    seen.report = (await carryOut(agreedTo(plan), context)).report;
  });
}

function historiesOf(given: RandomCase, now: number): ObservedSweep['histories'] {
  return new Map(
    given.jobs.flatMap(({ history }, index) =>
      history
        ? [
            [
              idAt(index),
              {
                ...(history.flapping && { flapping: true }),
                ...(history.activeAgo !== undefined && { lastActivity: now - history.activeAgo }),
              },
            ] as const,
          ]
        : [],
    ),
  );
}

/** The sweep's clock, which is `ahead` milliseconds ahead of the cluster's clock. */
function skewed(clock: VirtualClock, ahead: number): Clock {
  return {
    now: () => clock.now() + ahead,
    sleep: (ms, signal) => clock.sleep(ms, signal),
    limit: (ms) => clock.limit(ms),
  };
}
