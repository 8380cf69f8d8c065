/** @module The page around every HTML result: one file that loads nothing, and runs no script but its own. */
import { createHash } from 'node:crypto';
import { html, Markup } from './markup.ts';
import { style } from './style.ts';

export interface Page {
  readonly title: string;
  readonly subtitle: string;
  readonly main: Markup;
  readonly footer: string;
  /** A script of this program's; nothing that came from outside may stand in it. */
  readonly script?: string;
}

export function pageText({ title, subtitle, main, footer, script }: Page): string {
  const hash = script === undefined ? undefined : createHash('sha256').update(script).digest('base64');
  // The one script that is known here may run: what an id, a node or an error brings along may not.
  const scripts = hash === undefined ? "'none'" : `'sha256-${hash}'`;
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src ${scripts}; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="faint">${subtitle}</p>
</header>
<main>
${main}
</main>
<footer>${footer}</footer>
${script === undefined ? undefined : html`<script>${new Markup(script)}</script>\n`}</body>
</html>
`.text;
}
