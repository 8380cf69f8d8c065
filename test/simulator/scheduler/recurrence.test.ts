/**
 * @module Tests that the simulator's own parser of expressions and time zones agrees with the documentation and with
 * the product.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyCron } from '../../../proof/bad-input/crons.ts';
import { nextOccurrence, readExpression } from '../../../simulator/scheduler/recurrence.ts';
import { isZone } from '../../../simulator/scheduler/zone.ts';
import { parseExpression } from '../../../src/scheduler/expression.ts';
import { nextDue } from '../../../src/scheduler/occurrences.ts';
import { sized } from '../../support/nightly.ts';
import { accepted, dueTimes, notZones, refused, zones } from '../../support/schedule-examples.ts';
import { iso } from '../../support/scheduler.ts';

function occurrences(text: string, zone: string, from: number, count: number): unknown[] {
  const expression = readExpression(text);
  if (!expression) return ['refused'];
  const found: unknown[] = [];
  for (let after = from; found.length < count; ) {
    const due = nextOccurrence({ expression, zone, anchor: from }, after);
    if (due === undefined) break;
    found.push(iso(due));
    after = due;
  }
  return found;
}

it.each(refused)('the Scheduler simulator refuses the schedule expression %s', (text) => {
  expect(readExpression(text)).toBeUndefined();
});

it('the Scheduler simulator accepts names of months and days in upper and lower case', () => {
  const from = Date.parse('2026-01-01T00:00:00Z');
  const due = occurrences('cron(0 0 ? feb fri#2,FriL *)', 'UTC', from, 2);
  expect(due).toEqual(['2026-02-13T00:00:00Z', '2026-02-27T00:00:00Z']);
});

it.each(accepted)('the Scheduler simulator accepts the schedule expression %s', (text) => {
  expect(readExpression(text)).toBeDefined();
});

it.each(zones)('the Scheduler simulator accepts the time zone %s', (name) => {
  expect(isZone(name)).toBe(true);
});

it.each(notZones)('the Scheduler simulator refuses the time zone %j', (name) => {
  expect(isZone(name)).toBe(false);
});

it.each(dueTimes)(
  'the Scheduler simulator finds the documented due times of $expression: $says',
  ({ expression, zone = 'UTC', from, due, ends }) => {
    const start = Date.parse(from ?? '2026-01-01T00:00:00Z');
    expect(occurrences(expression, zone, start, due.length + (ends ? 1 : 0))).toEqual(due);
  },
);

describe('the start and end dates of a schedule', () => {
  const moment = (text: string) => Date.parse(text);
  const daily = { expression: readExpression('cron(0 2 * * ? *)'), zone: 'UTC', anchor: 0 };

  it('a schedule is also due exactly at its start date and exactly at its end date, if its expression matches them', () => {
    const start = moment('2026-02-01T02:00:00Z');
    const end = moment('2026-02-02T02:00:00Z');
    const { expression } = daily;
    if (!expression) throw new Error('refused');
    const schedule = { ...daily, expression, start, end };
    expect(nextOccurrence(schedule, 0)).toBe(start);
    expect(nextOccurrence(schedule, start)).toBe(end);
    expect(nextOccurrence(schedule, end)).toBeUndefined();
  });
});

const someZones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'America/St_Johns',
  'Pacific/Apia',
  'Africa/Casablanca',
];
// the weeks around the start and end of summer time (zones skip or repeat an hour), and around 29 February
const moments = fc.oneof(
  fc.integer({ min: Date.parse('2026-03-01'), max: Date.parse('2026-04-15') }),
  fc.integer({ min: Date.parse('2026-09-15'), max: Date.parse('2026-11-15') }),
  fc.integer({ min: Date.parse('2027-12-01'), max: Date.parse('2028-03-15') }),
);

it('jobsweep and the Scheduler simulator find the same due times for random expressions, time zones and start times', () => {
  fc.assert(
    fc.property(anyCron, fc.constantFrom(...someZones), moments, (body, zone, after) => {
      const text = `cron(${body})`;
      expect(occurrences(text, zone, after, 3)).toEqual(productOccurrences(text, zone, after, 3));
    }),
    { numRuns: sized({ push: 400, nightly: 1_500 }), seed: 20_261_126 },
  );
});

function productOccurrences(text: string, timezone: string, from: number, count: number): unknown[] {
  let expression: ReturnType<typeof parseExpression>;
  try {
    expression = parseExpression(text);
  } catch {
    return ['refused'];
  }
  const found: unknown[] = [];
  for (let after = from; found.length < count; ) {
    const due = nextDue({ expression, timezone, anchor: from }, after);
    if (due === undefined) break;
    found.push(iso(due));
    after = due;
  }
  return found;
}
