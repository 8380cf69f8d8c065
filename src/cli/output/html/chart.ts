/** @module Draws charts as SVG text, without a browser. The page sets their colours. */
import { parse, type Spec, View } from 'vega';
import { html, Markup } from './markup.ts';

/**
 * The colours of the charts. Each is the name of a CSS property, because one drawing serves both the dark and the light
 * theme.
 */
export const ink = {
  text: 'var(--ink)',
  faint: 'var(--faint)',
  line: 'var(--line)',
  kept: 'var(--kept)',
  close: 'var(--close)',
  force: 'var(--force)',
  good: 'var(--good)',
  warning: 'var(--warning)',
  bad: 'var(--bad)',
} as const;

const axis = {
  domainColor: ink.line,
  tickColor: ink.line,
  gridColor: ink.line,
  labelColor: ink.faint,
  titleColor: ink.faint,
  labelFontSize: 12,
  titleFontSize: 12,
  titleFontWeight: 'normal',
  labelFont: 'system-ui, sans-serif',
  titleFont: 'system-ui, sans-serif',
} as const;

/** The widths of the two drawings. A wide drawing that is scaled down to a phone would be illegible. */
const widths = { wide: 1000, narrow: 420 } as const;
export type ChartSize = keyof typeof widths;

export interface Chart {
  /** The heading, and the accessible name of the picture. */
  readonly title: string;
  /** What the picture shows, in a sentence or two. */
  readonly summary: string;
  /** What the colours mean. */
  readonly legend: readonly (readonly [colour: string, means: string])[];
  /** Draws the chart at the given width, in pixels. The background and the style of the axes are added later. */
  readonly draw: (width: number) => Spec;
  /** The numbers of the chart, as a table. */
  readonly table: { readonly titles: readonly string[]; readonly rows: readonly (readonly string[])[] };
}

/**
 * A chart with its heading, summary and table, drawn in a wide and a narrow size; the page shows the size that fits.
 */
export async function figure({ title, summary, legend, draw, table }: Chart, id: string): Promise<Markup> {
  const drawings = await Promise.all(
    (Object.keys(widths) as ChartSize[]).map(async (size) => {
      const svg = await svgOf(draw(widths[size]), `${title}. ${summary}`);
      return html`<div class="chart ${size}">${svg}</div>`;
    }),
  );
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
<p>${summary}</p>
<ul class="legend">${legend.map(([colour, means]) => html`<li><i style="background:${colour}"></i>${means}</li>`)}</ul>
${drawings}
<details><summary>These numbers as a table</summary>
<div class="scroll" tabindex="0" role="region" aria-label="${title}, as a table"><table>
<thead><tr>${table.titles.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${table.rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody>
</table></div></details>
</section>
`;
}

async function svgOf(spec: Spec, name: string): Promise<Markup> {
  const view = new View(parse({ background: 'transparent', ...spec, config: { axis, ...spec.config } }), {
    renderer: 'none',
  });
  try {
    const svg = await view.runAsync().then(() => view.toSVG());
    // Screen readers would read every part of the drawing. They get the name, the summary and the table instead.
    const label = html` role="img" aria-label="${name}"`.text;
    const parts = / (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*")/g;
    return new Markup(svg.replaceAll(parts, '').replace(/^<svg /, `<svg${label} `));
  } finally {
    view.finalize();
  }
}
