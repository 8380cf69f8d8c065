import { expect, it } from 'vitest';
import { isTimeZone } from '../../src/scheduler/local-time.ts';
import { notZones, zones } from '../support/schedule-examples.ts';

it.each(zones)('the time zone %s is known', (name) => {
  expect(isTimeZone(name)).toBe(true);
});

it.each(notZones)('the time zone %j is refused', (name) => {
  expect(isTimeZone(name)).toBe(false);
});
