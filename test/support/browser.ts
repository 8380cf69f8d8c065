/**
 * @module A real headless browser for the tests of pages. On a machine without a browser, these tests are skipped with
 * a message. If JOBSWEEP_BROWSER=required, as in continuous integration, they fail instead.
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
  // in a container, Chromium's sandbox does not work for root
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args });
}

/** An opened page that records everything it does that a report must not do. */
export interface Watched extends AsyncDisposable {
  readonly page: Page;
  /** Script errors, violations of the content security policy, and dialogs. */
  readonly errors: string[];
  /** All requests except the one for the page itself. */
  readonly requests: string[];
}

/** Opens a local file and records what the page does. */
export async function open(
  browser: Browser,
  file: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('dialog', (dialog) => {
    errors.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const url = `file://${file}`;
  page.on('request', (request) => request.url() !== url && requests.push(request.url()));
  await page.goto(url);
  return { page, errors, requests, [Symbol.asyncDispose]: () => context.close() };
}
