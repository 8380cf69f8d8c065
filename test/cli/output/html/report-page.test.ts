import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Picture } from '../../../../src/cli/output/cluster-picture.ts';
import { reportHtml } from '../../../../src/cli/output/html/report-page.ts';
import type { ReportedJob, SweepReport } from '../../../../src/sweep/reporting/report.ts';
import { launch, noBrowser, type Shown, Tab } from '../../../support/browser.ts';
import { type Folder, newFolder } from '../../../support/folder.ts';
import { sized } from '../../../support/nightly.ts';
import { htmlReport, manyJobs, nodes } from '../../../support/reports.ts';
import { runCommand } from '../../../support/run-command.ts';
import { runOn } from '../../../support/run-on.ts';
import { startSetup } from '../../../support/sweep-setup.ts';

const sizes = { desk: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } } as const;
const schemes = ['light', 'dark'] as const;
// a number of jobs so large that one of them takes nine minutes to close, and the sweep needs a follow-up
const many = sized({ push: 600, nightly: 2_000 });
const reports = [
  ['plan', 40],
  ['sweep', 40],
  ['plan', many],
  ['sweep', many],
] as const;

/** The accessibility rules that a page may follow in one colour scheme and break in the other. */
const coloursOnly = ['color-contrast', 'link-in-text-block'];

/** The accessibility rules that a page breaks. Checks the rules in `only` or, by default, all rules. */
async function violations(page: Page, only?: readonly string[]): Promise<string[]> {
  // the script has 500 kB, so a page that is checked twice keeps it
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(axe.source);
  return page.evaluate(async (runOnly) => {
    const { axe: rules } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const result = await rules.run({ resultTypes: ['violations'], ...(runOnly && { runOnly }) });
    return result.violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map(({ html }) => html)
          .join(' ')}`,
    );
  }, only);
}

/** By how many pixels the content is wider than the screen. */
const overhang = (page: Page) =>
  page.evaluate<number>(
    'Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)',
  );

describe.skipIf(noBrowser)('the HTML report in a browser', { timeout: 120_000 }, () => {
  let browser: Browser;
  let tab: Tab;
  let folder: Folder;
  const files = new Map<string, string>();
  beforeAll(async () => {
    browser = await launch();
    tab = await Tab.open(browser);
    folder = await newFolder();
    for (const [command, count] of reports)
      files.set(
        `${command} ${count}`,
        await htmlReport(folder, command, count, command === 'plan' ? 0.2 : 0.98),
      );
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await folder[Symbol.asyncDispose]();
  });
  const fileOf = (name: string) => files.get(name) as string;

  describe.each(reports)('the HTML report of a %s of %i jobs', (command, count) => {
    const name = `${command} ${count}`;

    // Both tests are about the page in each size and colour scheme. Each change of them takes time, so they share one.
    let shown: Shown;
    const overhangs: Record<string, number> = {};
    const textHeights: number[][] = [];
    beforeAll(async () => {
      shown = await tab.show(fileOf(name));
      const { page } = shown;
      for (const [size, viewport] of Object.entries(sizes)) {
        await page.setViewportSize(viewport);
        for (const colorScheme of schemes) {
          await page.emulateMedia({ colorScheme });
          overhangs[`${size}, ${colorScheme}`] = await overhang(page);
          const directory = process.env.JOBSWEEP_SCREENSHOTS;
          if (directory)
            await page.screenshot({
              path: join(directory, `${command}-${count}-${size}-${colorScheme}.png`),
              fullPage: count < 100,
            });
        }
        textHeights.push(
          await page
            .locator('.chart svg:visible text')
            .evaluateAll((texts) => texts.map((text) => text.getBoundingClientRect().height)),
        );
      }
    }, 120_000);

    it('the HTML report sends no request, has no script error, and fits on desktop and phone in light and dark mode', () => {
      // nothing is cut off, and nothing scrolls sideways
      expect(overhangs).toEqual({
        'desk, light': 0,
        'desk, dark': 0,
        'phone, light': 0,
        'phone, dark': 0,
      });
      const { errors, requests } = shown;
      expect({ errors, requests }).toEqual({ errors: [], requests: [] });
    });

    it('the HTML report has legible text in its charts', () => {
      expect(textHeights).toHaveLength(2);
      for (const heights of textHeights) {
        expect(heights.length).toBeGreaterThan(5);
        expect(Math.min(...heights.filter((height) => height > 0))).toBeGreaterThan(9);
      }
    });
  });

  it.each(['plan 40', 'sweep 40'])(
    'the HTML report follows the rules of accessibility, including contrast in both colour schemes (command and number of jobs: %s)',
    async (name) => {
      const { page } = await tab.show(fileOf(name));
      expect(await violations(page)).toEqual([]);
      await page.emulateMedia({ colorScheme: 'dark' });
      expect(await violations(page, coloursOnly)).toEqual([]);
    },
  );

  it.each(['explain web-latency-0000', 'doctor', 'advise'])(
    'the HTML result of `%s` follows the rules of accessibility',
    async (command) => {
      await using setup = await startSetup(manyJobs(10, 0.3), { nodes });
      const file = folder.at('sheet.html');
      expect((await runOn(setup, [...command.split(' '), '--output-file', file])).exit).toBe(0);
      const { page, errors } = await tab.show(file, { viewport: sizes.phone });
      expect(errors).toEqual([]);
      expect(await violations(page)).toEqual([]);
    },
  );

  it('the HTML result of `advise` follows the rules of accessibility, and fits on desktop and phone in light and dark mode', async () => {
    const file = folder.at('advice.html');
    expect((await runCommand(['advise', '--embedded', '--output-file', file])).exit).toBe(0);
    const { page, errors } = await tab.show(file);
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      for (const colorScheme of schemes) {
        await page.emulateMedia({ colorScheme });
        expect(await overhang(page), `${size}, ${colorScheme}`).toBe(0);
      }
    }
    // After the loops, the page has the size of a phone and dark colours. For a phone with light colours, the test
    // above checks a page of `advise`.
    expect(await violations(page, coloursOnly)).toEqual([]);
    await page.setViewportSize(sizes.desk);
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await violations(page)).toEqual([]);
    expect(errors).toEqual([]);
  });

  it('the HTML report is dark if the system is dark', async () => {
    const { page } = await tab.show(fileOf('plan 40'));
    const brightness = async (colorScheme: 'light' | 'dark') => {
      await page.emulateMedia({ colorScheme });
      const colour = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      return Number(/\d+/.exec(colour)?.[0]);
    };
    expect(await brightness('light')).toBeGreaterThan(200);
    expect(await brightness('dark')).toBeLessThan(60);
  });

  it('the HTML report shows the threshold in the histogram of a plan, and every close in the timeline of a sweep', async () => {
    const plan = await tab.show(fileOf(`plan ${many}`));
    expect(
      await plan.page
        .getByRole('img', { name: new RegExp(`^How long jobs have been idle\\. \\d+ of ${many} jobs`) })
        .count(),
    ).toBe(1);
    expect(await plan.page.locator('#idle ~ .wide text', { hasText: 'idleFor 48h' }).count()).toBe(1);
    const sweep = await tab.show(fileOf(`sweep ${many}`));
    const closed = Number(
      /(\d+)\s*closed/.exec((await sweep.page.locator('.tiles').innerText()).replaceAll('\n', ' '))?.[1],
    );
    const bars = sweep.page.locator('#closes ~ .wide path[aria-label*="closed after"]');
    expect(await bars.count()).toBeGreaterThanOrEqual(closed);
    expect(await bars.first().locator('title').textContent()).toMatch(/^\S+: closed after .*, request \d+$/);
    expect(await sweep.page.locator('.story').innerText()).toMatch(/Round 1 looked at \d+ jobs again at/);
  });

  it('the HTML report filters its table from the keyboard, and shows how many rows are left', async () => {
    const { page } = await tab.show(fileOf('sweep 40'));
    for (
      let press = 0;
      press < 20 && !(await page.evaluate<boolean>('document.activeElement.name === "words"'));
      press += 1
    )
      await page.keyboard.press('Tab');
    await page.keyboard.type('payments clos');
    const shown = await page.locator('#jobs tbody tr:visible th').allInnerTexts();
    expect(shown.length).toBeGreaterThan(3);
    expect(shown.every((id) => id.startsWith('payments'))).toBe(true);
    expect(await page.getByRole('status').innerText()).toBe(
      `${shown.length} of ${await page.locator('#jobs tbody tr').count()} shown`,
    );
    await page.keyboard.press('Tab');
    await page.keyboard.type('kept');
    expect(await page.locator('#jobs tbody tr:visible').count()).toBeLessThan(shown.length);
  });

  it('the HTML report works without scripts: it shows every row and hides the filter', async () => {
    const { page } = await tab.show(fileOf(`sweep ${many}`), { scripts: false });
    expect(await page.locator('#jobs tbody tr:visible').count()).toBeGreaterThan(0.95 * many);
    expect(await page.locator('form:visible').count()).toBe(0);
    expect(await page.locator('.chart svg:visible').count()).toBe(2);
  });

  it('the HTML report has the numbers of each chart as a table', async () => {
    const { page } = await tab.show(fileOf('plan 40'));
    await page.locator('#idle ~ details summary').press('Enter');
    const rows = await page.locator('#idle ~ details tbody tr').allInnerTexts();
    const total = rows.reduce(
      (sum, row) =>
        sum +
        row
          .split('\t')
          .slice(1, 3)
          .reduce((a, b) => a + Number(b), 0),
      0,
    );
    expect(total).toBe(40);
  });

  it('the HTML report runs no script that an id, a node name, a group or an error text contains', async () => {
    const evil = [
      '<img src=x onerror=alert(1)>',
      '</script><script>alert(2)</script>',
      '"><svg onload=alert(3)>',
      "' onmouseover='alert(4)",
      '</style><script>alert(5)</script>',
      '<!--',
      ['$', '{alert(6)}'].join(''),
      '{{constructor.constructor("alert(7)")()}}',
      '\u202egnp.exe',
      '</title><script>alert(8)</script>',
    ];
    const startedAt = '2026-11-23T02:00:00.000Z';
    const jobs = evil.map(
      (text, index): ReportedJob => ({
        jobId: text,
        state: text,
        verdict: 'close',
        reason: 'idle',
        outcome: 'error',
        attempts: 2,
        memoryBytes: 1_000 + index,
        idleMs: 9e8,
        nodeId: text,
        nodeName: text,
        datafeedId: text,
        askedAt: startedAt,
        settledAt: '2026-11-23T02:01:00.000Z',
        batch: index + 1,
        error: { status: 500, type: text, reason: text },
      }),
    );
    const counts = {
      open: 10,
      listed: 10,
      idle: 10,
      closed: 0,
      forceClosed: 0,
      alreadyClosed: 0,
      closing: 0,
      errors: 10,
      unknown: 0,
      revived: 0,
      gone: 0,
      notAttempted: 0,
      kept: 0,
    };
    const report: SweepReport = {
      sweepId: evil[0] as string,
      cluster: { name: evil[9] as string, id: evil[1] as string, version: evil[2] as string },
      request: { idleFor: evil[4] as string, jobs: evil, exclude: evil },
      dryRun: false,
      status: 'partial',
      startedAt,
      durationMs: 60_000,
      counts,
      kept: {},
      freedBytes: 0,
      freedReservedBytes: 0,
      jobs,
      fuse: null,
      followUp: { name: evil[3] as string, at: startedAt, round: 1, jobs: 1 },
      warnings: evil,
      flapping: [{ jobId: evil[0] as string, closes: 2, lastClosedAt: startedAt }],
    };
    const picture: Picture = {
      idleFor: 1,
      jobs: evil.map((text) => ({ jobId: text, idleMs: 5e8, memoryBytes: 5, node: text, verdict: 'close' })),
    };
    for (const dryRun of [false, true]) {
      const file = await folder.write('evil.html', await reportHtml({ ...report, dryRun }, picture));
      const { page, errors, requests } = await tab.show(file);
      await page.mouse.move(300, 400);
      expect({ errors, requests }).toEqual({ errors: [], requests: [] });
      expect(await page.locator('script').count()).toBe(1);
      expect(await page.locator('img, [onerror], [onload], [onmouseover]').count()).toBe(0);
      // shown as plain text, with the code of the invisible character
      const ids = await page.locator('#jobs th[scope=row]').allInnerTexts();
      expect(ids).toEqual(evil.map((text) => text.replace('\u202e', '\\u{202e}')));
    }
  });
});
