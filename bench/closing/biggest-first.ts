/** @module Biggest first, perfectly carried out: what a planner reaches that knows the models' memory and not the close times. */
import type { IdleJob, Nodes } from './model.ts';
import { capacityOf, finishMs, nodesOfTheBench } from './model.ts';

/**
 * The time of a planner that knows each node's capacity exactly, fills it the moment it gets free, costs nothing, and
 * begins with the biggest model; milliseconds. What it takes over the lower bound is the noise of the close times, which can
 * turn in another's favour too: it is a mark to measure against, and no bound.
 */
export function biggestFirst(idle: readonly IdleJob[], nodes: Nodes = nodesOfTheBench): number {
  const ends = [...Map.groupBy(idle, ({ node }) => node).values()].map((jobs) => {
    const places = Array.from({ length: Math.min(capacityOf(nodes), jobs.length) }, () => 0);
    for (const { workMs } of jobs.toSorted((a, b) => b.modelBytes - a.modelBytes)) {
      const first = places.indexOf(Math.min(...places));
      places[first] = (places[first] as number) + workMs + finishMs;
    }
    return Math.max(...places);
  });
  return Math.max(...ends);
}
