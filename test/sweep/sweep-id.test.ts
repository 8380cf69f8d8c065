import { describe, expect, it } from 'vitest';
import { sweepIdOf } from '../../src/sweep/sweep-id.ts';

const trigger = {
  scheduleArn: 'arn:aws:scheduler:eu-central-1:123456789012:schedule/jobsweep/nightly',
  scheduledTime: '2026-11-23T02:00:00Z',
};

describe('the id of a sweep', () => {
  it('the sweep id is the same for every delivery of one due time of a schedule', () => {
    expect(sweepIdOf(trigger, 'request-1')).toBe(sweepIdOf({ ...trigger }, 'request-2'));
  });

  it('the sweep id differs between due times and between schedules', () => {
    const names = [
      trigger,
      { ...trigger, scheduledTime: '2026-11-24T02:00:00Z' },
      { ...trigger, scheduleArn: `${trigger.scheduleArn}-2` },
      // the id must differ even if the beginning of the time is moved to the end of the ARN
      { scheduleArn: `${trigger.scheduleArn}\n2026`, scheduledTime: '-11-23T02:00:00Z' },
    ].map((each) => sweepIdOf(each, 'request-1'));
    expect(new Set(names).size).toBe(names.length);
  });

  it('the sweep id fits into the name of a schedule', () => {
    expect(sweepIdOf(trigger, 'request-1')).toMatch(/^sweep-[0-9a-f]{32}$/);
  });

  it('the sweep id is the invocation’s id if there is no trigger, or if the trigger still has placeholders', () => {
    expect(sweepIdOf(undefined, 'request-1')).toBe('request-1');
    const copied = {
      scheduleArn: '<aws.scheduler.schedule-arn>',
      scheduledTime: '<aws.scheduler.scheduled-time>',
    };
    expect(sweepIdOf(copied, 'request-1')).toBe('request-1');
    expect(sweepIdOf({ ...trigger, scheduledTime: copied.scheduledTime }, 'request-1')).toBe('request-1');
    expect(sweepIdOf({ ...trigger, scheduleArn: copied.scheduleArn }, 'request-1')).toBe('request-1');
  });
});
