/**
 * @module The best time of a planner that knows the models' memory but not the close times, and closes the biggest
 * models first.
 */
import type { IdleJob, Nodes } from './model.ts';
import { capacityOf, finishMs, nodesOfTheBench } from './model.ts';

/**
 * The time in milliseconds of a planner that knows each node's capacity exactly, fills a place the moment it gets free,
 * costs nothing, and begins with the biggest model. It exceeds the lower bound only because of the noise in the close
 * times. Another order may be faster by luck, so this is a reference value and not a bound.
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
