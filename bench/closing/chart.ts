/**
 * @module Draws a chart of the times of all ways of closing, with a panel for each number of jobs and a bar for each
 * way.
 */
import { ratio } from '../numbers.ts';

export interface Bar {
  readonly label: string;
  /**
   * The time as a multiple of the lower bound. Undefined if the cluster refused the requests, or if jobs were closed
   * with force.
   */
  readonly value: number | undefined;
  /** A text after the bar or, if there is no `value`, in place of the bar. */
  readonly note?: string;
  readonly ours: boolean;
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

// Widths in pixels that suit the widest common font, DejaVu. At this font size, its letters are 6.9 pixels wide, or 7.6
// in bold.
const fontSize = 11;
const labels = 230;
const panelWidth = 205;
const longestBar = 80;
const boundAt = 16;
const barHeight = 16;
const rowHeight = 24;
const top = 62;

/**
 * An SVG that is readable on light and dark pages. The scale is logarithmic, because closing the jobs one after another
 * takes up to thirty times the lower bound.
 */
export function chart(heading: string, footnote: string, panels: readonly Panel[]): string {
  const max = Math.max(...panels.flatMap(({ bars }) => bars.map(({ value = 1 }) => value)));
  const rows = panels[0]?.bars.length ?? 0;
  const width = labels + panels.length * panelWidth;
  const bottom = top + rows * rowHeight;
  const height = bottom + 22;
  const scale = (value: number) =>
    boundAt + ((longestBar - boundAt) * Math.log(Math.max(value, 1))) / Math.log(Math.max(max, 2));
  const names = (panels[0]?.bars ?? []).map(({ label, ours }, row) => {
    const y = top + row * rowHeight + barHeight - 4;
    return `<text x="${labels - 8}" y="${y}" text-anchor="end"${ours ? ' font-weight="bold"' : ''}>${xml(label)}</text>`;
  });
  const drawn = panels.map(({ title, bars }, index) => {
    const lines = bars.map((bar, row) => drawBar(bar, top + row * rowHeight, scale));
    const bound = `<line x1="${boundAt}" y1="${top - 6}" x2="${boundAt}" y2="${bottom}" stroke="#888" stroke-dasharray="3 3"/>`;
    return `<g transform="translate(${labels + index * panelWidth} 0)"><text x="0" y="46" font-weight="bold">${xml(title)}</text>${lines.join('')}${bound}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="${fontSize}" fill="#7d8590" role="img" aria-label="${xml(heading)}">`,
    `<text x="8" y="20" font-size="14" font-weight="bold">${xml(heading)}</text>`,
    ...names,
    ...drawn,
    `<text x="8" y="${bottom + 16}">${xml(footnote)}</text>`,
    '</svg>\n',
  ].join('\n');
}

function drawBar({ value, note, ours }: Bar, y: number, scale: (value: number) => number): string {
  const textY = y + barHeight - 4;
  if (value === undefined)
    return `<text x="${boundAt + 6}" y="${textY}" font-style="italic">${xml(note ?? '')}</text>`;
  const length = scale(value);
  const colour = ours ? '#1a8f5c' : '#b9772b';
  const text = note ? `${ratio(value)}, ${note}` : ratio(value);
  return (
    `<rect x="0" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2" fill="${colour}"/>` +
    `<text x="${(length + 6).toFixed(1)}" y="${textY}"${ours ? ' font-weight="bold"' : ''}>${xml(text)}</text>`
  );
}

const xml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
