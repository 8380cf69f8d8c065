/** @module Jobs that were reopened after a close, no matter by whom, with a suggestion for each. */
import type { Evidence } from './evidence.ts';
import { clockError } from './facts.ts';
import type { KnownPast } from './known-past.ts';

export interface Returning {
  readonly jobId: string;
  readonly times: number;
  /** How often `jobsweep reopen` on this machine reopened the job; absent if never. */
  readonly byReopen?: number;
  readonly lastClosedAt: string;
  readonly lastOpenedAt: string;
  readonly suggestion: Suggestion;
}

export const suggestions = {
  exclude: 'exclude or protect it: it is reopened within the hour',
  longer_threshold: 'choose a longer idleFor: it pauses and is then opened again',
  fix_datafeed: 'fix its datafeed: it keeps finding no data',
} as const;
export type Suggestion = keyof typeof suggestions;

const hour = 3_600_000;
/**
 * `reopen` records only the time when it began. By default it may run for 15 minutes, so it may open a job up to 15
 * minutes after that time.
 */
const longestReopen = hour / 4;

/** The jobs that were reopened in the period, the most frequently reopened first. */
export function returningJobs(
  judged: readonly { readonly known: KnownPast; readonly evidence: Evidence }[],
  periodFrom: number,
  reopenings: ReadonlyMap<string, readonly number[]> = new Map(),
): Returning[] {
  return judged
    .flatMap(({ known, evidence }): Returning[] => {
      const times = reopeningsOf(known, evidence).filter(({ openedAt }) => openedAt >= periodFrom);
      const last = times.at(-1);
      if (!last) return [];
      const rests = times.map(({ closedAt, openedAt }) => openedAt - closedAt).sort((a, b) => a - b);
      const noted = reopenings.get(known.jobId) ?? [];
      const byReopen = times.filter(({ openedAt }) =>
        noted.some((at) => openedAt >= at - clockError && openedAt <= at + longestReopen),
      ).length;
      const isStarving = evidence.messages?.some(
        ({ kind, at }) => kind === 'feed_silent' && at >= periodFrom,
      );
      const suggestion = isStarving
        ? 'fix_datafeed'
        : (rests[rests.length >> 1] ?? 0) < hour
          ? 'exclude'
          : 'longer_threshold';
      return [
        {
          jobId: known.jobId,
          times: times.length,
          ...(byReopen > 0 && { byReopen }),
          lastClosedAt: new Date(last.closedAt).toISOString(),
          lastOpenedAt: new Date(last.openedAt).toISOString(),
          suggestion,
        },
      ];
    })
    .sort((a, b) => b.times - a.times || (a.jobId < b.jobId ? -1 : 1));
}

/** The job's reopenings according to its messages or, if there are none, to the records of our own sweeps. */
function reopeningsOf({ reopened }: KnownPast, { messages, records = [], now }: Evidence) {
  if (messages && messages.length > 0) return reopened;
  const looks = [...records.toSorted((a, b) => a.at - b.at), now];
  return looks.flatMap(({ state, openedAt }, index) => {
    const previous = looks[index - 1];
    return previous?.state === 'closed' && state === 'opened' && openedAt !== undefined
      ? [{ closedAt: previous.at, openedAt }]
      : [];
  });
}
