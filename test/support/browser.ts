/**
 * @module A real headless browser for pages. Where the machine has none, the tests that need one are skipped, and say
 * so; with JOBSWEEP_BROWSER=required, as continuous integration has it, they fail.
 */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const places = [
  process.env.JOBSWEEP_BROWSER_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const executablePath = places.find((path) => path !== undefined && existsSync(path));

export const noBrowser = executablePath === undefined && process.env.JOBSWEEP_BROWSER !== 'required';

if (noBrowser)
  process.stderr.write(
    'no Chromium was found: the tests of the HTML report are skipped (JOBSWEEP_BROWSER_PATH names one)\n',
  );

export function launch(): Promise<Browser> {
  if (executablePath === undefined)
    throw new Error(
      'JOBSWEEP_BROWSER=required, and no Chromium was found: install Debian’s package chromium',
    );
  // the sandbox needs rights that a container’s root does not have
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args });
}

/** What a page did that a report must not do. */
export interface Watched extends AsyncDisposable {
  readonly page: Page;
  /** Errors of scripts and of the content policy, and dialogs. */
  readonly troubles: string[];
  /** Everything that was asked for beside the page itself. */
  readonly requests: string[];
}

/** Opens a file of this machine and watches it. */
export async function open(
  browser: Browser,
  file: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const troubles: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('dialog', (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const url = `file://${file}`;
  page.on('request', (request) => request.url() !== url && requests.push(request.url()));
  await page.goto(url);
  return { page, troubles, requests, [Symbol.asyncDispose]: () => context.close() };
}
