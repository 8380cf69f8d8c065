/**
 * @module A timeline of all closes by node. It shows which closes were requested together, were slow, or did not end.
 */
import type { Mark, Spec } from 'vega';
import { plural, printable } from '../../../base/text.ts';
import { span } from '../../../base/words.ts';
import type { ReportedJob, SweepReport } from '../../../sweep/reporting/report.ts';
import type { OutcomeName } from '../../../sweep/vocabulary.ts';
import { type Chart, ink } from './chart.ts';

interface Bar {
  readonly job: ReportedJob;
  readonly node: string;
  /** Milliseconds since the sweep began. */
  readonly from: number;
  readonly to: number;
}

interface PlacedBar extends Bar {
  /** The row of the bar within its node. Overlapping bars get different rows. */
  readonly row: number;
}

interface Lane {
  readonly node: string;
  readonly rows: number;
  readonly bars: readonly PlacedBar[];
}

const fills: Readonly<Partial<Record<OutcomeName, string>>> = {
  closed: ink.good,
  force_closed: ink.force,
  closing: ink.warning,
  error: ink.bad,
  unknown: ink.bad,
};

/** Undefined if no close was requested. */
export function timeline(report: SweepReport): Chart | undefined {
  const bars = barsOf(report);
  if (bars.length === 0) return undefined;
  const lanes = lanesOf(bars);
  const longest = bars.reduce((most, bar) => (bar.to - bar.from > most.to - most.from ? bar : most));
  const total = Math.max(...bars.map(({ to }) => to));
  const rounds = (report.rounds ?? []).map(({ round, startedAt }) => ({
    at: Date.parse(startedAt) - Date.parse(report.startedAt),
    label: `round ${round}`,
  }));
  const batches = new Set(bars.flatMap(({ job }) => job.batch ?? [])).size;
  return {
    title: 'Closes by node',
    summary: `${plural(bars.length, 'job')} in ${plural(batches, 'request')} over ${span(total)}; the longest, ${longest.job.jobId}, took ${span(longest.to - longest.from)}. Bars that begin together were asked in one request; a bar ends when the job was seen closed, or when its outcome was known.`,
    legend: legendOf(bars),
    draw: (width) => draw(lanes, { total, rounds }, width),
    table: {
      titles: ['Request', 'Node', 'Job', 'Asked after', 'Took', 'Outcome'],
      rows: bars.map(({ job, node, from, to }) => [
        String(job.batch ?? ''),
        node,
        job.jobId,
        span(from),
        span(to - from),
        job.outcome,
      ]),
    },
  };
}

function legendOf(bars: readonly Bar[]): Chart['legend'] {
  const outcomes = [...new Set(bars.map(({ job }) => job.outcome))].sort();
  return outcomes.map((outcome) => [fills[outcome] ?? ink.kept, outcome.replace('_', ' ')]);
}

function barsOf({ jobs, startedAt, durationMs }: SweepReport): Bar[] {
  const start = Date.parse(startedAt);
  return jobs
    .filter(({ askedAt, batch }) => askedAt !== undefined && batch !== undefined)
    .map((job) => {
      const from = Math.max(0, Date.parse(job.askedAt ?? startedAt) - start);
      const end = job.closedAt ?? job.settledAt;
      const to = end === undefined ? durationMs : Date.parse(end) - start;
      return { job, node: printable(job.nodeName ?? job.nodeId ?? 'no node'), from, to: Math.max(from, to) };
    })
    .sort((a, b) => (a.job.batch ?? 0) - (b.job.batch ?? 0) || a.from - b.from);
}

function lanesOf(bars: readonly Bar[]): Lane[] {
  return [...Map.groupBy(bars, ({ node }) => node)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, own]) => {
      const ends: number[] = [];
      const placed = own
        .toSorted((a, b) => a.from - b.from || a.to - b.to)
        .map((bar): PlacedBar => {
          const free = ends.findIndex((end) => end <= bar.from);
          const row = free < 0 ? ends.length : free;
          // A bar takes up at least 1 ms, so that two instant closes at the same time get different rows.
          ends[row] = Math.max(bar.to, bar.from + 1);
          return { ...bar, row };
        });
      return { node, rows: ends.length, bars: placed };
    });
}

interface Times {
  /** The length of the timeline, in milliseconds. */
  readonly total: number;
  readonly rounds: readonly { readonly at: number; readonly label: string }[];
}

function draw(lanes: readonly Lane[], { total, rounds }: Times, width: number): Spec {
  const rows = lanes.reduce((sum, lane) => sum + lane.rows, 0);
  const rowHeight = Math.max(3, Math.min(14, Math.floor(600 / rows)));
  const gap = 26;
  let top = 0;
  const placed = lanes.map((lane) => {
    const y = top;
    top += gap + lane.rows * rowHeight;
    return { ...lane, y };
  });
  const [unit, size] =
    total < 3 * 60_000
      ? ['seconds', 1_000]
      : total < 3 * 3_600_000
        ? ['minutes', 60_000]
        : ['hours', 3_600_000];
  return {
    width: width - 24,
    height: top,
    padding: { left: 12, right: 12, top: 18, bottom: 40 },
    autosize: 'none',
    data: [
      { name: 'rounds', values: rounds.map(({ at, label }) => ({ at: at / size, label })) },
      {
        name: 'lanes',
        values: placed.map(({ node, y, rows: own, bars }) => ({
          y,
          bottom: y + gap + own * rowHeight,
          label: `${node}: ${plural(bars.length, 'job')}`,
        })),
      },
      {
        name: 'bars',
        values: placed.flatMap(({ y, bars }) =>
          bars.map(({ job, row, from, to }) => ({
            y: y + gap - 6 + row * rowHeight,
            from: from / size,
            to: to / size,
            fill: fills[job.outcome] ?? ink.kept,
            // Consecutive requests differ in opacity, so that each is recognizable.
            opacity: (job.batch ?? 0) % 2 === 0 ? 1 : 0.7,
            label: `${printable(job.jobId)}: ${job.outcome} after ${span(to - from)}, request ${job.batch}`,
          })),
        ),
      },
    ],
    scales: [{ name: 'x', type: 'linear', domain: [0, Math.max(total / size, 1e-3)], range: 'width' }],
    axes: [
      {
        orient: 'bottom',
        scale: 'x',
        title: `${unit} since the sweep began`,
        grid: true,
        domain: false,
        tickCount: Math.floor(width / 90),
      },
    ],
    marks: [...roundMarks, laneLabel, closeBars(rowHeight)],
  };
}

const text = { font: { value: 'system-ui, sans-serif' }, fontSize: { value: 12 } } as const;

const roundMarks: readonly Mark[] = [
  {
    type: 'rule',
    from: { data: 'rounds' },
    encode: {
      enter: {
        x: { scale: 'x', field: 'at' },
        y: { value: -2 },
        y2: { signal: 'height' },
        stroke: { value: ink.faint },
        strokeDash: { value: [4, 3] },
      },
    },
  },
  {
    type: 'text',
    from: { data: 'rounds' },
    encode: {
      enter: {
        ...text,
        x: { scale: 'x', field: 'at', offset: -4 },
        y: { value: -6 },
        align: { value: 'right' },
        text: { field: 'label' },
        fill: { value: ink.faint },
      },
    },
  },
];

const laneLabel: Mark = {
  type: 'text',
  from: { data: 'lanes' },
  encode: {
    enter: {
      ...text,
      x: { value: 6 },
      y: { field: 'y', offset: 14 },
      text: { field: 'label' },
      fill: { value: ink.text },
    },
  },
};

const closeBars = (rowHeight: number): Mark => ({
  type: 'rect',
  from: { data: 'bars' },
  encode: {
    enter: {
      x: { scale: 'x', field: 'from' },
      // A minimum width keeps instant closes visible.
      x2: { signal: `max(scale('x', datum.to), scale('x', datum.from) + 2)` },
      y: { field: 'y' },
      height: { value: Math.max(2, rowHeight - (rowHeight > 5 ? 2 : 1)) },
      fill: { field: 'fill' },
      fillOpacity: { field: 'opacity' },
      description: { field: 'label' },
    },
  },
});
