/**
 * @module Schedule expressions with their due times, as documented by EventBridge Scheduler or observed in it. The
 * product's parser and the simulator's parser share no code. Both are tested with this table.
 */

export const refused: readonly string[] = [
  'rate(10 seconds)',
  'rate(10 years)',
  'rate(10)',
  'rate()',
  'rate(-10 minutes)',
  'rate( 10 minutes )',
  'rate(0 minutes)',
  'rate(10  minutes)',
  ' rate(10 minutes)',
  'at(2021-12-31)',
  'at(2021-12-31T23:59:59Z)',
  'at(2026-02-30T00:00:00)',
  'at(2026-02-03T24:00:00)',
  'cron()',
  'cron(0 2 * * ?)',
  'cron(0  2 * * ? *)',
  'cron(0 1 * * * *)',
  'cron(0 2 ? * ? *)',
  'cron(71 8 1 * ? *)',
  'cron(60 2 * * ? *)',
  'cron(0 24 * * ? *)',
  'cron(0 2 0 * ? *)',
  'cron(0 2 32W * ? *)',
  'cron(0 2 * 13 ? *)',
  'cron(0 2 ? * 0 *)',
  'cron(0 2 ? * 8 *)',
  'cron(0 2 ? * 2#6 *)',
  'cron(0 2 * * ? 2200)',
  'cron(*/0 2 * * ? *)',
  'cron(1,,2 2 * * ? *)',
  'every day',
];

export const accepted: readonly string[] = [
  'cron(*/15 * * * ? *)',
  'cron(0-59/10 0-23/2 ? * * *)',
  'cron(30-30 13-13 ? * 2,4,6 *)',
  'cron(0 18 ? * MON-FRI *)',
  'rate(1 days)',
  'at(2022-12-31T23:59:59)',
];

export const zones: readonly string[] = ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'US/Eastern', 'Etc/GMT+3'];
export const notZones: readonly string[] = ['europe/berlin', '+01:00', 'Mars/Olympus', '', 'Berlin', 'CEST'];

export interface DueTimes {
  readonly says: string;
  readonly expression: string;
  readonly zone?: string;
  /** Start of the search, by default 2026-01-01T00:00:00Z. The intervals of a rate begin here. */
  readonly from?: string;
  /** Every due time after `from`, or only the first ones. */
  readonly due: readonly string[];
  /** Whether `due` contains all due times after `from`. */
  readonly ends?: true;
}

export const dueTimes: readonly DueTimes[] = [
  { says: 'Sunday is 1', expression: 'cron(0 0 ? * 1 *)', due: ['2026-01-04T00:00:00Z'] },
  { says: 'Saturday is 7', expression: 'cron(0 0 ? * 7 *)', due: ['2026-01-03T00:00:00Z'] },
  { says: 'a weekday has a name', expression: 'cron(0 0 ? * SAT *)', due: ['2026-01-03T00:00:00Z'] },
  {
    says: 'L is the last day of the month',
    expression: 'cron(0 0 L * ? *)',
    due: ['2026-01-31T00:00:00Z', '2026-02-28T00:00:00Z', '2026-03-31T00:00:00Z'],
  },
  {
    says: 'L is the last day of the week, Saturday',
    expression: 'cron(0 0 ? * L *)',
    due: ['2026-01-03T00:00:00Z', '2026-01-10T00:00:00Z'],
  },
  {
    says: '6L is the last Friday of the month',
    expression: 'cron(0 0 ? * 6L *)',
    due: ['2026-01-30T00:00:00Z', '2026-02-27T00:00:00Z'],
  },
  {
    says: 'FRI#2 is the second Friday of the month',
    expression: 'cron(0 0 ? * FRI#2 *)',
    due: ['2026-01-09T00:00:00Z', '2026-02-13T00:00:00Z'],
  },
  {
    says: '15W on a Sunday is the Monday after',
    expression: 'cron(0 0 15W 2 ? 2026)',
    due: ['2026-02-16T00:00:00Z'],
    ends: true,
  },
  {
    says: '1W on a Sunday is the Monday after',
    expression: 'cron(0 0 1W 2 ? 2026)',
    due: ['2026-02-02T00:00:00Z'],
    ends: true,
  },
  {
    says: '1W on a Saturday stays in the month',
    expression: 'cron(0 0 1W 8 ? 2026)',
    due: ['2026-08-03T00:00:00Z'],
    ends: true,
  },
  {
    says: '31W on a Saturday is the Friday before',
    expression: 'cron(0 0 31W 1 ? 2026)',
    due: ['2026-01-30T00:00:00Z'],
    ends: true,
  },
  {
    says: '31W on a Sunday stays in the month',
    expression: 'cron(0 0 31W 5 ? 2026)',
    due: ['2026-05-29T00:00:00Z'],
    ends: true,
  },
  {
    says: 'LW is the last workday of the month',
    expression: 'cron(0 0 LW 1,2 ? 2026)',
    due: ['2026-01-30T00:00:00Z', '2026-02-27T00:00:00Z'],
    ends: true,
  },
  {
    says: 'a step counts from the first value of its range',
    expression: 'cron(10/20 9-17 ? * MON-FRI 2027)',
    due: ['2027-01-01T09:10:00Z', '2027-01-01T09:30:00Z', '2027-01-01T09:50:00Z', '2027-01-01T10:10:00Z'],
  },
  { says: '30 February is never due', expression: 'cron(0 0 30 2 ? *)', due: [], ends: true },
  { says: 'a past year is never due', expression: 'cron(0 0 1 1 ? 2025)', due: [], ends: true },
  {
    says: '29 February is due in leap years',
    expression: 'cron(0 0 29 2 ? 2027-2030)',
    due: ['2028-02-29T00:00:00Z'],
    ends: true,
  },
  {
    says: 'a skipped local time is not due that day',
    expression: 'cron(30 2 * * ? *)',
    zone: 'Europe/Berlin',
    from: '2026-03-28T00:00:00Z',
    due: ['2026-03-28T01:30:00Z', '2026-03-30T00:30:00Z'],
  },
  {
    says: 'a skipped local time is not due that day, west of Greenwich',
    expression: 'cron(30 2 * * ? *)',
    zone: 'America/New_York',
    from: '2026-03-07T00:00:00Z',
    due: ['2026-03-07T07:30:00Z', '2026-03-09T06:30:00Z'],
  },
  {
    says: 'a repeated local time is due once, at its first occurrence',
    expression: 'cron(30 2 * * ? *)',
    zone: 'Europe/Berlin',
    from: '2026-10-24T12:00:00Z',
    due: ['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
  },
  {
    says: 'every half hour is due only once in a repeated hour',
    expression: 'cron(*/30 * * * ? *)',
    zone: 'Europe/Berlin',
    from: '2026-10-24T23:50:00Z',
    due: ['2026-10-25T00:00:00Z', '2026-10-25T00:30:00Z', '2026-10-25T02:00:00Z'],
  },
  {
    says: 'nothing is due in the second pass of a repeated hour',
    expression: 'cron(*/30 * * * ? *)',
    zone: 'Europe/Berlin',
    from: '2026-10-25T01:10:00Z',
    due: ['2026-10-25T02:00:00Z'],
  },
  {
    // clocks on Lord Howe skip from 02:00 to 02:30 on 4 October 2026
    says: 'a zone may shift by half an hour',
    expression: 'cron(15 2 * * ? *)',
    zone: 'Australia/Lord_Howe',
    from: '2026-10-02T16:00:00Z',
    due: ['2026-10-04T15:15:00Z', '2026-10-05T15:15:00Z'],
  },
  {
    says: 'a day in a rate has 24 hours',
    expression: 'rate(1 day)',
    zone: 'Europe/Berlin',
    from: '2026-03-28T10:00:00Z',
    due: ['2026-03-29T10:00:00Z', '2026-03-30T10:00:00Z'],
  },
  {
    says: 'an `at()` expression is in local time',
    expression: 'at(2026-07-01T02:00:00)',
    zone: 'Europe/Berlin',
    due: ['2026-07-01T00:00:00Z'],
    ends: true,
  },
];
