/**
 * @module The contract read a second time: what a sweep must decide, told from the truth of a cluster. It shares no
 * code with `src/sweep`: where both err, they would have to err alike by themselves.
 */
import type { RequestPayload } from '../src/sweep/request/request.ts';
import type { TrueJob } from './ground-truth.ts';
import { lastRead, type Read, type SweepSeen, toldBy } from './observe.ts';

/** A request with the contract's defaults, durations in milliseconds. */
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
  readonly forceFailed: boolean;
  readonly stuckFor: number | null;
  readonly neverForced: readonly string[];
  readonly mostForced: number;
  readonly maxJobs: number | null;
  readonly maxShare: number | null;
  readonly massIdle: boolean;
  readonly followUpMax: number | null;
  readonly followUpAfter: number;
  readonly chain: RequestPayload['followUpOf'];
}

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function milliseconds(text: string): number {
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
    forceFailed: force.failed ?? true,
    stuckFor: force.stuckFor === null ? null : milliseconds(force.stuckFor ?? '75m'),
    neverForced: list(force.exclude ?? []),
    mostForced: force.max ?? 10,
    maxJobs: fuse.maxJobs === undefined ? 500 : fuse.maxJobs,
    maxShare: fuse.maxShare === undefined ? 0.5 : fuse.maxShare,
    massIdle: fuse.massIdle ?? true,
    followUpMax: followUp === false ? null : (followUp?.max ?? 6),
    followUpAfter: milliseconds(after),
    chain: payload.followUpOf,
  };
}

/** Whether a list of names names a job: by its id or one of its groups. */
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

/** What the sweep could know of one job when it decided: parts told at different moments, joined at `at` (its own clock). */
export interface Told {
  readonly jobId: string;
  readonly config: TrueJob | undefined;
  readonly stats: TrueJob | undefined;
  /** When the stats were made, by the cluster's clock. */
  readonly statsAt: number;
  readonly feed: TrueJob['feed'];
  /** It has a datafeed by its config, and no successful read told of it. */
  readonly feedUnread: boolean;
  /** It has a datafeed by its config, and the read of datafeeds told of none: gone since, or one of the two is wrong. */
  readonly feedMissing: boolean;
  /** The sweep's own clock when it had everything. */
  readonly at: number;
  /** The sweep's own clock when it judged, if that is another moment. */
  readonly judgedAt?: number;
  /** The id is the name of a group as well: a close that names it would close the group. */
  readonly isGroup: boolean;
}

/** What the reads that had ended before `seq` told of a job; undefined when one of the three is missing. */
export function toldOf(seen: SweepSeen, jobId: string, seq = Number.POSITIVE_INFINITY): Told | undefined {
  const configs = lastRead(seen, 'configs', jobId, seq);
  const stats = lastRead(seen, 'stats', jobId, seq);
  if (!configs || !stats) return undefined;
  const config = truthIn(configs, jobId);
  const stat = truthIn(stats, jobId);
  const feedId = config?.feed?.datafeedId;
  const feeds = feedId === undefined ? undefined : lastRead(seen, 'datafeeds', feedId, seq);
  const feedTruth = feeds && truthIn(feeds, jobId, feedId);
  const first = seen.reads.find((read) => read.kind === 'configs' && read.ids === undefined);
  const everyone = first ? [...(toldBy(first, jobId)?.truth.values() ?? [])] : [];
  const ended = Math.max(configs.endedAt, stats.endedAt, feeds?.endedAt ?? 0);
  // the first reads are joined when all six of the beginning are there
  const at = configs.ids === undefined ? Math.max(ended, seen.foundAt ?? ended) : ended;
  return {
    jobId,
    config,
    stats: stat?.hidden ? undefined : stat,
    statsAt: toldBy(stats, jobId)?.at ?? stats.endedAt,
    feed: feedTruth?.feed,
    feedMissing: feedId !== undefined && feeds !== undefined && feedTruth?.feed === undefined,
    feedUnread: feedId !== undefined && feedTruth === undefined && feeds === undefined,
    at: at + seen.skewMs,
    isGroup: everyone.some(({ groups }) => groups.includes(jobId)),
  };
}

function truthIn(read: Read, jobId: string, named = jobId): TrueJob | undefined {
  return toldBy(read, named)?.truth.get(jobId);
}

export interface Past {
  readonly askedAt?: number | undefined;
  readonly lastActivity?: number | undefined;
  readonly flapping?: boolean | undefined;
  /** A follow-up lists it. */
  readonly awaited?: boolean | undefined;
  /** As the plan that is carried out was told of it; null when that plan would not have acted on it. */
  readonly planned?: Told | null | undefined;
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

/** Whether the two texts are equal, but for one letter that is added, missing or another. */
function equalButOne(a: string, b: string): boolean {
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

/** Whether a job's settings keep it open: by the contract's key, by its dotted spelling, or by one that is nearly it. */
function optedOut(settings: Readonly<Record<string, unknown>>, now: number): boolean {
  const bare = (text: string) => text.toLowerCase().replaceAll(/[-_.]/g, '');
  return Object.entries(settings).some(([key, value]) => {
    if (key === 'jobsweep') return protection(value, now);
    if (key === 'jobsweep.protect') return protection({ protect: value }, now);
    if (key === 'jobsweep.protectUntil') return protection({ protectUntil: value }, now);
    const suffixes = ['', 'protect', 'protectuntil'];
    return suffixes.some((suffix) => equalButOne(bare(key), `jobsweep${suffix}`));
  });
}

/** What docs/contract.md §2 says of a job: the first reason in its order, or what to do. */
export function decide(wanted: Wanted, told: Told, past: Past = {}): Decision {
  const { config, stats, feed } = told;
  const at = told.judgedAt ?? told.at;
  const groups = config?.groups ?? [];
  // a mark of an app that is there and holds nothing cannot be read
  const unreadable = config === undefined || config.managedSetting === null;
  const clear = !unreadable && stats !== undefined && !stats.garbled && !told.isGroup && !told.feedMissing;
  const opened = openedAt(told);
  const running = feed !== undefined && feed.state !== 'stopped';
  const keep = (reason: string): Decision => ({ verdict: 'keep', reason });
  const lastData = clockOf(stats);

  if (names(wanted.exclude, told.jobId, groups)) return keep('excluded');
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
  // one that does not say whether it reads the past may: it is not stopped on a guess
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
  if (stats.state === 'failed' && (!wanted.forceFailed || names(wanted.neverForced, told.jobId, groups)))
    return keep('force_not_allowed');
  if (past.flapping && stats.state !== 'closing') return keep('flapping');
  if (past.planned !== undefined && !asInPlan(told, past.planned)) return keep('not_as_planned');
  if (stats.state === 'failed') return { verdict: 'force', reason: 'failed' };
  if (stats.state === 'closing') {
    const stuck =
      wanted.stuckFor !== null &&
      past.askedAt !== undefined &&
      at - past.askedAt >= wanted.stuckFor &&
      !names(wanted.neverForced, told.jobId, groups);
    return stuck ? { verdict: 'force', reason: 'stuck' } : { verdict: 'wait', reason: 'already_closing' };
  }
  if (stats.state === 'opening') return { verdict: 'close', reason: 'stuck_opening' };
  return { verdict: 'close', reason: lastData === undefined ? 'never_fed' : 'idle' };
}

/** Whether nothing happened to a job since a plan showed it, but that it may have begun to close. */
function asInPlan(told: Told, planned: Told | null): boolean {
  if (planned === null || clockOf(told.stats) !== clockOf(planned.stats)) return false;
  if (told.stats?.state === 'closing') return true;
  const runs = (feed: TrueJob['feed']) => feed !== undefined && feed.state !== 'stopped';
  return (
    told.stats?.state === planned.stats?.state &&
    sameStart(openedAt(told), openedAt(planned)) &&
    (!runs(told.feed) || runs(planned.feed))
  );
}

/** One start counted back from ages in whole seconds, told by reads that may have taken long, is not told much later. */
const sameStart = (now: number | undefined, then: number | undefined) =>
  now === undefined || then === undefined ? now === then : now <= then + 30_000;

/** What the plan of a sweep was told of a job that it would act on. */
export function plannedFor(seen: SweepSeen, jobId: string): Told | null | undefined {
  if (!seen.plan) return undefined;
  const listed = inventoryOf(seen.plan, wantedBy(seen.plan.payload))?.listed ?? [];
  const entry = listed.find((candidate) => candidate.jobId === jobId);
  return entry?.told && entry.decision.verdict !== 'keep' ? entry.told : null;
}

/** When data last arrived, as far as the answer let it be read. */
function clockOf(stats: TrueJob | undefined): number | undefined {
  const unreadable = stats?.garbled === 'wrong_types' || stats?.garbled === 'without_clock';
  return unreadable ? undefined : stats?.lastData;
}

/** When its process started, as the whole seconds of `open_time` tell it, by the sweep's clock. */
function openedAt({ stats, statsAt, at }: Told): number | undefined {
  if (stats?.opened === undefined) return undefined;
  return at - Math.floor((statsAt - stats.opened) / 1_000) * 1_000;
}

export interface Listed {
  /** Jobs of the whole cluster that are not closed. */
  readonly open: readonly Told[];
  /** Those of them that the request names, or the follow-up's. */
  readonly listed: readonly {
    readonly told: Told | undefined;
    readonly jobId: string;
    readonly decision: Decision;
  }[];
}

/** What the first reads of a sweep told, and what is to be decided by it; undefined when they did not all succeed. */
export function inventoryOf(seen: SweepSeen, wanted: Wanted): Listed | undefined {
  const firsts = (['configs', 'stats', 'datafeeds'] as const).map((kind) =>
    seen.reads.find((read) => read.kind === kind && read.ids === undefined),
  );
  if (seen.foundAt === undefined || !firsts.every((read) => read?.ok)) return undefined;
  const end = Math.max(...firsts.map((read) => read?.endedSeq ?? 0)) + 1;
  const [configs, stats] = firsts as [Read, Read];
  const ids = new Set<string>();
  for (const id of toldBy(configs, '')?.truth.keys() ?? []) ids.add(id);
  for (const job of toldBy(stats, '')?.truth.values() ?? []) if (!job.hidden) ids.add(job.jobId);
  const all = [...ids].sort().flatMap((id) => readAgain(seen, toldOf(seen, id, end) as Told, end) ?? []);
  const open = all.filter(
    ({ stats: truth }) => truth?.state !== 'closed' || truth.garbled === 'strange_state',
  );
  const waiting = new Map(wanted.chain?.jobs.map((job) => [job.jobId, job]));
  const named = open
    .filter(({ jobId, config }) => !waiting.has(jobId) && names(wanted.jobs, jobId, config?.groups ?? []))
    .map((told) => ({
      jobId: told.jobId,
      told,
      decision: decide(wanted, told, {
        askedAt: told.at,
        ...seen.histories.get(told.jobId),
        planned: plannedFor(seen, told.jobId),
      }),
    }));
  if (wanted.chain) {
    const listed = [...waiting.values()].map(({ jobId, askedAt, lastActivity }) => {
      const told = all.find((entry) => entry.jobId === jobId);
      if (!told) return { jobId, told, decision: { verdict: 'wait', reason: 'already_closing' } as const };
      const past = {
        ...seen.histories.get(jobId),
        awaited: true,
        askedAt: told.stats?.state === 'closing' ? Date.parse(askedAt) : undefined,
        ...(lastActivity !== undefined && { lastActivity: Date.parse(lastActivity) }),
      };
      if (told.stats?.state === 'closed' && told.stats.garbled !== 'strange_state')
        return { jobId, told, decision: { verdict: 'wait', reason: 'already_closing' } as const };
      return { jobId, told, decision: decide(wanted, told, past) };
    });
    return { open, listed: wanted.chain.rest ? [...listed, ...named] : listed };
  }
  return { open, listed: named };
}

/**
 * What a sweep knows of a job of which the listing told only a part: it reads such a job once more, and leaves it out when
 * nothing is left of it. Undefined: it is left out.
 */
function readAgain(seen: SweepSeen, told: Told, end: number): Told | undefined {
  const closed = told.stats?.state === 'closed';
  const isHalf = told.config === undefined || told.stats === undefined || told.feedMissing;
  if (!isHalf || (closed && (told.config === undefined || told.feedMissing))) return told;
  const [configs, stats] = (['configs', 'stats'] as const).map((kind) =>
    seen.reads.find(
      (read) => read.kind === kind && read.begunSeq >= end - 1 && read.ids?.includes(told.jobId),
    ),
  );
  if (!configs?.ok || !stats?.ok) return told;
  const begun = Math.max(configs.endedSeq, stats.endedSeq);
  const feeds = seen.reads.find((read) => read.kind === 'datafeeds' && read.begunSeq > begun);
  if (!feeds?.ok) return told;
  const again = toldOf(seen, told.jobId, feeds.endedSeq + 1);
  if (!again?.config && !again?.stats) return undefined;
  return { ...again, judgedAt: told.at };
}

/** The fuse that must hold, of the contract's four in their order. */
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
    const silences = acting.flatMap(({ told }) => told?.stats?.lastData ?? []);
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

/** Names in `jobs` that match no job of the cluster, closed ones included. */
export function namesWithoutJob(seen: SweepSeen, wanted: Wanted): string[] {
  if (wanted.chain) return [];
  const all = seen.reads.filter((read) => read.ok && read.ids === undefined && read.kind !== 'datafeeds');
  const jobs = all.flatMap((read) =>
    [...(toldBy(read, '')?.truth.values() ?? [])].filter(({ hidden }) => read.kind === 'configs' || !hidden),
  );
  return wanted.jobs.filter(
    (name) =>
      name !== '_all' && name !== '*' && !jobs.some(({ jobId, groups }) => names([name], jobId, groups)),
  );
}
