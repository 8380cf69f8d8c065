/**
 * @module A real headless browser for the tests of pages. On a machine without a browser, these tests are skipped with
 * a message. If JOBSWEEP_BROWSER=required, as in continuous integration, they fail instead.
 */
import { existsSync } from 'node:fs';
import { type Browser, type CDPSession, chromium, type Page, type ViewportSize } from 'playwright-core';

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

/** How a page is shown. */
export interface View {
  readonly colorScheme?: 'light' | 'dark';
  readonly viewport?: ViewportSize;
  /** Whether the page may run scripts. */
  readonly scripts?: boolean;
}

/** A shown page, with records of everything it does that a report must not do. */
export interface Shown {
  readonly page: Page;
  /** Script errors, violations of the content security policy, and dialogs. */
  readonly errors: readonly string[];
  /** All requests except the one for the page itself. */
  readonly requests: readonly string[];
}

/**
 * A tab that shows one local file after another, each as a new document. A new window for each file would take a
 * second of processor time.
 */
export class Tab {
  readonly #page: Page;
  readonly #devTools: CDPSession;
  #url = '';
  #errors: string[] = [];
  #requests: string[] = [];

  private constructor(page: Page, devTools: CDPSession) {
    this.#page = page;
    this.#devTools = devTools;
    page.on('console', (message) => message.type() === 'error' && this.#errors.push(message.text()));
    page.on('pageerror', (error) => this.#errors.push(error.message));
    page.on('dialog', (dialog) => {
      this.#errors.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => request.url() !== this.#url && this.#requests.push(request.url()));
  }

  static async open(browser: Browser): Promise<Tab> {
    const page = await browser.newPage();
    return new Tab(page, await page.context().newCDPSession(page));
  }

  /** Loads the file and records what the page does until the next file is shown. */
  async show(
    file: string,
    { colorScheme = 'light', viewport = { width: 1_280, height: 720 }, scripts = true }: View = {},
  ): Promise<Shown> {
    await this.#page.emulateMedia({ colorScheme });
    await this.#page.setViewportSize(viewport);
    await this.#devTools.send('Emulation.setScriptExecutionDisabled', { value: !scripts });
    this.#url = `file://${file}`;
    this.#errors = [];
    this.#requests = [];
    await this.#page.goto(this.#url);
    return { page: this.#page, errors: this.#errors, requests: this.#requests };
  }
}
