/**
 * @module Derives from the evidence when a job was certainly open, when data came and when none came. For times outside
 * these sets, nothing is known. The reasons for each rule: docs/how-long-is-idle.md.
 */
import { Certain } from './certain.ts';
import type { Evidence, MessageCoverage, Observation, Snapshot } from './evidence.ts';
import { around, clockError, type Facts, hour, longestStart, noFacts } from './facts.ts';
import { readMessages, type Story } from './message-story.ts';
import { isPushed, orderedSilences, pushedData, readSnapshots } from './snapshots.ts';
import { holds, intersectionOf, meets, type Span, type Spans, spanAt, unionOf } from './spans.ts';

/** Maximum duration of a healthy close on the server. */
const longestHealthyClose = hour;
/** Maximum gap between two records of a job. What happened in a longer gap counts as unknown. */
const longestRecordGap = 50 * hour;

export interface KnownBytes {
  readonly at: number;
  readonly bytes: number;
}

export interface KnownPast {
  readonly jobId: string;
  /** From this time until now, the history has no gap. */
  readonly knownFrom: number;
  /** When no data came. */
  readonly silent: Spans;
  /** In each of these spans, at least one batch of data came. */
  readonly data: Certain;
  /** When the job was open, without a close in between. */
  readonly open: Spans;
  readonly notOpen: Spans;
  /** The spans of time in which no process of the job started. */
  readonly noStart: Spans;
  /** Each of these spans contains a start of the job's process. */
  readonly starts: Certain;
  /** Each of these spans contains a close of the job. */
  readonly closes: Certain;
  /** When the job was closed and then opened again, no matter by whom. */
  readonly reopened: readonly { readonly closedAt: number; readonly openedAt: number }[];
  /** Model sizes with the times at which they were recorded, oldest first. */
  readonly bytes: readonly KnownBytes[];
  readonly wasOpen: 'yes' | 'no' | 'unknown';
  /** Whether the messages contradict the other sources, which means that some messages are missing. */
  readonly contradicted: boolean;
}

const byMoment = <T extends { readonly at: number }>(entries: readonly T[] = []): T[] =>
  [...entries].sort((a, b) => a.at - b.at);

/** The evidence about this job, without evidence about a deleted job with the same id. */
function ownEvidence(given: Evidence): Evidence & { readonly isRecreated: boolean } {
  const { createTime } = given;
  // The sources were read after the stats. Drop what happened in between.
  const isPast = ({ at }: { readonly at: number }) => at <= given.now.at;
  const evidence = {
    ...given,
    snapshots: given.snapshots?.filter(isPast),
    messages: given.messages?.filter(isPast),
  };
  if (createTime === undefined) return { ...evidence, isRecreated: false };
  // Events close to the creation of the new job could belong to the old one, because clocks differ.
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

/** What is certain about a job's past. `periodFrom` is the start of the requested period. */
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

/** What a job's stats prove about the time up to `until`. */
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
    // No data has come since the job was created or reset. Only a closed job can be reset, so no data has come since
    // the job was opened.
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

interface Rest {
  readonly snapshots: readonly Snapshot[];
  readonly records: readonly Observation[];
  readonly periodFrom: number;
  readonly contradicted: boolean;
}

function settle(evidence: Evidence, facts: Facts, rest: Rest): KnownPast {
  const { snapshots, records } = rest;
  const { lastData, at: asOf } = evidence.now;
  const notOpen = unionOf(facts.notOpen);
  const open = unionOf(facts.open);
  // A job that is not open gets no data.
  const silent = unionOf([...facts.silent, ...notOpen]);
  const last = snapshots.at(-1);
  if (last && lastData !== undefined && lastData > last.at)
    facts.watched.push({ from: last.at, to: lastData });
  const sizes = [...snapshots, ...records, evidence.now].flatMap(({ at, bytes }) =>
    bytes === undefined ? [] : [{ at, bytes }],
  );
  const known = [...facts.watched, ...intersectionOf(silent, unionOf([...open, ...notOpen]))];
  return {
    jobId: evidence.jobId,
    knownFrom: knownFromOf(evidence, known),
    silent,
    data: new Certain(facts.data),
    open,
    notOpen,
    noStart: unionOf(facts.noStart),
    starts: new Certain(facts.starts),
    closes: new Certain(facts.closes),
    reopened: facts.reopened,
    bytes: byMoment(sizes),
    wasOpen: wasOpenIn(rest.periodFrom, asOf, { open, notOpen, facts, evidence, snapshots }),
    contradicted: rest.contradicted,
  };
}

/** From this time until now, the past is known without a gap. */
function knownFromOf({ now, createTime }: Evidence, stretches: readonly Span[]): number {
  const { at: asOf, state, lastData, openedAt } = now;
  const known = unionOf(
    // Gaps of a few minutes between two sources are ignored.
    stretches.map(({ from, to }) => ({ from, to: Math.min(asOf, to + 3 * longestStart) })),
  );
  const clocks = [lastData, openedAt].filter((clock) => clock !== undefined);
  const latest = state === 'closed' || clocks.length === 0 ? asOf : Math.max(...clocks);
  const knownFrom = Math.min(spanAt(known, asOf)?.from ?? asOf, latest, asOf);
  return createTime === undefined ? knownFrom : Math.min(asOf, Math.max(knownFrom, createTime - clockError));
}

interface Sightings {
  readonly open: Spans;
  readonly notOpen: Spans;
  readonly facts: Facts;
  readonly evidence: Evidence;
  readonly snapshots: readonly Snapshot[];
}

function wasOpenIn(
  periodFrom: number,
  asOf: number,
  { open, notOpen, facts, evidence, snapshots }: Sightings,
): KnownPast['wasOpen'] {
  // Each of these events proves that the job was open. Its time is known only as a span, so it counts only if the whole
  // span is in the period.
  const happenings = [...facts.starts, ...facts.closes, ...facts.data];
  const isSeen =
    evidence.now.state !== 'closed' ||
    meets(open, periodFrom, asOf) ||
    happenings.some(({ from, to }) => from >= periodFrom && to <= asOf) ||
    snapshots.some(({ at }) => at >= periodFrom);
  if (isSeen) return 'yes';
  return holds(notOpen, periodFrom, asOf) ? 'no' : 'unknown';
}
