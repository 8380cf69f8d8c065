import { describe, expect, it } from 'vitest';
import { blownFuse, type FuseCase } from '../../../src/sweep/planning/fuse.ts';
import type { RequestPayload } from '../../../src/sweep/request/request-schema.ts';
import { day, hour, minute, now, requestOf } from '../../support/jobs.ts';

const spreadOut = (count: number) =>
  Array.from({ length: count }, (_, index) => now - 3 * day - index * hour);

const fuse = (changes: Partial<FuseCase> & { payload?: RequestPayload }) => {
  const { payload, ...given } = changes;
  const silentSince = given.silentSince ?? spreadOut(given.idle ?? 0);
  return blownFuse({
    request: requestOf(payload),
    upgradeMode: false,
    idle: 0,
    open: 100,
    silentSince,
    everFed: 100,
    ...given,
  });
};

const followUpOf = {
  sweepId: 's',
  round: 1,
  jobs: [{ jobId: 'a', askedAt: '2026-11-23T02:00:00Z', attempts: 1 }],
};

describe('the fuses on the number of jobs to close', () => {
  it('maxJobs stops a sweep that would close more than maxJobs jobs, but not one that would close exactly maxJobs', () => {
    expect(fuse({ idle: 500, open: 2_000 })).toBeUndefined();
    expect(fuse({ idle: 501, open: 2_000 })).toEqual({
      name: 'max_jobs',
      idle: 501,
      open: 2_000,
      limit: 500,
    });
    expect(fuse({ idle: 501, open: 2_000, payload: { fuse: { maxJobs: null } } })).toBeUndefined();
  });

  it('if at least ten jobs are open, maxShare stops a sweep that would close more than this share of them', () => {
    expect(fuse({ idle: 50, open: 100 })).toBeUndefined();
    expect(fuse({ idle: 51, open: 100 })).toEqual({ name: 'max_share', idle: 51, open: 100, limit: 0.5 });
    expect(fuse({ idle: 9, open: 9 })).toBeUndefined();
    expect(fuse({ idle: 10, open: 10 })?.name).toBe('max_share');
    expect(fuse({ idle: 100, payload: { fuse: { maxShare: null } } })).toBeUndefined();
  });
});

describe('an ingest outage', () => {
  const together = (count: number, over = 15 * minute) =>
    Array.from({ length: count }, (_, index) => now - 3 * day + (index * over) / Math.max(1, count - 1));

  it('an ingest outage is detected if at least ten jobs, and more than a third of all jobs that ever got data, stopped getting data within 15 minutes', () => {
    const found = fuse({
      idle: 12,
      open: 30,
      everFed: 29,
      silentSince: [...together(10), now - 9 * day, now - 12 * day],
    });
    expect(found).toEqual({
      name: 'mass_idle',
      idle: 12,
      open: 30,
      limit: 9,
      together: { jobs: 10, from: '2026-11-20T12:00:00.000Z', to: '2026-11-20T12:15:00.000Z' },
    });
  });

  it.each([
    [12, 10, 9],
    [30, 11, 10],
    [62, 21, 20],
  ])(
    'with %i jobs that ever got data, an ingest outage is detected if %i of them fall silent together, but not if only %i do',
    (everFed, crowd, limit) => {
      const seen = (count: number) => fuse({ idle: count, everFed, silentSince: together(count) });
      expect(seen(crowd)?.limit).toBe(limit);
      expect(seen(limit)).toBeUndefined();
    },
  );

  it('an ingest outage is reported with its largest group of silent jobs, or the first of two equally large groups', () => {
    const earlier = together(10).map((moment) => moment - 9 * day);
    const found = (silentSince: readonly number[]) =>
      fuse({ idle: silentSince.length, everFed: 22, silentSince })?.together;
    expect(found([...earlier, now - 3 * day, now - 4 * day])).toEqual({
      jobs: 10,
      from: '2026-11-11T12:00:00.000Z',
      to: '2026-11-11T12:15:00.000Z',
    });
    expect(found([...together(10), ...earlier])?.from).toBe('2026-11-11T12:00:00.000Z');
    expect(found([...together(11), ...earlier])).toMatchObject({
      jobs: 11,
      from: '2026-11-20T12:00:00.000Z',
    });
  });

  it('an ingest outage is still detected days later', () => {
    expect(
      fuse({ idle: 10, everFed: 20, silentSince: together(10).map((moment) => moment - 40 * day) })?.name,
    ).toBe('mass_idle');
  });

  it('an ingest outage is detected at any time of day, not only in fixed slots of fifteen minutes', () => {
    for (const shift of [0, 1, 7, 14]) {
      expect(
        fuse({ idle: 10, everFed: 20, silentSince: together(10).map((moment) => moment + shift * minute) })
          ?.name,
      ).toBe('mass_idle');
    }
  });

  it('an ingest outage is not detected if only nine jobs fell silent, only a third of the jobs with data did, or they did more than 15 minutes apart', () => {
    expect(fuse({ idle: 9, everFed: 10, silentSince: together(9) })).toBeUndefined();
    expect(fuse({ idle: 10, everFed: 30, silentSince: together(10) })).toBeUndefined();
    expect(fuse({ idle: 10, everFed: 20, silentSince: together(10, 16 * minute) })).toBeUndefined();
  });

  it('an ingest outage is ignored when fuse.massIdle is false', () => {
    expect(
      fuse({ idle: 10, everFed: 20, silentSince: together(10), payload: { fuse: { massIdle: false } } }),
    ).toBeUndefined();
  });
});

describe('the order of the fuses', () => {
  const everything = {
    idle: 600,
    open: 700,
    everFed: 700,
    silentSince: Array.from({ length: 600 }, () => now - 3 * day),
  };

  it('the fuses are checked in this order: upgrade mode, mass idleness, number of jobs, share of jobs', () => {
    expect(fuse({ ...everything, upgradeMode: true })?.name).toBe('upgrade_mode');
    expect(fuse(everything)?.name).toBe('mass_idle');
    expect(fuse({ ...everything, silentSince: spreadOut(600) })?.name).toBe('max_jobs');
    expect(
      fuse({ ...everything, silentSince: spreadOut(600), payload: { fuse: { maxJobs: 600 } } })?.name,
    ).toBe('max_share');
  });

  it('upgrade mode is the only fuse that stops a follow-up', () => {
    expect(fuse({ ...everything, payload: { followUpOf } })).toBeUndefined();
    expect(fuse({ ...everything, payload: { followUpOf }, upgradeMode: true })?.name).toBe('upgrade_mode');
  });

  it('no fuse trips if the server does not report whether upgrade mode is on', () => {
    expect(fuse({ upgradeMode: undefined })).toBeUndefined();
  });
});
