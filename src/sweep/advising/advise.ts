/** @module The whole advice: replays every judged job under each threshold, sums the results and recommends a threshold. */
import { plural } from '../../base/text.ts';
import type { Evidence, MessageCoverage } from './evidence.ts';
import { type KnownPast, knownPastOf } from './known-past.ts';
import type { SourceName } from './past-ports.ts';
import { type Recommendation, recommend } from './recommend.ts';
import { noRange, type Range, type Replayed, replay, sumOf, sweepsOf } from './replay.ts';
import { type Returning, returningJobs } from './returning.ts';

/** A duration as the user wrote it, and in milliseconds. */
export interface Interval {
  readonly text: string;
  readonly ms: number;
}

export interface AdviseCase {
  readonly cluster: { readonly name: string; readonly id: string; readonly version: string | null };
  readonly asOf: number;
  readonly days: number;
  readonly every: Interval;
  readonly thresholds: readonly Interval[];
  /** The threshold of the request, in milliseconds. */
  readonly idleFor?: number | undefined;
  /** The price of one GB of model memory for one hour. */
  readonly pricePerGbHour?: number | undefined;
  readonly sources: readonly SourceName[];
  readonly missing: readonly MissingSource[];
  readonly coverage: MessageCoverage | undefined;
  /** The jobs that the request names and that have a config. */
  readonly jobs: readonly AdvisedJob[];
  /** Number of jobs that are not `closed`, in the whole cluster. */
  readonly open: number;
  /** Returns the number of jobs that a sweep with the threshold `idleFor` would close now. */
  readonly today: (idleFor: number) => number;
  /** When `jobsweep reopen` opened each job; epoch milliseconds. */
  readonly reopenings?: ReadonlyMap<string, readonly number[]> | undefined;
  readonly warnings: readonly string[];
}

export interface AdvisedJob {
  readonly evidence: Evidence;
  /** Whether the request would keep the job today for a reason other than its idle time. */
  readonly leftOut: boolean;
}

export interface MissingSource {
  readonly source: SourceName;
  readonly why: string;
  readonly adds: string;
}

export interface ThresholdAdvice {
  readonly idleFor: string;
  readonly closes: Range;
  readonly wrongCloses: Range;
  readonly gbHours: Range;
  /** The price of `gbHours`. */
  readonly cost?: Range;
  readonly today: number;
}

/** What a threshold would have done to one job. */
export interface JobAdvice {
  readonly jobId: string;
  readonly knownFrom: string;
  readonly thresholds: readonly ({ readonly idleFor: string } & Replayed)[];
}

export interface Advice {
  readonly cluster: AdviseCase['cluster'];
  readonly asOf: string;
  readonly days: number;
  readonly every: string;
  readonly sources: readonly SourceName[];
  readonly missing: readonly MissingSource[];
  readonly jobs: {
    readonly open: number;
    readonly judged: number;
    readonly leftOut: number;
    readonly unknown: number;
  };
  readonly thresholds: readonly ThresholdAdvice[];
  readonly recommended: Recommendation | null;
  readonly comesBack: readonly Returning[];
  readonly knownFrom: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

export interface Advised {
  readonly advice: Advice;
  /** The advice for the request's own threshold, if that is one of the thresholds compared. */
  readonly current?: ThresholdAdvice | undefined;
  /** Each judged job, for tables and charts. */
  readonly jobs: readonly JobAdvice[];
  readonly pasts: readonly KnownPast[];
}

const day = 86_400_000;

export function advise(given: AdviseCase): Advised {
  const { asOf, days, every, thresholds, coverage } = given;
  const periodFrom = asOf - days * day;
  const sweeps = sweepsOf(asOf, periodFrom, every.ms);
  const judged: { readonly known: KnownPast; readonly evidence: Evidence }[] = [];
  let leftOut = 0;
  let unknown = 0;
  for (const job of given.jobs) {
    if (job.leftOut) {
      leftOut += 1;
      continue;
    }
    const known = knownPastOf(job.evidence, coverage, periodFrom);
    if (known.wasOpen === 'yes' && (known.knownFrom < asOf || job.evidence.now.state === 'opened'))
      judged.push({ known, evidence: job.evidence });
    else if (known.wasOpen !== 'no') unknown += 1;
  }
  const jobs = judged.map(({ known }) => ({
    jobId: known.jobId,
    knownFrom: new Date(known.knownFrom).toISOString(),
    thresholds: thresholds.map(({ text, ms }) => ({ idleFor: text, ...replay(known, ms, sweeps) })),
  }));
  const summed = thresholds.map((threshold, index) => sumUp(threshold, index, jobs, given));
  const pasts = judged.map(({ known }) => known);
  const { recommended, because } = recommend(summed, pasts, { asOf, periodFrom, days });
  const contradicted = pasts.filter((past) => past.contradicted).map(({ jobId }) => jobId);
  return {
    advice: {
      cluster: given.cluster,
      asOf: new Date(asOf).toISOString(),
      days,
      every: every.text,
      sources: given.sources,
      missing: given.missing,
      jobs: { open: given.open, judged: judged.length, leftOut, unknown },
      thresholds: summed,
      recommended,
      comesBack: returningJobs(judged, periodFrom, given.reopenings),
      knownFrom: Object.fromEntries(jobs.map(({ jobId, knownFrom }) => [jobId, knownFrom])),
      warnings: [
        ...given.warnings,
        ...(contradicted.length > 0
          ? [
              `the notifications of ${plural(contradicted.length, 'job')} contradict the other sources, so that some must be missing: ${contradicted.slice(0, 5).join(', ')}${contradicted.length > 5 ? ', …' : ''}`,
            ]
          : []),
        ...(recommended ? [] : [`no recommendation: ${because}`]),
      ],
    },
    current: summed[thresholds.findIndex(({ ms }) => ms === given.idleFor)],
    jobs,
    pasts,
  };
}

const nothing: Replayed = { closes: noRange, wrongCloses: noRange, gbHours: noRange };

/** The sums for one threshold over all judged jobs. */
function sumUp(
  { text, ms }: Interval,
  index: number,
  jobs: readonly JobAdvice[],
  { pricePerGbHour, today }: AdviseCase,
): ThresholdAdvice {
  const total = jobs.reduce<Replayed>((sum, { thresholds }) => {
    const { closes, wrongCloses, gbHours } = thresholds[index] ?? nothing;
    return {
      closes: sumOf(sum.closes, closes),
      wrongCloses: sumOf(sum.wrongCloses, wrongCloses),
      gbHours: sumOf(sum.gbHours, gbHours),
    };
  }, nothing);
  const { atLeast, atMost } = total.gbHours;
  return {
    idleFor: text,
    ...total,
    ...(pricePerGbHour !== undefined && {
      cost: { atLeast: atLeast * pricePerGbHour, atMost: atMost * pricePerGbHour },
    }),
    today: today(ms),
  };
}
