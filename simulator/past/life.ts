/**
 * @module The random past of one job, from a seed: what happened, and what Elasticsearch would still know about it. The
 * past is simulated forward: every batch of data, search, snapshot and message follows from earlier ones.
 * docs/elasticsearch.md has the server's rules.
 */
import { Random } from '../elasticsearch/random.ts';
import { cleanUp, type KeptSnapshot } from './retention.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

export const habits = [
  'live',
  'pushed',
  'bursts',
  'backfill',
  'forgotten',
  'starving',
  'on_and_off',
] as const;
export type Habit = (typeof habits)[number];

export interface Stay {
  readonly from: number;
  /** When the close was requested; absent while the job is still open. */
  to?: number;
  /** When the job was closed. */
  closed?: number;
}

/** What actually happened, with times from a correct clock. */
export interface TruePast {
  readonly jobId: string;
  readonly createdAt: number;
  readonly stays: readonly Stay[];
  /** When the job's process started, including the starts after a relocation. */
  readonly starts: readonly number[];
  readonly data: readonly number[];
}

/** One audit message in `.ml-notifications*`. */
export interface Notification {
  readonly job_id: string;
  readonly job_type: 'anomaly_detector';
  readonly level: 'info' | 'warning' | 'error';
  readonly message: string;
  readonly timestamp: number;
  readonly node_name: string;
}

/** What an earlier sweep would have recorded about the job. */
export interface PastObservation {
  readonly at: number;
  readonly state: 'opened' | 'closed';
  readonly lastData?: number;
  readonly openedAt?: number;
  readonly bytes: number;
}

export interface Past {
  readonly habit: Habit;
  readonly truth: TruePast;
  readonly bucketSpan: number;
  readonly frequency: number;
  readonly hasDatafeed: boolean;
  readonly datafeedRuns: boolean;
  readonly finishedTime?: number;
  readonly latestRecord?: number;
  readonly now: PastObservation;
  readonly snapshots: readonly KeptSnapshot[];
  readonly notifications: readonly Notification[];
  readonly observations: readonly PastObservation[];
}

export interface PastOptions {
  readonly jobId: string;
  readonly seed: number;
  readonly asOf: number;
  readonly days: number;
  readonly habit?: Habit;
  /** Whether the job is open now; random by default. */
  readonly openNow?: boolean;
  /** When earlier sweeps ran, which is when the observations were made. */
  readonly sweptAt?: readonly number[];
  /** The present state that the past must lead to; random by default. */
  readonly present?: Present;
}

/** The present state of a job. */
export interface Present {
  readonly createdAt: number;
  /** When the job's process started; absent for a closed job. */
  readonly openedAt?: number | undefined;
  readonly lastData?: number | undefined;
  /** When the job's last close ended. */
  readonly closedAt?: number | undefined;
  readonly datafeed?: 'started' | 'stopped' | undefined;
  readonly bytes: number;
  readonly bucketSpan: number;
  readonly nodes: readonly string[];
  /** How often the job was closed and opened again. */
  readonly comesBack?: number | undefined;
}

/** One event during a stay, which is the time between an opening and a close. */
type Step = readonly [at: number, kind: 'move' | 'stop' | 'search' | 'empty' | 'batch' | 'late'];

/** A sequence of random numbers. */
class Draws {
  readonly #random: Random;
  #next = 0;

  constructor(seed: number, jobId: string) {
    this.#random = new Random(new Random(seed).integer(0, 2 ** 31, 'past', jobId));
  }

  between(low: number, high: number): number {
    this.#next += 1;
    return this.#random.between(low, high, this.#next);
  }

  /** A log-uniform value: each order of magnitude is equally likely. */
  span(low: number, high: number): number {
    return Math.round(Math.exp(this.between(Math.log(low), Math.log(high))));
  }

  chance(share: number): boolean {
    return this.between(0, 1) < share;
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.between(0, values.length))] as T;
  }
}

const iso = (moment: number | undefined) =>
  moment === undefined ? 'N/A' : new Date(moment).toISOString().replace('.000Z', 'Z');

export function drawPast(options: PastOptions): Past {
  return new Life(options).live();
}

class Life {
  readonly #options: PastOptions;
  readonly #draws: Draws;
  readonly #habit: Habit;
  readonly #createdAt: number;
  readonly #bucketSpan: number;
  readonly #frequency: number;
  readonly #persistEvery: number;
  readonly #bytes: number;
  readonly #growth: number;
  /** By how much each node's clock is wrong. */
  readonly #clocks: readonly number[];
  readonly #nodes: readonly string[];

  readonly #stays: Stay[] = [];
  readonly #starts: number[] = [];
  readonly #data: number[] = [];
  #snapshots: KeptSnapshot[] = [];
  readonly #notifications: Notification[] = [];
  #nextCleanUp: number;

  #node = 0;
  #latestRecord: number | undefined;
  #lastData: number | undefined;
  /** Every change of the last data time, according to the node's clock. The observations are derived from these. */
  readonly #lastDataFrom: { readonly at: number; readonly lastData: number | undefined }[] = [];
  #finishedTime: number | undefined;
  #handled = false;
  #persistAt = 0;
  #bucket = 0;
  #feedRuns = false;
  #emptySearches = 0;

  constructor(options: PastOptions) {
    this.#options = options;
    this.#draws = new Draws(options.seed, options.jobId);
    const draws = this.#draws;
    const { present } = options;
    this.#habit = options.habit ?? draws.pick(habits);
    this.#createdAt =
      present?.createdAt ?? Math.round(options.asOf - draws.span(2 * day, options.days * day));
    this.#bucketSpan = present?.bucketSpan ?? draws.pick([5 * minute, 15 * minute, hour, 6 * hour, day]);
    this.#frequency =
      this.#bucketSpan <= 20 * minute
        ? this.#bucketSpan / 2
        : this.#bucketSpan <= 12 * hour
          ? 10 * minute
          : hour;
    this.#persistEvery = 3 * hour + Math.round(draws.between(0, 3_599)) * second;
    this.#bytes = present?.bytes ?? draws.span(1_000_000, 4_000_000_000);
    this.#growth = present || draws.chance(0.5) ? 0 : draws.between(0, 1);
    const base = draws.between(-minute, 0);
    this.#nodes = present?.nodes ?? ['ml-0', 'ml-1', 'ml-2'];
    // if the present is given, every node's clock is correct
    this.#clocks = this.#nodes.map(() => (present ? 0 : Math.round(base + draws.between(0, minute))));
    this.#nextCleanUp = Math.ceil(this.#createdAt / day) * day + Math.round(draws.between(30, 149)) * minute;
  }

  live(): Past {
    const { asOf, jobId, present } = this.#options;
    if (present) this.#liveTo(present);
    else this.#liveFreely();
    this.#cleanUpTo(asOf);
    return {
      habit: this.#habit,
      truth: {
        jobId,
        createdAt: this.#createdAt,
        stays: this.#stays,
        starts: this.#starts,
        data: this.#data,
      },
      bucketSpan: this.#bucketSpan,
      frequency: this.#frequency,
      hasDatafeed: this.#hasDatafeed,
      datafeedRuns: this.#feedRuns,
      ...(this.#finishedTime !== undefined && { finishedTime: this.#finishedTime }),
      ...(this.#latestRecord !== undefined && { latestRecord: this.#latestRecord }),
      now: this.#observation(asOf),
      snapshots: this.#snapshots,
      notifications: this.#notifications.sort((a, b) => a.timestamp - b.timestamp),
      observations: (this.#options.sweptAt ?? [])
        .filter((moment) => moment > this.#createdAt && moment < asOf)
        .map((moment) => this.#observation(moment)),
    };
  }

  /** Generates a random past that leads to the given present. */
  #liveTo({ createdAt, openedAt, lastData, closedAt, comesBack = 0 }: Present): void {
    const { asOf } = this.#options;
    const draws = this.#draws;
    this.#say(createdAt, 'info', 'Job created');
    const isFedNow = lastData !== undefined && openedAt !== undefined && lastData > openedAt;
    // when the job was closed after its last data; undefined if it has been open ever since, or never had data
    const before =
      closedAt ?? (isFedNow || lastData === undefined ? undefined : lastData + draws.span(hour, 6 * hour));
    const lastStart =
      openedAt ?? (lastData === undefined ? undefined : Math.max(createdAt + minute, lastData - 20 * day));
    let at = createdAt + minute;
    const until = before === undefined ? (lastStart ?? createdAt) : (lastData ?? createdAt);
    const earlier = (until - at) / Math.max(1, comesBack + 1);
    const comesBackUnfed = openedAt !== undefined && before !== undefined;
    if (earlier > 2 * hour && !comesBackUnfed)
      for (let index = 0; index < comesBack; index += 1) {
        this.#stay(Math.round(at), Math.round(at + 0.6 * earlier), true);
        at += earlier - draws.span(minute, 0.2 * earlier);
      }
    if (before !== undefined && lastData !== undefined && before < (openedAt ?? asOf)) {
      const from = Math.round(
        Math.max(at, Math.min(lastData - minute, lastData - draws.span(hour, 20 * day))),
      );
      this.#stay(from, Math.round(before), true, lastData);
      if (closedAt !== undefined) this.#finishedTime = closedAt;
    }
    // after the last data, the job was opened several times, and closed as idle each time
    if (comesBackUnfed)
      for (let index = comesBack; index > 0; index -= 1) {
        const from = Math.round(openedAt - index * 60 * hour);
        if (from > before + hour)
          this.#stay(from, from + Math.round(draws.between(50, 56) * hour), true, from);
      }
    if (openedAt !== undefined) this.#stay(openedAt, asOf, false, isFedNow ? lastData : openedAt);
    this.#feedRuns = this.#options.present?.datafeed === 'started';
  }

  #liveFreely(): void {
    const { asOf } = this.#options;
    const draws = this.#draws;
    if (draws.chance(0.15)) this.#earlierLife();
    this.#say(this.#createdAt, 'info', 'Job created');
    let at = this.#createdAt + draws.span(second, draws.chance(0.3) ? 3 * day : 10 * minute);
    const openNow = this.#options.openNow ?? draws.chance(0.75);
    while (at < asOf - 10 * minute) {
      const longest =
        this.#habit === 'on_and_off' ? 3 * day : this.#habit === 'backfill' ? 5 * day : 60 * day;
      const length = draws.span(this.#habit === 'on_and_off' ? hour : 4 * hour, longest);
      const end = at + length;
      const isLast = end >= asOf - 10 * minute || (openNow && draws.chance(0.2));
      if (isLast && openNow) {
        this.#stay(at, asOf, false);
        break;
      }
      const to = Math.min(end, asOf - 10 * minute);
      this.#stay(at, to, true);
      const closed = this.#stays.at(-1)?.closed ?? to;
      if (draws.chance(0.08)) this.#revert(closed + minute);
      else if (draws.chance(0.05)) this.#reset(closed + minute);
      at =
        closed +
        draws.span(draws.chance(0.2) ? 20 * second : 5 * minute, draws.chance(0.2) ? 20 * day : 3 * day);
      this.#cleanUpTo(Math.min(at, asOf));
    }
  }

  get #hasDatafeed(): boolean {
    if (this.#options.present) return this.#options.present.datafeed !== undefined;
    return (
      this.#habit === 'live' ||
      this.#habit === 'backfill' ||
      this.#habit === 'forgotten' ||
      this.#habit === 'starving'
    );
  }

  /** Adds the messages of a deleted job with the same id, which remain in the index. */
  #earlierLife(): void {
    const { jobId, seed } = this.#options;
    const deletedAt = this.#createdAt - this.#draws.span(second, 2 * minute);
    const earlier = drawPast({ jobId: `${jobId}~`, seed: seed + 1, asOf: deletedAt, days: 20 });
    this.#notifications.push(...earlier.notifications.map((each) => ({ ...each, job_id: jobId })));
    this.#say(deletedAt, 'info', "Deleting job by task with id 'n1:4711'");
    this.#say(deletedAt, 'info', 'Job deleted');
  }

  #bytesAt(moment: number): number {
    const age = (moment - this.#createdAt) / (this.#options.asOf - this.#createdAt);
    return Math.round(this.#bytes * (1 - this.#growth + this.#growth * age));
  }

  #observation(at: number): PastObservation {
    const stay = this.#stays.find(
      ({ from, closed }) => from <= at && (closed ?? Number.POSITIVE_INFINITY) > at,
    );
    const lastData = this.#lastDataFrom.findLast((entry) => entry.at <= at)?.lastData;
    const start = stay && this.#starts.findLast((moment) => moment <= at && moment >= stay.from);
    return {
      at,
      state: stay ? 'opened' : 'closed',
      ...(lastData !== undefined && { lastData }),
      ...(start !== undefined && { openedAt: at - Math.floor((at - start) / second) * second }),
      bytes: this.#bytesAt(at),
    };
  }

  #say(at: number, level: Notification['level'], message: string): void {
    this.#notifications.push({
      job_id: this.#options.jobId,
      job_type: 'anomaly_detector',
      level,
      message,
      timestamp: Math.round(at) + (this.#clocks[this.#node] ?? 0),
      node_name: this.#nodes[this.#node] ?? '',
    });
  }

  /**
   * Simulates one stay, which is the time from an opening to a close or to the present. `lastData`, if given, is the
   * time of the last batch of data in the stay.
   */
  #stay(from: number, until: number, closes: boolean, lastData?: number): void {
    const draws = this.#draws;
    const isTold = this.#options.present !== undefined;
    const stay: Stay = { from };
    this.#stays.push(stay);
    this.#finishedTime = undefined;
    this.#node = draws.pick([...this.#nodes.keys()]);
    this.#open(from);
    const moves =
      !isTold && draws.chance(0.3)
        ? Array.from({ length: draws.pick([1, 1, 2]) }, () =>
            Math.round(draws.between(from + hour, until - hour)),
          )
            .filter((moment) => moment > from + hour && moment < until - hour)
            .sort((a, b) => a - b)
        : [];
    const feedStopsAt = isTold ? this.#feedStop(until, closes, lastData) : this.#feedPlan(from, until);
    if (this.#hasDatafeed) this.#startFeed((this.#starts.at(-1) ?? from) + 5 * second, until);
    const agenda = this.#agenda(from, until, moves, feedStopsAt);
    for (const [at, kind] of lastData === undefined ? agenda : this.#endingAt(agenda, from, lastData)) {
      this.#cleanUpTo(at);
      if (kind === 'move') this.#move(at);
      else if (kind === 'stop') this.#stopFeed(at);
      else if (kind === 'search') this.#search(at, true);
      else if (kind === 'empty') this.#search(at, false);
      else this.#batch(at, kind === 'late');
    }
    this.#cleanUpTo(until);
    if (closes) this.#close(stay, until);
  }

  /**
   * When the datafeed stopped, if the present is given: soon after the last data. Undefined if there is no datafeed, or
   * if it ran until the end of the stay.
   */
  #feedStop(until: number, closes: boolean, lastData: number | undefined): number | undefined {
    if (!this.#hasDatafeed || closes || this.#options.present?.datafeed === 'started') return undefined;
    return Math.min((lastData ?? until) + 10 * minute, until - minute);
  }

  #feedPlan(from: number, until: number): number | undefined {
    if (!this.#hasDatafeed) return undefined;
    const draws = this.#draws;
    if (this.#habit === 'backfill')
      return from + draws.span(10 * minute, Math.max(20 * minute, (until - from) / 2));
    if (this.#habit === 'forgotten') return from + draws.span(hour, Math.max(2 * hour, until - from));
    return draws.chance(0.5) ? undefined : from + draws.span(hour, Math.max(2 * hour, until - from));
  }

  /** All events of a stay, in order. */
  #agenda(from: number, until: number, moves: readonly number[], feedStopsAt: number | undefined): Step[] {
    const draws = this.#draws;
    const agenda: Step[] = moves.map((moment) => [moment, 'move']);
    if (feedStopsAt !== undefined && feedStopsAt < until) agenda.push([feedStopsAt, 'stop']);
    const feedUntil = Math.min(feedStopsAt ?? until, until);
    let at = from + 2 * minute;
    let isActive = this.#habit !== 'starving' && draws.chance(this.#habit === 'on_and_off' ? 0.6 : 0.85);
    while (at < until) {
      const steady = this.#options.present?.datafeed === 'started';
      const longest =
        steady && !isActive
          ? 8 * hour
          : this.#habit === 'bursts'
            ? isActive
              ? 12 * hour
              : 4 * day
            : isActive
              ? 10 * day
              : 6 * day;
      const phaseEnd =
        this.#habit === 'starving' ? until : Math.min(until, at + draws.span(20 * minute, longest));
      const isLate = draws.chance(0.25);
      const step = this.#hasDatafeed ? this.#frequency : draws.span(2 * minute, 2 * hour);
      for (; at < phaseEnd; at += step) {
        if (this.#hasDatafeed) {
          if (at < feedUntil) agenda.push([at, isActive ? 'search' : 'empty']);
          else if (isActive && draws.chance(0.01)) agenda.push([at, 'late']);
        } else if (isActive) agenda.push([Math.round(at), isLate ? 'late' : 'batch']);
      }
      isActive = this.#habit === 'forgotten' || this.#habit === 'backfill' ? isActive : !isActive;
    }
    return agenda.filter(([moment]) => moment < until - 2 * second).sort(([a], [b]) => a - b);
  }

  /** The agenda without data after `lastData`, and with a batch of data at `lastData` if that is later than `from`. */
  #endingAt(agenda: readonly Step[], from: number, lastData: number): Step[] {
    const steps = agenda.flatMap(([at, kind]): Step[] => {
      if (at < lastData || kind === 'stop' || kind === 'move' || kind === 'empty') return [[at, kind]];
      return this.#hasDatafeed && kind === 'search' ? [[at, 'empty']] : [];
    });
    if (lastData > from) steps.push([lastData, this.#hasDatafeed ? 'search' : 'batch']);
    return steps.sort(([a], [b]) => a - b);
  }

  #open(at: number): void {
    this.#say(at, 'info', `Opening job on node [${this.#nodes[this.#node]}]`);
    // if the present is given, `at` is already the time at which the process started
    const started = this.#options.present ? at : at + Math.round(this.#draws.span(second, 50 * second));
    const snapshot = this.#snapshots.at(-1)?.snapshotId;
    this.#say(
      started,
      'info',
      snapshot === undefined
        ? `Loading model snapshot [N/A], job latest_record_timestamp [${iso(this.#latestRecord)}]`
        : `Loading model snapshot [${snapshot}] with latest_record_timestamp [${iso(this.#latestRecord)}], job latest_record_timestamp [${iso(this.#latestRecord)}]`,
    );
    this.#starts.push(started);
    this.#handled = false;
    this.#persistAt = started + this.#persistEvery;
  }

  #startFeed(at: number, until: number): void {
    const ends = this.#habit === 'backfill';
    this.#feedRuns = true;
    this.#emptySearches = 0;
    const frequency = `${this.#frequency / second}s`;
    this.#say(
      at,
      'info',
      `Datafeed started (from: ${iso(Math.round(at - day))} to: ${ends ? iso(Math.round(until)) : 'real-time'}) with frequency [${frequency}]`,
    );
    if (ends) return;
    this.#say(at + 2 * second, 'info', 'Datafeed lookback completed');
    this.#say(at + 2 * second, 'info', 'Datafeed continued in real-time');
  }

  #stopFeed(at: number): void {
    if (!this.#feedRuns) return;
    this.#feedRuns = false;
    if (this.#habit === 'backfill') {
      // a backfill reads data up to the moment it stops
      this.#take(at, at);
      this.#say(at, 'info', 'Datafeed lookback completed');
    }
    this.#say(at, 'info', 'Datafeed stopped');
  }

  /** One search of a datafeed. It advances the job's time even if it finds nothing. */
  #search(at: number, finds: boolean): void {
    if (!this.#feedRuns) return;
    if (finds) {
      if (this.#emptySearches >= 10) this.#say(at, 'info', 'Datafeed has started retrieving data again');
      this.#emptySearches = 0;
      this.#take(at, at - 90 * second);
    } else if (this.#habit !== 'backfill') {
      this.#emptySearches += 1;
      const perDay = Math.max(10, Math.floor(day / this.#frequency));
      if (this.#emptySearches === 10 || (this.#emptySearches > 10 && this.#emptySearches % perDay === 0))
        this.#say(at, 'warning', 'Datafeed has been retrieving no data for a while');
    }
    this.#handled = true;
    this.#finalise(at, at);
  }

  /**
   * Data that a client posts. Late data, which is older than the newest record, changes only the time of the last
   * arrival.
   */
  #batch(at: number, isLate: boolean): void {
    if (isLate && this.#latestRecord !== undefined) {
      this.#take(at, this.#latestRecord - hour);
      return;
    }
    this.#take(at, at - minute);
    this.#finalise(at, at - minute);
  }

  #take(at: number, record: number): void {
    this.#data.push(at);
    this.#handled = true;
    this.#lastData = Math.round(at) + (this.#clocks[this.#node] ?? 0);
    this.#lastDataFrom.push({ at, lastData: this.#lastData });
    this.#latestRecord = Math.max(
      this.#latestRecord ?? Number.NEGATIVE_INFINITY,
      Math.round(record / second) * second,
    );
  }

  #finalise(at: number, eventTime: number): void {
    const bucket = Math.floor(eventTime / this.#bucketSpan);
    if (bucket <= this.#bucket) return;
    this.#bucket = bucket;
    if (at < this.#persistAt) return;
    this.#persistAt = at + this.#persistEvery;
    // sometimes the next background snapshot is five minutes late, as on a busy node
    if (this.#draws.chance(0.1)) this.#persistAt += 300 * second;
    this.#snapshot(at, 'Periodic background persist at');
  }

  #snapshot(at: number, why: string): void {
    const timestamp = Math.floor((at + (this.#clocks[this.#node] ?? 0)) / second) * second;
    this.#snapshots.push({
      snapshotId: String(timestamp / second),
      timestamp,
      description: `${why} ${iso(timestamp)}`,
      ...(this.#latestRecord !== undefined && { latestRecord: this.#latestRecord }),
      bytes: this.#bytesAt(at),
    });
  }

  /** The job's node leaves: either as planned, with a snapshot, or unexpectedly. */
  #move(at: number): void {
    const planned = this.#draws.chance(0.5);
    if (planned && this.#handled) this.#snapshot(at, 'State persisted due to job close at');
    this.#say(at, 'info', `Job unassigned from node [${this.#nodes[this.#node]}]`);
    this.#node = (this.#node + 1) % this.#nodes.length;
    if (!planned && this.#snapshots.length > 0) this.#latestRecord = this.#snapshots.at(-1)?.latestRecord;
    this.#open(at + second);
    if (this.#feedRuns) this.#startFeed((this.#starts.at(-1) ?? at) + second, this.#options.asOf);
  }

  #close(stay: Stay, at: number): void {
    const draws = this.#draws;
    if (this.#feedRuns) this.#stopFeed(at - second);
    const forced = draws.chance(0.15);
    if (!forced && this.#handled) this.#snapshot(at, 'State persisted due to job close at');
    if (draws.chance(0.1))
      this.#say(
        at - second,
        'warning',
        'Job closed because it was idle; see the setting [xpack.ml.idle_job_auto_close_timeout]',
      );
    this.#say(at, 'info', forced ? 'Job is closing (forced)' : 'Job is closing');
    stay.to = at;
    stay.closed = at + draws.span(second, 5 * minute);
    this.#finishedTime = forced ? undefined : stay.closed + (this.#clocks[this.#node] ?? 0);
  }

  #revert(at: number): void {
    const target = this.#draws.pick(this.#snapshots);
    if (!target) return;
    this.#latestRecord = target.latestRecord;
    if (this.#draws.chance(0.7))
      this.#snapshots = this.#snapshots.filter(({ timestamp }) => timestamp <= target.timestamp);
    this.#say(at, 'info', `Job model snapshot reverted to '${target.snapshotId}'`);
  }

  #reset(at: number): void {
    this.#snapshots = [];
    this.#latestRecord = undefined;
    this.#lastData = undefined;
    this.#bucket = 0;
    this.#lastDataFrom.push({ at, lastData: undefined });
    this.#say(at, 'info', 'Job has been reset');
  }

  #cleanUpTo(at: number): void {
    for (; this.#nextCleanUp <= at; this.#nextCleanUp += day) this.#snapshots = cleanUp(this.#snapshots);
  }
}
