/** @module Histogram of how long open jobs have been idle, with the threshold, to help a reader choose a threshold. */
import type { Axis, Mark, Spec } from 'vega';
import { formatDuration, formatIdleTime } from '../../../base/duration.ts';
import { plural } from '../../../base/text.ts';
import { span } from '../../../base/words.ts';
import type { Picture } from '../cluster-picture.ts';
import { type Chart, ink } from './chart.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * The lower bounds of the bars. Idle times span six orders of magnitude, so with bars of equal width, almost all jobs
 * would be in one bar. Each bound is a valid `idleFor`.
 */
const edges = [
  0,
  5 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  4 * hour,
  8 * hour,
  12 * hour,
  day,
  2 * day,
  3 * day,
  5 * day,
  7 * day,
  14 * day,
  30 * day,
  60 * day,
  120 * day,
  365 * day,
] as const;

interface Bar {
  readonly index: number;
  readonly from: number;
  readonly label: string;
  readonly kept: number;
  readonly acted: number;
}

export function idleHistogram({ jobs, idleFor }: Picture): Chart {
  const known = jobs.filter((job) => job.idleMs !== undefined);
  const bars = edges.map((from, index): Bar => {
    const to = edges[index + 1] ?? Number.POSITIVE_INFINITY;
    const within = known.filter(({ idleMs = 0 }) => idleMs >= from && idleMs < to);
    const acted = within.filter(({ verdict }) => verdict !== 'keep').length;
    return {
      index,
      from,
      label: from === 0 ? '0' : formatDuration(from),
      kept: within.length - acted,
      acted,
    };
  });
  const over = known.filter(({ idleMs = 0 }) => idleMs >= idleFor);
  const unknown = jobs.length - known.length;
  const without = unknown > 0 ? ` For ${plural(unknown, 'more job')} the idle time is unknown.` : '';
  return {
    title: 'How long jobs have been idle',
    summary: `${over.length} of ${plural(known.length, 'job')} have been idle for at least ${formatIdleTime(idleFor)}, the threshold of this request; ${over.filter(({ verdict }) => verdict === 'keep').length} of them are kept for other reasons.${without}`,
    legend: [
      [ink.close, 'to be closed'],
      [ink.kept, 'kept'],
    ],
    draw: (width) => draw(bars, position(idleFor), `idleFor ${formatIdleTime(idleFor)}`, width),
    table: {
      titles: ['Idle for at least', 'Kept', 'To close', 'Idle at least this long, in total'],
      rows: bars.map(({ from, kept, acted }) => [
        span(from),
        String(kept),
        String(acted),
        String(known.filter(({ idleMs = 0 }) => idleMs >= from).length),
      ]),
    },
  };
}

/** The position of a duration on the axis. Each bar is 1 wide, with a linear scale of its own. */
function position(ms: number): number {
  const index = edges.findLastIndex((edge) => edge <= ms);
  const from = edges[index] ?? 0;
  const to = edges[index + 1] ?? from * 2;
  return index + Math.min(1, (ms - from) / (to - from));
}

/**
 * The top of the scale. In a healthy cluster most jobs were busy minutes ago, and their bar would dwarf all others. So
 * a bar far above the rest is cut off and labelled with its number.
 */
function topOf(bars: readonly Bar[]): number {
  const [first = 0, second = 0] = bars.map(({ kept, acted }) => kept + acted).sort((a, b) => b - a);
  return Math.max(1, first > 4 * second && second > 0 ? 1.5 * second : first);
}

function draw(bars: readonly Bar[], threshold: number, label: string, width: number): Spec {
  const top = topOf(bars);
  const stacked = bars.flatMap(({ index, kept, acted }) => [
    { index, from: 0, to: Math.min(top, kept), fill: ink.kept },
    { index, from: Math.min(top, kept), to: Math.min(top, kept + acted), fill: ink.close },
  ]);
  const counts = bars
    .map(({ index, kept, acted }) => ({ index, count: kept + acted, at: Math.min(top, kept + acted) }))
    .filter(({ count }) => count > 0)
    .map((each) => ({ ...each, label: each.count > top ? `↑ ${each.count}` : String(each.count) }));
  const narrow = width < 600;
  return {
    width: width - 62,
    height: 240,
    padding: { left: 56, right: 6, top: 34, bottom: 44 },
    autosize: 'none',
    data: [
      { name: 'bars', values: stacked.filter(({ from, to }) => to > from) },
      { name: 'counts', values: counts },
      { name: 'threshold', values: [{ at: threshold, label }] },
    ],
    scales: [
      { name: 'x', type: 'linear', domain: [0, bars.length], range: 'width' },
      {
        name: 'y',
        type: 'linear',
        domain: [0, top],
        range: 'height',
      },
    ],
    axes: [jobsAxis, idleAxis(bars, narrow)],
    marks: [barMark, countMark(narrow), ...thresholdMarks(threshold / bars.length)],
  };
}

const jobsAxis: Axis = {
  orient: 'left',
  scale: 'y',
  title: 'jobs',
  grid: true,
  domain: false,
  ticks: false,
  format: 'd',
  tickMinStep: 1,
  tickCount: 5,
  titlePadding: 8,
};

const idleAxis = (bars: readonly Bar[], narrow: boolean): Axis => ({
  orient: 'bottom',
  scale: 'x',
  title: 'idle for',
  values: bars.filter(({ index }) => !narrow || index % 3 === 0).map(({ index }) => index),
  encode: {
    labels: {
      update: { text: { signal: `${JSON.stringify(bars.map((bar) => bar.label))}[datum.value]` } },
    },
  },
});

const barMark: Mark = {
  type: 'rect',
  from: { data: 'bars' },
  encode: {
    enter: {
      x: { scale: 'x', field: 'index', offset: 1 },
      x2: { scale: 'x', signal: 'datum.index + 1', offset: -1 },
      y: { scale: 'y', field: 'from' },
      y2: { scale: 'y', field: 'to' },
      fill: { field: 'fill' },
    },
  },
};

const countMark = (narrow: boolean): Mark => ({
  type: 'text',
  from: { data: 'counts' },
  encode: {
    enter: {
      x: { scale: 'x', signal: 'datum.index + 0.5' },
      y: { scale: 'y', field: 'at', offset: -4 },
      align: { value: 'center' },
      text: { field: 'label' },
      fill: { value: ink.faint },
      fontSize: { value: narrow ? 10 : 12 },
      font: { value: 'system-ui, sans-serif' },
    },
  },
});

/** The threshold line and its label; `share` is its position on the axis, from 0 to 1. */
const thresholdMarks = (share: number): Mark[] => [
  {
    type: 'rule',
    from: { data: 'threshold' },
    encode: {
      enter: {
        x: { scale: 'x', field: 'at' },
        y: { value: -14 },
        y2: { signal: 'height' },
        stroke: { value: ink.bad },
        strokeWidth: { value: 2 },
        strokeDash: { value: [5, 3] },
      },
    },
  },
  {
    type: 'text',
    from: { data: 'threshold' },
    encode: {
      enter: {
        x: { scale: 'x', field: 'at' },
        y: { value: -19 },
        align: {
          value: share > 0.7 ? 'right' : share < 0.3 ? 'left' : 'center',
        },
        text: { field: 'label' },
        fill: { value: ink.text },
        fontSize: { value: 13 },
        font: { value: 'system-ui, sans-serif' },
      },
    },
  },
];
