/** @module The page around every HTML result: one file that loads nothing and runs only its own script. */
import { createHash } from 'node:crypto';
import { html, Markup } from './markup.ts';
import { style } from './style.ts';

export interface Page {
  readonly title: string;
  readonly subtitle: string;
  readonly main: Markup;
  readonly footer: string;
  /** A constant script; it must not contain external input. */
  readonly script?: string;
}

export function pageText({ title, subtitle, main, footer, script }: Page): string {
  const hash = script === undefined ? undefined : createHash('sha256').update(script).digest('base64');
  // Allows only our own script, by its hash, and so blocks scripts injected through ids, node names or errors.
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
