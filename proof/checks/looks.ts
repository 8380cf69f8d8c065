/** @module What a sweep knew about each job, and about the job's past, when it sent a close request for the job. */
import { answerFor, type Close, type ObservedSweep, type Read } from '../observe.ts';
import { type Known, knownOf, type Past, plannedFor, type Wanted } from '../reference.ts';

export interface Look {
  readonly jobId: string;
  readonly close: Close;
  readonly known: Known | undefined;
  readonly past: Past;
  /** The previous close request that named the job. */
  readonly previous: Close | undefined;
}

/** One entry for each job in each close request, with what the sweep knew about the job at that time. */
export function looks(seen: ObservedSweep, wanted?: Wanted): Look[] {
  return seen.closes.flatMap((close, index) =>
    close.ids.map((jobId) => ({
      jobId,
      close,
      known: knownOf(seen, jobId, close.begunSeq),
      past: wanted ? pastOf(seen, wanted, jobId, close.begunSeq) : {},
      previous: seen.closes.slice(0, index).findLast(({ ids }) => ids.includes(jobId)),
    })),
  );
}

/**
 * What a sweep knew about a job's past at the sequence number `seq`: from the payload of a follow-up, from the sweep's
 * own close requests, from the first read in which the job was closing, from earlier reports, and from the plan that
 * the sweep carries out.
 */
export function pastOf(seen: ObservedSweep, wanted: Wanted, jobId: string, seq: number): Past {
  const chained = wanted.chain?.jobs.findLast((job) => job.jobId === jobId);
  const firstStats = seen.reads.find((read) => read.kind === 'stats' && read.ids === undefined);
  const found = firstStats && answerFor(firstStats, jobId)?.truth.get(jobId)?.state;
  const asked = seen.closes.find(({ ids, begunSeq }) => begunSeq < seq && ids.includes(jobId));
  const sawClosing = seen.reads.find(
    (read) =>
      read.kind === 'stats' &&
      read.ok &&
      read.endedSeq < seq &&
      answerFor(read, jobId)?.truth.get(jobId)?.state === 'closing',
  );
  const firsts = [
    found === 'closing' && chained ? Date.parse(chained.askedAt) : undefined,
    asked && asked.begunAt + seen.skewMs,
    sawClosing && Math.max(sawClosing.endedAt, sawClosing.ids ? 0 : (seen.foundAt ?? 0)) + seen.skewMs,
  ].filter((moment) => moment !== undefined);
  const history = seen.histories.get(jobId) ?? {};
  const remembered = chained?.lastActivity;
  return {
    askedAt: firsts.length > 0 ? Math.min(...firsts) : undefined,
    flapping: history.flapping,
    awaited: chained !== undefined,
    planned: chained ? undefined : plannedFor(seen, jobId),
    lastActivity: remembered === undefined ? history.lastActivity : Date.parse(remembered),
  };
}

/** Whether a read began after the end of a close request, or at the moment of its end. */
export const isAfter = (read: Read, close: Close) =>
  read.begunSeq > close.begunSeq && read.begunAt >= close.endedAt;
