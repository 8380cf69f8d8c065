/**
 * @module Parses the schedule expressions of EventBridge Scheduler: `rate(…)`, `cron(…)` with six fields, `at(…)`. An
 * expression that the service might refuse is already refused here, because the service would refuse it too late.
 */
import { quote } from '../base/text.ts';

export type Expression =
  | { readonly kind: 'rate'; readonly everyMs: number }
  /** `pattern` is the expression in croner's spelling: seconds first, Sunday is 1. */
  | { readonly kind: 'cron'; readonly pattern: string }
  /** `local` is a date-time in the schedule's zone, such as `2026-11-23T02:00:00`. */
  | { readonly kind: 'at'; readonly local: string };

/** Thrown if a text is not a valid expression. The message is the rest of a sentence that begins with "expected". */
export class InvalidExpressionError extends Error {
  override readonly name = 'InvalidExpressionError';
}

const rateUnits = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/**
 * Reads `rate(…)`, `cron(…)` or `at(…)`.
 * @throws {InvalidExpressionError}
 */
export function parseExpression(text: string): Expression {
  if (text.length > 256) throw new InvalidExpressionError('at most 256 characters');
  const [, kind, body = ''] = /^(rate|cron|at)\((.*)\)$/.exec(text) ?? [];
  if (kind === 'rate') return parseRate(body);
  if (kind === 'cron') return { kind, pattern: parseCron(body) };
  if (kind === 'at') return parseAt(body);
  throw new InvalidExpressionError(`rate(…), cron(…) or at(…), got ${quote(text)}`);
}

function parseRate(body: string): Expression {
  const [, count = '', unit = ''] = /^(\d{1,9}) (minute|hour|day)s?$/.exec(body) ?? [];
  const everyMs = Number(count) * rateUnits[unit as keyof typeof rateUnits];
  if (!(everyMs > 0))
    throw new InvalidExpressionError(
      `a rate of a whole number (1 or more), one space, and minute(s), hour(s) or day(s), such as "12 hours", got ${quote(body)}`,
    );
  return { kind: 'rate', everyMs };
}

function parseAt(body: string): Expression {
  const wellFormed = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/.test(body);
  // Date.parse turns 30 February into a day of March, so the result is compared with the original text below.
  const moment = wellFormed ? Date.parse(`${body}Z`) : Number.NaN;
  if (Number.isNaN(moment) || new Date(moment).toISOString().slice(0, 19) !== body)
    throw new InvalidExpressionError(
      `a date-time without zone or fraction, such as "2026-11-23T02:00:00", got ${quote(body)}`,
    );
  return { kind: 'at', local: body };
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const minutes: Field = { name: 'minutes', min: 0, max: 59 };
const hours: Field = { name: 'hours', min: 0, max: 23 };
const dayOfMonth: Field = { name: 'day of month', min: 1, max: 31 };
const month: Field = { name: 'month', min: 1, max: 12, names: months };
const dayOfWeek: Field = { name: 'day of week', min: 1, max: 7, names: weekdays };
const year: Field = { name: 'year', min: 1970, max: 2199 };

function parseCron(body: string): string {
  const fields = body.split(' ');
  const [minute, hour, day, inMonth, weekday, inYear] = fields;
  if (
    fields.length !== 6 ||
    minute === undefined ||
    hour === undefined ||
    day === undefined ||
    inMonth === undefined ||
    weekday === undefined ||
    inYear === undefined
  )
    throw new InvalidExpressionError(
      `six fields with one space between them (minutes, hours, day of month, month, day of week, year), such as "0 2 * * ? *", got ${quote(body)}`,
    );
  if ((day === '?') === (weekday === '?'))
    throw new InvalidExpressionError(
      `? in exactly one of day of month and day of week, such as "0 2 * * ? *", got ${quote(body)}`,
    );
  return [
    '0',
    plain(minute, minutes),
    plain(hour, hours),
    day === '?' ? '*' : list(day, dayOfMonth, ofMonth),
    plain(inMonth, month),
    weekday === '?' ? '*' : list(weekday, dayOfWeek, ofWeek),
    plain(inYear, year),
  ].join(' ');
}

const plain = (text: string, field: Field) => list(text, field, () => undefined);

/** Parses a comma-separated list. `special` parses the values that only this field allows, such as `L`. */
function list(
  text: string,
  field: Field,
  special: (member: string, alone: boolean) => string | undefined,
): string {
  const members = text.split(',');
  return members
    .map((member) => {
      const read = special(member, members.length === 1) ?? range(member, field);
      if (read === undefined)
        throw new InvalidExpressionError(
          `${field.name} from ${field.min} to ${field.max}${field.names ? ` or ${field.names[0]} to ${field.names.at(-1)}` : ''}, in the cron form of EventBridge Scheduler, got ${quote(text)}`,
        );
      return read;
    })
    .join(',');
}

/** Parses `*`, `n` or `n-m`, each with an optional `/step`, into `min-max/step`; undefined for other texts. */
function range(member: string, field: Field): string | undefined {
  const [, whole, low, high, step] = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d{1,4}))?$/.exec(member) ?? [];
  if (step !== undefined && Number(step) < 1) return undefined;
  // croner accepts steps only up to the number of values of the field; with a longer step, only the first value matches
  const every = step === undefined ? '' : `/${Math.min(Number(step), field.max - field.min + 1)}`;
  if (whole) return `${field.min}-${field.max}${every}`;
  const from = value(low, field);
  const to = high === undefined ? (step === undefined ? from : field.max) : value(high, field);
  if (from === undefined || to === undefined || from > to) return undefined;
  return from === to ? String(from) : `${from}-${to}${every}`;
}

function value(text: string | undefined, { min, max, names }: Field): number | undefined {
  // names may be in upper or lower case, as in the AWS console
  const named = names?.indexOf(text?.toUpperCase() ?? '') ?? -1;
  const number = named >= 0 ? named + min : /^\d{1,4}$/.test(text ?? '') ? Number(text) : Number.NaN;
  return number >= min && number <= max ? number : undefined;
}

/** `L` is the month's last day, `LW` its last weekday (not allowed in a list), `15W` the weekday nearest the 15th. */
function ofMonth(member: string, alone: boolean): string | undefined {
  if (member === 'L' || (member === 'LW' && alone)) return member;
  const nearest = /^(\d{1,2})W$/.exec(member)?.[1];
  return nearest !== undefined && value(nearest, dayOfMonth) !== undefined
    ? `${Number(nearest)}W`
    : undefined;
}

/** `L` is the week's last day, Saturday; `FRIL` the month's last Friday; `FRI#2` its second Friday. */
function ofWeek(member: string): string | undefined {
  if (member === 'L') return '7';
  const [, day, rest] = /^(\w+?)(L|#[1-5])$/.exec(member) ?? [];
  const number = value(day, dayOfWeek);
  return number === undefined ? undefined : `${number}${rest}`;
}
