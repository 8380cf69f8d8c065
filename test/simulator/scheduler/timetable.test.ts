import { expect, it } from 'vitest';
import type { SimulatorClock } from '../../../simulator/clock.ts';
import type { StoredSchedule } from '../../../simulator/scheduler/store.ts';
import { Timetable } from '../../../simulator/scheduler/timetable.ts';

const created = Date.parse('2026-11-23T12:00:00Z');
const schedule = {
  Arn: 'arn:nightly',
  ScheduleExpression: 'rate(1 day)',
  ScheduleExpressionTimezone: 'UTC',
  FlexibleTimeWindow: { Mode: 'OFF' },
  State: 'ENABLED',
  anchor: created,
} as StoredSchedule;

it('a new schedule with a rate is due once at its creation time, even if the clock already shows a later time', () => {
  const due: number[] = [];
  const clock = {
    now: () => created + 2,
    at: (when: number) => {
      due.push(when);
      return () => undefined;
    },
  } as unknown as SimulatorClock;
  const timetable = new Timetable({
    clock,
    pastAt: 'never',
    random: () => 0,
    deliver: () => undefined,
    completed: () => undefined,
  });
  timetable.changed(schedule.Arn, schedule);
  expect(due).toEqual([created]);
  timetable.changed(schedule.Arn, { ...schedule, Description: 'changed' } as StoredSchedule);
  expect(due).toEqual([created, created + 86_400_000]);
});
