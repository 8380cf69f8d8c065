/** @module Chooses the node for a job, or explains why no node can take it. */
import { printByteSize } from '../units.ts';
import type { Job } from './job.ts';
import type { MlNode } from './node.ts';

/** Native memory that a process needs in addition to its model. */
export const processOverhead = 10 * 2 ** 20;

/** The number of buckets after which the server trusts the size of a model. */
const bucketsToSettle = 20;

/** `assignment_memory_basis` in the stats: the memory limit until the job has enough buckets, then its model's size. */
export function memoryBasisOf({ modelBytes, counts }: Job): MemoryBasis | undefined {
  if (modelBytes <= 0) return undefined;
  return counts.buckets < bucketsToSettle ? 'model_memory_limit' : 'current_model_bytes';
}

export type MemoryBasis = 'model_memory_limit' | 'current_model_bytes';

/** Bytes that a job reserves on its node. A failed job reserves nothing. */
export function memoryOf(job: Job): number {
  if (job.task?.state === 'failed') return 0;
  const isSettled = memoryBasisOf(job) === 'current_model_bytes';
  return (isSettled ? job.modelBytes : job.traits.memoryLimit) + processOverhead;
}

export interface AssignmentLimits {
  readonly maxOpenJobs: number;
  readonly memoryPercent: number;
}

export type Assignment =
  | { readonly node: MlNode }
  | { readonly node?: undefined; readonly explanation: string };

/**
 * Returns the node with the most free memory among those that can take `job`. If no node can, explains why, for each
 * node.
 */
export function assign(job: Job, nodes: Iterable<MlNode>, limits: AssignmentLimits): Assignment {
  const reasons: string[] = [];
  let best: MlNode | undefined;
  let bestFree = -1;
  for (const node of nodes) {
    if (!node.alive) continue;
    const max = node.mlMemory(limits.memoryPercent);
    const free = max - node.memoryUsed;
    const needed = memoryOf(job);
    if (node.jobs.size >= limits.maxOpenJobs)
      reasons.push(
        `Not opening job [${job.id}] on node [${node.name}], because this node is full. Number of opened jobs and allocated native inference processes [${node.jobs.size}], xpack.ml.max_open_jobs [${limits.maxOpenJobs}].`,
      );
    else if (needed > free)
      reasons.push(
        `Not opening job [${job.id}] on node [${node.name}], because this node has insufficient available memory. Available memory for ML [${max} (${printByteSize(max)})], memory required by existing jobs [${node.memoryUsed} (${printByteSize(node.memoryUsed)})], estimated memory required for this job [${needed} (${printByteSize(needed)})].`,
      );
    else if (free > bestFree) {
      best = node;
      bestFree = free;
    }
  }
  if (best) return { node: best };
  return { explanation: reasons.length > 0 ? reasons.join('|') : 'No ML node found' };
}
