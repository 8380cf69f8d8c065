/**
 * @module Carries out the actions of other users during a sweep, at given times or after a given number of requests.
 */
import type { EmbeddedElasticsearch, VirtualClock } from '../simulator/index.ts';
import { idAt, type OutsideAction, type OutsideActionKind } from './case.ts';

export type ActionLog = { readonly at: number; readonly kind: string; readonly jobId: string }[];

/** Schedules the actions. Returns a log, to which each action is added when it happens. */
export function scheduleOutsideActions(
  server: EmbeddedElasticsearch,
  clock: VirtualClock,
  outsideActions: readonly OutsideAction[],
): ActionLog {
  const done: ActionLog = [];
  for (const action of outsideActions) {
    runWhen(action.when, server, clock, () => {
      const jobId = action.kind === 'job_made' ? `made-${action.job}` : idAt(action.job);
      if (carryOut(server, action, jobId)) done.push({ at: clock.now(), kind: action.kind, jobId });
    });
  }
  return done;
}

export function runWhen(
  when: OutsideAction['when'],
  server: EmbeddedElasticsearch,
  clock: VirtualClock,
  act: () => void,
): void {
  if ('at' in when) clock.at(clock.now() + when.at, act);
  else server.faults.afterRequest(when.after, act, when.api);
}

/** Carries out one action. Returns false if the action does not apply, for example if it closes a closed job. */
function carryOut({ cluster }: EmbeddedElasticsearch, { kind }: OutsideAction, jobId: string): boolean {
  const job = cluster.cluster.jobs.get(jobId);
  switch (kind) {
    case 'node_leaves': {
      const [name] = cluster.nodeNames;
      if (!name || cluster.nodeNames.length < 2) return false;
      cluster.crashNode(name);
      return true;
    }
    case 'master_leaves':
      cluster.setMaster(false);
      return true;
    case 'master_comes':
      cluster.setMaster(true);
      return true;
    case 'upgrade_begins':
      cluster.setUpgradeMode(true);
      return true;
    case 'upgrade_ends':
      cluster.setUpgradeMode(false);
      return true;
    case 'job_made':
      if (job) return false;
      cluster.putJob({ jobId, lastData: '5d' });
      return true;
    default:
      return job ? carryOutOn(job, cluster, kind) : false;
  }
}

type Job = NonNullable<ReturnType<EmbeddedElasticsearch['cluster']['cluster']['jobs']['get']>>;

type ClusterActionKind =
  | 'node_leaves'
  | 'master_leaves'
  | 'master_comes'
  | 'upgrade_begins'
  | 'upgrade_ends'
  | 'job_made';

function carryOutOn(
  job: Job,
  cluster: EmbeddedElasticsearch['cluster'],
  kind: Exclude<OutsideActionKind, ClusterActionKind>,
): boolean {
  const jobId = job.id;
  const state = job.task?.state ?? 'closed';
  switch (kind) {
    case 'data_arrives':
      if (state !== 'opened') return false;
      cluster.receiveData(jobId);
      return true;
    case 'process_dies':
      if (!job.task?.process) return false;
      cluster.failJob(jobId);
      return true;
    case 'deleted':
      cluster.removeJob(jobId);
      return true;
    case 'opened':
      if (state !== 'closed') return false;
      cluster.openJob(jobId);
      return true;
    case 'closed':
      if (state !== 'opened') return false;
      cluster.closeJob(jobId);
      return true;
    case 'force_closed':
      if (state === 'closed') return false;
      cluster.forceCloseJob(jobId);
      return true;
    case 'closed_and_opened':
      if (state === 'closed') return false;
      cluster.forceCloseJob(jobId);
      cluster.setOpenDuration(jobId, 1);
      cluster.openJob(jobId);
      return true;
    case 'protected':
      job.config = { ...job.config, custom_settings: { jobsweep: { protect: true } } };
      return true;
    case 'blocked':
      cluster.blockJob(jobId, 'revert');
      return true;
    case 'datafeed_started':
      if (state !== 'opened' || !job.task?.node || !cluster.cluster.datafeedOf(jobId)) return false;
      cluster.startDatafeed(jobId);
      return true;
    case 'datafeed_stopped':
      if (!cluster.cluster.datafeedOf(jobId)?.task) return false;
      cluster.stopDatafeed(jobId);
      return true;
    case 'close_hangs':
      cluster.setCloseDuration(jobId, 'never');
      return true;
  }
  return false;
}
