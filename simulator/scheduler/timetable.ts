/** @module Fires schedules when the simulator's clock reaches their due times, and completes them afterwards. */
import type { SimulatorClock } from '../clock.ts';
import { nextOccurrence, type Recurrence, readExpression } from './recurrence.ts';
import type { StoredSchedule } from './store.ts';

export interface TimetableOptions {
  readonly clock: SimulatorClock;
  /**
   * When to fire an `at` schedule whose time is already past when it is created. The service does not document this.
   */
  readonly pastAt: 'never' | 'at_once';
  /** Returns a number between 0 and 1 that chooses the time within a flexible window. */
  readonly random: () => number;
  readonly deliver: (schedule: StoredSchedule, due: number, windowMs: number, done: () => void) => void;
  /** Called after the last invocation of a schedule with ActionAfterCompletion DELETE. */
  readonly completed: (schedule: StoredSchedule) => void;
}

export class Timetable {
  readonly #options: TimetableOptions;
  readonly #cancel = new Map<string, () => void>();
  /** The last due time of each schedule, so that a change at exactly that time does not fire the schedule twice. */
  readonly #last = new Map<string, number>();
  /** The anchor that each schedule had when it last changed. */
  readonly #anchors = new Map<string, number>();

  constructor(options: TimetableOptions) {
    this.#options = options;
  }

  /** Must be called when a schedule is created, changed or removed. */
  changed(arn: string, schedule: StoredSchedule | undefined): void {
    this.#cancel.get(arn)?.();
    this.#cancel.delete(arn);
    if (!schedule) {
      this.#last.delete(arn);
      this.#anchors.delete(arn);
      return;
    }
    const now = this.#options.clock.now();
    const { anchor } = schedule;
    const recurrence = recurrenceOf(schedule);
    // A rate without StartDate fires at once when the schedule is created and when the rate changes. Both events set
    // the anchor to the current time. A clock that runs by itself may already show a later time than the anchor, so
    // the anchor is also compared with the previous one.
    const isNew = anchor === now || this.#anchors.get(arn) !== anchor;
    const atOnce = recurrence.expression.kind === 'rate' && isNew && this.#last.get(arn) !== anchor;
    this.#anchors.set(arn, anchor);
    const past =
      recurrence.expression.kind === 'at' &&
      this.#options.pastAt === 'at_once' &&
      nextOccurrence(recurrence, now) === undefined;
    this.#arm(schedule, past ? now : nextOccurrence(recurrence, atOnce ? anchor - 1 : now));
  }

  stop(): void {
    for (const cancel of this.#cancel.values()) cancel();
    this.#cancel.clear();
  }

  #arm(schedule: StoredSchedule, due: number | undefined): void {
    if (schedule.State === 'DISABLED') return;
    if (due === undefined) {
      this.#ended(schedule);
      return;
    }
    this.#cancel.set(
      schedule.Arn,
      this.#options.clock.at(due, () => this.#fire(schedule, due)),
    );
  }

  #fire(schedule: StoredSchedule, due: number): void {
    this.#cancel.delete(schedule.Arn);
    this.#last.set(schedule.Arn, due);
    const once = recurrenceOf(schedule).expression.kind === 'at';
    const next = once ? undefined : nextOccurrence(recurrenceOf(schedule), due);
    const { MaximumWindowInMinutes: window = 0 } = schedule.FlexibleTimeWindow;
    const windowMs = Math.floor(this.#options.random() * window * 60_000);
    this.#options.deliver(schedule, due, windowMs, () => {
      if (next === undefined) this.#complete(schedule);
    });
    if (next !== undefined) this.#arm(schedule, next);
  }

  /**
   * A recurring schedule completes, without another invocation, when its end is past. An `at` schedule that was created
   * with a past time never completes.
   */
  #ended(schedule: StoredSchedule): void {
    if (recurrenceOf(schedule).expression.kind !== 'at') this.#complete(schedule);
  }

  /** A recurring schedule without an end never completes, even if its expression has no further match. */
  #complete(schedule: StoredSchedule): void {
    const ends = recurrenceOf(schedule).expression.kind === 'at' || schedule.EndDate !== undefined;
    if (ends && schedule.ActionAfterCompletion === 'DELETE') this.#options.completed(schedule);
  }
}

function recurrenceOf(schedule: StoredSchedule): Recurrence {
  const expression = readExpression(schedule.ScheduleExpression);
  if (!expression) throw new Error(`a stored schedule has the expression ${schedule.ScheduleExpression}`);
  return {
    expression,
    zone: schedule.ScheduleExpressionTimezone,
    start: schedule.StartDate === undefined ? undefined : schedule.StartDate * 1000,
    end: schedule.EndDate === undefined ? undefined : schedule.EndDate * 1000,
    anchor: schedule.anchor,
  };
}
