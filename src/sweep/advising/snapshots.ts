/** @module The facts that model snapshots prove, alone or together with the datafeed. */
import type { Evidence, Snapshot } from './evidence.ts';
import { clockError, type Facts } from './facts.ts';
import { feedKinds } from './feeds.ts';
import { holds, type Span, type Spans } from './spans.ts';

/**
 * If the newest record advances from one snapshot to the next, data came in between. If it does not advance, that alone
 * proves nothing.
 */
export function readSnapshots(facts: Facts, snapshots: readonly Snapshot[]): void {
  const seen = new Set<number>();
  for (const [index, { at, latestRecord }] of snapshots.entries()) {
    const previous = snapshots[index - 1];
    if (previous && latestRecord !== undefined) {
      const rises = previous.latestRecord === undefined || latestRecord > previous.latestRecord;
      // A value seen before proves nothing: after two reverts, an old snapshot can look newer.
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
 * A real-time datafeed delivers records in order. So if several snapshots have the same newest record, no data arrived
 * between the first and the last of them.
 */
export function orderedSilences(snapshots: readonly Snapshot[], realtime: Spans): Span[] {
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

/** Whether data is pushed to the job: neither its config nor a message names a datafeed. */
export const isPushed = ({ frequency, datafeedRuns, messages = [] }: Evidence): boolean =>
  frequency === undefined && !datafeedRuns && !messages.some(({ kind }) => feedKinds.has(kind));

/** Without a datafeed, only a new record ends a bucket. So when a periodic snapshot is taken, data has just arrived. */
export function pushedData(snapshots: readonly Snapshot[], from: number): Span[] {
  return snapshots.flatMap(({ at, atClose, latestRecord }, index) => {
    const previous = snapshots[index - 1]?.latestRecord;
    const rises = latestRecord !== undefined && previous !== undefined && latestRecord > previous;
    return rises && !atClose && at > from ? [{ from: at - 2 * clockError, to: at + clockError }] : [];
  });
}
