/** @module When a datafeed read in real time, and what its messages prove about data. */
import type { Message, MessageCoverage } from './evidence.ts';
import { clockError, hour, minute } from './facts.ts';
import { intersectionOf, type Span, type Spans, unionOf } from './spans.ts';

/** Number of empty searches after which a datafeed is reported as silent. */
const searchesToSilence = 10;
/** Maximum time until Elasticsearch announces a continuing silence again: about a day's worth of searches. */
const longestRepeat = 26 * hour;

interface Feeds {
  readonly realtime: Spans;
  readonly silent: readonly Span[];
  readonly data: readonly Span[];
  readonly dense: Span[];
  readonly watched: readonly Span[];
}

export interface FeedsContext {
  readonly from: number;
  readonly asOf: number;
  readonly datafeedRuns: boolean;
  readonly coverage: MessageCoverage;
  /** The search interval from the datafeed's config. It is used if no message reports the start of the datafeed. */
  readonly frequency: number | undefined;
}

export const feedKinds = new Set([
  'feed_started',
  'feed_realtime',
  'feed_silent',
  'feed_again',
  'feed_errors',
  'feed_stopped',
  'lookback_done',
]);
/** Messages that only a running datafeed writes. */
const runningKinds = new Set(['feed_silent', 'feed_again', 'feed_errors', 'feed_stopped']);

/** Messages about opens and closes of the job. Each ends the current run of its datafeed. */
const processKinds = new Set(['opening', 'loading', 'closing', 'forced', 'killed', 'failed']);

/** Reads the messages of one job, oldest first. */
export function readFeeds(messages: readonly Message[], context: FeedsContext): Feeds {
  const reader = new FeedReader(messages, context);
  for (const message of messages) reader.take(message);
  return reader.end();
}

/** A period in which a datafeed runs in real time. */
interface Run {
  readonly from: number;
  /** Since when the datafeed has found no data. */
  readonly silentFrom?: number | undefined;
  /** From this time on, a silence would have been announced. */
  readonly denseFrom: number | undefined;
}

class FeedReader {
  readonly #context: FeedsContext;
  readonly #realtime: Span[] = [];
  readonly #silent: Span[] = [];
  readonly #data: Span[] = [];
  readonly #dense: Span[] = [];
  readonly #watched: Span[] = [];
  #frequency: number | undefined;
  #lookback: Message | undefined;
  #run: Run | undefined;

  constructor(messages: readonly Message[], context: FeedsContext) {
    this.#context = context;
    const { from, datafeedRuns } = context;
    const first = messages.find(({ kind }) => feedKinds.has(kind) || processKinds.has(kind));
    // The datafeed may already have been silent before the first message. In that case, the server would report the
    // silence again within a day.
    const isHeard = first === undefined || (first.kind !== 'feed_again' && first.at > from + longestRepeat);
    // If the datafeed had started after `from`, the first message would report its start. So it was running at `from`.
    if (first ? runningKinds.has(first.kind) : datafeedRuns)
      this.#run = { from: from + clockError, denseFrom: isHeard ? from + longestRepeat : undefined };
  }

  take(message: Message): void {
    const { kind, at } = message;
    if (processKinds.has(kind)) this.#endRun(at);
    else if (kind === 'feed_started') {
      this.#endRun(at);
      this.#lookback = message;
      this.#frequency = message.frequency;
    } else if (kind === 'lookback_empty') this.#lookback = undefined;
    else if (kind === 'lookback_done') this.#endLookback(at);
    else if (kind === 'feed_realtime') {
      this.#endRun(at);
      this.#run = { from: at + clockError, denseFrom: at + clockError };
    } else if (kind === 'feed_stopped') {
      this.#endRun(at);
      this.#lookback = undefined;
    } else if (kind === 'feed_again') this.#findAgain(at);
    else if (this.#run && kind === 'feed_silent') this.#fallSilent(at, this.#run);
    else if (this.#run && kind === 'feed_errors') {
      if (this.#run.silentFrom === undefined) this.#tile(at - clockError);
      this.#run = { ...this.#run, denseFrom: undefined };
    }
  }

  /** Returns what all messages together prove. */
  end(): Feeds {
    const { from, asOf, datafeedRuns } = this.#context;
    // A run without a message about its end lasts until now, if the datafeed is running. If not, the message was lost,
    // and the end of the run is unknown.
    if (datafeedRuns) this.#endRun(asOf);
    return {
      realtime: intersectionOf(unionOf(this.#realtime), [{ from, to: asOf }]),
      silent: this.#silent,
      data: this.#data,
      dense: this.#dense,
      watched: this.#watched,
    };
  }

  #endRun(at: number): void {
    const run = this.#run;
    if (!run) return;
    const to = at - clockError;
    this.#realtime.push({ from: run.from, to });
    if (run.silentFrom === undefined) this.#tile(to);
    else this.#silent.push({ from: run.silentFrom, to: to - clockError });
    this.#run = undefined;
  }

  /**
   * A look-back that found no data ends with a message of its own. If that message is missing, the look-back found
   * data.
   */
  #endLookback(at: number): void {
    if (this.#lookback?.ends) {
      this.#data.push({ from: this.#lookback.at - clockError, to: at + clockError });
      this.#watched.push({ from: this.#lookback.at, to: at });
    }
    this.#lookback = undefined;
  }

  #fallSilent(at: number, run: Run): void {
    if (run.silentFrom !== undefined) return;
    // A silence is reported after ten empty searches, so the first of them was nine searches earlier.
    const reach = this.#frequency === undefined ? 0 : (searchesToSilence - 1) * this.#frequency;
    const silentFrom = Math.max(at - reach, run.from) + clockError;
    this.#tile(silentFrom - 3 * clockError);
    this.#run = { from: run.from, silentFrom, denseFrom: undefined };
  }

  #findAgain(at: number): void {
    this.#data.push({ from: at - 2 * clockError, to: at + clockError });
    const run = this.#run;
    if (!run) return;
    if (run.silentFrom !== undefined) this.#silent.push({ from: run.silentFrom, to: at - 2 * clockError });
    this.#run = { from: run.from, denseFrom: at + clockError };
  }

  /** In every ten consecutive searches, at least one found data, because no silence was announced. */
  #tile(until: number): void {
    const interval = this.#frequency ?? this.#context.frequency;
    const from = this.#run?.denseFrom;
    if (from === undefined || interval === undefined || !this.#context.coverage.announcesSilence) return;
    const length = (searchesToSilence + 2) * interval + 5 * minute;
    for (let start = from; start + length <= until; start += length)
      this.#dense.push({ from: start - clockError, to: start + length });
  }
}
