/**
 * @module From evidence to what is certain of a job's past: when it was open, when data came, when none came. What is in
 * none of the sets is not known. The reasons for each rule: docs/how-long-is-idle.md.
 */
import { Certain } from './certain.ts';
import type { Evidence, Message, MessageCoverage, Observation, Snapshot } from './evidence.ts';
import { holds, intersectionOf, type Span, type Spans, spanAt, unionOf } from './spans.ts';

const minute = 60_000;
const hour = 60 * minute;

/** How far two clocks may be apart. */
export const clockError = minute;
/** A close that the server was asked for is over by then, unless `finished_time` says more. */
const longestClose = 10 * minute;
/** The most that the server gives a healthy close. */
const longestHealthyClose = hour;
/** From getting a node to the start of the process, unless a message says more. */
const longestStart = 15 * minute;
/** Searches without data after which a datafeed's silence is announced. */
const searchesToSilence = 10;
/** A silence is announced again after a day's worth of searches. */
const longestRepeat = 26 * hour;
/** A job whose record appears in every sweep: a longer gap between two records is not counted as watched. */
const longestRecordGap = 50 * hour;

export interface KnownBytes {
  readonly at: number;
  readonly bytes: number;
}

export interface KnownPast {
  readonly jobId: string;
  /** From when on the past is known without a gap. */
  readonly knownFrom: number;
  /** No data came. */
  readonly silent: Spans;
  /** In each of these at least one batch of data came. */
  readonly data: Certain;
  /** Open throughout, without a close in between. */
  readonly open: Spans;
  readonly notOpen: Spans;
  /** No process started. */
  readonly noStart: Spans;
  /** In each of these a process started. */
  readonly starts: Certain;
  /** In each of these the job was closed. */
  readonly closes: Certain;
  /** In each of these the job was opened after a close, by anybody. */
  readonly reopened: readonly { readonly closedAt: number; readonly openedAt: number }[];
  /** Model sizes by the moment at which they are known, the oldest first. */
  readonly bytes: readonly KnownBytes[];
  readonly wasOpen: 'yes' | 'no' | 'unknown';
  /** The messages contradict the other sources: some were lost. */
  readonly contradicted: boolean;
}

interface Facts {
  readonly silent: Span[];
  readonly data: Span[];
  readonly open: Span[];
  readonly notOpen: Span[];
  readonly noStart: Span[];
  readonly starts: Span[];
  readonly closes: Span[];
  readonly reopened: { readonly closedAt: number; readonly openedAt: number }[];
  /** Stretches of which the sources say something of data throughout. */
  readonly watched: Span[];
}

const noFacts = (): Facts => ({
  silent: [],
  data: [],
  open: [],
  notOpen: [],
  noStart: [],
  starts: [],
  closes: [],
  reopened: [],
  watched: [],
});

const around = (moment: number): Span => ({ from: moment - clockError, to: moment + clockError });
const byMoment = <T extends { readonly at: number }>(entries: readonly T[] = []): T[] =>
  [...entries].sort((a, b) => a.at - b.at);

/** The part of the evidence that is about this job, and not about a deleted one of the same id. */
function ownEvidence(given: Evidence): Evidence & { readonly isRecreated: boolean } {
  const { createTime } = given;
  // The sources are read after the stats: what happened since is not asked for.
  const isPast = ({ at }: { readonly at: number }) => at <= given.now.at;
  const evidence = {
    ...given,
    snapshots: given.snapshots?.filter(isPast),
    messages: given.messages?.filter(isPast),
  };
  if (createTime === undefined) return { ...evidence, isRecreated: false };
  // Around the creation of a successor the clocks could mix up the two lives.
  const isRecreated =
    evidence.messages?.some(({ kind, at }) => kind === 'deleted' && at < createTime + 2 * clockError) ??
    false;
  const messagesFrom = createTime + (isRecreated ? clockError : -clockError);
  return {
    ...evidence,
    isRecreated,
    records: evidence.records?.filter(
      ({ at, lastData }) => at >= createTime + clockError && (lastData ?? at) >= createTime - clockError,
    ),
    snapshots: evidence.snapshots?.filter(({ at }) => at >= createTime - clockError),
    messages: evidence.messages?.filter(({ at }) => at >= messagesFrom),
  };
}

/** What is certain of a job's past. `periodFrom` is when the period asked about begins. */
export function knownPastOf(
  given: Evidence,
  coverage: MessageCoverage | undefined,
  periodFrom: number,
): KnownPast {
  const evidence = ownEvidence(given);
  const asOf = evidence.now.at;
  const facts = noFacts();
  const { createTime } = evidence;
  if (createTime !== undefined)
    facts.notOpen.push({ from: Number.NEGATIVE_INFINITY, to: createTime - clockError });
  const records = byMoment(evidence.records);
  for (const record of records) observe(facts, record, record.at - clockError, evidence);
  observe(facts, evidence.now, asOf, evidence);
  for (const [index, record] of records.entries()) {
    const next = records[index + 1] ?? evidence.now;
    if (next.at - record.at <= longestRecordGap) facts.watched.push({ from: record.at, to: next.at });
  }
  const snapshots = byMoment(evidence.snapshots);
  readSnapshots(facts, snapshots);
  const messages = byMoment(evidence.messages);
  const before = { ...evidence, snapshots, messages, records };
  const story = coverage && readMessages(before, coverage);
  const contradicted = story !== undefined && contradicts(story, before, facts);
  if (story) {
    facts.starts.push(...story.starts);
    facts.closes.push(...story.closes);
    facts.data.push(...story.data);
    facts.reopened.push(...story.reopened);
    if (!contradicted) {
      facts.open.push(...story.open);
      facts.notOpen.push(...story.notOpen);
      facts.noStart.push(...story.noStart, ...story.notOpen);
      facts.silent.push(...story.silent);
      facts.watched.push(...story.watched);
      facts.data.push(...story.dense);
      facts.silent.push(...orderedSilences(snapshots, story.realtime));
      if (isPushed(before)) facts.data.push(...pushedData(snapshots, story.coveredFrom));
    }
  }
  return settle(evidence, facts, { snapshots, records, periodFrom, contradicted });
}

/** What a look at the job proves of the time up to `until`. */
function observe(
  facts: Facts,
  { state, lastData, openedAt }: Observation,
  until: number,
  { finishedTime, now }: Evidence,
): void {
  if (lastData !== undefined) {
    facts.data.push(around(lastData));
    facts.silent.push({ from: lastData + clockError, to: until });
  }
  if (openedAt !== undefined) {
    facts.starts.push(around(openedAt));
    facts.noStart.push({ from: openedAt + clockError, to: until });
    // Never fed since it was created or reset, and a reset needs a closed job.
    if (lastData === undefined) facts.silent.push({ from: openedAt - clockError, to: until });
  }
  if (state === 'opened') {
    facts.open.push({ from: openedAt === undefined ? until : openedAt + clockError, to: until });
  }
  if (state !== 'closed') return;
  facts.notOpen.push({ from: until, to: until });
  if (until !== now.at || finishedTime === undefined) return;
  const closed = finishedTime + clockError;
  const from = Math.max(lastData ?? Number.NEGATIVE_INFINITY, finishedTime - longestHealthyClose);
  facts.closes.push({ from: from - clockError, to: closed });
  facts.notOpen.push({ from: closed, to: until });
  facts.noStart.push({ from: closed, to: until });
}

/** A rise of the newest record proves data between two snapshots. That it stands still proves nothing by itself. */
function readSnapshots(facts: Facts, snapshots: readonly Snapshot[]): void {
  const seen = new Set<number>();
  for (const [index, { at, latestRecord }] of snapshots.entries()) {
    const previous = snapshots[index - 1];
    if (previous && latestRecord !== undefined) {
      const rises = previous.latestRecord === undefined || latestRecord > previous.latestRecord;
      // Equal to one from before: two reverts can look like a rise.
      if (rises && !seen.has(latestRecord))
        facts.data.push({ from: previous.at - 2 * clockError, to: at + clockError });
    }
    if (latestRecord !== undefined) seen.add(latestRecord);
  }
  const [first] = snapshots;
  const last = snapshots.at(-1);
  if (first && last) facts.watched.push({ from: first.at, to: last.at });
}

/**
 * Snapshots of a datafeed that read in real time throughout: its records come in order, so that from the first to the
 * last snapshot with the same newest record there was no data.
 */
function orderedSilences(snapshots: readonly Snapshot[], realtime: Spans): Span[] {
  const silences: Span[] = [];
  let first: Snapshot | undefined;
  for (const [index, snapshot] of snapshots.entries()) {
    const previous = snapshots[index - 1];
    const goesOn =
      previous?.latestRecord !== undefined &&
      previous.latestRecord === snapshot.latestRecord &&
      holds(realtime, previous.at - clockError, snapshot.at);
    if (!goesOn) first = snapshot;
    else if (first) silences.push({ from: first.at + clockError, to: snapshot.at - 2 * clockError });
  }
  return silences.filter(({ from, to }) => from < to);
}

/** Neither its config nor a message names a datafeed. */
const isPushed = ({ frequency, datafeedRuns, messages = [] }: Evidence): boolean =>
  frequency === undefined && !datafeedRuns && !messages.some(({ kind }) => feedKinds.has(kind));

/** Without a datafeed only a record ends a bucket, so that a periodic snapshot is cut while one is handled. */
function pushedData(snapshots: readonly Snapshot[], from: number): Span[] {
  return snapshots.flatMap(({ at, atClose, latestRecord }, index) => {
    const previous = snapshots[index - 1]?.latestRecord;
    const rises = latestRecord !== undefined && previous !== undefined && latestRecord > previous;
    return rises && !atClose && at > from ? [{ from: at - 2 * clockError, to: at + clockError }] : [];
  });
}

interface Story extends Facts {
  /** Data by the absence of an announced silence. */
  readonly dense: Span[];
  /** A datafeed read in real time throughout. */
  readonly realtime: Spans;
  /** What was open when the last message was written; undefined where it says nothing. */
  readonly openAtEnd: boolean | undefined;
  readonly coveredFrom: number;
}

/** Messages so near to each other that the clocks cannot order them. */
interface Cluster {
  readonly from: number;
  readonly to: number;
  readonly opens: readonly Message[];
  readonly closes: readonly Message[];
  readonly unclear: boolean;
}

const openKinds = new Set(['opening', 'loading']);
const closeKinds = new Set(['closing', 'forced']);
const unclearKinds = new Set(['killed', 'failed']);

function clustersOf(messages: readonly Message[]): Cluster[] {
  const clusters: Message[][] = [];
  for (const message of messages) {
    const { kind, at } = message;
    if (!openKinds.has(kind) && !closeKinds.has(kind) && !unclearKinds.has(kind)) continue;
    const last = clusters.at(-1);
    const previous = last?.at(-1);
    const joins =
      previous &&
      (at - previous.at <= 2 * clockError ||
        // the start that was announced
        (kind === 'loading' && previous.kind === 'opening' && at - previous.at <= longestStart));
    if (joins) last?.push(message);
    else clusters.push([message]);
  }
  return clusters.map((own) => ({
    from: (own[0] as Message).at,
    to: (own.at(-1) as Message).at,
    opens: own.filter(({ kind }) => openKinds.has(kind)),
    closes: own.filter(({ kind }) => closeKinds.has(kind)),
    unclear: own.some(({ kind }) => unclearKinds.has(kind)),
  }));
}

type Openness = 'open' | 'closed' | undefined;

/** The messages as one story: they name every open and close since the coverage begins. */
function readMessages(
  evidence: Evidence & { readonly messages: readonly Message[]; readonly isRecreated: boolean },
  coverage: MessageCoverage,
): Story {
  const { messages, createTime, now, datafeedRuns, isRecreated, frequency } = evidence;
  const asOf = now.at;
  const bornAt = createTime === undefined ? Number.NEGATIVE_INFINITY : createTime - clockError;
  const from = Math.max(coverage.from, bornAt + 2 * clockError);
  // Every open of its life is told; of a recreated job the first could be taken for the last of its predecessor.
  const isBornInside = bornAt >= coverage.from && !isRecreated;
  const facts = noFacts();
  const clusters = clustersOf(messages.filter(({ at }) => at >= from - 3 * clockError));
  const nowIs: Openness = now.state === 'closed' ? 'closed' : now.state === 'opened' ? 'open' : undefined;
  const after = (index: number): Openness => {
    const cluster = clusters[index];
    const next = clusters[index + 1];
    if (cluster === undefined) {
      // before the first message
      if (next === undefined) return nowIs;
      if (isBornInside) return next.closes.length > 0 && next.opens.length === 0 ? undefined : 'closed';
      return next.closes.length > 0 && next.opens.length === 0 ? 'open' : undefined;
    }
    if (cluster.unclear) return undefined;
    if (cluster.closes.length === 0) return 'open';
    if (cluster.opens.length === 0)
      // a second close without an open in between: a message is missing
      return next && next.opens.length === 0 && next.closes.length > 0 ? undefined : 'closed';
    if (next === undefined) return nowIs;
    return next.closes.length > 0 && next.opens.length === 0 ? 'open' : undefined;
  };
  let closedAt: number | undefined;
  for (let index = -1; index < clusters.length; index += 1) {
    const cluster = clusters[index];
    const next = clusters[index + 1];
    const openness = after(index);
    const end = next ? next.from - clockError : asOf;
    let begin = from;
    if (cluster) {
      const loaded = cluster.opens.some(({ kind }) => kind === 'loading');
      const begunBy = cluster.to + (cluster.opens.length > 0 && !loaded ? longestStart : clockError);
      if (cluster.opens.length > 0)
        facts.starts.push({ from: cluster.from - clockError, to: Math.min(begunBy, asOf) });
      if (cluster.closes.length > 0)
        facts.closes.push({
          from: cluster.from - clockError,
          to: Math.min(cluster.to + longestClose, next ? next.to : asOf),
        });
      begin = cluster.closes.length > 0 ? Math.max(begunBy, cluster.to + longestClose) : begunBy;
      const lastClose = cluster.closes.at(-1);
      const lastOpen = cluster.opens.at(-1);
      if (lastOpen && closedAt !== undefined) {
        facts.reopened.push({ closedAt, openedAt: lastOpen.at });
        closedAt = undefined;
      } else if (lastOpen && lastClose)
        facts.reopened.push({ closedAt: lastClose.at, openedAt: lastOpen.at });
      if (lastClose && (!lastOpen || openness === 'closed')) closedAt = lastClose.at;
    }
    if (begin > end) continue;
    if (openness === 'open') {
      facts.open.push({ from: begin, to: end });
      facts.noStart.push({ from: begin, to: end });
    }
    if (openness === 'closed') facts.notOpen.push({ from: begin, to: end });
  }
  const feeds = readFeeds(messages, { from, asOf, datafeedRuns, coverage, frequency });
  facts.silent.push(...feeds.silent);
  facts.data.push(...feeds.data, ...recordRises(messages));
  facts.watched.push(...feeds.realtime, ...feeds.watched);
  // Without a reset in reach, a job that has no last data never had any.
  if (now.lastData === undefined && !messages.some(({ kind }) => kind === 'reset'))
    facts.silent.push({ from, to: asOf });
  const lastOpenness = after(clusters.length - 1);
  return {
    ...facts,
    dense: feeds.dense,
    realtime: feeds.realtime,
    openAtEnd: clusters.length === 0 || lastOpenness === undefined ? undefined : lastOpenness === 'open',
    coveredFrom: from,
  };
}

/** Data between two process starts: the newest record that each found rises. */
function recordRises(messages: readonly Message[]): Span[] {
  const rises: Span[] = [];
  let previous: Message | undefined;
  for (const message of messages) {
    if (message.kind === 'reset' || message.kind === 'reverted' || message.kind === 'deleted')
      previous = undefined;
    if (message.kind !== 'loading') continue;
    const { latestRecord } = message;
    if (
      previous &&
      latestRecord !== undefined &&
      latestRecord > (previous.latestRecord ?? Number.NEGATIVE_INFINITY)
    )
      rises.push({ from: previous.at - clockError, to: message.at + clockError });
    previous = message;
  }
  return rises;
}

interface Feeds {
  readonly realtime: Spans;
  readonly silent: readonly Span[];
  readonly data: readonly Span[];
  readonly dense: Span[];
  readonly watched: readonly Span[];
}

interface FeedsContext {
  readonly from: number;
  readonly asOf: number;
  readonly datafeedRuns: boolean;
  readonly coverage: MessageCoverage;
  /** By its config: for a run whose start no message tells. */
  readonly frequency: number | undefined;
}

const feedKinds = new Set([
  'feed_started',
  'feed_realtime',
  'feed_silent',
  'feed_again',
  'feed_errors',
  'feed_stopped',
  'lookback_done',
]);
/** What only a running datafeed says. */
const runningKinds = new Set(['feed_silent', 'feed_again', 'feed_errors', 'feed_stopped']);

/** When a datafeed read in real time, and what its warnings say of data. */
function readFeeds(messages: readonly Message[], context: FeedsContext): Feeds {
  const { from, asOf, datafeedRuns, coverage } = context;
  const realtime: Span[] = [];
  const silent: Span[] = [];
  const data: Span[] = [];
  const dense: Span[] = [];
  const watched: Span[] = [];
  let frequency: number | undefined;
  let lookback: Message | undefined;
  let run:
    | { readonly from: number; silentFrom?: number | undefined; denseFrom: number | undefined }
    | undefined;

  const window = () => {
    const interval = frequency ?? context.frequency;
    return interval === undefined ? undefined : (searchesToSilence + 2) * interval + 5 * minute;
  };
  const tile = (until: number) => {
    const length = window();
    if (!run || run.denseFrom === undefined || length === undefined || !coverage.announcesSilence) return;
    for (let start = run.denseFrom; start + length <= until; start += length)
      dense.push({ from: start - clockError, to: start + length });
  };
  const end = (at: number, known: boolean) => {
    if (!run) return;
    if (known) {
      const to = at - clockError;
      realtime.push({ from: run.from, to });
      if (run.silentFrom !== undefined) silent.push({ from: run.silentFrom, to: to - clockError });
      else tile(to);
    }
    run = undefined;
  };
  // A silence that was announced before the messages begin is announced again within a day.
  const wasHeard = (next: Message | undefined) =>
    next === undefined || (next.kind !== 'feed_again' && next.at > from + longestRepeat);
  const first = messages.find(
    ({ kind }) => feedKinds.has(kind) || openKinds.has(kind) || closeKinds.has(kind),
  );
  // It was running before the messages begin, or something would say when it started.
  if (first ? runningKinds.has(first.kind) : datafeedRuns)
    run = { from: from + clockError, denseFrom: wasHeard(first) ? from + longestRepeat : undefined };
  for (const message of messages) {
    const { kind, at } = message;
    switch (kind) {
      case 'feed_started':
        end(at, true);
        lookback = message;
        frequency = message.frequency;
        break;
      case 'lookback_empty':
        lookback = undefined;
        break;
      case 'lookback_done':
        if (lookback?.ends) {
          data.push({ from: lookback.at - clockError, to: at + clockError });
          watched.push({ from: lookback.at, to: at });
        }
        lookback = undefined;
        break;
      case 'feed_realtime':
        end(at, true);
        run = { from: at + clockError, denseFrom: at + clockError };
        break;
      case 'feed_silent':
        if (!run) break;
        if (run.silentFrom !== undefined) break;
        {
          // The first of the empty searches came nine searches earlier.
          const reach = frequency === undefined ? 0 : (searchesToSilence - 1) * frequency;
          const silentFrom = Math.max(at - reach, run.from) + clockError;
          tile(silentFrom - 3 * clockError);
          run = { from: run.from, silentFrom, denseFrom: undefined };
        }
        break;
      case 'feed_again':
        data.push({ from: at - 2 * clockError, to: at + clockError });
        if (!run) break;
        if (run.silentFrom !== undefined) silent.push({ from: run.silentFrom, to: at - 2 * clockError });
        run = { from: run.from, denseFrom: at + clockError };
        break;
      case 'feed_errors':
        if (!run) break;
        if (run.silentFrom === undefined) tile(at - clockError);
        run = { ...run, denseFrom: undefined };
        break;
      case 'opening':
      case 'loading':
      case 'closing':
      case 'forced':
      case 'killed':
      case 'failed':
        // A new process starts its datafeed anew.
        end(at, true);
        break;
      case 'feed_stopped':
        end(at, true);
        lookback = undefined;
        break;
      default:
    }
  }
  // A run without an end ends now, if it runs; else its last message was lost.
  end(asOf, datafeedRuns);
  const covered = [{ from, to: asOf }];
  return {
    realtime: intersectionOf(unionOf(realtime), covered),
    silent,
    data,
    dense,
    watched,
  };
}

/** Whether another source proves that a message is missing. */
function contradicts(
  story: Story,
  evidence: Evidence & { readonly snapshots: readonly Snapshot[]; readonly records: readonly Observation[] },
  facts: Facts,
): boolean {
  const notOpen = unionOf(story.notOpen);
  const open = unionOf(story.open);
  const silent = unionOf(story.silent);
  const { now } = evidence;
  const isClosed = ({ state }: Observation) => state === 'closed';
  const startIsTold = (at: number) =>
    at < story.coveredFrom + 2 * clockError ||
    at > now.at - 2 * clockError ||
    story.starts.some((span) => at >= span.from - 2 * clockError && at <= span.to + 2 * clockError);
  const strictlyInside = (set: Spans, { from, to }: Span) =>
    set.some((span) => span.from < from && span.to > to);
  return (
    (story.openAtEnd !== undefined && now.state === (story.openAtEnd ? 'closed' : 'opened')) ||
    [...evidence.records, now].some(
      (seen) =>
        (seen.openedAt !== undefined && !startIsTold(seen.openedAt)) ||
        strictlyInside(isClosed(seen) ? open : notOpen, around(seen.at)),
    ) ||
    evidence.snapshots.some(({ at }) => strictlyInside(notOpen, around(at))) ||
    facts.data.some((span) => strictlyInside(notOpen, span) || strictlyInside(silent, span)) ||
    story.data.some((span) => strictlyInside(notOpen, span))
  );
}

function settle(
  evidence: Evidence,
  facts: Facts,
  {
    snapshots,
    records,
    periodFrom,
    contradicted,
  }: {
    readonly snapshots: readonly Snapshot[];
    readonly records: readonly Observation[];
    readonly periodFrom: number;
    readonly contradicted: boolean;
  },
): KnownPast {
  const asOf = evidence.now.at;
  const notOpen = unionOf(facts.notOpen);
  const open = unionOf(facts.open);
  // A job that is not open gets no data.
  const silent = unionOf([...facts.silent, ...notOpen]);
  const last = snapshots.at(-1);
  const { lastData, openedAt } = evidence.now;
  if (last && lastData !== undefined && lastData > last.at)
    facts.watched.push({ from: last.at, to: lastData });
  const opennessKnown = unionOf([...open, ...notOpen]);
  const known = unionOf(
    [...facts.watched, ...intersectionOf(silent, opennessKnown)].map(({ from, to }) => ({
      from,
      // Between two sources a few minutes are nobody's: they do not end what is known.
      to: Math.min(asOf, to + 3 * longestStart),
    })),
  );
  const latest = Math.max(lastData ?? Number.NEGATIVE_INFINITY, openedAt ?? Number.NEGATIVE_INFINITY);
  const isOpen = evidence.now.state !== 'closed';
  const knownFrom = Math.min(
    spanAt(known, asOf)?.from ?? asOf,
    isOpen && latest > Number.NEGATIVE_INFINITY ? latest : asOf,
    asOf,
  );
  const inPeriod = ({ from, to }: Span) =>
    to >= periodFrom && from <= asOf && from > Number.NEGATIVE_INFINITY;
  const sightings = [
    ...open,
    ...facts.starts,
    ...facts.closes,
    ...facts.data,
    ...snapshots.map(({ at }) => ({ from: at, to: at })),
  ];
  const wasOpen =
    sightings.some(inPeriod) || isOpen ? 'yes' : holds(notOpen, periodFrom, asOf) ? 'no' : 'unknown';
  const sizes = [...snapshots, ...records, evidence.now].flatMap(({ at, bytes }) =>
    bytes === undefined ? [] : [{ at, bytes }],
  );
  const createdAt = evidence.createTime;
  return {
    jobId: evidence.jobId,
    knownFrom:
      createdAt === undefined ? knownFrom : Math.min(asOf, Math.max(knownFrom, createdAt - clockError)),
    silent,
    data: new Certain(facts.data),
    open,
    notOpen,
    noStart: unionOf(facts.noStart),
    starts: new Certain(facts.starts),
    closes: new Certain(facts.closes),
    reopened: facts.reopened,
    bytes: byMoment(sizes),
    wasOpen,
    contradicted,
  };
}
