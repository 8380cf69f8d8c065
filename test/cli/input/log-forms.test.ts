/** @module Tests that `reopen` reads the log of a sweep in each format in which users may have saved it. */
import { describe, expect, it } from 'vitest';
import type { ReopenReport } from '../../../src/cli/reopen/reopened-text.ts';
import { newFolder } from '../../support/folder.ts';
import { runOn } from '../../support/run-on.ts';
import { busy, idle, startSetup } from '../../support/sweep-setup.ts';

const at = '2026-11-26T02:00:05';
const stream = '2026/11/26/[$LATEST]0c1f3e';
const event = (message: string) => ({ logStreamName: stream, timestamp: 1_795_658_405_123, message });
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const pretty = (message: string) => {
  try {
    return `\n${JSON.stringify(JSON.parse(message), null, 4)}`;
  } catch {
    return message;
  }
};
const csv = (head: string, messages: readonly string[], end: string) =>
  [head, ...messages.map((message) => `${at},${quoted(`${message}\n`)}`)].join(end) + end;
const green = (text: string) => `\u001b[32m${text}\u001b[0m`;

/** For each format, a function that writes the log's messages in that format. */
const forms: Readonly<Record<string, (messages: readonly string[]) => string>> = {
  'the lines themselves': (messages) => messages.join('\n'),
  'lines with Windows line endings': (messages) => messages.join('\r\n'),
  'aws logs tail --format short': (messages) => messages.map((each) => `${at} ${each}\n`).join(''),
  'aws logs tail --format detailed': (messages) =>
    messages.map((each) => `${at}.123000+00:00 ${stream} ${each}\n`).join(''),
  'aws logs tail --format json': (messages) =>
    messages.map((each) => `${at}.123000+00:00 ${stream} ${pretty(each)}\n`).join(''),
  'aws logs tail --format none': (messages) =>
    messages.map((each) => `${JSON.stringify(event(each))}\n`).join(''),
  'aws logs tail in colour': (messages) =>
    messages.map((each) => `${green(at)} ${green(stream)} ${each}\n`).join(''),
  'aws logs filter-log-events': (messages) =>
    JSON.stringify({ events: messages.map(event), searchedLogStreams: [] }, null, 4),
  'aws logs filter-log-events --output text': (messages) =>
    messages.map((each) => `EVENTS\t37264\t1795658405123\t${stream}\t${each}\t1795658405000\n`).join(''),
  'aws logs get-query-results': (messages) =>
    JSON.stringify({
      status: 'Complete',
      results: messages.map((each) => [
        { field: '@timestamp', value: at },
        { field: '@message', value: `${each}\n` },
      ]),
    }),
  'JSON of Insights': (messages) =>
    JSON.stringify(messages.map((each) => ({ '@timestamp': at, '@message': each, '@log': 'x' }))),
  'CSV of Insights': (messages) => csv('@timestamp,@message', messages, '\n'),
  'CSV of the console': (messages) => csv('timestamp,message', messages, '\r\n'),
};

describe('the formats that `reopen` reads', () => {
  it.each(
    Object.entries(forms).flatMap(([name, form]) => [
      [name, 'utf8', form] as const,
      [name, 'utf16le', form] as const,
    ]),
  )('`reopen` reads a log in the format "%s", in the encoding %s', async (_name, encoding, form) => {
    await using setup = await startSetup([...busy(6), ...idle(3)]);
    await using folder = await newFolder();
    const { stdout } = await runOn(setup, ['sweep', '--yes', '-o', 'ndjson']);
    const messages = [
      'START RequestId: 8cb8b7fd Version: $LATEST',
      '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": []}, "closed": 3}',
      ...stdout.trimEnd().split('\n'),
      'REPORT RequestId: 8cb8b7fd Duration: 3 ms {not JSON',
    ];
    const text = form(messages);
    const file = await folder.write(
      'log',
      encoding === 'utf8' ? text : Buffer.from(`\uFEFF${text}`, 'utf16le'),
    );
    const result = await runOn(setup, ['reopen', file, '--yes']);
    expect(result.exit, result.stderr).toBe(0);
    const report = JSON.parse(result.stdout) as ReopenReport;
    expect(report.counts).toMatchObject({ reopened: 3, error: 0 });
    expect(report.warnings).toEqual([]);
  });

  it('`reopen` reads a report between other lines, such as the output of npm', async () => {
    await using setup = await startSetup([...busy(6), ...idle(3)]);
    await using folder = await newFolder();
    const { stdout } = await runOn(setup, ['sweep', '--yes', '-o', 'json']);
    const file = await folder.write(
      'report.txt',
      `> jobsweep@0.1.0 sweep\n> jobsweep sweep --yes\n\n${stdout}\nDone in 2 s\n`,
    );
    const result = await runOn(setup, ['reopen', file, '--yes']);
    expect((JSON.parse(result.stdout) as ReopenReport).counts).toMatchObject({ reopened: 3 });
  });

  it('`reopen` refuses a file without a report, and names the commands whose output it can read', async () => {
    await using setup = await startSetup(busy(3));
    await using folder = await newFolder();
    const file = await folder.write('notes.txt', 'timestamp,message\n1,"{""level"": ""INFO""}"\n');
    const result = await runOn(setup, ['reopen', file, '--yes']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(/notes\.txt has no report of a sweep/);
    expect(result.stderr).toMatch(/^ {2}aws logs tail LOG_GROUP/m);
    expect(setup.server.requests).toEqual([]);
  });

  it('`reopen` exits with 2 within the test’s timeout for a log of 40,000 lines that each open a brace', async () => {
    await using setup = await startSetup(busy(3));
    await using folder = await newFolder();
    const file = await folder.write('log', `${at} {"half": [\n  {"x"\n`.repeat(20_000));
    expect((await runOn(setup, ['reopen', file, '--yes'])).exit).toBe(2);
  });
});
