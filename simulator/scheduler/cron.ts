/**
 * @module The simulator's own parser of `cron(…)`: each field becomes the set of its values. It shares no code with the
 * product, because it checks the product's parser.
 */

/** Selects the days of one month for a day field. `month` is 1 to 12. */
export type DaysOf = (year: number, month: number) => ReadonlySet<number>;

export interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: readonly number[];
  readonly years: readonly number[];
  readonly daysOf: DaysOf;
}

interface Range {
  readonly first: number;
  readonly last: number;
  /** The names of all values in ascending order, separated by blanks. */
  readonly names?: string;
}

const minuteRange: Range = { first: 0, last: 59 };
const hourRange: Range = { first: 0, last: 23 };
const dayRange: Range = { first: 1, last: 31 };
const monthRange: Range = { first: 1, last: 12, names: 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC' };
const weekdayRange: Range = { first: 1, last: 7, names: 'SUN MON TUE WED THU FRI SAT' };
const yearRange: Range = { first: 1970, last: 2199 };

/** Parses the six fields; undefined if the service would refuse them. */
export function readCron(body: string): Cron | undefined {
  const [minutes, hours, day, months, weekday, years, ...more] = body.split(' ');
  if (!minutes || !hours || !day || !months || !weekday || !years || more.length > 0) return undefined;
  const values = {
    minutes: sorted(minutes, minuteRange),
    hours: sorted(hours, hourRange),
    months: sorted(months, monthRange),
    years: sorted(years, yearRange),
  };
  const daysOf = readDays(day, weekday);
  const isWhole = Object.values(values).every((each) => each.length > 0);
  return daysOf && isWhole ? { ...values, daysOf } : undefined;
}

/** The number of days in a month. */
export const lengthOf = (year: number, month: number): number =>
  new Date(Date.UTC(year, month, 0)).getUTCDate();

/** Sunday is 1, as in the service's cron. */
const weekdayOf = (year: number, month: number, day: number) =>
  new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1;

/** Exactly one of the two day fields must be `?`. The other field decides. */
function readDays(day: string, weekday: string): DaysOf | undefined {
  if (day === '?') return weekday === '?' ? undefined : union(weekday, weekdayMember);
  if (weekday !== '?') return undefined;
  return day === 'LW' ? (year, month) => new Set([lastWorkday(year, month)]) : union(day, dayMember);
}

function union(field: string, read: (member: string) => DaysOf | undefined): DaysOf | undefined {
  const members = field.split(',').map(read);
  if (members.includes(undefined)) return undefined;
  return (year, month) => new Set(members.flatMap((daysOf) => [...(daysOf?.(year, month) ?? [])]));
}

function dayMember(text: string): DaysOf | undefined {
  if (text === 'L') return (year, month) => new Set([lengthOf(year, month)]);
  if (text.endsWith('W')) {
    const day = single(text.slice(0, -1), dayRange);
    return day === undefined
      ? undefined
      : (year, month) => new Set(day > lengthOf(year, month) ? [] : [nearestWorkday(year, month, day)]);
  }
  const days = member(text, dayRange);
  return days && ((year, month) => new Set(days.filter((day) => day <= lengthOf(year, month))));
}

function weekdayMember(text: string): DaysOf | undefined {
  if (text === 'L') return weekdayMember('7');
  const [name = '', nth, ...more] = text.split('#');
  if (nth !== undefined) {
    const weekday = single(name, weekdayRange);
    if (weekday === undefined || more.length > 0 || !/^[1-5]$/.test(nth)) return undefined;
    return (year, month) => new Set(daysWith(year, month, [weekday]).slice(Number(nth) - 1, Number(nth)));
  }
  if (text.endsWith('L')) {
    const weekday = single(text.slice(0, -1), weekdayRange);
    return weekday === undefined
      ? undefined
      : (year, month) => new Set(daysWith(year, month, [weekday]).slice(-1));
  }
  const weekdays = member(text, weekdayRange);
  return weekdays && ((year, month) => new Set(daysWith(year, month, weekdays)));
}

function daysWith(year: number, month: number, weekdays: readonly number[]): number[] {
  return upTo(1, lengthOf(year, month)).filter((day) => weekdays.includes(weekdayOf(year, month, day)));
}

const isWorkday = (year: number, month: number, day: number) =>
  day >= 1 && day <= lengthOf(year, month) && ![1, 7].includes(weekdayOf(year, month, day));

const lastWorkday = (year: number, month: number) =>
  nearestWorkday(year, month, lengthOf(year, month), [-1, -2]);

/** The workday nearest to the given day, within the month. At the edge of the month it can be two days away. */
function nearestWorkday(year: number, month: number, day: number, away = [-1, 1, -2, 2]): number {
  const shift = [0, ...away].find((days) => isWorkday(year, month, day + days));
  return day + (shift ?? 0);
}

/** The values of a field in ascending order; empty if the field is invalid. */
function sorted(field: string, range: Range): number[] {
  const members = field.split(',').map((text) => member(text, range));
  if (members.includes(undefined)) return [];
  return [...new Set(members.flatMap((values) => values ?? []))].sort((a, b) => a - b);
}

/** `*`, `n` or `n-m`, each with an optional `/step`; `n/step` runs to the end of the range. */
function member(text: string, range: Range): number[] | undefined {
  const [span = '', step, ...more] = text.split('/');
  if (more.length > 0 || (step !== undefined && !/^0*[1-9]\d*$/.test(step))) return undefined;
  const [low = '', high, ...rest] = span.split('-');
  const from = span === '*' ? range.first : single(low, range);
  const to =
    span === '*' || (high === undefined && step !== undefined) ? range.last : single(high ?? low, range);
  if (rest.length > 0 || from === undefined || to === undefined || from > to) return undefined;
  return upTo(from, to).filter((value) => (value - from) % Number(step ?? 1) === 0);
}

function single(text: string, { first, last, names = '' }: Range): number | undefined {
  const named = names.split(' ').indexOf(text.toUpperCase());
  if (named >= 0 && text !== '') return first + named;
  const number = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return number >= first && number <= last ? number : undefined;
}

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
