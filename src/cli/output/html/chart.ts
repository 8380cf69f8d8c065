/** @module Charts as SVG text, drawn without a browser, in colours that the page decides. */
import { parse, type Spec, View } from 'vega';
import { html, Markup } from './markup.ts';

/**
 * The page's colours, as the charts name them: a chart is drawn once for dark and light, so what it draws with is the
 * name of a custom property and not a colour.
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

/** The widths that charts are drawn in: a drawing that is shrunk to a phone has letters nobody can read. */
const widths = { wide: 1000, narrow: 420 } as const;
export type ChartSize = keyof typeof widths;

export interface Chart {
  /** A heading, and the name of the picture for who cannot see it. */
  readonly title: string;
  /** What the picture shows, in a sentence or two. */
  readonly summary: string;
  /** What the colours mean. */
  readonly legend: readonly (readonly [colour: string, means: string])[];
  /** The drawing for one width in pixels; `autosize` and background are set here. */
  readonly draw: (width: number) => Spec;
  /** The same numbers as a table. */
  readonly table: { readonly titles: readonly string[]; readonly rows: readonly (readonly string[])[] };
}

/** A chart with its heading, its words and its numbers; one of the two drawings shows, as the screen is wide. */
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
    // the drawing's own parts would be read one by one: its name, the words above and the table below say it better
    const label = html` role="img" aria-label="${name}"`.text;
    const parts = / (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*")/g;
    return new Markup(svg.replaceAll(parts, '').replace(/^<svg /, `<svg${label} `));
  } finally {
    view.finalize();
  }
}
