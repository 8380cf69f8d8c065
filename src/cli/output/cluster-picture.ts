/**
 * @module The state of the cluster as a sweep found it, with every open job. The charts need it, because reports omit
 * busy jobs.
 */

import { lastActivityOf } from '../../sweep/planning/idle.ts';
import type { Plan } from '../../sweep/sweep.ts';
import type { VerdictName } from '../../sweep/vocabulary.ts';

export interface PicturedJob {
  readonly jobId: string;
  /** Undefined if unknown. */
  readonly idleMs: number | undefined;
  readonly memoryBytes: number;
  /** Undefined for a job without a node. */
  readonly node: string | undefined;
  readonly verdict: VerdictName;
}

export interface Picture {
  readonly jobs: readonly PicturedJob[];
  /** `idleFor` of the request, milliseconds. */
  readonly idleFor: number;
}

export function takePicture({ order, decisions, found }: Plan): Picture {
  return {
    idleFor: order.request.idleFor,
    jobs: decisions.map(({ jobId, job, verdict, history }) => {
      const lastActivity = lastActivityOf(job, history.lastActivity);
      return {
        jobId,
        idleMs: lastActivity === undefined ? undefined : Math.max(0, found.readAt - lastActivity),
        memoryBytes: job.modelBytes ?? 0,
        node: job.nodeName ?? job.nodeId,
        verdict: verdict.verdict,
      };
    }),
  };
}
