/**
 * @module Tests that notifications stay within the limits of their targets, and show text from outside as plain text.
 */
import { describe, expect, it } from 'vitest';
import { clustersMessage } from '../../src/notify/clusters-message.ts';
import { eventDetail, webhookBody } from '../../src/notify/event.ts';
import { code, type Message } from '../../src/notify/message.ts';
import { slackBody } from '../../src/notify/slack.ts';
import { snsPublication } from '../../src/notify/sns.ts';
import { failureMessage, sweepMessage } from '../../src/notify/sweep-message.ts';
import { teamsCard } from '../../src/notify/teams.ts';
import type { ReportedJob, SweepReport } from '../../src/sweep/reporting/report.ts';
import { outcomes } from '../../src/sweep/vocabulary.ts';

const hostile = [
  '<!channel> <https://evil.example|click> &amp; *bold* _it_ ~no~',
  '`code` ``` [link](https://evil.example) <at>everyone</at>',
  '\u202eevil\u0007\u001b[31m\n\n# heading',
  '"}],"text":"<!here>',
  '😀'.repeat(40),
  'x'.repeat(5_000),
];

const job = (jobId: string, change: Partial<ReportedJob> = {}): ReportedJob => ({
  jobId,
  state: 'opened',
  verdict: 'close',
  reason: 'idle',
  outcome: 'closed',
  attempts: 1,
  ...change,
});

function reportOf(jobs: readonly ReportedJob[], change: Partial<SweepReport> = {}): SweepReport {
  const zeros = Object.values(outcomes).map(({ count }) => [count, 0]);
  const counts = Object.fromEntries([
    ...zeros,
    ['open', jobs.length],
    ['listed', jobs.length],
    ['idle', jobs.length],
  ]);
  for (const { outcome } of jobs) counts[outcomes[outcome].count] += 1;
  return {
    sweepId: 'sweep-1',
    cluster: { name: 'default', id: 'uuid', version: '9.2.1' },
    request: { idleFor: '48h' },
    dryRun: false,
    status: 'done',
    startedAt: '2026-11-23T02:00:00.000Z',
    durationMs: 1_000,
    counts,
    kept: {},
    freedBytes: 1_500_000_000,
    freedReservedBytes: 0,
    jobs,
    fuse: null,
    followUp: null,
    warnings: [],
    ...change,
  };
}

const where = ['Report: log group `/aws/lambda/jobsweep-prod-sweep`, request id `request-1`'];
const long = 'because '.repeat(20_000);
const tenThousand = (outcome: ReportedJob['outcome'], change: Partial<ReportedJob> = {}) =>
  Array.from({ length: 10_000 }, (_, index) =>
    job(`${hostile[index % hostile.length]}-${index}`, { outcome, ...change }),
  );

const messages: Readonly<Record<string, Message>> = {
  'an ordinary sweep': sweepMessage(reportOf([job('a'), job('b', { outcome: 'force_closed' })]), where),
  'hostile ids': sweepMessage(reportOf(hostile.map((id) => job(id, { outcome: 'force_closed' }))), where),
  '10,000 forced jobs': sweepMessage(reportOf(tenThousand('force_closed')), where),
  '10,000 errors with long texts': sweepMessage(
    reportOf(tenThousand('error', { error: { status: 500, type: 'e', reason: long } }), {
      status: 'partial',
    }),
    where,
  ),
  '10,000 unknown jobs': sweepMessage(reportOf(tenThousand('unknown'), { status: 'partial' }), where),
  '10,000 jobs not attempted': sweepMessage(
    reportOf(tenThousand('not_attempted', { notAttemptedBecause: 'limit' }), { status: 'partial' }),
    where,
  ),
  '2,000 long warnings': sweepMessage(
    reportOf([], { warnings: Array.from({ length: 2_000 }, (_, index) => `${hostile[index % 6]} ${long}`) }),
    where,
  ),
  'a refusal': sweepMessage(
    reportOf([], { status: 'refused', fuse: { name: 'max_jobs', idle: 600, open: 700, limit: 500 } }),
    where,
  ),
  'a failure with a long text': failureMessage(
    { name: 'ClusterUnreachableError', message: hostile.join(' ') + long, exit: 5 },
    { cluster: 'prod-eu', sweepId: 'sweep-1' },
    where,
  ),
  'a message with 10,000 long lines': {
    severity: 'error',
    headline: long,
    lines: Array.from(
      { length: 10_000 },
      (_, index) => `${index} ${hostile[index % 6]} ${long.slice(0, 500)}`,
    ),
    facts: Array.from({ length: 100 }, (_, index) => ({ name: `${hostile[index % 6]}`, value: long })),
    anchor: 'notifications',
    kind: 'Jobsweep Test',
    thread: 'default',
    detail: { everything: long.repeat(20) },
  },
};

interface SlackText {
  readonly type: string;
  readonly text: string;
  readonly verbatim?: boolean;
}
interface SlackBlock {
  readonly type: string;
  readonly text?: SlackText;
  readonly fields?: readonly SlackText[];
  readonly elements?: readonly SlackText[];
}

const bytesOf = (value: unknown) =>
  Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));

describe.each(Object.entries(messages))('the notification about %s', (_name, message) => {
  it('a notification fits into Slack’s blocks, mentions nobody, and links only to the runbook', () => {
    const { text, blocks } = slackBody(message) as { text: string; blocks: readonly SlackBlock[] };
    expect(blocks.length).toBeLessThanOrEqual(50);
    expect(JSON.stringify(blocks).length).toBeLessThan(13_000);
    expect(text.length).toBeGreaterThan(10);
    const texts = blocks.flatMap(({ text: own, fields = [], elements = [] }) => [
      own,
      ...fields,
      ...elements,
    ]);
    for (const each of texts) {
      if (each === undefined) continue;
      expect(each.text.length).toBeLessThanOrEqual(3_000);
      expect(each.text).not.toBe('');
      if (each.type === 'plain_text') continue;
      expect(each.verbatim).toBe(true);
      const markup = each.text.match(/<[^>]*>/g) ?? [];
      for (const link of markup)
        expect(link).toMatch(/^<https:\/\/github\.com\/jobsweep\/.*runbook\.md#[\w-]+\|/);
      expect(each.text).not.toMatch(/&(?!amp;|lt;|gt;)/);
    }
    expect(text).not.toMatch(/[<>]/);
    for (const { type, text: own, fields = [] } of blocks) {
      if (type === 'header') expect(own?.text.length).toBeLessThanOrEqual(150);
      expect(fields.length).toBeLessThanOrEqual(10);
      for (const field of fields) expect(field.text.length).toBeLessThanOrEqual(2_000);
    }
  });

  it('a notification fits into a Teams card, and shows text from external sources as plain text', () => {
    const card = teamsCard(message) as {
      attachments: [
        { contentType: string; content: { body: { type: string }[]; actions: { url: string }[] } },
      ];
    };
    expect(bytesOf(card)).toBeLessThan(20_000);
    const [{ contentType, content }] = card.attachments;
    expect(contentType).toBe('application/vnd.microsoft.card.adaptive');
    expect(content.body.filter(({ type }) => type !== 'RichTextBlock' && type !== 'FactSet')).toEqual([]);
    expect(JSON.stringify(content)).not.toContain('"text":""');
    expect(content.actions[0]?.url).toContain(`#${message.anchor}`);
  });

  it('a notification is valid for Amazon Q and readable as e-mail, within the limits of SNS', () => {
    const { Subject, Message: body, MessageStructure, MessageAttributes } = snsPublication(message);
    expect(MessageStructure).toBe('json');
    expect(bytesOf(body) + bytesOf(Subject) + bytesOf(MessageAttributes)).toBeLessThan(256 * 1024);
    expect(Subject).toMatch(/^[\x20-\x7e]{1,99}$/);
    const { default: q, email, sms } = JSON.parse(body) as Record<string, string>;
    expect(email).toContain(`#${message.anchor}`);
    expect(sms?.length).toBeLessThanOrEqual(140);
    const { version, source, content, metadata } = JSON.parse(q ?? '') as {
      version: string;
      source: string;
      content: { title: string; description: string; nextSteps: string[] };
      metadata: { threadId: string; summary: string };
    };
    expect({ version, source }).toEqual({ version: '1.0', source: 'custom' });
    expect(content.title.length).toBeLessThanOrEqual(250);
    expect(content.description.length).toBeLessThanOrEqual(8_000);
    expect(content.description).not.toBe('');
    expect(content.description + content.title).not.toMatch(/[<>]/);
    expect(content.nextSteps.join()).toContain(`#${message.anchor}`);
    expect(metadata.threadId).toBe(`jobsweep-${message.thread}`);
  });

  it('a notification fits into an event of 256 KB, and a webhook’s body contains that event', () => {
    const detail = eventDetail(message);
    expect(bytesOf(detail)).toBeLessThan(250 * 1024);
    expect(detail).toMatchObject({
      severity: message.severity,
      runbook: expect.stringContaining(message.anchor),
    });
    expect(webhookBody(message)).toMatchObject({ kind: message.kind, source: 'jobsweep', detail });
  });

  it('a notification contains no control character', () => {
    const all = JSON.stringify([slackBody(message), teamsCard(message), eventDetail(message).lines]);
    if (message.kind !== 'Jobsweep Test') expect(all).not.toMatch(/\\u00[01][0-9a-f]|\\u202e|\u202e/);
  });
});

describe('a notification', () => {
  it('a notification names the first 20 forced jobs and counts the rest', () => {
    const forced = Array.from({ length: 143 }, (_, index) =>
      job(`job-${index}`, { outcome: 'force_closed' }),
    );
    const { lines, detail } = sweepMessage(reportOf(forced), where);
    const [line] = lines;
    expect(line).toMatch(/^Closed with force, which loses .*: `job-0`, `job-1`, .*`job-19` and 123 more$/);
    expect(line).not.toContain('job-20');
    expect(detail?.forced).toHaveLength(20);
  });

  it('a notification says why a sweep was refused, and links to the runbook section about the fuse', () => {
    const message = messages['a refusal'];
    expect(message?.headline).toBe('jobsweep, default: sweep refused, nothing was closed');
    expect(message?.lines[0]).toBe(
      'REFUSED by the fuse max_jobs: 600 jobs would be closed, and 500 are allowed. Nothing was closed. First check in the plan whether these jobs are idle, or have lost their data; only if they are idle, raise fuse.maxJobs for one sweep.',
    );
    expect(message?.anchor).toBe('refused-max_jobs');
  });

  it('a notification says what was closed, how much memory was freed, and where the report is', () => {
    const message = messages['an ordinary sweep'];
    expect(message?.headline).toBe('jobsweep, default: 2 jobs closed, 1.4 GB of model memory freed');
    expect(message?.facts).toEqual([
      { name: 'Closed', value: '1' },
      { name: 'Closed with force', value: '1' },
      { name: 'Open before', value: '2' },
      { name: 'Model memory freed', value: '1.4 GB' },
    ]);
    expect(message?.lines.at(-1)).toBe(where[0]);
  });

  it('a notification shows the freed reserved memory separately from the freed model memory', () => {
    const reserving = (...sizes: readonly (number | undefined)[]) =>
      sweepMessage(
        reportOf(
          sizes.map((reservedBytes, index) =>
            job(`job-${index}`, reservedBytes === undefined ? {} : { reservedBytes }),
          ),
          { freedReservedBytes: sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) },
        ),
        where,
      ).facts?.filter(({ name }) => name.endsWith('memory freed'));
    const model = { name: 'Model memory freed', value: '1.4 GB' };
    expect(reserving(2 ** 30, 2 ** 30)).toEqual([model, { name: 'Reserved memory freed', value: '2.0 GB' }]);
    expect(reserving(2 ** 30, undefined)).toEqual([
      model,
      { name: 'Reserved memory freed', value: 'at least 1.0 GB' },
    ]);
    expect(reserving(undefined)).toEqual([model]);
  });

  it('a notification to Slack, Teams or SNS shows every count, the freed model memory and the freed reserved memory', () => {
    const jobs = Object.keys(outcomes).map((outcome) =>
      job(outcome, { outcome: outcome as ReportedJob['outcome'], reservedBytes: 2 ** 20 }),
    );
    const message = sweepMessage(reportOf(jobs, { freedReservedBytes: 2 ** 21, status: 'partial' }), where);
    expect(message.facts?.length).toBe(10);
    for (const body of [slackBody(message), teamsCard(message), snsPublication(message)])
      for (const { name } of message.facts ?? []) expect(JSON.stringify(body)).toContain(name);
  });

  it('in every format, a notification links to the runbook section about forced jobs, in addition to its other links', () => {
    const forced = [job('a', { outcome: 'force_closed' }), job('b')];
    for (const status of ['done', 'partial'] as const) {
      const message = sweepMessage(reportOf(forced, { status, warnings: ['x'] }), where);
      const forms = {
        slack: slackBody(message),
        teams: teamsCard(message),
        sns: snsPublication(message),
        event: eventDetail(message),
      };
      for (const [form, body] of Object.entries(forms)) {
        const text = JSON.stringify(body);
        expect(text, form).toContain('runbook.md#a-job-was-forced');
        expect(text, form).toContain('runbook.md#warnings');
        if (status === 'partial') expect(text, form).toContain('runbook.md#status-partial');
      }
    }
    expect(JSON.stringify(slackBody(sweepMessage(reportOf([job('b')]), where)))).not.toContain('forced');
  });

  it('a notification about many clusters links to the section about forced jobs, and has the totals of model and of reserved memory', () => {
    const report = reportOf([job('a', { outcome: 'force_closed', reservedBytes: 2 ** 30 })], {
      freedReservedBytes: 2 ** 30,
    });
    const failure = { type: 'ClusterUnreachableError', reason: 'no answer', exit: 5 };
    const sweeps = [
      { name: 'up', report },
      { name: 'also-up', report },
      { name: 'down', failure },
    ];
    expect(clustersMessage(sweeps, 'changes', where)).toMatchObject({
      anchor: 'error-clusterunreachableerror',
      alsoSee: [{ anchor: 'a-job-was-forced' }],
      facts: [
        { name: 'Model memory freed', value: '2.8 GB' },
        { name: 'Reserved memory freed', value: '2.0 GB' },
      ],
    });
  });

  it('a notification shortens text from external sources, puts it on one line and removes its markup', () => {
    expect(code('a`b\n\nc')).toBe("`a'b c`");
    expect(code('😀'.repeat(500))).toBe(`\`${'😀'.repeat(49)}…\``);
  });
});
