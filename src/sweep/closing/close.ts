/**
 * @module Closes jobs in one loop over one table. A job waits for its close request, is in a request, is watched, or is
 * settled. Each turn starts the requests that may start, reads the open jobs when a read is due, and waits for the next
 * event. The answer to a close is only a hint: the state that the cluster reports afterwards decides the next step.
 */
import { ForceLimit } from '../planning/force-max.ts';
import { runs } from '../planning/inventory.ts';
import { type Hurry, PollPace } from '../poll-pace.ts';
import type { CloseAnswer, ClusterError } from '../ports.ts';
import { type Closing, closedAs, type Entry, type NodeLimit, type Outcome } from './ledger.ts';
import {
  allowanceFor,
  ask,
  errorOfOne,
  look,
  type Reads,
  readStats,
  requestsToLook,
  unreadable,
} from './look-and-ask.ts';
import { afterLook, askAgain, errorOf, type NextStep, nextStep, type Phase } from './next-step.ts';
import {
  candidates,
  closeBatch,
  limitOf,
  nextBatch,
  nodeOf,
  requestsToRead,
  together,
  type Waiting,
  waitingOf,
} from './places.ts';

/**
 * Each read also includes this many waiting jobs per node, because they will probably be closed next: `firstLikely` as
 * long as the processors of any node are unknown, and `likelyNext` after that.
 */
const firstLikely = 8;
const likelyNext = 3;

/**
 * A job's place on a node: the job counts toward the node's limit on concurrent closes, until `until` (epoch
 * milliseconds) at the latest.
 */
interface Place {
  readonly node: string;
  readonly until: number;
}

/** A job that does not wait for a request any more and has no outcome yet. */
interface Open {
  readonly phase: Phase | { readonly phase: 'looked_at' };
  readonly place: Place | undefined;
  /** When watching ends; epoch milliseconds. */
  readonly until?: number;
  /** The loop no longer waits for this job. */
  readonly isLeft?: boolean;
}

/**
 * A job whose next step is decided by the loop's own reads. Excludes a job in a look (the check right before a close
 * request), because the look decides its next step.
 */
type ReadOpen = Open & { readonly phase: Phase };

/**
 * Sends close requests and polls until every job has an outcome or is left to the sweep's last reading, or until
 * `ending` aborts. Watches jobs with the verdict `wait`; sends requests for those with `close` and `force`. Rejects
 * only on a bug: a failure of the cluster becomes an outcome.
 */
export async function closeJobs(entries: readonly Entry[], closing: Closing): Promise<void> {
  await new CloseLoop(entries, closing).run();
}

class CloseLoop {
  readonly #closing: Closing;
  #waiting: readonly Waiting[];
  readonly #open = new Map<Entry, Open>();
  readonly #forceLimit: ForceLimit<Entry>;
  readonly #processors = new Map<string, number | undefined>();
  readonly #reads: Reads = { begun: 0 };
  #isReading = false;
  readonly #pace: PollPace;
  #requests = 0;
  #inFlight = 0;
  #denied: ClusterError | undefined;
  #event = Promise.withResolvers<void>();
  #bug: { readonly error: unknown } | undefined;

  constructor(entries: readonly Entry[], closing: Closing) {
    this.#closing = closing;
    this.#forceLimit = new ForceLimit(closing.request.force.max);
    this.#pace = new PollPace(closing.clock.now());
    // break: waiting
    this.#waiting = waitingOf(entries);
    for (const entry of entries) if (entry.verdict.verdict === 'wait') this.#watch(entry);
  }

  async run(): Promise<void> {
    const { clock, ending } = this.#closing;
    while (!ending.aborted) {
      if (this.#bug) throw this.#bug.error;
      this.#startRequests(Number.POSITIVE_INFINITY);
      if (!this.#isReading && this.#nextReadAt() <= clock.now()) this.#inBackground(this.#read());
      if (this.#isDone()) return;
      await this.#nextEvent();
    }
  }

  #isDone(): boolean {
    if (this.#inFlight > 0 || this.#isReading || this.#waiting.length > 0 || this.#bug) return false;
    return [...this.#open.values()].every(({ isLeft }) => isLeft);
  }

  /** Resolves on an event, when a read or a request is due, or when `ending` aborts. */
  async #nextEvent(): Promise<void> {
    const { clock, ending } = this.#closing;
    const now = clock.now();
    const happened = this.#event.promise;
    const nap = new AbortController();
    const signal = AbortSignal.any([ending, nap.signal]);
    const ended = Promise.withResolvers<void>();
    ending.addEventListener('abort', () => ended.resolve(), { signal: nap.signal });
    const at = Math.min(this.#isReading ? Number.POSITIVE_INFINITY : this.#nextReadAt(), ...this.#dues(now));
    const slept = Number.isFinite(at)
      ? clock.sleep(Math.max(0, at - now), signal).catch(() => undefined)
      : ended.promise;
    try {
      await Promise.race([happened, slept, ended.promise]);
    } finally {
      // Gives a reason, because the default reason is an exception, whose stack trace is costly to capture.
      nap.abort('over');
    }
  }

  /** Future times at which a waiting job may become ready: its pause ends, or a place on its node is freed. */
  #dues(now: number): number[] {
    if (this.#waiting.length === 0 || !this.#mayStart) return [];
    const moments = this.#waiting.map(({ notBefore }) => notBefore);
    for (const { place } of this.#open.values()) if (place) moments.push(place.until);
    return moments.filter((at) => at > now);
  }

  #happened(): void {
    this.#event.resolve();
    this.#event = Promise.withResolvers<void>();
  }

  #inBackground(work: Promise<void>): void {
    const noted = work.catch((error: unknown) => {
      this.#bug ??= { error };
    });
    void noted.then(() => this.#happened());
  }

  // --- requests

  get #mayStart(): boolean {
    // break: concurrency
    return this.#inFlight < this.#closing.request.close.concurrency;
  }

  /** `fresh`: the number of the oldest read whose stats are recent enough to act on. Reads are numbered in order. */
  #startRequests(fresh: number): void {
    const { request, clock, ending } = this.#closing;
    if (this.#denied) {
      const refused = this.#waiting;
      this.#waiting = [];
      for (const { entry } of refused) this.#settle(entry, { outcome: 'error', error: this.#denied });
    }
    while (this.#mayStart && !ending.aborted) {
      const now = clock.now();
      // break: max-batch
      const limits = { maxJobs: request.close.batch, now };
      const batch = nextBatch(this.#waiting, this.#freePlaces(), limits);
      if (batch.length === 0) return;
      const taken = new Set(batch);
      this.#waiting = this.#waiting.filter((each) => !taken.has(each));
      for (const each of batch) this.#take(each);
      this.#inFlight += 1;
      this.#inBackground(this.#carryOut(batch, fresh));
    }
  }

  #take(waiting: Waiting): void {
    const node = nodeOf(waiting);
    const place = node === undefined ? undefined : { node, until: Number.POSITIVE_INFINITY };
    this.#open.set(waiting.entry, { phase: { phase: 'looked_at' }, place });
  }

  #limitOf(node: string): NodeLimit | undefined {
    const { request, cluster } = this.#closing;
    const nodes = { processors: this.#processors, largest: cluster.largestNodeProcessors() };
    return limitOf(node, request.close.perNode, nodes);
  }

  #freePlaces(): ReadonlyMap<string, number> {
    const now = this.#closing.clock.now();
    const free = new Map<string, number>();
    for (const node of new Set(this.#waiting.map(nodeOf)))
      if (node !== undefined) free.set(node, this.#limitOf(node)?.places ?? 0);
    for (const { place } of this.#open.values())
      if (place && place.until > now) free.set(place.node, (free.get(place.node) ?? 0) - 1);
    return free;
  }

  async #carryOut(batch: readonly Waiting[], fresh: number): Promise<void> {
    const force = batch[0]?.force === true;
    try {
      const ready = await this.#look(batch, fresh);
      // The close request may take minutes. Jobs that the check removed from the request must not wait for its answer,
      // so the loop goes on now.
      this.#happened();
      await this.#ask(ready, force);
    } finally {
      this.#inFlight -= 1;
      for (const { entry } of batch) this.#dropUnasked(entry);
    }
  }

  /**
   * Leaves a job to the sweep's last reading if it was checked for a close but no request followed, because time ran
   * out or a read failed.
   */
  #dropUnasked(entry: Entry): void {
    if (this.#open.get(entry)?.phase.phase === 'looked_at') this.#open.delete(entry);
  }

  /** Reads the jobs of a request again, and returns those that still need a close request. */
  async #look(batch: readonly Waiting[], fresh: number): Promise<Entry[]> {
    const { ending, clock, judge } = this.#closing;
    const entries = batch.map(({ entry }) => entry);
    if (ending.aborted || !allowanceFor(entries, this.#closing)) return [];
    let jobs: Awaited<ReturnType<typeof look>>;
    try {
      this.#pace.pay(requestsToLook(entries, fresh), clock.now());
      // break: fresh-look
      jobs = await look(entries, this.#closing, this.#reads, fresh);
    } catch (error) {
      if (ending.aborted) return [];
      const atFault = entries.filter((entry) => errorOfOne(entry, error) !== undefined);
      const unread = atFault.length > 0 ? atFault : entries;
      // A job that already got a close request gets its outcome from the last reading.
      for (const entry of unread)
        if (entry.asks === 0) this.#leaveUnread(entry, unreadable(errorOfOne(entry, error) ?? error));
      const rest = batch.filter(({ entry }) => !unread.includes(entry));
      return rest.length > 0 ? await this.#look(rest, Number.POSITIVE_INFINITY) : [];
    }
    this.#learn(entries);
    return batch.flatMap(({ entry, force }) => {
      const job = jobs.get(entry.jobId);
      if (job && job.state !== 'closed') {
        entry.job = { ...job, modelBytes: job.modelBytes ?? entry.job.modelBytes };
        entry.looks += 1;
      }
      const step = afterLook(entry, job, { judge, now: clock.now(), force });
      if (step.verdict) entry.verdict = step.verdict;
      if (step.step === 'settle') this.#settle(entry, step.outcome);
      else if (step.step === 'watch') {
        entry.askedAt ??= clock.now();
        this.#watch(entry);
      } else if (step.step === 'again') this.#wait(together([entry], { force: !force, notBefore: 0 }));
      else if (this.#mayAsk(entry, force)) return [entry];
      return [];
    });
  }

  /**
   * Settles a job that never got a close request and could not be read completely. The outcome is an error, unless the
   * job is closed or deleted.
   */
  #leaveUnread(entry: Entry, error: ClusterError): void {
    const { seen } = entry;
    if (seen && !seen.stats) this.#settle(entry, { outcome: 'gone' });
    else if (seen?.stats?.state === 'closed') this.#settle(entry, { outcome: closedAs(entry) });
    else this.#settle(entry, { outcome: 'error', error });
  }

  /**
   * Whether the credentials, `force.max` and the limit on concurrent closes on the job's node allow the request. By
   * now, the job may be on another node than when it was chosen for the request.
   */
  #mayAsk(entry: Entry, force: boolean): boolean {
    if (this.#denied) {
      this.#settle(entry, { outcome: 'error', error: this.#denied });
      return false;
    }
    if (!force) return this.#keepsPlace(entry);
    if (this.#forceLimit.take(entry)) return true;
    // A job that already got a close request is closing or failed by now: the last reading decides.
    if (entry.asks === 0) this.#settle(entry, { outcome: 'not_attempted', because: 'limit' });
    return false;
  }

  /**
   * Whether the job may keep its place after the check right before its close request. If the check shows that the job
   * has moved to another node, or that its node has too few processors, the job waits again.
   */
  #keepsPlace(entry: Entry): boolean {
    const [waiting] = together([entry], { force: false, notBefore: 0 });
    const node = waiting && nodeOf(waiting);
    if (!waiting || (this.#open.get(entry)?.place?.node === node && this.#isWithinPlaces(entry, node)))
      return true;
    this.#wait([waiting]);
    return false;
  }

  /** Whether the limit on concurrent closes on the node allows this job in addition to the jobs chosen earlier. */
  #isWithinPlaces(entry: Entry, node: string | undefined): boolean {
    if (node === undefined) return true;
    const now = this.#closing.clock.now();
    const holders = [...this.#open].filter(([, { place }]) => place?.node === node && place.until > now);
    return holders.findIndex(([holder]) => holder === entry) < (this.#limitOf(node)?.places ?? 1);
  }

  async #ask(entries: readonly Entry[], force: boolean): Promise<void> {
    const { clock, ending, observer } = this.#closing;
    const batch = closeBatch(entries);
    const allowance = allowanceFor(entries, this.#closing);
    if (!batch || !allowance || ending.aborted) return;
    this.#requests += 1;
    this.#pace.pay(1, clock.now());
    for (const entry of entries) this.#noteAsk(entry, force, clock.now());
    observer.asking?.(entries, this.#requests);
    const answer = await ask(batch, force, allowance, this.#closing);
    // break: read-back
    if (answer.kind === 'denied') this.#denied = answer.error;
    for (const entry of entries) {
      entry.lastError = errorOf(answer);
      const open = this.#open.get(entry);
      if (open) this.#open.set(entry, { ...open, phase: { phase: 'answered', answer } });
    }
  }

  #noteAsk(entry: Entry, force: boolean, now: number): void {
    entry.asks += 1;
    entry.askedAt ??= now;
    entry.lastAskAt = now;
    entry.forgetSeen(this.#reads.begun);
    entry.forced ||= force;
    entry.batch = this.#requests;
    if (runs(entry.job.datafeed)) entry.stopsDatafeed = entry.job.datafeed.datafeedId;
    const place = this.#open.get(entry)?.place;
    if (place) entry.limit = this.#limitOf(place.node);
    this.#expectReads();
    this.#open.set(entry, { phase: { phase: 'in_flight' }, place: this.#timed(entry, place) });
  }

  /** Frees the place when the close times out, at the latest, so that a stuck job does not block its node. */
  #timed(entry: Entry, place: Place | undefined): Place | undefined {
    if (!place || entry.lastAskAt === undefined) return undefined;
    return { ...place, until: entry.lastAskAt + this.#closing.request.close.timeout };
  }

  // --- reads

  /** Polls a job that is closing, for the duration of one close timeout. */
  #watch(entry: Entry): void {
    const { clock, request } = this.#closing;
    const open = this.#open.get(entry);
    const until = open?.until ?? clock.now() + request.close.timeout;
    this.#expectReads();
    this.#open.set(entry, {
      phase: { phase: 'watched', over: false },
      place: this.#timed(entry, open?.place),
      until,
    });
  }

  /** Restarts polling at the shortest interval, unless jobs are already being polled. */
  #expectReads(): void {
    if ([...this.#open.values()].some(isRead)) return;
    this.#pace.restart(this.#closing.clock.now());
  }

  /** When the next read of the open jobs is due; epoch milliseconds. */
  #nextReadAt(): number {
    const open = [...this.#open.values()].filter(isRead);
    if (this.#unknownNodes().length > 0) return Number.NEGATIVE_INFINITY;
    if (open.length === 0) return Number.POSITIVE_INFINITY;
    const ends = open.map(({ until = Number.POSITIVE_INFINITY, isLeft }) =>
      isLeft ? Number.POSITIVE_INFINITY : until,
    );
    return Math.min(this.#pace.nextAt(this.#hurryOf(open)), ...ends);
  }

  #hurryOf(open: readonly ReadOpen[]): Hurry | undefined {
    if (open.some(({ phase }) => phase.phase === 'answered')) return 'answered';
    return this.#isPlaceWanted() ? 'place_wanted' : undefined;
  }

  /**
   * Whether a job waits for a place on a full node, and a read could show that a place has become free. While a close
   * request for a single job is in flight, no read is needed, because its answer shows that the place is free.
   */
  #isPlaceWanted(): boolean {
    if (!this.#mayStart) return false;
    const now = this.#closing.clock.now();
    const free = this.#freePlaces();
    const wanted = new Set(this.#waiting.filter(({ notBefore }) => notBefore <= now).map(nodeOf));
    const holders = [...this.#open].filter(([, { place, phase }]) => place && phase.phase !== 'looked_at');
    const ofRequest = Map.groupBy(holders, ([entry]) => entry.batch);
    return holders.some(
      ([entry, { place, phase }]) =>
        place &&
        wanted.has(place.node) &&
        (free.get(place.node) ?? 0) <= 0 &&
        (phase.phase !== 'in_flight' || (ofRequest.get(entry.batch)?.length ?? 0) > 1),
    );
  }

  #unknownNodes(): string[] {
    const nodes = new Set(this.#waiting.flatMap((each) => nodeOf(each) ?? []));
    return [...nodes].filter((node) => this.#limitOf(node) === undefined);
  }

  /** Reads the open jobs, and those that are likely to be closed next. */
  async #read(): Promise<void> {
    const { clock, ending, request } = this.#closing;
    const readAt = clock.now();
    const open = [...this.#open].flatMap(([entry, each]) => (isRead(each) ? [[entry, each] as const] : []));
    const likely = this.#unknownNodes().length > 0 ? firstLikely : likelyNext;
    const next = request.close.perNode === null ? [] : candidates(this.#waiting, likely);
    // Also reads the jobs in a look (the check right before a close request), because that look may use these stats.
    const lookedAt = [...this.#open].flatMap(([entry, each]) => (isRead(each) ? [] : [entry]));
    const entries = [...open.map(([entry]) => entry), ...lookedAt, ...next];
    this.#isReading = true;
    if (open.length > 0) this.#pace.began(readAt);
    this.#pace.pay(requestsToRead(entries), readAt);
    const readEach = (some: readonly Entry[]) => readStats(some, this.#closing, this.#reads, ending);
    let hasFailed = false;
    const read = await readEach(entries)
      .catch(async (error: unknown) => {
        hasFailed = true;
        const rest = entries.filter((entry) => errorOfOne(entry, error) === undefined);
        if (rest.length === entries.length) throw error;
        return await readEach(rest);
      })
      .catch(() => undefined);
    this.#isReading = false;
    if (ending.aborted) return;
    this.#learn(entries);
    this.#pace.ended({ jobs: open.length, hasFailed, now: clock.now() });
    this.#advance(open, read, readAt);
    this.#pace.schedule(clock.now());
    this.#startRequests(read ?? Number.POSITIVE_INFINITY);
  }

  /** Remembers how many processors these jobs' nodes have. */
  #learn(entries: readonly Entry[]): void {
    for (const { job, seen } of entries) {
      const { nodeId, nodeProcessors } = seen?.stats ?? {};
      if (nodeId !== undefined && nodeProcessors !== undefined) this.#processors.set(nodeId, nodeProcessors);
      for (const node of [nodeId, job.nodeId])
        if (node !== undefined && !this.#processors.has(node)) this.#processors.set(node, undefined);
    }
  }

  /** Takes each open job's next step after a read that began at `readAt`. `read` is undefined if the read failed. */
  #advance(open: readonly (readonly [Entry, ReadOpen])[], read: number | undefined, readAt: number): void {
    const { clock, judge, budget } = this.#closing;
    const now = clock.now();
    const repeated = new Map<CloseAnswer, { readonly entries: Entry[]; delayMs: number }>();
    // A job whose own stats cannot be read, or that no request may name, waits for the next read.
    const wasRead = ({ seen }: Entry) => read !== undefined && (seen?.read ?? 0) >= read;
    for (const [entry] of open) if (wasRead(entry)) this.#noteState(entry, now);
    for (const [entry, { phase: was, until = Number.POSITIVE_INFINITY }] of open) {
      const phase: Phase = was.phase === 'watched' ? { phase: 'watched', over: now >= until } : was;
      const next: NextStep = !wasRead(entry)
        ? { step: phase.phase === 'watched' && phase.over ? 'leave' : 'wait' }
        : nextStep(entry, entry.seen?.stats, phase, { judge, now, readAt });
      if (next.step === 'again' && !next.force && phase.phase === 'answered') {
        const group = repeated.get(phase.answer) ?? { entries: [], delayMs: 0 };
        group.entries.push(entry);
        group.delayMs = Math.max(group.delayMs, next.delayMs);
        repeated.set(phase.answer, group);
      } else this.#takeStep(entry, phase, next);
    }
    for (const [answer, { entries, delayMs }] of repeated) {
      for (const entry of entries) this.#open.delete(entry);
      // If the server asks for a wait beyond the end of this sweep, waiting has no use.
      if (now + delayMs < budget.workEnd) this.#wait(askAgain(entries, answer, now + delayMs));
    }
  }

  /**
   * Records when a job was first read as closed, even before its request is answered. Frees the job's place, unless the
   * job is closing or about to close.
   */
  #noteState(entry: Entry, now: number): void {
    const state = entry.seen?.stats?.state;
    if (state === 'closed') entry.closedAt ??= now;
    const open = this.#open.get(entry);
    if (open?.place && !isHeldIn(state)) this.#open.set(entry, { ...open, place: undefined });
  }

  #takeStep(entry: Entry, phase: Phase, next: NextStep): void {
    const open = this.#open.get(entry);
    if (next.step === 'settle') this.#settle(entry, next.outcome);
    else if (next.step === 'again')
      this.#wait(
        together([entry], { force: next.force, notBefore: this.#closing.clock.now() + next.delayMs }),
      );
    else if (next.step === 'leave' && open) this.#open.set(entry, { ...open, isLeft: true });
    else if (phase.phase === 'answered') {
      this.#pace.shorten();
      this.#watch(entry);
    }
  }

  // --- changes of a job's state

  /** Queues these jobs again, ahead of the jobs that were never checked for a close. */
  #wait(jobs: readonly Waiting[]): void {
    for (const { entry } of jobs) this.#open.delete(entry);
    const isNew = ({ entry, force }: Waiting) => !force && entry.looks === 0;
    const first = this.#waiting.filter((each) => !isNew(each));
    this.#waiting = [...first, ...jobs, ...this.#waiting.filter(isNew)];
  }

  #settle(entry: Entry, outcome: Outcome): void {
    this.#open.delete(entry);
    // The last reading may have settled the job after time ran out. A later answer does not change that outcome.
    if (entry.settled) return;
    entry.settle(outcome, this.#closing.clock.now());
    this.#closing.observer.settled?.(entry);
  }
}

const isHeldIn = (state: string | undefined): boolean =>
  state !== undefined && state !== 'closed' && state !== 'failed';

const isRead = (open: Open): open is ReadOpen => open.phase.phase !== 'looked_at';
