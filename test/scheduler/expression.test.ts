import { describe, expect, it } from 'vitest';
import { InvalidExpressionError, parseExpression } from '../../src/scheduler/expression.ts';
import { nextDue } from '../../src/scheduler/occurrences.ts';
import { accepted, dueTimes as documented, refused } from '../support/schedule-examples.ts';
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

it.each(refused)('the schedule expression %s is refused', (text) => {
  expect(() => parseExpression(text)).toThrow(InvalidExpressionError);
});

it.each(accepted)('the schedule expression %s is accepted', (text) => {
  expect(parseExpression(text)).toBeDefined();
});

describe('names of months and days', () => {
  it.each([
    ['cron(0 18 ? jan,Mar-MAY Wed-Fri *)', 'cron(0 18 ? JAN,MAR-MAY WED-FRI *)'],
    ['cron(0 0 ? * friL *)', 'cron(0 0 ? * FRIL *)'],
    ['cron(0 0 ? * Fri#2 *)', 'cron(0 0 ? * FRI#2 *)'],
  ])('names of months and weekdays are accepted in upper and lower case: %s', (written, capitals) => {
    expect(parseExpression(written)).toEqual(parseExpression(capitals));
  });
});

describe('an invalid expression', () => {
  it.each([
    ['every day', 'rate(…), cron(…) or at(…), got "every day"'],
    ['rate(0 minutes)', 'a rate of a whole number (1 or more)'],
    ['rate(2 weeks)', 'minute(s), hour(s) or day(s), such as "12 hours", got "2 weeks"'],
    ['cron(0 2 * * ?)', 'six fields with one space between them'],
    ['cron(0  2 * * ? *)', 'six fields with one space between them'],
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
    ['cron(0 2 ? * FRI-MON *)', 'day of week from 1 to 7 or SUN to SAT'],
    ['cron(0 2 ? * 2#6 *)', 'day of week from 1 to 7 or SUN to SAT'],
    ['cron(0 2 * * ? 2200)', 'year from 1970 to 2199'],
    ['cron(*/0 2 * * ? *)', 'minutes from 0 to 59'],
    ['cron(1,,2 2 * * ? *)', 'minutes from 0 to 59'],
    ['at(2026-02-30T00:00:00)', 'a date-time without zone or fraction'],
    ['at(2026-02-03T24:00:00)', 'a date-time without zone or fraction'],
    [`rate(${'1'.repeat(300)} days)`, 'at most 256 characters'],
  ])('the error for the invalid expression %s says what is expected', (text, message) => {
    expect(() => parseExpression(text)).toThrow(message);
  });
});

it.each(documented)(
  'the due times of $expression match its documentation: $says',
  ({ expression, zone, from, due, ends }) => {
    const options = { ...(zone && { zone }), ...(from && { from }), count: due.length + (ends ? 1 : 0) };
    expect(dueTimes(expression, options)).toEqual(due);
  },
);

describe('the start and end of a schedule', () => {
  const daily = parseExpression('cron(0 2 * * ? *)');
  const at = (text: string) => Date.parse(text);
  const zone = { timezone: 'UTC', anchor: at('2026-01-01T00:00:00Z') };

  it('a schedule may be due exactly at its start and at its end', () => {
    const start = at('2026-02-01T02:00:00Z');
    const end = at('2026-02-02T02:00:00Z');
    const schedule = { ...zone, expression: daily, start, end };
    expect(nextDue(schedule, 0)).toBe(start);
    expect(nextDue(schedule, start)).toBe(end);
    expect(nextDue(schedule, end)).toBeUndefined();
  });

  it('a `rate()` schedule counts from its start, and is not due after its end', () => {
    const schedule = {
      ...zone,
      expression: parseExpression('rate(12 hours)'),
      start: at('2026-02-01T03:00:00Z'),
      end: at('2026-02-01T14:59:59Z'),
    };
    expect(nextDue(schedule, at('2026-01-05T00:00:00Z'))).toBe(at('2026-02-01T03:00:00Z'));
    expect(nextDue(schedule, at('2026-02-01T03:00:00Z'))).toBeUndefined();
  });

  it('start and end have no effect on an `at()` expression', () => {
    const schedule = {
      ...zone,
      expression: parseExpression('at(2026-02-01T00:00:00)'),
      start: at('2026-03-01T00:00:00Z'),
      end: at('2026-01-02T00:00:00Z'),
    };
    expect(nextDue(schedule, 0)).toBe(at('2026-02-01T00:00:00Z'));
  });
});
