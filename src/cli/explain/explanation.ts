/**
 * @module Explains one job: its timestamps, the rules with the values they compared, the verdict, and what would change
 * the verdict.
 */

import { formatIdleTime } from '../../base/duration.ts';
import { plural, quote } from '../../base/text.ts';
import { moment, span } from '../../base/words.ts';
import type { MissingSource } from '../../sweep/advising/advise.ts';
import type { SourceName } from '../../sweep/advising/past-ports.ts';
import type { TimelineEvent } from '../../sweep/advising/timeline.ts';
import type { NodeLimit } from '../../sweep/closing/ledger.ts';
import { lastActivityOf } from '../../sweep/planning/idle.ts';
import { isMoment, type JobSnapshot, runs } from '../../sweep/planning/inventory.ts';
import { type Protection, protects } from '../../sweep/planning/protection.ts';
import { type History, judgeBy, stuckOpeningAfter, type Verdict } from '../../sweep/planning/verdict.ts';
import type { ClusterIdentity } from '../../sweep/ports.ts';
import type { SweepRequest } from '../../sweep/request/request-schema.ts';
import type { KeepReason } from '../../sweep/vocabulary.ts';
import type { PastDeed } from '../input/history.ts';
import { closeOf, type ExplainedClose } from './closed-job.ts';

export interface ExplainedClock {
  readonly name: string;
  /** The field in the cluster's answer that the value comes from. */
  readonly source: string;
  /** ISO; null if unknown. */
  readonly value: string | null;
  readonly agoMs: number | null;
  /** Whether this timestamp is the job's last activity. */
  readonly decides: boolean;
  readonly note?: string;
}

export interface ExplainedRule {
  readonly reason: KeepReason;
  readonly holds: boolean;
  readonly saw: string;
}

/** A later change of the verdict, if nothing happens to the job until then. */
export interface ExplainedChange {
  readonly at: string;
  readonly inMs: number;
  readonly verdict: Verdict['verdict'];
  readonly reason: Verdict['reason'];
}

/** The result of `jobsweep explain`, and its JSON format. Times are ISO date-times, and sizes are bytes. */
export interface Explanation {
  readonly jobId: string;
  readonly cluster: { readonly name: string; readonly id: string; readonly version: string | null };
  readonly at: string;
  readonly state: string;
  /** Whether `jobs` in the request includes this job; a sweep ignores other jobs. */
  readonly named: boolean;
  readonly groups: readonly string[];
  readonly nodeName?: string;
  readonly memoryBytes?: number;
  /** The memory that the job reserves on its node. */
  readonly reservedBytes?: number;
  readonly datafeed?: { readonly datafeedId: string; readonly state: string };
  readonly idleMs: number | null;
  readonly idleFor: string;
  readonly clocks: readonly ExplainedClock[];
  /** In order of precedence; the first rule that applies is the reason. Empty for a closed job. */
  readonly rules: readonly ExplainedRule[];
  /** Null for a closed job. */
  readonly verdict: Verdict | null;
  readonly changes: readonly ExplainedChange[];
  /** The fuse that would stop the whole sweep. */
  readonly fuse: string | null;
  /** Present only with `--history`. */
  readonly timeline?: ExplainedPast;
  /** Present only for a closed job. */
  readonly closed?: ExplainedClose;
  readonly protection: ExplainedProtection;
  /** How many jobs on the job's node may close at once, and why; null without a node or a limit. */
  readonly places: NodeLimit | null;
  /** What earlier sweeps did with the job, according to their reports; oldest first. */
  readonly past: readonly PastDeed[];
  /** When `jobsweep reopen` opened the job, ISO, oldest first. */
  readonly reopenedAt: readonly string[];
}

export interface ExplainedProtection {
  readonly kind: Protection['kind'];
  /** What the job's owner should know: a misspelled or unreadable setting, or a date that has passed. */
  readonly hint?: string;
}

/** The events of a job's past, oldest first, and the sources that were read. */
export interface ExplainedPast {
  readonly sources: readonly SourceName[];
  readonly missing: readonly MissingSource[];
  readonly events: readonly TimelineEvent[];
}

export interface ExplainCase {
  readonly job: JobSnapshot;
  readonly request: SweepRequest;
  readonly named: boolean;
  readonly identity: ClusterIdentity;
  readonly history?: History | undefined;
  readonly past?: readonly PastDeed[] | undefined;
  readonly reopenedAt?: readonly string[] | undefined;
  readonly fuse: string | null;
  readonly places: NodeLimit | null;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly timeline?: ExplainedPast | undefined;
  /** When the cluster last finished a close of the job; epoch milliseconds. */
  readonly finishedTime?: number | undefined;
}

/** Rules that keep a job no matter how long it has been idle. */
const lasting: ReadonlySet<KeepReason> = new Set(['excluded', 'protected', 'managed', 'flapping']);

export function explain(given: ExplainCase): Explanation {
  const { job, request, named, identity, now, fuse } = given;
  // If a job is closing and no close request is known, its close is assumed to start now.
  const history: History = {
    ...given.history,
    ...(job.state === 'closing' && { askedAt: given.history?.askedAt ?? now }),
  };
  const judge = judgeBy(request);
  const closed = job.reportedState === 'closed';
  const lastActivity = lastActivityOf(job, history.lastActivity);
  const verdict = closed ? null : judge.judge(job, now, history);
  const rules = judge
    .rules(job, now, history)
    .map((rule) => ({ ...rule, saw: sights[rule.reason]({ job, request, history, now }) }));
  const { past = [], finishedTime } = given;
  return {
    jobId: job.jobId,
    cluster: { name: request.cluster, ...identity },
    at: new Date(now).toISOString(),
    state: job.reportedState,
    named,
    groups: job.groups,
    ...(job.nodeName !== undefined && { nodeName: job.nodeName }),
    ...(job.modelBytes !== undefined && { memoryBytes: job.modelBytes }),
    ...(!closed && job.reservedBytes !== undefined && { reservedBytes: job.reservedBytes }),
    ...(job.datafeed && { datafeed: { datafeedId: job.datafeed.datafeedId, state: job.datafeed.state } }),
    idleMs: lastActivity === undefined ? null : Math.max(0, now - lastActivity),
    idleFor: formatIdleTime(request.idleFor),
    clocks: clocksOf(job, lastActivity, now),
    rules: closed ? [] : rules,
    verdict,
    changes: verdict === null ? [] : changesOf(verdict, given, history),
    fuse,
    ...(given.timeline && { timeline: given.timeline }),
    ...(closed && {
      closed: {
        ...closeOf(job, past, finishedTime),
        onceOpen: rules.find(({ reason, holds }) => holds && lasting.has(reason)) ?? null,
      },
    }),
    protection: protectionOf(job.protection, now),
    places: given.places,
    past,
    reopenedAt: given.reopenedAt ?? [],
  };
}

function clocksOf(job: JobSnapshot, lastActivity: number | undefined, now: number): ExplainedClock[] {
  const clock = (name: string, source: string, value: number | undefined, note?: string): ExplainedClock => ({
    name,
    source,
    value: isMoment(value) ? new Date(value).toISOString() : null,
    agoMs: isMoment(value) ? now - value : null,
    decides: value !== undefined && value === lastActivity && note === undefined,
    ...(note !== undefined && { note }),
  });
  return [
    clock('last data', 'data_counts.last_data_time', job.lastDataTime),
    clock('process started', 'open_time, counted back', job.openedAt),
    clock(
      'newest record',
      'data_counts.latest_record_timestamp',
      job.latestRecordTime,
      'event time: for information only',
    ),
  ];
}

const rightSpelling = '{"jobsweep": {"protect": true}}';

function protectionOf(protection: Protection, now: number): ExplainedProtection {
  const hint = hintOf(protection, now);
  return { kind: protection.kind, ...(hint !== undefined && { hint }) };
}

function hintOf(protection: Protection, now: number): string | undefined {
  switch (protection.kind) {
    case 'misspelled':
      return `the key ${quote(protection.key)} in its custom_settings is nearly "jobsweep", so it protects the job; the right spelling is ${rightSpelling}`;
    case 'unreadable':
      return 'custom_settings.jobsweep cannot be read, so it protects the job; expected {"protect": true} or {"protectUntil": "<ISO date or date-time with zone>"}';
    case 'until':
      return protects(protection, now)
        ? undefined
        : `its protection ended at ${moment(protection.until)}, ${span(now - protection.until)} ago`;
    case 'none':
      return protection.unreadKey === undefined
        ? undefined
        : `the key ${quote(protection.unreadKey)} in its custom_settings is not read and protects nothing; the right spelling is ${rightSpelling}`;
    default:
      return undefined;
  }
}

/** Judges the job again at each future end of a rule's waiting period, such as `idleFor`. */
function changesOf(
  verdict: Verdict,
  { job, request, now }: ExplainCase,
  history: History,
): ExplainedChange[] {
  const judge = judgeBy(request);
  const { stuckFor } = request.force;
  const moments = [
    ...[job.lastDataTime, job.openedAt].map((clock) => clock !== undefined && clock + request.idleFor),
    job.state === 'opening' && job.openedAt !== undefined && job.openedAt + stuckOpeningAfter,
    job.protection.kind === 'until' && job.protection.until,
    history.askedAt !== undefined && stuckFor !== null && history.askedAt + stuckFor,
  ].filter((at): at is number => typeof at === 'number' && isMoment(at) && at > now);
  const changes: ExplainedChange[] = [];
  let last = verdict;
  for (const at of moments.sort((a, b) => a - b)) {
    const next = judge.judge(job, at, history);
    if (next.verdict === last.verdict && next.reason === last.reason) continue;
    changes.push({ at: new Date(at).toISOString(), inMs: at - now, ...next });
    last = next;
  }
  return changes;
}

interface Sight {
  readonly job: JobSnapshot;
  readonly request: SweepRequest;
  readonly history: History;
  readonly now: number;
}

const ago = (at: number | undefined, now: number, never: string) =>
  at === undefined ? never : at > now ? `${span(at - now)} in the future` : `${span(now - at)} ago`;
const list = (names: readonly string[]) => (names.length > 0 ? names.join(', ') : 'nothing');

/** For each rule, a description of the values that it compares. */
const sights: Readonly<Record<KeepReason, (sight: Sight) => string>> = {
  excluded: ({ request }) => `exclude names ${list(request.exclude)}`,
  recent_data: ({ job, request, now }) =>
    `data arrived ${ago(job.lastDataTime, now, 'never')}, idleFor is ${formatIdleTime(request.idleFor)}`,
  recently_opened: ({ job, request, now }) =>
    `its process started ${ago(job.openedAt, now, 'at an unknown time')}, idleFor is ${formatIdleTime(request.idleFor)}`,
  protected: ({ job: { protection }, now }) =>
    ({
      none: 'custom_settings.jobsweep says nothing',
      always: 'custom_settings.jobsweep says protect',
      until:
        protection.kind === 'until'
          ? protects(protection, now)
            ? `custom_settings.jobsweep protects until ${moment(protection.until)}`
            : `custom_settings.jobsweep protected until ${moment(protection.until)}, which is over`
          : '',
      unreadable: 'custom_settings.jobsweep cannot be read',
      misspelled:
        protection.kind === 'misspelled'
          ? `custom_settings has the key ${quote(protection.key)}, which is nearly "jobsweep"`
          : '',
    })[protection.kind],
  managed: ({ job, request }) =>
    `custom_settings.managed is ${job.managed ? 'set' : 'not set'}, managed says ${request.managed}`,
  unknown_state: ({ job }) => job.unclear ?? `the cluster says ${job.reportedState}`,
  blocked: ({ job }) => (job.blocked === undefined ? 'nothing blocks it' : `blocked by ${job.blocked}`),
  opening: ({ job, request, now }) =>
    job.state === 'opening'
      ? `the state is opening, its process started ${ago(job.openedAt, now, 'at an unknown time')}, stuckOpening says ${request.stuckOpening}`
      : `the state is ${job.reportedState}`,
  no_process: ({ job }) => (job.openedAt === undefined ? 'open_time is missing' : 'open_time is there'),
  lookback_running: ({ job: { datafeed } }) =>
    !runs(datafeed) ? 'no datafeed runs' : `the look-back of ${datafeed.datafeedId} is ${datafeed.lookback}`,
  forecast_running: ({ job }) => `${plural(job.runningForecasts, 'forecast')} running`,
  datafeed_running: ({ job: { datafeed }, request }) =>
    datafeed
      ? `${datafeed.datafeedId} is ${datafeed.state}, runningDatafeeds says ${request.runningDatafeeds}`
      : 'it has no datafeed',
  never_fed: ({ job, request }) =>
    `${job.lastDataTime === undefined ? 'it never had data' : 'it had data'}, neverFed says ${request.neverFed}`,
  no_clock: ({ job, history }) =>
    lastActivityOf(job, history.lastActivity) === undefined ? 'no clock is known' : 'a clock is known',
  state_not_chosen: ({ job, request }) =>
    `the state is ${job.reportedState}, states says ${list(request.states)}`,
  force_not_allowed: ({ job, request: { force } }) =>
    `the state is ${job.reportedState}, force.failed says ${force.failed}, force.exclude names ${list(force.exclude)}`,
  flapping: ({ history }) =>
    history.flapping
      ? 'it was opened again after each of three closes'
      : 'fewer than three closes are known after which it was opened again',
  not_as_planned: () => 'no saved plan is carried out',
};
