import { describe, expect, it } from 'vitest';
import { InvalidExpressionError, parseExpression } from '../../src/scheduler/expression.ts';
import { isTimeZone, nextDue } from '../../src/scheduler/occurrences.ts';
import { iso } from '../support/scheduler.ts';

/** The next due times of an expression, in UTC. */
function dueTimes(text: string, { zone = 'UTC', from = '2026-01-01T00:00:00Z', count = 4 } = {}): unknown[] {
  const expression = parseExpression(text);
  const times: unknown[] = [];
  let after = Date.parse(from);
  const anchor = after;
  for (let i = 0; i < count; i++) {
    const due = nextDue({ expression, timezone: zone, anchor }, after);
    if (due === undefined) break;
    times.push(iso(due));
    after = due;
  }
  return times;
}

describe('expressions that the service was seen to refuse', () => {
  it.each([
    'rate(10 seconds)',
    'rate(10 years)',
    'rate(10)',
    'rate()',
    'rate(-10 minutes)',
    'rate( 10 minutes )',
    ' rate(10 minutes)',
    'at(2021-12-31)',
    'at(2021-12-31T23:59:59Z)',
    'cron()',
    'cron(0 1 * * * *)',
    'cron(71 8 1 * ? *)',
  ])('%s', (text) => {
    expect(() => parseExpression(text)).toThrow(InvalidExpressionError);
  });
});

describe('expressions that the service was seen to accept', () => {
  it.each([
    'cron(*/15 * * * ? *)',
    'cron(0-59/10 0-23/2 ? * * *)',
    'cron(30-30 13-13 ? * 2,4,6 *)',
    'cron(0 18 ? * MON-FRI *)',
    'rate(1 days)',
    'at(2022-12-31T23:59:59)',
  ])('%s', (text) => {
    expect(parseExpression(text)).toBeDefined();
  });
});

describe('an expression that is wrong', () => {
  it.each([
    ['every day', 'rate(…), cron(…) or at(…), got "every day"'],
    ['rate(0 minutes)', 'a rate of a whole number, 1 or more'],
    ['rate(2 weeks)', 'minute(s), hour(s) or day(s), as "12 hours", got "2 weeks"'],
    ['cron(0 2 * * ?)', 'six fields with one blank between them'],
    ['cron(0  2 * * ? *)', 'six fields with one blank between them'],
    ['cron(0 2 * * * *)', '? in exactly one of day of month and day of week'],
    ['cron(0 2 ? * ? *)', '? in exactly one of day of month and day of week'],
    ['cron(60 2 * * ? *)', 'minutes from 0 to 59, in the cron form of EventBridge Scheduler, got "60"'],
    ['cron(0 24 * * ? *)', 'hours from 0 to 23'],
    ['cron(0 2 0 * ? *)', 'day of month from 1 to 31'],
    ['cron(0 2 32W * ? *)', 'day of month from 1 to 31'],
    ['cron(0 2 LW,15 * ? *)', 'day of month from 1 to 31'],
    ['cron(0 2 * 13 ? *)', 'month from 1 to 12 or JAN to DEC'],
    ['cron(0 2 ? * 0 *)', 'day of week from 1 to 7 or SUN to SAT'],
    ['cron(0 2 ? * 8 *)', 'day of week from 1 to 7 or SUN to SAT'],
    ['cron(0 2 ? * mon *)', 'day of week from 1 to 7 or SUN to SAT'],
    ['cron(0 2 ? * FRI-MON *)', 'day of week from 1 to 7 or SUN to SAT'],
    ['cron(0 2 ? * 2#6 *)', 'day of week from 1 to 7 or SUN to SAT'],
    ['cron(0 2 * * ? 2200)', 'year from 1970 to 2199'],
    ['cron(*/0 2 * * ? *)', 'minutes from 0 to 59'],
    ['cron(1,,2 2 * * ? *)', 'minutes from 0 to 59'],
    ['at(2026-02-30T00:00:00)', 'a date-time without zone or fraction'],
    ['at(2026-02-03T24:00:00)', 'a date-time without zone or fraction'],
    [`rate(${'1'.repeat(300)} days)`, 'at most 256 characters'],
  ])('%s says what is expected', (text, message) => {
    expect(() => parseExpression(text)).toThrow(message);
  });
});

describe('cron', () => {
  it('counts weekdays from Sunday, which is 1', () => {
    expect(dueTimes('cron(0 0 ? * 1 *)', { count: 1 })).toEqual(['2026-01-04T00:00:00Z']);
    expect(dueTimes('cron(0 0 ? * 7 *)', { count: 1 })).toEqual(['2026-01-03T00:00:00Z']);
    expect(dueTimes('cron(0 0 ? * SAT *)', { count: 1 })).toEqual(['2026-01-03T00:00:00Z']);
  });

  it('knows the last day of the month and of the week', () => {
    expect(dueTimes('cron(0 0 L * ? *)', { count: 3 })).toEqual([
      '2026-01-31T00:00:00Z',
      '2026-02-28T00:00:00Z',
      '2026-03-31T00:00:00Z',
    ]);
    expect(dueTimes('cron(0 0 ? * L *)', { count: 2 })).toEqual([
      '2026-01-03T00:00:00Z',
      '2026-01-10T00:00:00Z',
    ]);
  });

  it('knows the last Friday and the second Friday of a month', () => {
    expect(dueTimes('cron(0 0 ? * 6L *)', { count: 2 })).toEqual([
      '2026-01-30T00:00:00Z',
      '2026-02-27T00:00:00Z',
    ]);
    expect(dueTimes('cron(0 0 ? * FRI#2 *)', { count: 2 })).toEqual([
      '2026-01-09T00:00:00Z',
      '2026-02-13T00:00:00Z',
    ]);
  });

  it('takes the weekday nearest to a day, without leaving the month', () => {
    // 15 February 2026 and 1 February 2026 are Sundays, 31 January is a Saturday
    expect(dueTimes('cron(0 0 15W 2 ? 2026)')).toEqual(['2026-02-16T00:00:00Z']);
    expect(dueTimes('cron(0 0 1W 2 ? 2026)')).toEqual(['2026-02-02T00:00:00Z']);
    expect(dueTimes('cron(0 0 31W 1 ? 2026)')).toEqual(['2026-01-30T00:00:00Z']);
  });

  it('counts steps from the value in front of them, in hours of office days, in one year', () => {
    expect(dueTimes('cron(10/20 9-17 ? * MON-FRI 2027)')).toEqual([
      '2027-01-01T09:10:00Z',
      '2027-01-01T09:30:00Z',
      '2027-01-01T09:50:00Z',
      '2027-01-01T10:10:00Z',
    ]);
  });

  it('never falls due on a day that no month has, or after its last year', () => {
    expect(dueTimes('cron(0 0 30 2 ? *)')).toEqual([]);
    expect(dueTimes('cron(0 0 1 1 ? 2025)')).toEqual([]);
    expect(dueTimes('cron(0 0 29 2 ? 2027-2030)')).toEqual(['2028-02-29T00:00:00Z']);
  });
});

describe('daylight saving', () => {
  it('skips a local time that does not exist that day', () => {
    expect(
      dueTimes('cron(30 2 * * ? *)', { zone: 'Europe/Berlin', from: '2026-03-28T00:00:00Z', count: 2 }),
    ).toEqual(['2026-03-28T01:30:00Z', '2026-03-30T00:30:00Z']);
    expect(
      dueTimes('cron(30 2 * * ? *)', { zone: 'America/New_York', from: '2026-03-07T00:00:00Z', count: 2 }),
    ).toEqual(['2026-03-07T07:30:00Z', '2026-03-09T06:30:00Z']);
  });

  it('runs once when a local time comes twice', () => {
    expect(
      dueTimes('cron(30 2 * * ? *)', { zone: 'Europe/Berlin', from: '2026-10-24T12:00:00Z', count: 2 }),
    ).toEqual(['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z']);
  });

  it('runs once for each local time of an hour that comes twice, wherever the looking begins', () => {
    const zone = 'Europe/Berlin';
    expect(dueTimes('cron(*/30 * * * ? *)', { zone, from: '2026-10-24T23:50:00Z', count: 3 })).toEqual([
      '2026-10-25T00:00:00Z',
      '2026-10-25T00:30:00Z',
      '2026-10-25T02:00:00Z',
    ]);
    expect(dueTimes('cron(*/30 * * * ? *)', { zone, from: '2026-10-25T01:10:00Z', count: 1 })).toEqual([
      '2026-10-25T02:00:00Z',
    ]);
  });

  it('handles a zone that shifts by half an hour', () => {
    // Lord Howe goes from 02:00 to 02:30 on 4 October 2026
    expect(
      dueTimes('cron(15 2 * * ? *)', { zone: 'Australia/Lord_Howe', from: '2026-10-02T16:00:00Z', count: 2 }),
    ).toEqual(['2026-10-04T15:15:00Z', '2026-10-05T15:15:00Z']);
  });

  it('leaves a rate alone: a day is 24 hours', () => {
    expect(
      dueTimes('rate(1 day)', { zone: 'Europe/Berlin', from: '2026-03-28T10:00:00Z', count: 2 }),
    ).toEqual(['2026-03-29T10:00:00Z', '2026-03-30T10:00:00Z']);
  });

  it('reads an at in the schedule’s zone', () => {
    expect(dueTimes('at(2026-07-01T02:00:00)', { zone: 'Europe/Berlin' })).toEqual(['2026-07-01T00:00:00Z']);
  });
});

describe('start and end', () => {
  const daily = parseExpression('cron(0 2 * * ? *)');
  const at = (text: string) => Date.parse(text);
  const zone = { timezone: 'UTC', anchor: at('2026-01-01T00:00:00Z') };

  it('are moments at which a schedule may still fall due', () => {
    const start = at('2026-02-01T02:00:00Z');
    const end = at('2026-02-02T02:00:00Z');
    const schedule = { ...zone, expression: daily, start, end };
    expect(nextDue(schedule, 0)).toBe(start);
    expect(nextDue(schedule, start)).toBe(end);
    expect(nextDue(schedule, end)).toBeUndefined();
  });

  it('are where a rate counts from and stops', () => {
    const schedule = {
      ...zone,
      expression: parseExpression('rate(12 hours)'),
      start: at('2026-02-01T03:00:00Z'),
      end: at('2026-02-01T14:59:59Z'),
    };
    expect(nextDue(schedule, at('2026-01-05T00:00:00Z'))).toBe(at('2026-02-01T03:00:00Z'));
    expect(nextDue(schedule, at('2026-02-01T03:00:00Z'))).toBeUndefined();
  });

  it('do not matter to an at', () => {
    const schedule = {
      ...zone,
      expression: parseExpression('at(2026-02-01T00:00:00)'),
      start: at('2026-03-01T00:00:00Z'),
      end: at('2026-01-02T00:00:00Z'),
    };
    expect(nextDue(schedule, 0)).toBe(at('2026-02-01T00:00:00Z'));
  });
});

describe('time zones', () => {
  it.each(['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'US/Eastern', 'Etc/GMT+3'])('%s is one', (name) => {
    expect(isTimeZone(name)).toBe(true);
  });

  it.each(['europe/berlin', '+01:00', 'Mars/Olympus', '', 'Berlin', 'CEST'])('%j is none', (name) => {
    expect(isTimeZone(name)).toBe(false);
  });
});
