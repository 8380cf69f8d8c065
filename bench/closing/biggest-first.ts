/**
 * @module The time of an ideal planner that closes the biggest models first. It knows each model's memory, but no close
 * times.
 */
import type { IdleJob, Nodes } from './model.ts';
import { capacityOf, finishMs, nodesOfTheBench } from './model.ts';

/**
 * The time in milliseconds for a planner that knows each node's capacity exactly, starts the next close on a node as
 * soon as another one ends, takes no time itself, and begins with the biggest model. This time exceeds the lower bound
 * only because of the noise in the close times. Another order may be faster by luck, so this is a reference value, not
 * a bound.
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
