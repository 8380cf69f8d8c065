/** @module An explanation as text: the verdict first, then the reasons. */

import { printable } from '../../base/text.ts';
import { bytes, moment, span } from '../../base/words.ts';
import { foldTimeline } from '../../sweep/advising/folded-timeline.ts';
import type { TimelineEvent } from '../../sweep/advising/timeline.ts';
import { actReasons, keepReasons } from '../../sweep/vocabulary.ts';
import { type Paint, plain } from '../output/paint.ts';
import { placesText } from '../output/places.ts';
import { type Sheet, sheetTable } from '../output/sheet.ts';
import { type Column, sentences, type TableLooks, table } from '../output/table.ts';
import { toneOfVerdict } from '../output/tones.ts';
import { closedLines } from './closed-text.ts';
import type { ExplainedClock, ExplainedRule, Explanation } from './explanation.ts';

const clockColumns: readonly Column<ExplainedClock>[] = [
  { title: 'CLOCK', value: ({ name }) => name },
  { title: 'VALUE', value: ({ value }) => (value === null ? 'not known' : moment(value)) },
  {
    title: 'AGO',
    value: ({ agoMs }) => (agoMs === null ? '' : agoMs < 0 ? `in ${span(-agoMs)}` : span(agoMs)),
    align: 'right',
  },
  { title: 'NOTE', value: ({ decides, note }) => note ?? (decides ? 'decides' : ''), min: 8, leftOut: 1 },
  { title: 'SOURCE', value: ({ source }) => source, leftOut: 2 },
];

const ruleColumns: readonly Column<ExplainedRule>[] = [
  { title: 'KEPT WHEN', value: ({ reason }) => reason },
  {
    title: 'HOLDS',
    value: ({ holds }) => (holds ? 'yes' : 'no'),
    tone: ({ holds }) => (holds ? 'strong' : 'faint'),
  },
  { title: 'SAW', value: ({ saw }) => saw, min: 20 },
];

const eventColumns: readonly Column<TimelineEvent>[] = [
  { title: 'WHEN', value: ({ at }) => moment(at) },
  { title: 'WHAT', value: ({ what }) => what, min: 16 },
  { title: 'BY', value: ({ by }) => by ?? '', min: 10 },
  { title: 'SOURCE', value: ({ source }) => source, leftOut: 1 },
];

export function explanationText(explanation: Explanation, looks: TableLooks = {}): string {
  const { clocks, rules } = explanation;
  const { paint = plain, width } = looks;
  const words = [
    paint('strong', printable(headline(explanation))),
    '',
    ...verdictLines(explanation, paint),
    '',
    printable(stateText(explanation)),
    printable(idleText(explanation)),
    ...placesOf(explanation),
    '',
  ];
  const lines = [
    ...sentences(words, width),
    table(clocks, clockColumns, looks),
    ...(rules.length > 0 ? ['', table(rules, ruleColumns, looks)] : []),
    ...timelineLines(explanation, looks),
    ...sentences(pastLines(explanation), width),
  ];
  return `${lines.join('\n')}\n`;
}

export function explanationSheet(explanation: Explanation): Sheet {
  const { clocks, rules } = explanation;
  return {
    title: headline(explanation),
    lines: [
      ...verdictLines(explanation, plain),
      stateText(explanation),
      idleText(explanation),
      ...placesOf(explanation),
      ...pastLines(explanation).filter((line) => line !== ''),
    ],
    tables: [
      sheetTable(clockColumns, clocks, 'Clocks'),
      sheetTable(ruleColumns, rules, 'Rules'),
      sheetTable(eventColumns, foldTimeline(explanation.timeline?.events ?? []), 'Past'),
    ],
  };
}

function timelineLines({ timeline }: Explanation, looks: TableLooks): string[] {
  if (!timeline) return [];
  const events = foldTimeline(timeline.events);
  return [
    '',
    events.length > 0 ? table(events, eventColumns, looks) : 'its past is unknown',
    ...(events.length < timeline.events.length
      ? sentences([`${timeline.events.length} events; -o json lists each of them`], looks.width)
      : []),
    ...sentences(
      timeline.missing.map(({ source, why }) => printable(`not read: ${source} (${why})`)),
      looks.width,
    ),
  ];
}

const placesOf = ({ places }: Explanation): string[] => (places ? [placesText(places, 'its node')] : []);

function headline({ jobId, cluster, at }: Explanation): string {
  const version = cluster.version === null ? '' : ` ${cluster.version}`;
  return `${jobId} on the cluster ${cluster.name}${version}, ${moment(at)}`;
}

function verdictLines(explanation: Explanation, paint: Paint): string[] {
  const { verdict, changes, fuse, named, closed, protection } = explanation;
  const hints = protection.hint === undefined ? [] : [paint('warning', printable(protection.hint))];
  if (closed) return [...closedLines(explanation, closed), ...hints];
  if (verdict === null) return hints;
  const means = { ...keepReasons, ...actReasons }[verdict.reason].replaceAll('`', '');
  return [
    `${paint(toneOfVerdict[verdict.verdict], verdict.verdict)}, because ${verdict.reason}: ${means}`,
    ...changes.map(
      (change) =>
        `${change.verdict} (${change.reason}) in ${span(change.inMs)}, at ${moment(change.at)}, if no data arrives and it is not opened or closed`,
    ),
    ...(changes.length === 0 ? [whatWouldChange(verdict)] : []),
    ...(named
      ? []
      : [paint('warning', 'but "jobs" in the request does not include it, so this sweep ignores it')]),
    ...(fuse === null ? [] : [paint('bad', `but the fuse ${fuse} would refuse the whole sweep`)]),
    ...hints,
  ];
}

function whatWouldChange(verdict: NonNullable<Explanation['verdict']>): string {
  if (verdict.verdict === 'wait') return 'it changes when the close that is under way ends';
  if (verdict.verdict === 'keep') return advice[verdict.reason];
  return 'it changes when data arrives, when it is opened again, or when one of the rules below applies';
}

/** What would change each verdict. Shown only if the passage of time alone will not change the verdict. */
const advice: Readonly<Record<keyof typeof keepReasons, string>> = {
  excluded: 'it changes when exclude no longer names it',
  recent_data: 'it changes when no data has arrived for the duration of idleFor',
  recently_opened: 'it changes when it has been open for the duration of idleFor',
  protected: 'it changes when custom_settings.jobsweep of the job says otherwise',
  managed: 'it changes with "managed": "close" in the request',
  unknown_state: 'it changes when the cluster returns its config and its stats again',
  blocked: 'it changes when it is no longer blocked',
  opening:
    'it changes when it is open; one whose process has run for 90 minutes changes with "stuckOpening": "close" in the request, any other waits for a node or cannot be opened',
  no_process: 'it changes when it runs on a node again',
  lookback_running: 'it changes when its datafeed has read the past, or is stopped',
  forecast_running: 'it changes when the forecast is done',
  datafeed_running:
    'it changes when its datafeed is stopped, or with "runningDatafeeds": "stop" in the request',
  never_fed: 'it changes when data has arrived, or with "neverFed": "close" in the request',
  no_clock: 'it changes when the cluster returns when it was opened or last had data',
  state_not_chosen: 'it changes when "states" in the request includes its state',
  force_not_allowed: 'it changes when "force" in the request allows it',
  flapping: 'it changes when the history no longer shows three closes; it seems to be needed, so protect it',
  not_as_planned: 'it changes with a new plan',
};

/** Says what earlier sweeps did with the job or, if no report names the sweep that closed it, how to find out. */
function pastLines({ past, closed, reopenedAt }: Explanation): string[] {
  // The first line already names the sweep that closed the job.
  const others = closed?.isLater === false ? past.filter((deed) => deed !== closed.by) : past;
  const sweeps = others.map(({ startedAt, sweepId, outcome, reason, idleMs }) => ({
    at: startedAt,
    what: `${outcome}${reason === undefined ? '' : `, because ${reason}`}${idleMs === undefined ? '' : `, idle for ${span(idleMs)}`} (sweep ${sweepId})`,
  }));
  if (sweeps.length > 0) {
    const events = [...sweeps, ...reopenedAt.map((at) => ({ at, what: 'opened by jobsweep reopen' }))];
    events.sort((a, b) => (a.at < b.at ? -1 : 1));
    return ['', 'earlier sweeps:', ...events.map(({ at, what }) => `  ${moment(at)}  ${printable(what)}`)];
  }
  if (!closed || (closed.by && !closed.isLater)) return [];
  return [
    '',
    'which sweep closed it, and why: give its report or the function’s log lines with --history FILE; where reports are stored in Elasticsearch, --history alone reads them',
  ];
}

function stateText({ state, nodeName, memoryBytes, reservedBytes, groups, datafeed }: Explanation): string {
  return [
    `${state}${nodeName === undefined ? '' : ` on ${nodeName}`}`,
    ...(memoryBytes === undefined ? [] : [`${bytes(memoryBytes)} of model memory`]),
    ...(reservedBytes === undefined ? [] : [`${bytes(reservedBytes)} of reserved memory`]),
    ...(groups.length > 0 ? [`in ${groups.join(', ')}`] : []),
    datafeed ? `datafeed ${datafeed.datafeedId} ${datafeed.state}` : 'no datafeed',
  ].join('; ');
}

function idleText({ idleMs, idleFor, verdict }: Explanation): string {
  if (idleMs === null) return 'idle time unknown';
  const since = `last activity ${span(idleMs)} ago`;
  return verdict === null ? since : `${since}; idle from ${idleFor} on`;
}
