/** @module Checks how many jobs on one node a sweep closes at the same time. */
import { nodes, type RandomCase } from '../case.ts';
import { type Look, looks } from './looks.ts';
import type { Trial } from './trial.ts';

/**
 * How many jobs on a node may be closing at once. `auto` means half of the node's processors, rounded down, but at
 * least 1. Version 7.17 does not report processors, so with 7.17, `auto` means 4.
 */
function placesOn(node: string, perNode: 'auto' | number, stack: RandomCase['stack']): number {
  if (perNode !== 'auto') return perNode;
  const { processors } = nodes.find(({ name }) => name === node) ?? {};
  return stack === '7.17' || processors === undefined ? 4 : Math.max(1, Math.floor(processors / 2));
}

export function keepsPlaces({ seen, wanted, run, claim }: Trial): void {
  const { perNode } = wanted;
  if (perNode === null) return;
  // Skips runs with two sweeps at the same time in which a fault hit a close request. If this sweep's request was lost
  // and the other sweep closes the same job, the lost request seems to have taken effect.
  if (run.case.repetition === 'together' && run.struck.some(({ api }) => api === 'ml.close_job')) return;
  const asks = looks(seen).filter(({ close }) => !close.force);
  // Leaves out jobs that another client closed. If the cluster refused this sweep's request to close such a job, the
  // other client's close looks like an effect of that request.
  const othersClosed = new Set(run.done.filter(({ kind }) => kind === 'closed').map(({ jobId }) => jobId));
  const isClosingAt = ({ jobId, close }: Look, at: number) => {
    if (othersClosed.has(jobId)) return false;
    const since = (run.history.get(jobId) ?? []).filter(
      (entry) => entry.at >= close.begunAt && entry.at <= at,
    );
    return since.length === 1 && since[0]?.state === 'closing' && since[0].at <= close.endedAt;
  };
  for (const close of seen.closes) {
    if (close.force) continue;
    const now = close.begunAt;
    const held = asks.filter(
      (ask) =>
        ask.close === close ||
        (ask.close.begunSeq < close.begunSeq &&
          now < ask.close.begunAt + wanted.closeTimeout &&
          isClosingAt(ask, now)),
    );
    for (const [node, ofNode] of Map.groupBy(held, ({ known }) => known?.stats?.node)) {
      if (node === undefined || !ofNode.some((ask) => ask.close === close)) continue;
      const jobs = new Set(ofNode.map(({ jobId }) => jobId));
      const places = placesOn(node, perNode, run.case.stack);
      claim(
        jobs.size <= places,
        () => `${jobs.size} jobs closing at once on ${node}, which has ${places} places (${perNode})`,
      );
    }
  }
}
