/** @module The result of `jobsweep advise` as an HTML page: a chart of the thresholds, and a calendar of the jobs. */
import type { Spec } from 'vega';
import { plural, printable } from '../../base/text.ts';
import type { Advised } from '../../sweep/advising/advise.ts';
import { type Chart, figure, ink } from '../output/html/chart.ts';
import { html } from '../output/html/markup.ts';
import { pageText } from '../output/html/page.ts';
import { tableSection } from '../output/html/sheet-page.ts';
import { adviceSheet, conclusionsOf, rangeText, titleOf } from './advice-text.ts';
import { calendarOf, type DayKind } from './calendar.ts';

/** Maximum number of jobs in the calendar: with more rows, the picture would be illegible. */
const maxRows = 200;

export async function adviceHtml(advised: Advised): Promise<string> {
  const sheet = adviceSheet(advised);
  const charts = [thresholdChart(advised), ...(advised.pasts.length > 0 ? [calendarChart(advised)] : [])];
  const figures = await Promise.all(charts.map((chart, index) => figure(chart, `advice-${index}`)));
  const main = html`${conclusionsOf(advised).map((line) => html`<p><strong>${line}</strong></p>\n`)}
<ul>${sheet.lines.map((line) => html`<li>${line}</li>\n`)}</ul>
${sheet.tables.map(tableSection)}${figures}`;
  return pageText({
    title: titleOf(advised),
    subtitle: `As of ${advised.advice.asOf}. A close is wrong when data came after it: the closed job would have missed that data until it was opened again. Today is what a sweep would close now.`,
    main,
    footer: '',
  });
}

function thresholdChart({ advice: { thresholds } }: Advised): Chart {
  const rows = thresholds.flatMap(({ idleFor, closes, wrongCloses }) => [
    { idleFor, what: 'closes', ...closes },
    { idleFor, what: 'wrong', ...wrongCloses },
  ]);
  return {
    title: 'Closes and wrong closes by threshold',
    summary: 'The full bar is sure; the light part is possible, because nothing is known that rules it out.',
    legend: [
      [ink.close, 'closes'],
      [ink.bad, 'of them wrong: data came later'],
    ],
    draw: (width) => drawThresholds(rows, width),
    table: {
      titles: ['Idle for', 'Closes', 'Wrong closes', 'GB hours'],
      rows: thresholds.map(({ idleFor, closes, wrongCloses, gbHours }) => [
        idleFor,
        rangeText(closes),
        rangeText(wrongCloses),
        rangeText(gbHours, 1),
      ]),
    },
  };
}

interface ThresholdRow {
  readonly idleFor: string;
  readonly what: string;
  readonly atLeast: number;
  readonly atMost: number;
}

function drawThresholds(rows: readonly ThresholdRow[], width: number): Spec {
  const bars = rows.flatMap(({ idleFor, what, atLeast, atMost }) => {
    const lane = what === 'closes' ? 0 : 0.5;
    const fill = what === 'closes' ? ink.close : ink.bad;
    return [
      { idleFor, lane, fill, from: 0, to: atLeast, opacity: 1 },
      { idleFor, lane, fill, from: atLeast, to: atMost, opacity: 0.35 },
    ];
  });
  return {
    width: width - 66,
    height: 260,
    padding: { left: 54, right: 12, top: 12, bottom: 44 },
    autosize: 'none',
    data: [{ name: 'bars', values: bars.filter(({ from, to }) => to > from) }],
    scales: [
      {
        name: 'x',
        type: 'band',
        domain: [...new Set(rows.map(({ idleFor }) => idleFor))],
        range: 'width',
        padding: 0.3,
      },
      {
        name: 'y',
        type: 'linear',
        domain: [0, Math.max(1, ...rows.map(({ atMost }) => atMost))],
        range: 'height',
      },
    ],
    axes: [
      {
        orient: 'left',
        scale: 'y',
        title: 'closes',
        grid: true,
        domain: false,
        ticks: false,
        format: 'd',
        tickMinStep: 1,
        tickCount: 5,
      },
      { orient: 'bottom', scale: 'x', title: 'idle for' },
    ],
    marks: [
      {
        type: 'rect',
        from: { data: 'bars' },
        encode: {
          enter: {
            x: { signal: "scale('x', datum.idleFor) + datum.lane * bandwidth('x')" },
            width: { signal: "bandwidth('x') * 0.45" },
            y: { scale: 'y', field: 'from' },
            y2: { scale: 'y', field: 'to' },
            fill: { field: 'fill' },
            fillOpacity: { field: 'opacity' },
          },
        },
      },
    ],
  };
}

const fills: Readonly<Record<DayKind, string>> = {
  data: ink.good,
  silent: ink.warning,
  closed: ink.line,
  unknown: 'none',
};

function calendarChart({ advice, pasts }: Advised): Chart {
  const asOf = Date.parse(advice.asOf);
  const moment = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const shown = pasts.slice(0, maxRows);
  const calendars = shown.map((past) => ({
    jobId: past.jobId,
    days: calendarOf(past, asOf - advice.days * 86_400_000, asOf),
  }));
  return {
    title: 'Activity of each job',
    summary:
      `A square is a day of 24 hours, from ${moment(asOf - advice.days * 86_400_000)} to ${moment(asOf)}. ${pasts.length > shown.length ? `The first ${shown.length} of ${plural(pasts.length, 'job')}.` : ''}`.trim(),
    legend: [
      [ink.good, 'data'],
      [ink.warning, 'open and silent'],
      [ink.line, 'closed'],
      ['transparent', 'blank: not known'],
    ],
    draw: (width) => drawCalendar(calendars, width),
    table: {
      titles: ['Job', 'Days with data', 'Open and silent', 'Closed', 'Not known'],
      rows: calendars.map(({ jobId, days }) => [
        jobId,
        ...(['data', 'silent', 'closed', 'unknown'] as const).map((kind) =>
          String(days.filter((day) => day.kind === kind).length),
        ),
      ]),
    },
  };
}

function drawCalendar(
  calendars: readonly { readonly jobId: string; readonly days: ReturnType<typeof calendarOf> }[],
  width: number,
): Spec {
  const rowHeight = 20;
  const names = width < 600 ? 130 : 240;
  const count = calendars[0]?.days.length ?? 1;
  const cell = Math.min(18, (width - names - 16) / count);
  return {
    width: width - 8,
    height: calendars.length * rowHeight + 4,
    padding: { left: 4, right: 4, top: 4, bottom: 4 },
    autosize: 'none',
    data: [
      { name: 'jobs', values: calendars.map(({ jobId }, row) => ({ row, label: printable(jobId) })) },
      {
        name: 'days',
        values: calendars.flatMap(({ days }, row) =>
          days
            .filter(({ kind }) => kind !== 'unknown')
            .map(({ from, kind }) => ({
              row,
              index: days.findIndex((each) => each.from === from),
              fill: fills[kind],
            })),
        ),
      },
    ],
    marks: [
      {
        type: 'text',
        from: { data: 'jobs' },
        encode: {
          enter: {
            x: { value: names - 8 },
            y: { signal: `datum.row * ${rowHeight} + 13` },
            align: { value: 'right' },
            limit: { value: names - 12 },
            text: { field: 'label' },
            fill: { value: ink.text },
            fontSize: { value: 12 },
            font: { value: 'system-ui, sans-serif' },
          },
        },
      },
      {
        type: 'rect',
        from: { data: 'days' },
        encode: {
          enter: {
            x: { signal: `${names} + datum.index * ${cell}` },
            width: { value: Math.max(1, cell - 1) },
            y: { signal: `datum.row * ${rowHeight} + 3` },
            height: { value: rowHeight - 6 },
            fill: { field: 'fill' },
          },
        },
      },
    ],
  };
}
