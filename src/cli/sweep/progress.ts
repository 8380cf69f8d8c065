/** @module Shows progress while jobs close: a line that is redrawn on a terminal, otherwise an occasional line. */
import type { Clock } from '../../base/clock.ts';
import { plural, printable } from '../../base/text.ts';
import { span } from '../../base/words.ts';
import type { Entry, Observer } from '../../sweep/closing/ledger.ts';
import { type Output, widthOf } from '../io.ts';
import { type Paint, plain } from '../output/paint.ts';
import { shorten } from '../output/table.ts';

/**
 * Intervals in milliseconds: between regular redraws on a terminal, between lines elsewhere, and the minimum between
 * two redraws.
 */
const redrawEvery = 1_000;
const writeEvery = 15_000;
const redrawAtMostEvery = 100;

export interface ProgressOptions {
  readonly output: Output;
  /** The real clock, even if the clock of the cluster runs faster. */
  readonly clock: Clock;
  /** Maximum duration of the work, in milliseconds of `clock`. */
  readonly atMostMs: number;
  readonly paint?: Paint;
}

/** Shows the progress of one sweep until it is disposed. */
export class Progress implements Observer, Disposable {
  readonly #options: ProgressOptions;
  readonly #stop = new AbortController();
  /** Jobs whose close has begun, whether or not this sweep requested it. */
  readonly #underWay = new Set<string>();
  #hasAsked = false;
  #toDo: readonly Entry[] = [];
  #startedAt = 0;
  #written = Number.NEGATIVE_INFINITY;
  #last = '';

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  begun(entries: readonly Entry[]): void {
    this.#toDo = entries.filter((entry) => !entry.settled);
    this.#begin(this.#toDo.filter(({ verdict }) => verdict.verdict === 'wait'));
  }

  asking(entries: readonly Entry[]): void {
    this.#hasAsked = true;
    this.#begin(entries);
  }

  #begin(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const first = this.#underWay.size === 0;
    for (const { jobId } of entries) this.#underWay.add(jobId);
    if (first) {
      this.#startedAt = this.#options.clock.now();
      void this.#tick();
    } else this.#draw();
  }

  settled(): void {
    this.#draw();
  }

  /** Writes a message above the progress line. */
  notice(message: string): void {
    this.#clear();
    this.#options.output.write(`${printable(message)}\n`);
    this.#written = Number.NEGATIVE_INFINITY;
    this.#draw();
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    if (!this.#hasAsked && this.#last === '') return;
    this.#clear();
    const line = this.#line();
    if (this.#options.output.isTTY || this.#last !== line)
      this.#options.output.write(`${this.#painted(line)}\n`);
  }

  async #tick(): Promise<void> {
    const { output, clock } = this.#options;
    // The first draw waits for the event loop, so that a sweep that ends at once shows no progress.
    let pause = 0;
    while (!this.#stop.signal.aborted) {
      await clock.sleep(pause, this.#stop.signal).catch(() => undefined);
      this.#draw();
      pause = output.isTTY ? redrawEvery : writeEvery;
    }
  }

  #draw(): void {
    const { output, clock } = this.#options;
    if (this.#underWay.size === 0 || this.#stop.signal.aborted) return;
    const now = clock.now();
    // Limits the rate, because a thousand jobs may finish at the same time.
    if (now - this.#written < (output.isTTY ? redrawAtMostEvery : writeEvery)) return;
    const line = this.#line();
    if (output.isTTY) {
      // Keep the last column free: some terminals wrap when it is filled.
      output.write(`\r\u001b[2K${this.#painted(shorten(line, (widthOf(output) ?? 80) - 1))}`);
    } else if (line !== this.#last) {
      output.write(`${line}\n`);
    } else return;
    this.#written = now;
    this.#last = line;
  }

  #clear(): void {
    if (this.#options.output.isTTY && this.#last !== '') this.#options.output.write('\r\u001b[2K');
  }

  /** Colours the line after it is cut, so that no escape sequence is cut in half. */
  #painted(line: string): string {
    const { paint = plain } = this.#options;
    return paint(this.#toDo.some(hasFailed) ? 'bad' : 'notice', line);
  }

  #line(): string {
    const settled = this.#toDo.filter((entry) => entry.settled);
    // A job counts as closed as soon as the cluster reports it closed, which may be long before its close request is
    // answered.
    const early = this.#toDo.filter((entry) => !entry.settled && entry.closedAt !== undefined).length;
    const closedByNow = settled.filter(
      ({ outcome }) => outcome && closedOutcomes.has(outcome.outcome),
    ).length;
    const closed = closedByNow + early;
    const failed = settled.filter(hasFailed).length;
    // Jobs that are still closing do not count as done.
    const left = settled.filter(({ outcome }) => outcome?.outcome === 'closing').length;
    const unasked = settled.filter(({ outcome }) => outcome?.outcome === 'not_attempted').length;
    const other = settled.length - closedByNow - failed - left - unasked;
    const underWay = this.#toDo.filter((entry) => !entry.settled && this.#underWay.has(entry.jobId)).length;
    const closing = underWay - early;
    const waiting = this.#toDo.length - settled.length - underWay;
    const parts = [
      `${closed} of ${plural(this.#toDo.length, 'job')} closed`,
      ...(failed > 0 ? [`${failed} failed`] : []),
      ...(left > 0 ? [`${left} still closing`] : []),
      ...(unasked > 0 ? [`${unasked} not attempted`] : []),
      ...(other > 0 ? [`${other} otherwise done`] : []),
      ...(closing > 0 ? [`${closing} closing`] : []),
      ...(waiting > 0 ? [`${waiting} to go`] : []),
      ...(settled.length < this.#toDo.length ? [this.#timeLeft()] : []),
    ];
    return parts.join(', ');
  }

  /** The elapsed time and the time until the deadline. Closes vary too much for an estimate. */
  #timeLeft(): string {
    const { clock, atMostMs } = this.#options;
    const passed = clock.now() - this.#startedAt;
    const deadline = `deadline in ${span(Math.max(0, atMostMs - passed))}`;
    return passed < 1_000 ? deadline : `${span(passed)} elapsed, ${deadline}`;
  }
}

const closedOutcomes: ReadonlySet<string> = new Set(['closed', 'force_closed', 'already_closed']);

const hasFailed = ({ outcome }: Entry) => outcome?.outcome === 'error' || outcome?.outcome === 'unknown';
