/** @module The times of all ways of closing as one picture: a panel for each number of jobs, a bar for each way. */
import { ratio } from '../numbers.ts';

export interface Bar {
  readonly label: string;
  /** Times the lower bound; undefined where nothing was closed as it should be. */
  readonly value: number | undefined;
  /** Stands where a bar has no value, or after it. */
  readonly note?: string | undefined;
  readonly ours: boolean;
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const labels = 150;
const panelWidth = 220;
const barHeight = 16;
const rowHeight = 26;
const top = 62;

/** An SVG that reads on light and on dark pages. The scale is logarithmic: a loop is thirty times slower. */
export function chart(heading: string, panels: readonly Panel[]): string {
  const most = Math.max(...panels.flatMap(({ bars }) => bars.map(({ value = 1 }) => value)));
  const rows = panels[0]?.bars.length ?? 0;
  const width = labels + panels.length * panelWidth + 10;
  const height = top + rows * rowHeight + 12;
  // a bar of the bound itself is a tenth of the panel
  const scale = (value: number) =>
    (0.1 + (0.55 * Math.log(Math.max(value, 1))) / Math.log(most)) * panelWidth;
  const names = (panels[0]?.bars ?? []).map(({ label, ours }, row) => {
    const y = top + row * rowHeight + barHeight - 4;
    return `<text x="${labels - 8}" y="${y}" text-anchor="end"${ours ? ' font-weight="bold"' : ''}>${xml(label)}</text>`;
  });
  const drawn = panels.map(({ title, bars }, index) => {
    const x = labels + index * panelWidth;
    const lines = bars.map((bar, row) => drawBar(bar, top + row * rowHeight, scale));
    const bound = `<line x1="${scale(1)}" y1="${top - 8}" x2="${scale(1)}" y2="${height - 8}" stroke="#888" stroke-dasharray="3 3"/>`;
    return `<g transform="translate(${x} 0)"><text x="0" y="44" font-weight="bold">${xml(title)}</text>${bound}${lines.join('')}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="#777" role="img" aria-label="${xml(heading)}">`,
    `<text x="8" y="20" font-size="14" font-weight="bold">${xml(heading)}</text>`,
    ...names,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawBar({ value, note, ours }: Bar, y: number, scale: (value: number) => number): string {
  const textY = y + barHeight - 4;
  if (value === undefined) return `<text x="0" y="${textY}" font-style="italic">${xml(note ?? '')}</text>`;
  const length = scale(value);
  const colour = ours ? '#1a8f5c' : '#b9772b';
  const text = note ? `${ratio(value)} ${note}` : ratio(value);
  return (
    `<rect x="0" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2" fill="${colour}"/>` +
    `<text x="${(length + 6).toFixed(1)}" y="${textY}"${ours ? ' font-weight="bold"' : ''}>${xml(text)}</text>`
  );
}

const xml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
