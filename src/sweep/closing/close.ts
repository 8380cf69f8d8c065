/**
 * @module Batches into outcomes. An HTTP answer is a hint and nothing more: a close goes on after its request timed out,
 * one vanished job rejects a whole batch, a lost reply says nothing. Only the states that the cluster tells afterwards
 * decide; what is still open is asked again after a look, what is closing is watched, and all of it ends in time.
 */
import type { CloseAllowance } from '../budget.ts';
import { runs } from '../inventory.ts';
import { type Batch, closeBatch, cutBatches, forcedBatches } from '../plan.ts';
import type { CloseAnswer, ClusterError } from '../ports.ts';
import { RequestQueue } from '../queue.ts';
import { Rounds } from '../rounds.ts';
import { StateReader, type States } from '../states.ts';
import { Watch } from '../watch.ts';
import type { Closing } from '../world.ts';
import type { Entry } from './ledger.ts';
import {
  afterAnswer,
  askAgain,
  errorOf,
  goesToForce,
  type NextStep,
  openedSinceAsk,
  reopenedError,
  whileWatching,
} from './next-step.ts';
import { Places } from './places.ts';
import { lookAt } from './request.ts';

/**
 * Asks, watches and asks again until every entry is settled or `ending` aborts; then the rest is without outcome, and
 * `conclude` says what is known of it. Entries with verdict `wait` are watched, those with `close` and `force` asked.
 * Rejects only on a bug: what a cluster can do wrong becomes an outcome.
 */
export async function closeJobs(entries: readonly Entry[], closing: Closing): Promise<void> {
  await new CloseEngine(closing).run(entries);
}

class CloseEngine {
  readonly #closing: Closing;
  readonly #states: StateReader;
  readonly #queue: RequestQueue;
  /** With `close.perNode`: who has a place on its node, who waits for one, and the rounds that give them out. */
  #places: Places | undefined;
  #rounds: Rounds | undefined;
  readonly #watched: Watch;
  /** Jobs that this sweep has forced, or is about to. */
  readonly #forced = new Set<string>();
  #inFlight = 0;
  /** Requests whose jobs are being looked at, asked or read: while there are any, more work may come. */
  #busy = 0;
  #requests = 0;
  #denied: ClusterError | undefined;
  readonly #done = Promise.withResolvers<void>();

  constructor(closing: Closing) {
    this.#closing = closing;
    this.#states = new StateReader(closing.cluster, closing.ending);
    this.#queue = new RequestQueue(closing.clock, closing.ending, () => this.#pump());
    this.#watched = new Watch({
      clock: closing.clock,
      ending: closing.ending,
      timeoutMs: closing.request.close.timeout,
      read: (entries) => this.#read(entries),
      seen: (entry, states, over) => this.#seenWatched(entry, states, over),
      roundDone: () => this.#pump(),
      failed: (error) => this.#done.reject(error),
    });
  }

  async run(entries: readonly Entry[]): Promise<void> {
    const { request, ending } = this.#closing;
    const { perNode, batch } = request.close;
    // break: cut-batches
    if (perNode === undefined) this.#queue.push(...cutBatches(entries, batch));
    else this.#queue.push(...forcedBatches(entries));
    for (const entry of entries) if (entry.verdict.verdict === 'wait') this.#watched.add(entry);
    const end = () => this.#done.resolve();
    ending.addEventListener('abort', end);
    if (ending.aborted) end();
    if (perNode === undefined) this.#pump();
    else this.#fill(new Places(entries, perNode, batch));
    await this.#done.promise;
    ending.removeEventListener('abort', end);
  }

  /** Starts what may start; resolves the run when nothing is left that could go on. */
  #pump(): void {
    while (this.#mayStart()) {
      const batch = this.#queue.next();
      if (!batch) break;
      this.#start(batch);
    }
    if (this.#busy === 0 && this.#watched.isEmpty && this.#queue.isEmpty && !this.#places?.someWait)
      this.#done.resolve();
  }

  #mayStart(): boolean {
    const { request, ending } = this.#closing;
    // break: concurrency
    return !ending.aborted && this.#inFlight < request.close.concurrency;
  }

  /** `areTold`: the stats of the batch's jobs were read just now. */
  #start(batch: Batch, areTold = false): void {
    this.#inFlight += 1;
    this.#busy += 1;
    void this.#carryOut(batch, areTold).then(
      () => this.#finished(),
      (error: unknown) => this.#done.reject(error),
    );
  }

  /** Has the graceful jobs asked as places on their nodes get free. */
  #fill(places: Places): void {
    const { clock, ending } = this.#closing;
    this.#places = places;
    this.#rounds = new Rounds(places, {
      clock,
      ending,
      mayStart: () => this.#mayStart(),
      start: (batch, areTold) => this.#start(batch, areTold),
      read: (entries) => this.#read(entries),
      isOver: () => ending.aborted || this.#denied !== undefined,
    });
    // what is forced is done in a moment, and goes first
    this.#pump();
    const rounds = this.#rounds.run().then(() => {
      if (this.#denied) this.#refuse(places.takeAll(), this.#denied);
      this.#pump();
    });
    rounds.catch((error: unknown) => this.#done.reject(error));
  }

  #finished(): void {
    this.#busy -= 1;
    this.#pump();
  }

  async #carryOut(batch: Batch, areTold: boolean): Promise<void> {
    let asked: { entries: Entry[]; answer: CloseAnswer } | undefined;
    try {
      const ready = await this.#look(batch, areTold);
      // What the look sends another way need not wait until this request, which may take minutes, has ended.
      this.#pump();
      asked = await this.#ask(ready, batch.force);
    } finally {
      // The request has ended: its place is free for the next one while its jobs are read and watched.
      this.#inFlight -= 1;
      for (const entry of batch.entries) this.#places?.leave(entry);
      this.#pump();
    }
    // break: read-back
    if (asked) await this.#readBack(asked.entries, asked.answer);
  }

  /** Reads the jobs of a batch again and returns those that are still to be asked, in the way the batch asks. */
  async #look({ entries, force }: Batch, areTold: boolean): Promise<Entry[]> {
    const { clock, ending, judge } = this.#closing;
    if (ending.aborted || !this.#allowance(entries)) return [];
    if (this.#denied) return this.#refuse(entries, this.#denied);
    let jobs: Awaited<ReturnType<typeof lookAt>>;
    try {
      // break: fresh-look
      jobs = await this.#freshLook(entries, areTold);
    } catch (error) {
      // An asked job's fate is read at the end; one never asked was left alone, and the reason stands beside it.
      if (!ending.aborted)
        for (const entry of entries) if (entry.asks === 0) this.#leave(entry, unreadable(error));
      return [];
    }
    const ready: Entry[] = [];
    for (const entry of entries) {
      const job = jobs.get(entry.jobId);
      if (!job) this.#settle(entry, { outcome: 'gone' });
      else if (job.state === 'closed') this.#settle(entry, { outcome: closedAs(entry) });
      else {
        entry.job = { ...job, modelBytes: job.modelBytes ?? entry.job.modelBytes };
        // break: verdict-before-asking
        const verdict = judge.judge(job, clock.now(), entry.presentHistory);
        if (verdict.verdict === 'keep') {
          this.#noLonger(entry, verdict);
          continue;
        }
        // A job that we asked and that is closing keeps the verdict it was asked by.
        if (!(verdict.verdict === 'wait' && entry.asks > 0)) entry.verdict = verdict;
        entry.looks += 1;
        if (verdict.verdict === 'wait') {
          entry.askedAt ??= clock.now();
          this.#watched.add(entry);
        } else if (entry.looks > mostLooks) this.#refuse([entry], unstable(entry));
        else if ((verdict.verdict === 'force') !== force)
          this.#queue.push({ entries: [entry], force: !force });
        else if (force && !this.#mayForceOneMore(entry)) {
          // One that was asked before is closing or failed by now: the last look says which.
          if (entry.asks === 0) this.#settle(entry, { outcome: 'not_attempted', because: 'limit' });
        } else ready.push(entry);
      }
    }
    return ready;
  }

  /** Reads jobs until all that is told of them is young enough to be acted on. Throws when that cannot be had. */
  async #freshLook(entries: readonly Entry[], areTold: boolean): ReturnType<typeof lookAt> {
    const { cluster, clock, ending } = this.#closing;
    const world = { cluster, states: this.#states, clock };
    const jobs = entries.map((entry) => entry.job);
    for (let tries = 1; tries <= mostSlowLooks; tries++) {
      const begun = clock.now();
      const told = await lookAt(jobs, world, ending, tries === 1 && areTold);
      // break: oldest-look
      if (clock.now() - begun <= oldestLook) return told;
    }
    throw new Error(`the cluster took more than ${oldestLook / 1_000} s to tell, ${mostSlowLooks} times`);
  }

  /** A job that nobody asked, and that could not be read whole: it is left as it is, if it is not over already. */
  #leave(entry: Entry, error: ClusterError): void {
    if (this.#states.isGone(entry.jobId)) this.#settle(entry, { outcome: 'gone' });
    else if (this.#states.last(entry.jobId)?.state === 'closed')
      this.#settle(entry, { outcome: closedAs(entry) });
    else this.#settle(entry, { outcome: 'error', error });
  }

  #mayForceOneMore(entry: Entry): boolean {
    if (this.#forced.has(entry.jobId)) return true;
    // break: force-max
    if (this.#forced.size >= this.#closing.request.force.max) return false;
    this.#forced.add(entry.jobId);
    return true;
  }

  /** Judged anew, and to be kept: revived, or, when it was opened again after our ask, an error that says so. */
  #noLonger(entry: Entry, verdict: Extract<Entry['verdict'], { verdict: 'keep' }>): void {
    const { job } = entry;
    if (openedSinceAsk(entry, job.openedAt)) {
      this.#settle(entry, { outcome: 'error', error: reopenedError(entry) });
      return;
    }
    // Asked, refused or failed at closing, and not to be forced: that is no revival.
    if (entry.asks > 0 && job.state === 'failed') {
      this.#refuse([entry], entry.lastError ?? failedError);
      return;
    }
    entry.verdict = verdict;
    this.#settle(entry, { outcome: 'revived' });
  }

  /** Sends one close request; undefined when nobody is to be asked, or no time is left that could account for it. */
  async #ask(
    entries: readonly Entry[],
    force: boolean,
  ): Promise<{ entries: Entry[]; answer: CloseAnswer } | undefined> {
    const { cluster, clock, ending, observer } = this.#closing;
    const batch = closeBatch(entries);
    const allowance = this.#allowance(entries);
    // Without outcome: `conclude` says for each whether it was never asked, or asked before.
    if (!batch || !allowance || ending.aborted) return undefined;
    const now = clock.now();
    this.#requests += 1;
    for (const entry of entries) {
      entry.asks += 1;
      entry.askedAt ??= now;
      entry.lastAskAt = now;
      entry.seen = undefined;
      entry.forced ||= force;
      entry.batch = this.#requests;
      if (runs(entry.job.datafeed)) entry.stopsDatafeed = entry.job.datafeed.datafeedId;
    }
    observer.asking?.(entries, this.#requests);
    using limit = clock.limit(allowance.answerMs);
    const signal = AbortSignal.any([limit.signal, ending]);
    const answer = await cluster.close(batch, { force, timeoutMs: allowance.timeoutMs, signal });
    if (answer.kind === 'denied') this.#denied = answer.error;
    for (const entry of entries) entry.lastError = errorOf(answer);
    return { entries: [...entries], answer };
  }

  #allowance(entries: readonly Entry[]): CloseAllowance | undefined {
    const { budget, request } = this.#closing;
    return budget.allow(request.close.timeout, entries.some((entry) => runs(entry.job.datafeed)) ? 2 : 1);
  }

  /** Reads the states after an answer, whatever it said, and takes each job's next step. */
  async #readBack(entries: readonly Entry[], answer: CloseAnswer): Promise<void> {
    const { clock, budget } = this.#closing;
    // A clean answer can wait for the next round of places; after any other the time for watching has begun.
    const inRound = answer.kind === 'acknowledged' ? this.#rounds : undefined;
    const states = await (inRound?.readAnswered(entries) ?? this.#read(entries));
    if (!states) return this.#watchUnread(entries);
    const again: Entry[] = [];
    let delay = 0;
    for (const entry of entries) {
      entry.seen = states.get(entry.jobId);
      const next = afterAnswer(entry, entry.seen, answer, clock.now());
      if (next.step === 'again' && !next.force) {
        again.push(entry);
        delay = Math.max(delay, next.delayMs);
      } else this.#take(entry, next);
    }
    // A server that says "later" than this sweep lasts is not waited for: the time would be paid for nothing.
    if (clock.now() + delay < budget.workEnd)
      this.#queue.push(...askAgain(again, answer, clock.now() + delay));
  }

  #read(entries: readonly Entry[]): Promise<States | undefined> {
    return this.#states.read(entries.flatMap((entry) => entry.job.target ?? [])).catch(() => undefined);
  }

  /** The cluster could not be read after a request: the jobs are watched, which is reading on at a pace. */
  #watchUnread(entries: readonly Entry[]): void {
    for (const entry of entries) this.#watched.add(entry);
  }

  #take(entry: Entry, next: NextStep): void {
    if (next.step === 'settle_gone') this.#settle(entry, { outcome: 'gone' });
    else if (next.step === 'settle_closed') this.#settle(entry, { outcome: closedAs(entry) });
    else if (next.step === 'watch') this.#watched.add(entry);
    else if (next.step === 'give_up') this.#settle(entry, { outcome: 'error', error: next.error });
    else
      this.#queue.push({
        entries: [entry],
        force: next.force,
        // Stryker disable next-line ArithmeticOperator: what comes here has no pause yet
        notBefore: this.#closing.clock.now() + next.delayMs,
      });
  }

  #seenWatched(entry: Entry, states: States | undefined, over: boolean): void {
    const { clock, judge } = this.#closing;
    const now = clock.now();
    if (!states) {
      // Unread to the end: the last look of the sweep is the next to try.
      if (over) this.#watched.drop(entry);
      return;
    }
    entry.seen = states.get(entry.jobId);
    const next = whileWatching(entry, entry.seen, over, now);
    if (next.step === 'watch') {
      if (!over) return;
      this.#watched.drop(entry);
      // Else it has no outcome yet: while other jobs are closed it may become closed, and the last look tells.
      if (goesToForce(entry, judge, now)) this.#queue.push({ entries: [entry], force: true });
      return;
    }
    this.#watched.drop(entry);
    this.#take(entry, next);
  }

  #refuse(entries: readonly Entry[], error: ClusterError): [] {
    for (const entry of entries) this.#settle(entry, { outcome: 'error', error });
    return [];
  }

  #settle(entry: Entry, outcome: Parameters<Entry['settle']>[0]): void {
    // After the ending the last look tells: what an answer on its way says then comes too late.
    if (entry.settled) return;
    entry.settle(outcome, this.#closing.clock.now());
    this.#closing.observer.settled?.(entry);
  }
}

/** How a job that the cluster says is closed came to be so. */
export function closedAs(entry: Entry): 'closed' | 'force_closed' | 'already_closed' {
  // break: force-closed
  if (entry.forced) return 'force_closed';
  return entry.asks > 0 || entry.earlierAttempts > 0 || entry.history.askedAt !== undefined
    ? 'closed'
    : 'already_closed';
}

/**
 * A look of several reads is as old as the first of them. One read that had to be tried again for two minutes would let
 * a job be closed on what the others said two minutes ago: such a look is made again, and not more than so often.
 */
const oldestLook = 30_000;
const mostSlowLooks = 3;

/** Looks at one job before it is given up as changing under our eyes; three asks need no more than seven. */
const mostLooks = 8;

const unstable = (entry: Entry): ClusterError => ({
  status: 0,
  type: 'unstable',
  reason: `the job changed its state at each of ${entry.looks} looks`,
});

const failedError: ClusterError = {
  status: 200,
  type: 'failed',
  reason: 'the job failed while it was being closed, and force is not allowed',
};

function unreadable(error: unknown): ClusterError {
  const { status } = error as { status?: unknown };
  return {
    status: typeof status === 'number' ? status : 0,
    type: 'unreadable',
    reason: `the job could not be read right before it was to be asked: ${error instanceof Error ? error.message : String(error)}`,
  };
}
