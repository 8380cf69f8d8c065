/**
 * @module How a datafeed feeds its job. What the datafeed has read by now is calculated on demand; only its end needs a
 * timer.
 */
import { takeArrival } from './counts.ts';
import type { Datafeed, DatafeedTask } from './datafeed.ts';
import type { Job } from './job.ts';
import { growModel } from './model.ts';

/** The server starts a search this many milliseconds after the end of the search interval. */
const searchLag = 100;
/** The first search takes at least this many milliseconds. */
const firstSearchMs = 500;

/** Updates the counts of `job` to `now` with the records that `datafeed` found since the last call. */
export function catchUp(datafeed: Datafeed, job: Job, now: number): void {
  const { task } = datafeed;
  if (!task?.node || task.state !== 'started' || task.isolated) return;
  if (job.task?.state !== 'opened' || !job.task.process) return;
  if (task.lookback) readPast(datafeed, task, job, now);
  if (!task.lookback) readPresent(datafeed, task, job, now);
}

/** When a lookback ends: when it reaches the datafeed's `end` or has caught up with the present. */
export function lookbackEnds(datafeed: Datafeed, task: DatafeedTask): number {
  const { lookback } = task;
  if (!lookback) return task.searchedAt;
  const { lookbackRate: rate, traits } = datafeed;
  const first = lookback.since + firstSearchMs;
  const caughtUp = (lookback.since * rate - lookback.from - traits.queryDelay) / (rate - 1);
  const present = Math.max(first, Math.ceil(caughtUp));
  if (task.end === undefined) return present;
  const ended = Math.max(first, lookback.since + Math.ceil((task.end - lookback.from) / rate));
  return Math.min(ended, present);
}

/** The time at which a datafeed with an end has read all data before that end, and therefore stops by itself. */
export function readsUntil(datafeed: Datafeed, task: DatafeedTask): number | undefined {
  if (task.end === undefined) return undefined;
  const ends = lookbackEnds(datafeed, task);
  if (eventTimeAt(datafeed, task, ends) >= task.end) return ends;
  const { frequency, queryDelay } = datafeed.traits;
  return Math.max(ends, task.end + queryDelay) + frequency + searchLag;
}

/**
 * The event time that a lookback has reached at `when`: at most the datafeed's end, and at most the time up to which
 * data can be searched.
 */
function eventTimeAt(datafeed: Datafeed, task: DatafeedTask, when: number): number {
  const { lookback, end } = task;
  if (!lookback) return task.readTo;
  const position = lookback.from + (when - lookback.since) * datafeed.lookbackRate;
  // a datafeed that started after its own end does not wait for late documents
  const onlyPast = end !== undefined && end <= lookback.since;
  return Math.min(position, onlyPast ? end : Math.min(end ?? when, when - datafeed.traits.queryDelay));
}

function readPast(datafeed: Datafeed, task: DatafeedTask, job: Job, now: number): void {
  const ends = lookbackEnds(datafeed, task);
  const until = Math.min(now, ends);
  const to = eventTimeAt(datafeed, task, until);
  if (to > task.readTo) {
    read(datafeed, job, task.readTo, to, until);
    datafeed.searches += 1;
    task.searchInterval = { start: task.readTo, end: to };
    task.readTo = to;
  }
  // switch to real-time searches, unless the datafeed has reached its end: then a timer stops it
  if (now >= ends && (task.end === undefined || to < task.end)) {
    task.lookback = undefined;
    task.searchedAt = ends;
  }
}

function readPresent(datafeed: Datafeed, task: DatafeedTask, job: Job, now: number): void {
  const { frequency, queryDelay } = datafeed.traits;
  const offset = (queryDelay % frequency) + searchLag;
  const searched = Math.floor((task.searchedAt - offset) / frequency);
  const due = Math.floor((now - offset) / frequency);
  if (due <= searched) return;
  const endOf = (search: number) => (search - Math.floor(queryDelay / frequency)) * frequency;
  const from = task.readTo;
  const to = Math.min(task.end ?? Number.POSITIVE_INFINITY, Math.max(from, endOf(due)));
  const found = datafeed.source.between(from, to);
  datafeed.searches += due - searched;
  if (found) {
    // the number (counted from the epoch) of the search whose interval contains the last record
    const last = Math.floor(found.last / frequency) + 1 + Math.floor(queryDelay / frequency);
    const search = Math.min(due, Math.max(searched + 1, last));
    read(datafeed, job, from, to, search * frequency + offset);
    task.emptySearches = due - search;
  } else {
    task.emptySearches += due - searched;
  }
  task.searchInterval = { start: Math.max(from, to - frequency), end: to };
  task.readTo = to;
  task.searchedAt = due * frequency + offset;
}

function read(datafeed: Datafeed, job: Job, from: number, to: number, at: number): void {
  const found = datafeed.source.between(from, to);
  if (!found) return;
  const before = job.counts.buckets;
  takeArrival(
    job.counts,
    {
      records: found.count,
      bytes: found.bytes,
      fields: found.fields,
      first: found.first,
      last: found.last,
    },
    job.traits.bucketSpan,
    Math.floor(at),
  );
  datafeed.buckets += job.counts.buckets - before;
  datafeed.searchMs += 5;
  growModel(job, Math.floor(at));
}
