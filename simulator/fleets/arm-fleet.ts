/** @module Schedules the faults and events of a fleet file on a running server. */
import type { SimulatedCluster } from '../elasticsearch/cluster.ts';
import type { FaultScript } from '../elasticsearch/faults.ts';
import { durationMs, type Fleet, type FleetEvent } from './schema.ts';

export function armFleet(fleet: Fleet, cluster: SimulatedCluster, faults: FaultScript): void {
  for (const { times, delay, delayAnswer, ...fault } of fleet.faults ?? [])
    faults.add({
      ...fault,
      times: times === 'always' ? Number.POSITIVE_INFINITY : times,
      delay: milliseconds(delay),
      delayAnswer: milliseconds(delayAnswer),
    });
  for (const event of fleet.events ?? []) {
    const run = () => happen(event, cluster);
    if (event.afterRequest !== undefined) faults.afterRequest(event.afterRequest, run, event.api);
    else faults.at(cluster.clock.now() + (milliseconds(event.at) ?? 0), run);
  }
}

/** Carries out an event. An event for a job that no longer exists is ignored. */
function happen({ event, jobId = '', node = '', reason }: FleetEvent, cluster: SimulatedCluster): void {
  const job = cluster.job(jobId);
  const open = job !== undefined && job.state !== 'closed';
  if (event === 'dataArrives' && job) cluster.receiveData(jobId);
  if (event === 'jobFails' && open) cluster.failJob(jobId, reason);
  if (event === 'jobDeleted' && job) cluster.removeJob(jobId);
  if (event === 'jobOpened' && job && !open) cluster.openJob(jobId);
  if (event === 'jobClosed' && open) cluster.closeJob(jobId);
  if (event === 'jobForceClosed' && open) cluster.forceCloseJob(jobId);
  if (event === 'sourceDries' && job?.datafeed)
    cluster.setSource(jobId, { every: 60_000, until: cluster.clock.now() });
  if (event === 'nodeLeaves' && cluster.nodeNames.includes(node)) cluster.crashNode(node);
  if (event === 'masterChanges') cluster.changeMaster();
  if (event === 'upgradeModeOn' || event === 'upgradeModeOff')
    cluster.setUpgradeMode(event === 'upgradeModeOn');
}

function milliseconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : durationMs(text);
}
