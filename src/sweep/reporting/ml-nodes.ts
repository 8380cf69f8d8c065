/**
 * @module Whether fewer machine learning nodes would have enough memory for the jobs that stay open. Gives no answer
 * for clusters where this is uncertain.
 */

import type { JobSnapshot } from '../planning/inventory.ts';

/** One machine learning node as measured. Sizes are bytes. */
export interface MeasuredNode {
  /** Memory that machine learning may use: `mem.ml.max_in_bytes`. */
  readonly maxBytes: number;
  /** Memory that anomaly detection jobs reserve: `mem.ml.anomaly_detectors_in_bytes`. */
  readonly jobBytes: number;
  /** Whether anything else uses the node's memory: trained models, data frame analytics, or another role. */
  readonly isShared: boolean;
}

export interface MlNodes {
  readonly total: number;
  /** How many of the nodes would be enough for the jobs that stay open. */
  readonly enough: number;
}

/** Memory of the native code, which a node loads once, before its first job. */
const nativeCode = 30 * 2 ** 20;
/** Default of `xpack.ml.max_open_jobs`, for each node. */
const maxJobsPerNode = 512;

/**
 * How many nodes are enough for the jobs that stay open, and for one more job of the largest size. `open` are all open
 * jobs of the cluster, and `closed` are the ids of those that do not stay open. Undefined if all nodes are needed, or
 * if the number is uncertain.
 */
export function enoughNodes(
  nodes: readonly MeasuredNode[],
  open: readonly JobSnapshot[],
  closed: ReadonlySet<string>,
): MlNodes | undefined {
  if (nodes.some(({ isShared }) => isShared)) return undefined;
  const sizes = open.map((job) => ({ isLeft: !closed.has(job.jobId), bytes: job.reservedBytes }));
  const known = sizes.filter((size): size is Size => size.bytes !== undefined);
  if (known.length < sizes.length) return undefined;
  const left = known.filter(({ isLeft }) => isLeft).map(({ bytes }) => bytes);
  const all = known.map(({ bytes }) => bytes);
  // Any of the nodes may be removed, so each is assumed to have only as much memory as the smallest node.
  const perNode = Math.min(...nodes.map(({ maxBytes }) => maxBytes)) - nativeCode;
  const largest = all.reduce((max, bytes) => Math.max(max, bytes), 0);
  if (largest > perNode) return undefined;
  const measured = sum(nodes.map(({ jobBytes }) => jobBytes)) - (sum(all) - sum(left));
  const reserved = Math.max(sum(left), measured);
  const enough = Math.max(
    1,
    Math.ceil((reserved + largest) / perNode),
    binsFor(left, perNode),
    Math.ceil(left.length / maxJobsPerNode),
  );
  return enough < nodes.length ? { total: nodes.length, enough } : undefined;
}

interface Size {
  readonly isLeft: boolean;
  readonly bytes: number;
}

/**
 * How many nodes the jobs need by first-fit decreasing: each job, the largest first, goes to the first node with room.
 */
function binsFor(sizes: readonly number[], perNode: number): number {
  const free: number[] = [];
  for (const size of [...sizes].sort((a, b) => b - a)) {
    const at = free.findIndex((room) => room >= size);
    if (at < 0) free.push(perNode - size);
    else free[at] = (free[at] as number) - size;
  }
  return free.length;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
