import { describe, expect, it } from 'vitest';
import { formatDuration, formatIdleTime, parseDuration } from '../../src/base/duration.ts';

describe('a duration', () => {
  it.each([
    ['1ms', 1],
    ['90s', 90_000],
    ['75m', 4_500_000],
    ['48h', 172_800_000],
    ['30d', 2_592_000_000],
    ['9007199254740991ms', Number.MAX_SAFE_INTEGER],
  ])('the duration %s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['1h30m', '1h ', ' 1h', '-1h', '+1h', '1.5h', '01h', '0s', '1H', '2w', '48', 'h', ''])(
    '%j is refused as a duration, because a duration is one number and one unit, with nothing before or after',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('a duration is invalid if it is too long to count in whole milliseconds', () => {
    expect(parseDuration('9007199254740992ms')).toBeUndefined();
    expect(parseDuration('9999999999999999d')).toBeUndefined();
  });

  it.each([
    [1, '1ms'],
    [1_500, '1500ms'],
    [90_000, '90s'],
    [5_400_000, '90m'],
    [10_800_000, '3h'],
    [172_800_000, '2d'],
  ])('%i ms are written as %s, in the largest whole unit', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['90m', '24h', '48h', '100h', '7d', '90d'])(
    'an idle time is written as %s: in days if it is a week or longer, otherwise in hours or minutes',
    (text) => {
      expect(formatIdleTime(parseDuration(text) as number)).toBe(text);
    },
  );
});
