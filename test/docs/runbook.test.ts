/** @module Tests that the runbook has a section for everything that links to it, and no other sections. */
import { describe, expect, it } from 'vitest';
import { alarms } from '../../deploy/alarms.ts';
import type { Parameters } from '../../deploy/parameters.ts';
import * as errors from '../../src/base/errors.ts';
import { exitCodes } from '../../src/base/exit-codes.ts';
import { InvalidDocumentError } from '../../src/cli/input/document.ts';
import { clustersMessage } from '../../src/notify/clusters-message.ts';
import { snsPublication } from '../../src/notify/sns.ts';
import { failureMessage, sweepMessage } from '../../src/notify/sweep-message.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { runbookLink } from '../../src/sweep/reporting/runbook.ts';
import { warningCode, warnings } from '../../src/sweep/reporting/warning-codes.ts';
import { fuses, notAttemptedReasons, statuses } from '../../src/sweep/vocabulary.ts';
import { page } from '../support/markdown.ts';

const text = page('docs/runbook.md');

/** The anchor of a heading as GitHub makes it. */
const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');
const headings = [...text.matchAll(/^#{2,} (.+)$/gm)].map(([, heading = '']) => slug(heading));
const sections = new Set(headings);
const ofKind = (prefix: string) => headings.filter((each) => each.startsWith(prefix)).sort();

/** Every alarm that a stack may have, except the two that are only inputs of the alarm for overdue sweeps. */
const everyAlarm = () =>
  Object.values(
    alarms('jobsweep-test', { clusters: ['logs'], isFleet: true, hasRollCall: true }, {
      missingAfterHours: 26,
      maximumEventAge: 3_600,
    } as Parameters),
  )
    .map(({ Properties }) => Properties as { AlarmName: string; AlarmDescription: string })
    .filter(({ AlarmName }) => !/-(?:recent|first)-sweep-/.test(AlarmName));

const linkIn = (words: string) => /runbook\.md#([\w-]+)/.exec(words)?.[1] ?? 'no link';

describe('the runbook', () => {
  it('the runbook has exactly one section for each alarm, and the alarm’s description links to it', () => {
    const links = everyAlarm().map(({ AlarmDescription }) => linkIn(AlarmDescription));
    expect([...new Set(links)].sort()).toEqual(ofKind('alarm-'));
    for (const { AlarmName, AlarmDescription } of everyAlarm())
      expect(AlarmName).toContain(linkIn(AlarmDescription).slice('alarm-'.length));
  });

  it('the runbook has exactly one section for each error', () => {
    const names = Object.entries(errors)
      .filter(([, value]) => typeof value === 'function' && value.prototype instanceof errors.JobsweepError)
      .map(([name]) => name);
    const all = [...names, InvalidDocumentError.name, 'unexpected'];
    expect(all.map((name) => `error-${name.toLowerCase()}`).sort()).toEqual(ofKind('error-'));
  });

  it.each([
    ['status-', statuses],
    ['refused-', fuses],
    ['not-attempted-', notAttemptedReasons],
    ['exit-', exitCodes],
    ['warning-', warnings],
  ])(
    'the runbook has exactly one section with the prefix %s for each value that the code can report',
    (prefix, list) => {
      const others = ['exit-codes'];
      expect(ofKind(prefix).filter((each) => !others.includes(each))).toEqual(
        Object.keys(list)
          .map((name) => `${prefix}${name}`)
          .sort(),
      );
    },
  );

  it('the runbook has a section for each link in a message about a failure', () => {
    const of = (name: string, exit: number) => failureMessage({ name, message: 'x', exit }, {}, []).anchor;
    for (const anchor of [
      of('ClusterUnreachableError', 5),
      of('TypeError', 1),
      of('InvalidDocumentError', 2),
    ])
      expect(sections).toContain(anchor);
    const failure = { type: 'UnexpectedError', reason: 'x', exit: 1 };
    const message = clustersMessage([{ name: 'a', failure }], 'changes', []);
    expect(sections).toContain(message?.anchor);
    expect(runbookLink('notifications')).toMatch(/runbook\.md#notifications$/);
    for (const anchor of ['notifications', 'report-not-stored', 'warnings', 'a-job-was-forced', 'exit-codes'])
      expect(sections).toContain(anchor);
  });

  it('each link within the runbook leads to one of its sections, and no section occurs twice', () => {
    const links = [...text.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor = '']) => anchor);
    expect(links.filter((anchor) => !sections.has(anchor))).toEqual([]);
    expect(headings).toHaveLength(sections.size);
    for (const other of ['docs/notifications.md'])
      for (const [, anchor = ''] of page(other).matchAll(/runbook\.md#([\w-]+)/g))
        expect(sections).toContain(anchor);
  });

  it('each section of the runbook begins with a sentence about the problem', () => {
    for (const part of text.split(/^### /m).slice(1)) expect(part).toMatch(/\n\n\S.{15,}/s);
  });
});

describe('the page about notifications', () => {
  it('the page about notifications shows the e-mail that the code produces', () => {
    const [, shown = ''] =
      /<!-- example: email -->\n```text\n(.*?)\n```/s.exec(page('docs/notifications.md')) ?? [];
    const { Message: body } = snsPublication(
      sweepMessage(exampleReport, [
        'Report: log group `/aws/lambda/jobsweep-prod-sweep`, request id `6f0c1b1e`',
        'Logs Insights: `filter sweepId = "sweep-1"`',
      ]),
    );
    expect((JSON.parse(body) as { email: string }).email).toBe(shown);
  });
});

const exampleReport = {
  sweepId: 'sweep-1',
  cluster: { name: 'prod-eu', id: 'x', version: '9.2.1' },
  dryRun: false,
  status: 'partial',
  counts: {
    open: 37,
    closed: 11,
    forceClosed: 1,
    closing: 2,
    errors: 1,
    unknown: 0,
    notAttempted: 0,
    kept: 22,
  },
  freedBytes: 1_500_000_000,
  freedReservedBytes: 1_800_000_000,
  jobs: [
    { jobId: 'web-latency-03', outcome: 'force_closed', reservedBytes: 60_000_000 },
    {
      jobId: 'payments-errors-01',
      outcome: 'error',
      error: { status: 500, type: 'status_exception', reason: 'the node left the cluster' },
    },
  ],
  fuse: null,
  followUp: { name: 'followup', at: '2026-11-23T02:15:00Z', round: 1, jobs: 2 },
  warnings: [],
} as unknown as SweepReport;

describe('the code of a warning', () => {
  const examples = [...text.matchAll(/^### Warning (\S+)\n\n> (.+)$/gm)].map(
    ([, code = '', example = '']) => [example, code] as const,
  );

  it.each(examples)(
    'the example warning "%s" in the runbook gets the code %s, and no other code',
    (example, code) => {
      const codes = Object.entries(warnings).filter(([, pattern]) => pattern.test(example));
      expect(codes.map(([name]) => name)).toEqual([code]);
      expect(warningCode(example)).toBe(code);
    },
  );

  it('each section of the runbook about a warning begins with an example', () => {
    expect(examples.map(([, code]) => code).sort()).toEqual(Object.keys(warnings).sort());
  });

  it('an unknown warning has no code', () => {
    expect(warningCode('something new')).toBeUndefined();
  });
});
