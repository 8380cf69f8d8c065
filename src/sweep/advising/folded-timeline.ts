/** @module Shortens a timeline for display: repeated events between two opens or closes become one line. */
import { moment } from '../../base/words.ts';
import { repeatedWords, type TimelineEvent } from './timeline.ts';

/** Minimum number of events of one kind that are folded into one line. Fewer events have a line each. */
const minRepeats = 3;

/** Takes the events oldest first, as `timelineOf` returns them. */
export function foldTimeline(events: readonly TimelineEvent[]): TimelineEvent[] {
  const lines: TimelineEvent[] = [];
  let repeated: TimelineEvent[] = [];
  const fold = () => {
    lines.push(...folded(repeated).sort((a, b) => Date.parse(a.at) - Date.parse(b.at)));
    repeated = [];
  };
  for (const event of events) {
    if (kindOf(event) !== undefined) repeated.push(event);
    else {
      fold();
      lines.push(event);
    }
  }
  fold();
  return lines;
}

/** The kind of an event. Events of one kind may be folded; undefined for an event that is always shown. */
function kindOf({ what }: TimelineEvent): string | undefined {
  if (what === repeatedWords.silent || what === repeatedWords.again) return 'datafeed';
  if (what.startsWith('silent for ')) return 'silence';
  const words: readonly string[] = Object.values(repeatedWords);
  return words.includes(what) || what.startsWith(repeatedWords.saved) ? what : undefined;
}

function folded(events: readonly TimelineEvent[]): TimelineEvent[] {
  return [...Map.groupBy(events, kindOf)].flatMap(([kind, group]) =>
    kind === 'datafeed'
      ? foldDatafeed(group)
      : foldGroup(group, kind === 'silence' ? lengths(group) : undefined),
  );
}

/** Folds the messages about silences that have ended. Messages about a silence that continues stay separate. */
function foldDatafeed(events: readonly TimelineEvent[]): TimelineEvent[] {
  const ended = events.findLastIndex(({ what }) => what === repeatedWords.again) + 1;
  const times = events.slice(0, ended).filter(({ what }) => what === repeatedWords.again).length;
  return [
    ...foldGroup(events.slice(0, ended), `${repeatedWords.silent} and finds data again`, times),
    ...foldGroup(events.slice(ended)),
  ];
}

function foldGroup(
  events: readonly TimelineEvent[],
  what: string | undefined = events[0]?.what,
  times = events.length,
): readonly TimelineEvent[] {
  const [first] = events;
  const last = events.at(-1);
  if (!first || !last || what === undefined || events.length < minRepeats) return events;
  return [{ ...first, what: `${what}, ${times} times until ${moment(last.at)}` }];
}

function lengths(events: readonly TimelineEvent[]): string {
  const hours = events.map(({ what }) => Number(/\d+/.exec(what)?.[0]));
  return `silent for ${Math.min(...hours)} to ${Math.max(...hours)} hours`;
}
