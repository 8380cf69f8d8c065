/**
 * @module A second, independent implementation of the contract. Given the actual state of a cluster, it decides what a
 * sweep must do. It shares no code with `src/sweep`, so the same mistake in both is unlikely.
 */
import type { RequestPayload } from '../src/sweep/request/request-schema.ts';
import type { TrueJob } from './ground-truth.ts';
import { answerFor, lastRead, type ObservedSweep, type Read, type ReadKind } from './observe.ts';

/** A request with all defaults of the contract. Durations are in milliseconds. */
export interface Wanted {
  readonly jobs: readonly string[];
  readonly exclude: readonly string[];
  readonly states: readonly string[];
  readonly allowNoMatch: boolean;
  readonly idleFor: number;
  readonly neverFed: string;
  readonly runningDatafeeds: string;
  readonly stuckOpening: string;
  readonly managed: string;
  readonly dryRun: boolean;
  readonly closeTimeout: number;
  readonly batch: number;
  readonly concurrency: number;
  readonly perNode: 'auto' | number | null;
  readonly forceFailed: boolean;
  readonly stuckFor: number | null;
  readonly neverForced: readonly string[];
  readonly maxForced: number;
  readonly maxJobs: number | null;
  readonly maxShare: number | null;
  readonly massIdle: boolean;
  readonly followUpMax: number | null;
  readonly followUpAfter: number;
  readonly chain: RequestPayload['followUpOf'];
}

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function milliseconds(text: string): number {
  const number = Number.parseInt(text, 10);
  return number * (unitMs[text.slice(String(number).length)] ?? Number.NaN);
}

const list = (names: string | readonly string[]) =>
  (typeof names === 'string' ? [names] : [...names]).flatMap((name) => name.split(',')).map((n) => n.trim());

export function wantedBy(payload: RequestPayload): Wanted {
  const { close = {}, force = {}, fuse = {}, followUp = {} } = payload;
  const after = (followUp === false ? undefined : followUp?.after) ?? '15m';
  return {
    jobs: list(payload.jobs ?? '*'),
    exclude: list(payload.exclude ?? []),
    states: payload.states ?? ['opened', 'closing', 'failed'],
    allowNoMatch: payload.allowNoMatch ?? true,
    idleFor: milliseconds(payload.idleFor ?? '48h'),
    neverFed: payload.neverFed ?? 'close',
    runningDatafeeds: payload.runningDatafeeds ?? 'keep',
    stuckOpening: payload.stuckOpening ?? 'keep',
    managed: payload.managed ?? 'keep',
    dryRun: payload.dryRun ?? false,
    closeTimeout: milliseconds(close.timeout ?? '2m'),
    batch: close.batch ?? 20,
    concurrency: close.concurrency ?? 32,
    perNode: close.perNode === undefined ? 'auto' : close.perNode,
    forceFailed: force.failed ?? true,
    stuckFor: force.stuckFor === null ? null : milliseconds(force.stuckFor ?? '75m'),
    neverForced: list(force.exclude ?? []),
    maxForced: force.max ?? 10,
    maxJobs: fuse.maxJobs === undefined ? 500 : fuse.maxJobs,
    maxShare: fuse.maxShare === undefined ? 0.5 : fuse.maxShare,
    massIdle: fuse.massIdle ?? true,
    followUpMax: followUp === false ? null : (followUp?.max ?? 6),
    followUpAfter: milliseconds(after),
    chain: payload.followUpOf,
  };
}

/** Whether a list of names selects a job, by its id or by one of its groups. */
export function names(patterns: readonly string[], jobId: string, groups: readonly string[]): boolean {
  return patterns.some((pattern) => {
    if (pattern === '_all') return true;
    const escaped = pattern
      .split('*')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*');
    const expression = new RegExp(`^${escaped}$`, 's');
    return [jobId, ...groups].some((name) => expression.test(name));
  });
}

/** What the sweep knew about one job when it decided. The parts come from reads at different times. */
export interface Known {
  readonly jobId: string;
  readonly config: TrueJob | undefined;
  readonly stats: TrueJob | undefined;
  /** When the server answered with the stats, by the cluster's clock. */
  readonly statsAt: number;
  readonly feed: TrueJob['feed'];
  /** Whether the job's config names a datafeed that the sweep did not read successfully. */
  readonly feedUnread: boolean;
  /** Whether the job's config names a datafeed that was missing from the answer about datafeeds. */
  readonly feedMissing: boolean;
  /** When the last read of the job's config, stats and datafeed ended, by the sweep's clock. */
  readonly at: number;
  /**
   * The time as of which the sweep judged the job, by the sweep's clock. Default: `at`. If the sweep read the job a
   * second time, this is still the end of the first reads.
   */
  readonly judgedAt?: number;
  /** Whether the job's id is also the name of a group. A close request with such an id would close the whole group. */
  readonly isGroup: boolean;
}

/**
 * The groups of all jobs that the sweep listed. If a job's stats or datafeed are missing from the listing, the sweep
 * reads the job once more. If the job is gone by then, its groups do not count, because a group disappears with its
 * last job.
 */
export function groupsListed(seen: ObservedSweep): ReadonlySet<string> {
  const listed = (kind: ReadKind) => {
    const read = seen.reads.find((each) => each.kind === kind && each.ids === undefined);
    return (read && answerFor(read, '')?.truth) ?? new Map<string, TrueJob>();
  };
  const stats = listed('stats');
  const feeds = new Set([...listed('datafeeds').values()].map(({ feed }) => feed?.datafeedId));
  const isGone = (id: string, { feed }: TrueJob) => {
    if (stats.has(id) && (!feed || feeds.has(feed.datafeedId))) return false;
    const [configs, again] = (['configs', 'stats'] as const).map((kind) =>
      seen.reads.find((read) => read.kind === kind && read.ids?.includes(id)),
    );
    if (!configs?.ok || !again?.ok) return false;
    // The second read of a job ends with its datafeed. Therefore, if the next read is of datafeeds, it belongs to the
    // second read. A check before a close would begin with a read of configs.
    const read = Math.max(configs.endedSeq, again.endedSeq);
    const next = seen.reads.find(({ ids, begunSeq }) => ids !== undefined && begunSeq > read);
    if (next?.kind === 'datafeeds' && !next.ok) return false;
    return answerFor(configs, id)?.truth.has(id) === false;
  };
  return new Set([...listed('configs')].flatMap(([id, job]) => (isGone(id, job) ? [] : job.groups)));
}

/**
 * What the sweep knew about a job from the reads that ended before `seq`. Undefined if no read of configs, or no read
 * of stats, included the job.
 */
export function knownOf(
  seen: ObservedSweep,
  jobId: string,
  seq = Number.POSITIVE_INFINITY,
): Known | undefined {
  const configs = lastRead(seen, 'configs', jobId, seq);
  const stats = lastRead(seen, 'stats', jobId, seq);
  if (!configs || !stats) return undefined;
  const config = truthIn(configs, jobId);
  const stat = truthIn(stats, jobId);
  const feedId = config?.feed?.datafeedId;
  const feeds = feedId === undefined ? undefined : lastRead(seen, 'datafeeds', feedId, seq);
  const feedTruth = feeds && truthIn(feeds, jobId, feedId);
  const ended = Math.max(configs.endedAt, stats.endedAt, feeds?.endedAt ?? 0);
  // the sweep uses the listings only after all six initial reads have succeeded
  const at = configs.ids === undefined ? Math.max(ended, seen.foundAt ?? ended) : ended;
  return {
    jobId,
    config,
    stats: stat?.hidden ? undefined : stat,
    statsAt: answerFor(stats, jobId)?.at ?? stats.endedAt,
    feed: feedTruth?.feed,
    feedMissing: feedId !== undefined && feeds !== undefined && feedTruth?.feed === undefined,
    feedUnread: feedId !== undefined && feedTruth === undefined && feeds === undefined,
    at: at + seen.skewMs,
    isGroup: groupsListed(seen).has(jobId),
  };
}

function truthIn(read: Read, jobId: string, named = jobId): TrueJob | undefined {
  return answerFor(read, named)?.truth.get(jobId);
}

export interface Past {
  readonly askedAt?: number | undefined;
  readonly lastActivity?: number | undefined;
  readonly flapping?: boolean | undefined;
  /** Whether the sweep is a follow-up whose payload lists the job. */
  readonly awaited?: boolean | undefined;
  /**
   * If the sweep carries out a plan: what was known about the job when the plan was made. Null if the plan did not list
   * the job or kept it.
   */
  readonly planned?: Known | null | undefined;
}

export interface Decision {
  readonly verdict: 'keep' | 'close' | 'force' | 'wait';
  readonly reason: string;
}

const protection = (value: unknown, now: number): boolean => {
  if (value === undefined) return false;
  const known =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).every((key) => key === 'protect' || key === 'protectUntil');
  if (!known) return true;
  const { protect, protectUntil } = value as { protect?: unknown; protectUntil?: unknown };
  if (protect !== undefined && protect !== false) return true;
  if (protectUntil === undefined) return false;
  if (typeof protectUntil !== 'string') return true;
  const [, year, month, day, time] = /^(\d{4})-(\d{2})-(\d{2})(T.+)?$/.exec(protectUntil) ?? [];
  if (year === undefined) return true;
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day));
  if (new Date(midnight).getUTCDate() !== Number(day)) return true;
  if (time === undefined) return now < midnight + 86_400_000;
  const until = /(Z|[+-]\d{2}:\d{2})$/.test(time) ? Date.parse(protectUntil) : Number.NaN;
  return Number.isNaN(until) || now < until;
};

/** Whether two texts are equal except for one added, missing or replaced character, or two swapped neighbours. */
function equalButOne(a: string, b: string): boolean {
  const swapped = b
    .slice(1)
    .split('')
    .some((next, i) => a === b.slice(0, i) + next + b[i] + b.slice(i + 2));
  if (swapped) return true;
  for (let i = 0; i <= Math.max(a.length, b.length); i += 1) {
    if (a[i] === b[i] && i < Math.max(a.length, b.length)) continue;
    return [
      [a.slice(i), b.slice(i)],
      [a.slice(i + 1), b.slice(i)],
      [a.slice(i), b.slice(i + 1)],
      [a.slice(i + 1), b.slice(i + 1)],
    ].some(([x, y]) => x === y);
  }
  return true;
}

const bare = (text: string) => text.toLowerCase().replaceAll(/[-_.]/g, '');
const rightKeys = ['jobsweep', 'jobsweep.protect', 'jobsweep.protectUntil'];

const isMisspelled = (key: string) =>
  !rightKeys.includes(key) &&
  ['', 'protect', 'protectuntil'].some((suffix) => equalButOne(bare(key), `jobsweep${suffix}`));

/**
 * The keys in a job's settings that require a warning. The warning must name at least one of them. Normally, these are
 * the misspelled keys. If the job has neither a misspelled nor a correct key, these are keys that differ more from a
 * correct key, but were probably meant as one.
 */
export function keysToWarnOf(settings: Readonly<Record<string, unknown>>): string[] {
  const keys = Object.keys(settings);
  const misspelled = keys.filter(isMisspelled);
  if (misspelled.length > 0 || keys.some((key) => key.startsWith('jobsweep.') || key === 'jobsweep'))
    return misspelled;
  return keys.filter(
    (key) =>
      settings[key] !== false &&
      settings[key] !== null &&
      (bare(key).startsWith('jobsweep') || ['protect', 'protectuntil'].includes(bare(key))),
  );
}

/**
 * Whether a job's settings protect it: with the key `jobsweep`, with a dotted key such as `jobsweep.protect`, or with
 * one of these keys in a spelling that has one wrong character.
 */
function optedOut(settings: Readonly<Record<string, unknown>>, now: number): boolean {
  return Object.entries(settings).some(([key, value]) => {
    if (key === 'jobsweep') return protection(value, now);
    if (key === 'jobsweep.protect') return protection({ protect: value }, now);
    if (key === 'jobsweep.protectUntil') return protection({ protectUntil: value }, now);
    return isMisspelled(key);
  });
}

/**
 * The verdict according to docs/contract.md §2: the action, or the first reason to keep the job, in the contract's
 * order.
 */
export function decide(wanted: Wanted, known: Known, past: Past = {}): Decision {
  const { config, stats, feed } = known;
  const at = known.judgedAt ?? known.at;
  const groups = config?.groups ?? [];
  // a `managed` setting of null is unreadable
  const unreadable = config === undefined || config.managedSetting === null;
  const clear = !unreadable && stats !== undefined && !stats.garbled && !known.isGroup && !known.feedMissing;
  const opened = openedAt(known);
  const running = feed !== undefined && feed.state !== 'stopped';
  const keep = (reason: string): Decision => ({ verdict: 'keep', reason });
  const lastData = clockOf(stats);

  if (names(wanted.exclude, known.jobId, groups)) return keep('excluded');
  if (lastData !== undefined && at - lastData < wanted.idleFor) return keep('recent_data');
  if (opened !== undefined && at - opened < wanted.idleFor) return keep('recently_opened');
  if (optedOut(config?.customSettings ?? {}, at)) return keep('protected');
  const { managedSetting } = config ?? {};
  if (![undefined, null, false].includes(managedSetting as null) && wanted.managed === 'keep')
    return keep('managed');
  if (!clear) return keep('unknown_state');
  if (config.blocked !== undefined) return keep('blocked');
  const longOpening = opened !== undefined && at - opened >= 90 * 60_000;
  if (stats.state === 'opening' && !(wanted.stuckOpening === 'close' && longOpening)) return keep('opening');
  if (stats.state === 'opened' && stats.opened === undefined) return keep('no_process');
  // keeps the job if it is unknown whether its running datafeed reads old data
  if (
    running &&
    (feed.readsPast === true || (feed.readsPast === undefined && wanted.runningDatafeeds === 'stop'))
  )
    return keep('lookback_running');
  if (stats.forecasts > 0 && stats.state !== 'failed') return keep('forecast_running');
  if (running && wanted.runningDatafeeds === 'keep') return keep('datafeed_running');
  if (lastData === undefined && wanted.neverFed === 'keep') return keep('never_fed');
  if (lastData === undefined && opened === undefined && past.lastActivity === undefined)
    return keep('no_clock');
  if (!past.awaited && stats.state !== 'opening' && !wanted.states.includes(stats.state))
    return keep('state_not_chosen');
  if (stats.state === 'failed' && (!wanted.forceFailed || names(wanted.neverForced, known.jobId, groups)))
    return keep('force_not_allowed');
  if (past.flapping && stats.state !== 'closing') return keep('flapping');
  if (past.planned !== undefined && !asInPlan(known, past.planned)) return keep('not_as_planned');
  if (stats.state === 'failed') return { verdict: 'force', reason: 'failed' };
  if (stats.state === 'closing') {
    const stuck =
      wanted.stuckFor !== null &&
      past.askedAt !== undefined &&
      at - past.askedAt >= wanted.stuckFor &&
      !names(wanted.neverForced, known.jobId, groups);
    return stuck ? { verdict: 'force', reason: 'stuck' } : { verdict: 'wait', reason: 'already_closing' };
  }
  if (stats.state === 'opening') return { verdict: 'close', reason: 'stuck_opening' };
  return { verdict: 'close', reason: lastData === undefined ? 'never_fed' : 'idle' };
}

/**
 * Whether a job is unchanged since the plan was made. A job that has received no data since then, and is now closing,
 * also counts as unchanged.
 */
function asInPlan(known: Known, planned: Known | null): boolean {
  if (planned === null || clockOf(known.stats) !== clockOf(planned.stats)) return false;
  if (known.stats?.state === 'closing') return true;
  const runs = (feed: TrueJob['feed']) => feed !== undefined && feed.state !== 'stopped';
  return (
    known.stats?.state === planned.stats?.state &&
    sameStart(openedAt(known), openedAt(planned)) &&
    (!runs(known.feed) || runs(planned.feed))
  );
}

/**
 * Whether a job's process still seems to be the process of the plan: it started at most 30 s later. Both starts are
 * estimates from ages in whole seconds and from reads that may be slow.
 */
const sameStart = (now: number | undefined, then: number | undefined) =>
  now === undefined || then === undefined ? now === then : now <= then + 30_000;

/**
 * What was known about a job when the sweep's plan was made. Null if the plan did not list the job or kept it,
 * undefined if the sweep has no plan.
 */
export function plannedFor(seen: ObservedSweep, jobId: string): Known | null | undefined {
  if (!seen.plan) return undefined;
  const listed = inventoryOf(seen.plan, wantedBy(seen.plan.payload))?.listed ?? [];
  const entry = listed.find((candidate) => candidate.jobId === jobId);
  return entry?.known && entry.decision.verdict !== 'keep' ? entry.known : null;
}

/** When the job last received data. Undefined if it received none, or if the answer contained no valid time. */
function clockOf(stats: TrueJob | undefined): number | undefined {
  const unreadable = stats?.garbled === 'wrong_types' || stats?.garbled === 'without_clock';
  return unreadable ? undefined : stats?.lastData;
}

/** When the process started, by the sweep's clock, calculated from `open_time`, which has whole seconds. */
function openedAt({ stats, statsAt, at }: Known): number | undefined {
  if (stats?.opened === undefined) return undefined;
  return at - Math.floor((statsAt - stats.opened) / 1_000) * 1_000;
}

export interface Listed {
  /** All jobs in the cluster that are not closed. */
  readonly open: readonly Known[];
  /**
   * The jobs that the request selects. In a follow-up, these include the jobs in its payload, which may be closed or
   * deleted by now.
   */
  readonly listed: readonly {
    readonly known: Known | undefined;
    readonly jobId: string;
    readonly decision: Decision;
  }[];
}

/**
 * The inventory from the sweep's initial reads, with the decision about each job. Undefined if one of the reads failed.
 */
export function inventoryOf(seen: ObservedSweep, wanted: Wanted): Listed | undefined {
  const firsts = (['configs', 'stats', 'datafeeds'] as const).map((kind) =>
    seen.reads.find((read) => read.kind === kind && read.ids === undefined),
  );
  if (seen.foundAt === undefined || !firsts.every((read) => read?.ok)) return undefined;
  const end = Math.max(...firsts.map((read) => read?.endedSeq ?? 0)) + 1;
  const [configs, stats] = firsts as [Read, Read];
  const ids = new Set<string>();
  for (const id of answerFor(configs, '')?.truth.keys() ?? []) ids.add(id);
  for (const job of answerFor(stats, '')?.truth.values() ?? []) if (!job.hidden) ids.add(job.jobId);
  const all = [...ids].sort().flatMap((id) => readAgain(seen, knownOf(seen, id, end) as Known, end) ?? []);
  const open = all.filter(
    ({ stats: truth }) => truth?.state !== 'closed' || truth.garbled === 'strange_state',
  );
  const waiting = new Map(wanted.chain?.jobs.map((job) => [job.jobId, job]));
  const named = open
    .filter(({ jobId, config }) => !waiting.has(jobId) && names(wanted.jobs, jobId, config?.groups ?? []))
    .map((known) => ({
      jobId: known.jobId,
      known,
      decision: decide(wanted, known, {
        askedAt: known.at,
        ...seen.histories.get(known.jobId),
        planned: plannedFor(seen, known.jobId),
      }),
    }));
  if (wanted.chain) {
    const listed = [...waiting.values()].map(({ jobId, askedAt, lastActivity }) => {
      const known = all.find((entry) => entry.jobId === jobId);
      if (!known) return { jobId, known, decision: { verdict: 'wait', reason: 'already_closing' } as const };
      const past = {
        ...seen.histories.get(jobId),
        awaited: true,
        askedAt: known.stats?.state === 'closing' ? Date.parse(askedAt) : undefined,
        ...(lastActivity !== undefined && { lastActivity: Date.parse(lastActivity) }),
      };
      if (known.stats?.state === 'closed' && known.stats.garbled !== 'strange_state')
        return { jobId, known, decision: { verdict: 'wait', reason: 'already_closing' } as const };
      return { jobId, known, decision: decide(wanted, known, past) };
    });
    return { open, listed: wanted.chain.rest ? [...listed, ...named] : listed };
  }
  return { open, listed: named };
}

/**
 * What the sweep knew about a job when it decided. If only some of the initial reads contained the job, the sweep reads
 * the job a second time. Undefined if the job no longer existed at that second read, because the sweep then omits it.
 */
function readAgain(seen: ObservedSweep, known: Known, end: number): Known | undefined {
  const closed = known.stats?.state === 'closed';
  const isHalf = known.config === undefined || known.stats === undefined || known.feedMissing;
  if (!isHalf || (closed && (known.config === undefined || known.feedMissing))) return known;
  const [configs, stats] = (['configs', 'stats'] as const).map((kind) =>
    seen.reads.find(
      (read) => read.kind === kind && read.begunSeq >= end - 1 && read.ids?.includes(known.jobId),
    ),
  );
  if (!configs?.ok || !stats?.ok) return known;
  const begun = Math.max(configs.endedSeq, stats.endedSeq);
  const feeds = seen.reads.find((read) => read.kind === 'datafeeds' && read.begunSeq > begun);
  if (!feeds?.ok) return known;
  const again = knownOf(seen, known.jobId, feeds.endedSeq + 1);
  if (!again?.config && !again?.stats) return undefined;
  return { ...again, judgedAt: known.at };
}

/** The name of the first fuse, in the contract's order, that must trip. Null if no fuse must trip. */
export function fuseOf(
  wanted: Wanted,
  { open, listed }: Listed,
  upgradeMode: boolean | undefined,
): string | null {
  if (upgradeMode) return 'upgrade_mode';
  if (wanted.chain && !wanted.chain.rest) return null;
  const acting = listed.filter(
    ({ decision }) => decision.verdict === 'close' || decision.verdict === 'force',
  );
  if (wanted.massIdle) {
    const fed = open.filter(({ stats }) => clockOf(stats) !== undefined).length;
    const silences = acting.flatMap(({ known }) => known?.stats?.lastData ?? []);
    for (const begin of silences) {
      const together = silences.filter((moment) => moment >= begin && moment <= begin + 15 * 60_000).length;
      if (together >= 10 && together > fed / 3) return 'mass_idle';
    }
  }
  if (wanted.maxJobs !== null && acting.length > wanted.maxJobs) return 'max_jobs';
  if (wanted.maxShare !== null && open.length >= 10 && acting.length / open.length > wanted.maxShare)
    return 'max_share';
  return null;
}

/** The names in `list`, by default in the field `jobs`, that match no job in the cluster, not even a closed job. */
export function namesWithoutJob(seen: ObservedSweep, wanted: Wanted, list = wanted.jobs): string[] {
  if (wanted.chain) return [];
  const all = seen.reads.filter((read) => read.ok && read.ids === undefined && read.kind !== 'datafeeds');
  const jobs = all.flatMap((read) =>
    [...(answerFor(read, '')?.truth.values() ?? [])].filter(
      ({ hidden }) => read.kind === 'configs' || !hidden,
    ),
  );
  return list.filter(
    (name) =>
      name !== '_all' && name !== '*' && !jobs.some(({ jobId, groups }) => names([name], jobId, groups)),
  );
}
