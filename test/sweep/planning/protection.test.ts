import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isProtectionKey,
  mayConcernProtection,
  protects,
  readProtection as read,
} from '../../../src/sweep/planning/protection.ts';

/** Reads settings in which `custom_settings.jobsweep` has this value. */
const readProtection = (jobsweep: unknown) => read({ jobsweep });

const at = (moment: string) => Date.parse(moment);

describe('custom_settings.jobsweep', () => {
  it('custom_settings.jobsweep protects a job while `protect` is true', () => {
    expect(protects(readProtection({ protect: true }), 0)).toBe(true);
    expect(protects(readProtection({ protect: false }), 0)).toBe(false);
    expect(protects(readProtection({}), 0)).toBe(false);
    expect(protects(readProtection(undefined), 0)).toBe(false);
  });

  it('custom_settings.jobsweep does not protect without `protect` or with `protect` set to false', () => {
    expect(readProtection({ protect: true })).toEqual({ kind: 'always' });
    expect(readProtection({ protect: false })).toEqual({ kind: 'none' });
    expect(readProtection({})).toEqual({ kind: 'none' });
  });

  it.each([
    ['2026-11-23', '2026-11-24T00:00:00Z'],
    ['2026-11-23T14:00Z', '2026-11-23T14:00:00Z'],
    ['2026-11-23T14:00:00.5Z', '2026-11-23T14:00:00.500Z'],
    ['2026-11-23T14:00:00.123456789Z', '2026-11-23T14:00:00.123Z'],
    // in UTC, the day differs from the written one
    ['2026-11-23T01:30:00+02:00', '2026-11-22T23:30:00Z'],
    ['2026-12-31T23:00:00-05:00', '2027-01-01T04:00:00Z'],
  ])('custom_settings.jobsweep with the date %s protects until %s', (protectUntil, until) => {
    expect(readProtection({ protectUntil })).toEqual({ kind: 'until', until: at(until) });
  });

  it('custom_settings.jobsweep with a date but no time protects until the end of that day in UTC', () => {
    const until = readProtection({ protectUntil: '2026-11-23' });
    expect(protects(until, at('2026-11-23T23:59:59.999Z'))).toBe(true);
    expect(protects(until, at('2026-11-24T00:00:00Z'))).toBe(false);
  });

  it('custom_settings.jobsweep may give the end of the protection in any time zone', () => {
    const until = readProtection({ protectUntil: '2026-11-23T14:00:00+02:00' });
    expect(protects(until, at('2026-11-23T11:59:59Z'))).toBe(true);
    expect(protects(until, at('2026-11-23T12:00:00Z'))).toBe(false);
  });

  it('custom_settings.jobsweep protects until the date in `protectUntil` even if `protect` is false', () => {
    expect(
      protects(readProtection({ protect: false, protectUntil: '2026-11-23' }), at('2026-11-20T00:00:00Z')),
    ).toBe(true);
  });

  it.each([
    null,
    true,
    'yes',
    [],
    { protect: 'true' },
    { protect: 1 },
    { protected: true },
    { protectUntil: 'tomorrow' },
    { protectUntil: '2026-02-31' },
    { protectUntil: '2026-11-23T14:00:00' },
    { protectUntil: '23.11.2026' },
    { protectUntil: 1_795_000_000_000 },
    { protectUntil: null },
    { protectUntil: ['2026-11-23'] },
    { protect: false, protectUntil: '2026-13-01' },
  ])('custom_settings.jobsweep protects a job if its value is invalid: %j', (value) => {
    expect(readProtection(value)).toEqual({ kind: 'unreadable' });
    expect(protects(readProtection(value), Number.MAX_SAFE_INTEGER)).toBe(true);
  });

  it.each([
    '2026-11-23T14:00:00+24:00',
    '2026-11-23T24:00:01Z',
    '2026-11-23T23:60Z',
    '2026-11-23T14:00:00.1234567890Z',
    '2026-11-23T14:00:00 Z',
    '2026-11-23T14:00:00Z, or so',
    '2026-11-23 ',
    '+002026-11-23',
    'from 2026-11-23T14:00:00Z',
    // Date.parse ignores text in brackets
    '2026-11-23 (2026-11-23)',
    '2026-11-31T10:00:00Z',
  ])('custom_settings.jobsweep protects a job if the date %s is invalid', (protectUntil) => {
    expect(readProtection({ protectUntil })).toEqual({ kind: 'unreadable' });
  });

  it('custom_settings.jobsweep never causes an exception, whatever its value, and protects the job if the value is not understood', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const protection = readProtection(value);
        const understood =
          typeof value === 'object' &&
          value !== null &&
          !Array.isArray(value) &&
          Object.keys(value).every((key) => key === 'protect' || key === 'protectUntil');
        if (!understood) expect(protects(protection, Number.MAX_SAFE_INTEGER)).toBe(true);
      }),
    );
  });
});

describe('the spelling of the key in custom_settings', () => {
  it('dotted keys such as `jobsweep.protect` have the same meaning as the fields of the key `jobsweep`', () => {
    expect(read({ 'jobsweep.protect': true })).toEqual({ kind: 'always' });
    expect(read({ 'jobsweep.protect': false })).toEqual({ kind: 'none' });
    expect(read({ 'jobsweep.protectUntil': '2026-11-23T14:00Z' })).toEqual({
      kind: 'until',
      until: at('2026-11-23T14:00:00Z'),
    });
    expect(read({ 'jobsweep.protected': true })).toEqual({ kind: 'unreadable' });
    expect(read({ 'jobsweep.protect': 'yes' })).toEqual({ kind: 'unreadable' });
  });

  it('if a dotted key and the key `jobsweep` are both present, the longer protection applies', () => {
    expect(read({ jobsweep: { protect: false }, 'jobsweep.protect': true })).toEqual({ kind: 'always' });
    expect(read({ jobsweep: { protect: 'x' }, 'jobsweep.protect': true })).toEqual({ kind: 'unreadable' });
    expect(read({ jobsweep: { protectUntil: '2026-11-23' }, 'jobsweep.protectUntil': '2026-11-21' })).toEqual(
      { kind: 'until', until: at('2026-11-24T00:00:00Z') },
    );
  });

  it.each([
    'jobSweep',
    'JOBSWEEP',
    'job_sweep',
    'job-sweep',
    'job.sweep',
    'jobsweeep',
    'jobsweap',
    'obsweep',
    'jobsweeps',
    'jobswepe',
    'ojbsweep',
    'Job-Swepe',
    'jobswepe.protect',
    'jobsweepprotcet',
    'job_sweep.protect',
    'jobsweeep.protectUntil',
    'JobSweep.protect',
    'jobsweepProtect',
    'jobsweep_protect_until',
    'jobsweep-protect',
  ])('the misspelled key %s protects a job, whatever its value', (key) => {
    for (const value of [true, false, null, 'x', {}, { protect: false }]) {
      expect(read({ [key]: value })).toEqual({ kind: 'misspelled', key });
      expect(protects(read({ [key]: value }), 0)).toBe(true);
    }
  });

  it.each([
    'managed',
    'created_by',
    'custom_urls',
    'job',
    'sweep',
    'jobsweeper_old',
    'jobswap',
    'jobsewpe',
    'protect',
    'project',
    '',
  ])('the key %s, which belongs to another setting, does not protect a job', (key) => {
    expect(isProtectionKey(key)).toBe(false);
    for (const now of [0, Number.MAX_SAFE_INTEGER]) expect(protects(read({ [key]: true }), now)).toBe(false);
  });

  it.each([
    ['jobsweeper', true],
    ['jobsweeper.protect', true],
    ['our_jobsweep', { protect: true }],
    ['jobswap', 'x'],
    ['protect', true],
    ['protect_until', '2027-01-01'],
    ['sweeper', { protect: true }],
    ['idle-closer', { protectUntil: '2027-01-01' }],
  ])(
    'a key that looks like an attempt to opt out, but has no effect, is reported and does not protect: %s',
    (key, value) => {
      expect(mayConcernProtection(key, value)).toBe(true);
      expect(read({ [key]: value })).toEqual({ kind: 'none', unreadKey: key });
    },
  );

  it.each([
    ['project', 'x'],
    ['created_by', 'ml-module-nginx'],
    ['job', true],
    ['sweep', true],
    ['limits', { protected: 1 }],
    ['', true],
    ['protect', false],
    ['jobsweeper', null],
  ])('a key of another setting is not reported: %s', (key, value) => {
    expect(mayConcernProtection(key, value)).toBe(false);
    expect(read({ [key]: value })).toEqual({ kind: 'none' });
  });

  it('if custom_settings has the right key, whatever its value, no similar key is reported', () => {
    expect(read({ jobsweeper: true, jobsweep: { protect: false } })).toEqual({ kind: 'none' });
    expect(read({ jobsweeper: true, 'jobsweep.protect': true })).toEqual({ kind: 'always' });
  });
});
