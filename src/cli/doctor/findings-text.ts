/** @module The findings of `jobsweep doctor`: as text for a terminal, and as a table for Markdown and HTML. */
import { plural, printable } from '../../base/text.ts';
import { type ConsoleRequest, consoleText } from '../../sweep/reporting/stream-requests.ts';
import { type Paint, plain, type Tone } from '../output/paint.ts';
import type { Sheet } from '../output/sheet.ts';
import { wrapped } from '../output/table.ts';
import type { Finding, Level } from './finding.ts';

const marks: Readonly<Record<Level, { readonly mark: string; readonly tone: Tone }>> = {
  ok: { mark: 'ok  ', tone: 'good' },
  note: { mark: 'note', tone: 'notice' },
  finding: { mark: 'FIX ', tone: 'bad' },
};

/** One line per check, followed by its advice, if any. */
export function doctorText(
  findings: readonly Finding[],
  {
    paint = plain,
    width = 100,
    requests = [],
  }: {
    readonly paint?: Paint;
    readonly width?: number | undefined;
    readonly requests?: readonly ConsoleRequest[];
  } = {},
): string {
  const widest = Math.max(...findings.map(({ check }) => check.length));
  const indent = widest + 8;
  const lines = findings.flatMap(({ check, level, found, advice }) => {
    const { mark, tone } = marks[level];
    const head = `${mark}  ${check.padEnd(widest)}  `;
    const [first = '', ...more] = wrapped(head + printable(found), width, indent);
    return [
      paint(tone, mark) + first.slice(mark.length),
      ...more,
      ...(advice === undefined ? [] : wrapped(`${' '.repeat(indent)}→ ${printable(advice)}`, width, indent)),
    ];
  });
  const tone = findings.some(({ level }) => level === 'finding') ? 'bad' : 'good';
  return `${lines.join('\n')}\n\n${paint(tone, verdictOf(findings))}\n${
    requests.length > 0 ? `\n${requestsTitle}\n\n${consoleText(requests)}` : ''
  }`;
}

const requestsTitle =
  'Reports in Elasticsearch: an administrator sends these requests once, for example in Dev Tools of Kibana.';

export function doctorSheet(
  findings: readonly Finding[],
  cluster: string,
  requests: readonly ConsoleRequest[] = [],
): Sheet {
  const rows = findings.map(({ check, level, found, advice = '' }) => [level, check, found, advice]);
  return {
    title: `Check of the cluster ${cluster}`,
    lines: [verdictOf(findings)],
    tables: [
      { head: ['Level', 'Check', 'Found', 'To do'], rows },
      ...(requests.length > 0
        ? [
            {
              head: [requestsTitle, 'Request', 'Body'],
              rows: requests.map(({ title, method, path, body }) => [
                title,
                `${method} ${path}`,
                JSON.stringify(body),
              ]),
            },
          ]
        : []),
    ],
  };
}

function verdictOf(findings: readonly Finding[]): string {
  const count = findings.filter(({ level }) => level === 'finding').length;
  return count === 0 ? 'no problems found' : `${plural(count, 'problem')} found`;
}
