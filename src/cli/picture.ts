/** @module The cluster as a sweep found it, every open job included: what the report's charts show and its list leaves out. */

import type { Entry } from '../sweep/closing/ledger.ts';
import { lastActivityOf } from '../sweep/inventory.ts';
import type { VerdictName } from '../sweep/vocabulary.ts';

export interface PicturedJob {
  readonly jobId: string;
  /** Undefined when nothing tells. */
  readonly idleMs: number | undefined;
  readonly memoryBytes: number;
  /** Undefined for a job that runs nowhere. */
  readonly node: string | undefined;
  readonly verdict: VerdictName;
}

export interface Picture {
  readonly jobs: readonly PicturedJob[];
  /** `idleFor` of the request, milliseconds. */
  readonly idleFor: number;
}

/** To be taken when the verdicts are in: what a sweep does changes its entries. */
export function takePicture(entries: readonly Entry[], idleFor: number, now: number): Picture {
  return {
    idleFor,
    jobs: entries.map(({ jobId, job, verdict, history }) => {
      const lastActivity = lastActivityOf(job, history.lastActivity);
      return {
        jobId,
        idleMs: lastActivity === undefined ? undefined : Math.max(0, now - lastActivity),
        memoryBytes: job.modelBytes ?? 0,
        node: job.nodeName ?? job.nodeId,
        verdict: verdict.verdict,
      };
    }),
  };
}
