/**
 * @module Calculates how long an ideal planner takes that closes the biggest models first. The planner knows each
 * model's memory, but no close times.
 */
import type { IdleJob, Nodes } from './model.ts';
import { capacityOf, finishMs, nodesOfTheBench } from './model.ts';

/**
 * How many milliseconds an ideal planner takes. It knows each node's capacity exactly, begins with the biggest model,
 * starts the next close on a node as soon as another one ends, and takes no time itself. It takes longer than the lower
 * bound only because of the noise in the close times. Another order may be faster by luck, so the result is a reference
 * value, not a bound.
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
