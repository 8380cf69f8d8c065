/**
 * @module Draws the README's pictures from real runs on the embedded cluster: the terminal as SVG and the HTML report
 * as PNG, which needs Chromium. Run this script after a change to the output of a sweep.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import stringWidth from 'string-width';
import { launch, Tab } from '../test/support/browser.ts';

const root = path.resolve(import.meta.dirname, '..');
const images = path.join(root, 'docs/images');

/** The command's standard output on a terminal with 100 columns. */
function run(...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['bin/jobsweep.js', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '100' },
  });
  if (status !== 0) throw new Error(`jobsweep ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return stdout;
}

interface Style {
  readonly fill?: string;
  readonly bold?: boolean;
  readonly dim?: boolean;
}

const sgr = new RegExp(`${String.fromCharCode(27)}\\[(\\d+)m`);

const colours: Readonly<Record<string, string>> = {
  '31': '#ff7b72',
  '32': '#7ee787',
  '33': '#e3b341',
  '36': '#79c0ff',
};

/**
 * The text style after an SGR escape code. Handles only the codes that the command writes: colours, bold, dim and their
 * resets.
 */
function styleAfter(style: Style, code: string): Style {
  const { fill: _fill, ...uncoloured } = style;
  if (code === '39') return uncoloured;
  if (code === '22') return style.fill === undefined ? {} : { fill: style.fill };
  if (code === '1') return { ...style, bold: true };
  if (code === '2') return { ...style, dim: true };
  const fill = colours[code];
  return fill === undefined ? {} : { ...style, fill };
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const columnWidth = 8.43;
const lineHeight = 20;
const margin = 16;

/** One line with escape sequences, as `text` elements that are placed by column. */
function svgLine(line: string, row: number): string {
  let style: Style = {};
  let column = 0;
  const texts: string[] = [];
  // the capture group in `sgr` keeps the codes in the result of `split`, so text and codes alternate
  for (const [index, part] of line.split(sgr).entries()) {
    if (index % 2 === 1) {
      style = styleAfter(style, part);
      continue;
    }
    if (part.trim() !== '') {
      const indent = part.length - part.trimStart().length;
      const x = margin + (column + indent) * columnWidth;
      const attributes = [
        style.fill && `fill="${style.fill}"`,
        style.bold && 'font-weight="bold"',
        style.dim && 'opacity="0.6"',
        // Makes the text equally wide in any monospace font.
        `textLength="${(stringWidth(part.trim()) * columnWidth).toFixed(1)}"`,
      ];
      const y = margin + (row + 1) * lineHeight - 5;
      texts.push(
        `<text x="${x.toFixed(1)}" y="${y}" ${attributes.filter(Boolean).join(' ')} xml:space="preserve">${escaped(part.trim())}</text>`,
      );
    }
    column += stringWidth(part);
  }
  return texts.join('');
}

function svg(command: string, output: string): string {
  const lines = [`$ ${command}`, ...output.trimEnd().split('\n')];
  const widths = lines.map((line) => stringWidth(line));
  const width = Math.ceil(Math.max(...widths) * columnWidth + 2 * margin);
  const height = lines.length * lineHeight + 2 * margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Output of ${escaped(command)}">`,
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
    `<g fill="#e6edf3" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="14">`,
    ...lines.map(svgLine),
    '</g></svg>',
    '',
  ].join('\n');
}

const scratch = mkdtempSync(path.join(tmpdir(), 'jobsweep-pictures-'));
try {
  const table = run('sweep', '--embedded', '--yes', '--wait', '--output', 'table', '--color', 'always');
  writeFileSync(path.join(images, 'terminal.svg'), svg('npm start', table));

  const page = path.join(scratch, 'report.html');
  writeFileSync(page, run('sweep', '--embedded', '--yes', '--wait', '--output', 'html'));
  const browser = await launch();
  try {
    const tab = await Tab.open(browser);
    const shown = await tab.show(page, { viewport: { width: 1_280, height: 900 } });
    await shown.page.screenshot({ path: path.join(images, 'report.png') });
  } finally {
    await browser.close();
  }
} finally {
  rmSync(scratch, { recursive: true });
}
const bytes = ['terminal.svg', 'report.png'].map((name) => readFileSync(path.join(images, name)).length);
process.stdout.write(`docs/images: terminal.svg ${bytes[0]} bytes, report.png ${bytes[1]} bytes\n`);
