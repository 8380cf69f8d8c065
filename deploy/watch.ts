/** @module Decides which clusters have separate alarms, and whether one alarm covers all clusters. */
import type { Parameters } from './parameters.ts';
import type { StageSchedules } from './schedules.ts';

export interface Watch {
  /** The clusters with separate alarms. */
  readonly clusters: readonly string[];
  /** Whether there is a cluster without separate alarms. Also true if the clusters are not known during packaging. */
  readonly isFleet: boolean;
  readonly hasRollCall: boolean;
}

/**
 * Up to this number of clusters, every cluster has separate alarms by default. If there are more, only the clusters in
 * the parameter `clusters` have separate alarms.
 */
const maxByDefault = 20;

export function watchOf(
  { clusters: named }: Pick<Parameters, 'clusters'>,
  { clusters: swept, hasRollCall }: Pick<StageSchedules, 'clusters' | 'hasRollCall'>,
): Watch {
  const byDefault = swept !== undefined && swept.length <= maxByDefault ? swept : [];
  const clusters = named.length > 0 ? named : byDefault;
  const isFleet = swept === undefined || swept.some((cluster) => !clusters.includes(cluster));
  return { clusters, isFleet, hasRollCall: hasRollCall || isFleet };
}
