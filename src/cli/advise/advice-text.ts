/**
 * @module The result of `jobsweep advise` as text: a table of thresholds with bars, the recommendation, the jobs that
 * were reopened, and a calendar of the jobs.
 */

import { plural, printable } from '../../base/text.ts';
import { moment } from '../../base/words.ts';
import type { Advised, ThresholdAdvice } from '../../sweep/advising/advise.ts';
import type { Range } from '../../sweep/advising/replay.ts';
import { type Returning, suggestions } from '../../sweep/advising/returning.ts';
import { plain } from '../output/paint.ts';
import { type Sheet, sheetTable } from '../output/sheet.ts';
import { type Column, sentences, type TableLooks, table } from '../output/table.ts';
import { calendarLegend, calendarOf } from './calendar.ts';

const barWidth = 24;
const maxCalendars = 20;

/** `3`, or `3 to 7` if the evidence gives only bounds. */
export function rangeText({ atLeast, atMost }: Range, digits = 0): string {
  const [low, high] = [atLeast, atMost].map((value) => value.toFixed(digits));
  return low === high ? String(low) : `${low} to ${high}`;
}

/** Explains the columns CLOSES, WRONG and TODAY. */
export const wrongMeaning =
  'closes: what sweeps with this threshold would have closed; wrong: those of them after which data came, which the closed job would have missed until it was opened again; today: what a sweep would close now';

/** Draws the closes that are certain as full blocks, and those that are merely possible as light blocks. */
function bar({ atLeast, atMost }: Range, top: number): string {
  const width = (value: number) => (top > 0 ? Math.round((value / top) * barWidth) : 0);
  return '█'.repeat(width(atLeast)) + '░'.repeat(Math.max(0, width(atMost) - width(atLeast)));
}

const columnsOf = (thresholds: readonly ThresholdAdvice[], drawn: boolean): Column<ThresholdAdvice>[] => {
  const top = Math.max(0, ...thresholds.map(({ closes }) => closes.atMost));
  return [
    { title: 'IDLE FOR', value: ({ idleFor }) => idleFor },
    { title: 'CLOSES', value: ({ closes }) => rangeText(closes), align: 'right' },
    { title: 'WRONG', value: ({ wrongCloses }) => rangeText(wrongCloses), align: 'right' },
    { title: 'GB HOURS', value: ({ gbHours }) => rangeText(gbHours, 1), align: 'right' },
    ...(thresholds.some(({ cost }) => cost)
      ? [
          {
            title: 'SAVED',
            value: ({ cost }: ThresholdAdvice) => (cost ? rangeText(cost, 2) : ''),
            align: 'right' as const,
          },
        ]
      : []),
    { title: 'TODAY', value: ({ today }) => String(today), align: 'right' },
    ...(drawn
      ? [
          {
            title: 'CLOSES',
            value: ({ closes }: ThresholdAdvice) => bar(closes, top),
            leftOut: 2,
          },
          {
            title: 'OF THEM WRONG',
            value: ({ wrongCloses }: ThresholdAdvice) => bar(wrongCloses, top),
            leftOut: 1,
            tone: () => 'bad' as const,
          },
        ]
      : []),
  ];
};

const returningColumns = (jobs: readonly Returning[]): Column<Returning>[] => [
  { title: 'JOB', value: ({ jobId }) => jobId },
  { title: 'TIMES', value: ({ times }) => String(times), align: 'right' },
  ...(jobs.some(({ byReopen }) => byReopen !== undefined)
    ? [
        {
          title: 'BY REOPEN',
          value: ({ byReopen }: Returning) => (byReopen === undefined ? '' : String(byReopen)),
          align: 'right' as const,
          leftOut: 3,
        },
      ]
    : []),
  { title: 'LAST CLOSED', value: ({ lastClosedAt }) => moment(lastClosedAt), leftOut: 2 },
  { title: 'LAST OPENED', value: ({ lastOpenedAt }) => moment(lastOpenedAt), leftOut: 1 },
  { title: 'SUGGESTION', value: ({ suggestion }) => suggestions[suggestion], min: 54 },
];

export function adviceText(advised: Advised, looks: TableLooks = {}): string {
  const { advice } = advised;
  const { paint = plain, width } = looks;
  const pasts = advised.pasts.slice(0, maxCalendars);
  const from = Date.parse(advice.asOf) - advice.days * 86_400_000;
  const days = Math.min(advice.days, Math.max(10, (width ?? 110) - 42));
  const lines = [
    ...sentences([paint('strong', printable(titleOf(advised))), ...sentencesOf(advised)], width),
    '',
    table(advice.thresholds, columnsOf(advice.thresholds, true), looks),
    ...sentences(
      [
        paint('faint', '█ sure  ░ possible'),
        ...wrongMeaning.split('; ').map((line) => paint('faint', line)),
        '',
        ...conclusionsOf(advised),
      ],
      width,
    ),
    ...(advice.comesBack.length > 0
      ? [
          '',
          paint('strong', 'Jobs that come back'),
          table(advice.comesBack, returningColumns(advice.comesBack), looks),
        ]
      : []),
    ...(pasts.length > 0
      ? [
          '',
          paint(
            'strong',
            `Activity, a column a day${advised.pasts.length > pasts.length ? ` (the first ${pasts.length} jobs)` : ''}`,
          ),
          table(
            pasts.map((past) => ({
              jobId: past.jobId,
              days: calendarOf(
                past,
                Math.max(from, Date.parse(advice.asOf) - days * 86_400_000),
                Date.parse(advice.asOf),
              ),
            })),
            [
              { title: 'JOB', value: ({ jobId }) => jobId },
              { title: 'DAYS', value: (row) => row.days.map(({ mark }) => mark).join('') },
            ],
            looks,
          ),
          paint('faint', calendarLegend),
        ]
      : []),
    ...sentences(
      advice.warnings.map((warning) => `${paint('warning', 'warning')}: ${printable(warning)}`),
      width,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

export const titleOf = ({ advice: { cluster, days, every } }: Advised): string =>
  `How long is idle? ${cluster.name}${cluster.version === null ? '' : ` ${cluster.version}`}, ${plural(days, 'day')} with a sweep every ${every}`;

export function sentencesOf({ advice: { jobs, sources, missing } }: Advised): string[] {
  return [
    `${plural(jobs.judged, 'job')} judged; ${jobs.leftOut} left out, because another rule keeps them; ${jobs.unknown} with an unknown past; ${jobs.open} open now`,
    `read: ${sources.join(', ')}`,
    ...missing.map(({ source, why, adds }) => printable(`not read: ${source} (${why}); would add ${adds}`)),
  ];
}

/**
 * The recommendation. Before it comes a sentence about what the request's own threshold would have done, if that
 * threshold was compared.
 */
export function conclusionsOf(advised: Advised): string[] {
  const { advice, current } = advised;
  const now = current && currentText(current, advice.days);
  return [...(now === undefined ? [] : [now]), recommendationText(advised)];
}

const defaultIdleFor = '48h';

function currentText({ idleFor, closes, wrongCloses }: ThresholdAdvice, days: number): string {
  const which = idleFor === defaultIdleFor ? `${idleFor}, the default` : idleFor;
  const wrong =
    wrongCloses.atMost === 0
      ? 'none would have been wrong'
      : `${rangeText(wrongCloses)} would have been wrong`;
  return `This request: idleFor ${which}: of ${rangeText(closes)} ${closes.atMost === 1 ? 'close' : 'closes'} in ${plural(days, 'day')}, ${wrong}.`;
}

function recommendationText({ advice: { recommended } }: Advised): string {
  return recommended
    ? `Recommended: idleFor ${recommended.idleFor}: ${recommended.because}.`
    : 'Recommended: none: the evidence supports no threshold.';
}

export function adviceSheet(advised: Advised): Sheet {
  const { advice } = advised;
  return {
    title: titleOf(advised),
    lines: [...sentencesOf(advised), ...advice.warnings.map((warning) => `warning: ${warning}`)],
    tables: [
      sheetTable(columnsOf(advice.thresholds, false), advice.thresholds, 'Thresholds'),
      sheetTable(returningColumns(advice.comesBack), advice.comesBack, 'Jobs that come back'),
    ],
  };
}
