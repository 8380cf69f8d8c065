/** @module What `jobsweep doctor` found, as text and as Markdown. */
import { plural, printable } from '../../sweep/text.ts';
import type { Finding, Level } from '../doctor/finding.ts';
import { type Paint, plain, type Tone } from '../paint.ts';
import { markdownTable } from './markdown.ts';

const marks: Readonly<Record<Level, { readonly mark: string; readonly tone: Tone }>> = {
  ok: { mark: 'ok  ', tone: 'good' },
  note: { mark: 'note', tone: 'notice' },
  finding: { mark: 'FIX ', tone: 'bad' },
};

/** One line a check, and the advice below those that have one. */
export function doctorText(
  findings: readonly Finding[],
  { paint = plain, width = 100 }: { readonly paint?: Paint; readonly width?: number | undefined } = {},
): string {
  const widest = Math.max(...findings.map(({ check }) => check.length));
  const indent = widest + 8;
  const lines = findings.flatMap(({ check, level, found, advice }) => {
    const { mark, tone } = marks[level];
    const [first = '', ...more] = wrap(printable(found), width - indent);
    return [
      `${paint(tone, mark)}  ${check.padEnd(widest)}  ${first}`,
      ...more.map((line) => ' '.repeat(indent) + line),
      ...(advice === undefined
        ? []
        : wrap(`→ ${printable(advice)}`, width - indent).map((line) => ' '.repeat(indent) + line)),
    ];
  });
  const count = findings.filter(({ level }) => level === 'finding').length;
  const sum =
    count === 0 ? paint('good', 'nothing to mend') : paint('bad', `${plural(count, 'thing')} to mend`);
  return `${lines.join('\n')}\n\n${sum}\n`;
}

export function doctorMarkdown(findings: readonly Finding[]): string {
  const rows = findings.map(({ check, level, found, advice = '' }) => [level, check, found, advice]);
  return `## Examination of a cluster\n\n${markdownTable(['', 'Check', 'Found', 'To do'], rows)}\n`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= Math.max(20, width))
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
