/**
 * @module When a schedule is due, according to the simulator's own reading of expressions and time zones. A skipped
 * local time is never due, a repeated one is due at its first occurrence, and a day in a rate is always 24 hours.
 */
import { type Cron, readCron } from './cron.ts';
import { firstInstant, instantPastGap, localTime } from './zone.ts';

export type Expression =
  | { readonly kind: 'rate'; readonly everyMs: number }
  | { readonly kind: 'cron'; readonly cron: Cron }
  /** `local` is a local time of the schedule's zone, written as if it were UTC. */
  | { readonly kind: 'at'; readonly local: number };

export interface Recurrence {
  readonly expression: Expression;
  readonly zone: string;
  /** The first and the last time at which a recurring schedule may be due, in epoch milliseconds. */
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  /** When the schedule was created; a rate without `start` counts from here. */
  readonly anchor: number;
}

const units: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Parses `rate(…)`, `cron(…)` or `at(…)`; undefined if the service would refuse it. */
export function readExpression(text: string): Expression | undefined {
  if (text.length > 256 || !text.endsWith(')')) return undefined;
  const open = text.indexOf('(');
  const kind = text.slice(0, Math.max(open, 0));
  const body = text.slice(open + 1, -1);
  if (kind === 'rate') return readRate(body);
  if (kind === 'at') return readAt(body);
  const cron = kind === 'cron' ? readCron(body) : undefined;
  return cron && { kind: 'cron', cron };
}

function readRate(body: string): Expression | undefined {
  const [count = '', unit = '', ...more] = body.split(' ');
  const everyMs = Number(count) * (units[unit.replace(/s$/, '')] ?? 0);
  return /^\d{1,9}$/.test(count) && everyMs > 0 && more.length === 0 ? { kind: 'rate', everyMs } : undefined;
}

function readAt(body: string): Expression | undefined {
  const local = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(body) ? new Date(`${body}Z`) : undefined;
  // Date turns an invalid date such as 30 February into a date in March
  const exists = local && !Number.isNaN(local.getTime()) && local.toISOString() === `${body}.000Z`;
  return exists ? { kind: 'at', local: local.getTime() } : undefined;
}

/** The first time after `after` at which the schedule is due; undefined if there is none. */
export function nextOccurrence(recurrence: Recurrence, after: number): number | undefined {
  const { expression, zone, start, end, anchor } = recurrence;
  if (expression.kind === 'at') {
    const due = instantPastGap(expression.local, zone);
    return due > after ? due : undefined;
  }
  const from = Math.max(after, (start ?? Number.NEGATIVE_INFINITY) - 1);
  const due =
    expression.kind === 'rate'
      ? nextStep(start ?? anchor, expression.everyMs, from)
      : nextMatch(expression.cron, zone, from);
  return due === undefined || due > (end ?? Number.POSITIVE_INFINITY) ? undefined : due;
}

function nextStep(first: number, every: number, after: number): number {
  const passed = Math.max(0, Math.floor((after - first) / every) + 1);
  return first + passed * every;
}

/** Finds the next matching local minute, by year, month, day, hour and minute. */
function nextMatch(cron: Cron, zone: string, after: number): number | undefined {
  const from = localTime(after, zone);
  for (const [year, month] of monthsFrom(cron, from))
    for (const day of [...cron.daysOf(year, month)].sort((a, b) => a - b)) {
      if (Date.UTC(year, month - 1, day + 1) <= from) continue;
      for (const local of minutesOf(cron, year, month, day)) {
        // skip past local times, including those that the clocks show again when they go back
        const due = local > from ? firstInstant(local, zone) : undefined;
        if (due !== undefined && due > after) return due;
      }
    }
  return undefined;
}

function* monthsFrom({ years, months }: Cron, from: number): Generator<readonly [number, number]> {
  for (const year of years)
    for (const month of months) if (Date.UTC(year, month, 1) > from) yield [year, month];
}

function* minutesOf({ hours, minutes }: Cron, year: number, month: number, day: number): Generator<number> {
  for (const hour of hours) for (const minute of minutes) yield Date.UTC(year, month - 1, day, hour, minute);
}
