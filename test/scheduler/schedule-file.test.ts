import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { schedulesBench } from '../support/schedules-command.ts';

/** The error of `plan` for a file. Fails if a request was sent. */
async function complaint(text: string, name = 'schedules.yml'): Promise<string> {
  await using bench = await schedulesBench();
  const before = bench.scheduler.requests.length;
  const { exit, stdout, stderr } = await bench.withFile(text, ['plan'], { name });
  expect([exit, stdout]).toEqual([2, '']);
  expect(bench.scheduler.requests).toHaveLength(before);
  return stderr;
}

const entry = (fields: string) => `schedules:\n  - name: nightly\n${fields.replace(/^/gm, '    ')}\n`;
const cron = 'cron: "0 2 * * ? *"\n';

describe('an invalid schedule file is reported with line and column, and nothing is sent', () => {
  it.each([
    [
      'an unknown time zone',
      entry(`${cron}request: {}\ntimezone: Europe/Berlln`),
      'schedules.yml:5:5: schedules[0].timezone: expected an IANA time zone in its exact spelling, such as "Europe/Berlin", got "Europe/Berlln"',
    ],
    [
      'a bad cron',
      entry('request: {}\ncron: "0 2 * * * *"'),
      'schedules.yml:4:5: schedules[0].cron: expected ? in exactly one of day of month and day of week, such as "0 2 * * ? *", got "0 2 * * * *"',
    ],
    [
      'a cron that never matches',
      entry('request: {}\ncron: "0 2 30 2 ? *"'),
      'schedules.yml:4:5: schedules[0].cron: never matches any moment',
    ],
    [
      'a bad rate',
      entry('request: {}\nrate: 2 weeks'),
      'schedules[0].rate: expected a rate of a whole number',
    ],
    ['a bad at', entry('request: {}\nat: 2026-12-01'), 'schedules[0].at: expected a date-time without zone'],
    [
      'an oversized payload',
      entry(
        `${cron}request: {exclude: [${Array.from({ length: 9_000 }, (_, i) => `"job-${i}-${'x'.repeat(20)}"`).join(',')}]}`,
      ),
      'bytes as an Input, but a schedule holds at most 262144',
    ],
    [
      'a payload with a typo',
      entry(`${cron}request:\n  idelFor: 48h`),
      'schedules.yml:5:7: schedules[0].request: idelFor is an unknown field; did you mean idleFor?',
    ],
    [
      'an invalid payload',
      entry(`${cron}request:\n  close: {batch: 1000}`),
      'schedules.yml:5:15: schedules[0].request: close.batch: expected a whole number from 1 to 100, got 1000',
    ],
    [
      'no payload',
      entry(cron),
      'schedules[0].request: expected an object, the request of the sweep, got nothing',
    ],
    [
      'its own trigger',
      entry(`${cron}request: {trigger: {scheduleArn: x, scheduledTime: y}}`),
      'schedules[0].request: trigger is set by jobsweep itself; leave it out',
    ],
    [
      'two rhythms',
      entry(`${cron}rate: 1 day\nrequest: {}`),
      'expected exactly one of rate, cron and at, got rate and cron',
    ],
    ['no rhythm', entry('request: {}'), 'expected exactly one of rate, cron and at, got none'],
    [
      'an `at()` expression with an end',
      entry('at: 2027-01-01T00:00:00\nend: 2027-02-01T00:00:00Z\nrequest: {}'),
      'schedules[0].end: has no effect on a schedule with at',
    ],
    [
      'an end before the start',
      entry(`${cron}start: 2027-01-02T00:00:00Z\nend: 2027-01-01T00:00:00Z\nrequest: {}`),
      'schedules[0].end: expected a moment after start',
    ],
    [
      'a start without an offset',
      entry(`${cron}start: 2027-01-02T00:00:00\nrequest: {}`),
      'schedules[0].start: expected an ISO date-time with its offset',
    ],
    [
      'a window of seconds',
      entry(`${cron}window: 90s\nrequest: {}`),
      'schedules[0].window: expected a duration from 1m to 24h, in whole minutes, such as "1m", got "90s"',
    ],
    [
      'too many retries',
      entry(`${cron}retry: {attempts: 186}\nrequest: {}`),
      'schedules[0].retry.attempts: expected a whole number from 0 to 185, got 186',
    ],
    [
      'a FIFO queue',
      entry(`${cron}deadLetterArn: arn:aws:sqs:eu-central-1:123456789012:q.fifo\nrequest: {}`),
      'expected the ARN of an SQS queue that is not FIFO, or null for none',
    ],
    [
      'an unknown field',
      entry(`${cron}tiemzone: UTC\nrequest: {}`),
      'schedules.yml:4:5: schedules[0].tiemzone: is an unknown field; did you mean timezone?',
    ],
    [
      'an unknown field of the file',
      'groop: x\nschedules: []',
      'schedules.yml:1:1: groop: is an unknown field; did you mean group?',
    ],
    [
      'a local time that clocks skip',
      'schedules: [{name: once, at: "2027-03-28T02:30:00", timezone: Europe/Berlin, request: {}}]',
      'schedules[0].at: expected a time that exists in Europe/Berlin, got "2027-03-28T02:30:00": clocks skip it',
    ],
    [
      'a name of dots',
      'schedules: [{name: "..", rate: 1 day, request: {}}]',
      'schedules[0].name: expected 1 to 64 letters, digits',
    ],
    [
      'a name reserved for follow-ups',
      'schedules: [{name: followup.x, rate: 1 day, request: {}}]',
      '"followup.x" begins with a prefix reserved for follow-ups',
    ],
    [
      'a name twice',
      `${entry(`${cron}request: {}`)}${entry(`${cron}request: {}`).replace('schedules:\n', '')}`,
      'schedules.yml:5:5: schedules[1].name: "nightly" is used twice, first in schedules[0]',
    ],
    [
      'a payload whose only field is one that every JavaScript object inherits',
      entry(`${cron}request:\n  __proto__: {jobs: web}`),
      'schedules.yml:5:7: schedules[0].request: __proto__ is an unknown field',
    ],
    ['no list', 'schedules: nightly', 'schedules: expected a list of schedules, got "nightly"'],
    ['a list alone', '- name: nightly', 'expected an object with a list `schedules`'],
    ['a key twice', entry(`${cron}request: {}\nrequest: {}`), 'schedules.yml:5:5'],
    [
      'an unquoted star',
      entry('cron: */5 * * * ? *\nrequest: {}'),
      'schedules.yml:3:11: YAML treats a text that begins with * as an alias: quote it',
    ],
  ])(
    'an invalid schedule file is reported with line and column, and nothing is sent: %s',
    async (_what, text, message) => {
      expect(await complaint(text)).toContain(message);
    },
  );

  it('all problems of a schedule file are reported at once, one per line', async () => {
    const text = entry('cron: "x"\nrequest: {}');
    const lines = (await complaint(`${text}  - {name: b, rate: 0 days, request: {idleFor: 1s}}\n`)).trim();
    expect(
      lines.split('\n').map((line) => /^(?:jobsweep: )?(schedules.yml:\d+:\d+): /.exec(line)?.[1]),
    ).toEqual(['schedules.yml:3:5', 'schedules.yml:5:15', 'schedules.yml:5:39']);
  });

  it('problems of a JSON schedule file are reported with line and column; a trailing comma is such a problem', async () => {
    expect(
      await complaint(
        '{\n  "schedules": [\n    {"name": "n", "rate": "1 dya", "request": {}}\n  ]\n}',
        's.json',
      ),
    ).toContain('s.json:3:19: schedules[0].rate: expected a rate');
    expect(await complaint('{"schedules": [],}', 's.json')).toContain('s.json:1:');
  });

  it('if a schedule file does not exist, the error names it', async () => {
    await using bench = await schedulesBench();
    const { exit, stderr } = await bench.run(['plan', '-f', 'no-such.yml']);
    expect(exit).toBe(2);
    expect(stderr).toContain('no-such.yml cannot be read: ENOENT');
  });
});

describe('a schedule file', () => {
  it('a schedule file may be JSON on standard input', async () => {
    await using bench = await schedulesBench();
    const { exit } = await bench.run(['apply', '-f', '-', '--yes'], {
      stdin: JSON.stringify({ schedules: [{ name: 'n', rate: '1 day', request: {} }] }),
    });
    expect(exit).toBe(0);
    expect(bench.scheduler.schedules.map(({ Name }) => Name)).toEqual(['n']);
  });

  it('a schedule file may set group, function, role and queue, and `--group` overrides the file’s group', async () => {
    await using bench = await schedulesBench();
    const arn = (name: string) => `arn:aws:lambda:eu-central-1:123456789012:function:${name}`;
    const text = `
group: of-the-file
functionArn: ${arn('other:live')}
roleArn: arn:aws:iam::123456789012:role/path/other
deadLetterArn: null
schedules: [{name: n, rate: 1 day, request: {}}]
`;
    await bench.withFile(text, ['apply', '--yes'], { env: {} });
    await bench.withFile(text, ['apply', '--yes', '--group', 'asked-for'], { env: {} });
    expect(bench.scheduler.schedules.map(({ GroupName, Target }) => [GroupName, Target.Arn])).toEqual([
      ['asked-for', arn('other:live')],
      ['of-the-file', arn('other:live')],
    ]);
    expect(bench.scheduler.schedules[0]?.Target).toMatchObject({
      RoleArn: 'arn:aws:iam::123456789012:role/path/other',
    });
    expect(bench.scheduler.schedules[0]?.Target).not.toHaveProperty('DeadLetterConfig');
  });

  it('the published schema of a schedule file has exactly the fields that are read', () => {
    const schema = JSON.parse(
      readFileSync(new URL('../../schemas/schedules.schema.json', import.meta.url), 'utf8'),
    ) as {
      properties: {
        schedules: {
          items: { properties: Record<string, unknown>; required: string[]; anyOf: { required: string[] }[] };
        };
      };
      $defs: { request: { properties: object } };
    };
    const { properties, required, anyOf } = schema.properties.schedules.items;
    expect(required).toEqual(['name']);
    expect(anyOf).toEqual([{ required: ['request'] }, { required: ['rollCall'] }]);
    expect(Object.keys(properties)).toEqual(
      expect.arrayContaining([
        'rate',
        'cron',
        'at',
        'timezone',
        'start',
        'end',
        'window',
        'state',
        'clusters',
        'request',
        'rollCall',
      ]),
    );
    expect(properties.request).toEqual({ $ref: '#/$defs/request' });
    expect(Object.keys(schema.$defs.request.properties)).toContain('idleFor');
  });
});
