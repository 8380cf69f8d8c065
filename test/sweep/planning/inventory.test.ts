import { describe, expect, it } from 'vitest';
import {
  type ClusterAnswers,
  isMoment,
  type JobSnapshot,
  joinInventory,
  runs,
} from '../../../src/sweep/planning/inventory.ts';
import type { DatafeedStats, JobConfig, JobStats } from '../../../src/sweep/ports.ts';
import { day, hour, now } from '../../support/jobs.ts';

const mb = 2 ** 20;

const configOf = (jobId: string, rest: Partial<JobConfig> = {}): JobConfig => ({
  jobId,
  groups: [],
  ...rest,
});
const statsOf = (jobId: string, rest: Partial<JobStats> = {}): JobStats => ({
  jobId,
  state: 'opened',
  openForMs: 30 * day,
  runningForecasts: 0,
  ...rest,
});
const feedOf = (datafeedId: string, state: string, jobId = 'a'): DatafeedStats => ({
  datafeedId,
  jobId,
  state,
  lookback: 'done',
});

const join = (answers: Partial<ClusterAnswers>) =>
  joinInventory({ configs: [], stats: [], datafeeds: [], readAt: now, ...answers });

/** The only job of these answers. */
function only(answers: Partial<ClusterAnswers>): JobSnapshot {
  const [job, ...others] = join(answers);
  if (!job || others.length > 0) throw new Error('expected the answers to tell of one job');
  return job;
}

describe('the answers from a cluster', () => {
  it('the cluster’s answers are joined into one snapshot of each job', () => {
    const config = configOf('a', {
      groups: ['team-a'],
      blocked: 'reset',
      datafeedId: 'feed',
      protection: { jobsweep: { protect: true } },
      managed: true,
    });
    const stats = statsOf('a', {
      nodeId: 'n1',
      nodeName: 'node one',
      openForMs: 3 * hour,
      lastDataTime: now - hour,
      latestRecordTime: now - day,
      modelBytes: 12_345,
      runningForecasts: 2,
    });
    expect(only({ configs: [config], stats: [stats], datafeeds: [feedOf('feed', 'started')] })).toMatchObject(
      {
        jobId: 'a',
        target: 'a',
        reportedState: 'opened',
        state: 'opened',
        groups: ['team-a'],
        nodeId: 'n1',
        nodeName: 'node one',
        openedAt: now - 3 * hour,
        lastDataTime: now - hour,
        latestRecordTime: now - day,
        modelBytes: 12_345,
        runningForecasts: 2,
        blocked: 'reset',
        protection: { kind: 'always' },
        managed: true,
        datafeed: { datafeedId: 'feed', state: 'started', lookback: 'done' },
      },
    );
  });

  it.each<[string, Partial<JobStats>, Partial<JobConfig>, number | undefined]>([
    ['its model and 10 MB', { memoryBasis: 50 * mb }, { memoryLimit: 64 * mb }, 60 * mb],
    ['its limit and 10 MB', { memoryBasis: 'limit', modelBytes: 0 }, { memoryLimit: 64 * mb }, 74 * mb],
    ['an unknown size, if it has no basis', { modelBytes: 50 * mb }, { memoryLimit: 64 * mb }, undefined],
    ['an unknown size, if its limit is unknown', { memoryBasis: 'limit' }, {}, undefined],
    ['nothing, if it failed', { state: 'failed', memoryBasis: 50 * mb }, {}, 0],
    [
      'an unknown size, if it waits for a node',
      { openForMs: undefined, memoryBasis: 50 * mb },
      {},
      undefined,
    ],
    [
      'its basis, if its process has ended and its close has not',
      { state: 'closing', openForMs: undefined, memoryBasis: 50 * mb },
      {},
      60 * mb,
    ],
    [
      'its basis on serverless, which names no nodes',
      { nodeId: undefined, memoryBasis: 50 * mb },
      {},
      60 * mb,
    ],
  ])('a job’s reserved memory is %s', (_what, stats, config, expected) => {
    const { reservedBytes } = only({
      configs: [configOf('a', config)],
      stats: [statsOf('a', { nodeId: 'n1', openForMs: 3 * hour, ...stats })],
    });
    expect(reservedBytes).toBe(expected);
  });

  it('the inventory lists each job once, in the order of ids, whatever the order of the answers', () => {
    const jobs = join({
      configs: ['c', 'a'].map((id) => configOf(id)),
      stats: ['d', 'b', 'a', 'c'].map((id) => statsOf(id)),
    });
    expect(jobs.map(({ jobId }) => jobId)).toEqual(['a', 'b', 'c', 'd']);
  });

  it.each(['opening', 'opened', 'closing', 'closed', 'failed'])(
    'a job has the state %s if its stats report that state',
    (state) => {
      expect(only({ configs: [configOf('a')], stats: [statsOf('a', { state })] })).toMatchObject({
        reportedState: state,
        state,
      });
    },
  );
});

describe('the inventory gives no state to a job that must not be touched', () => {
  const config = configOf('a');
  const stats = statsOf('a');

  it.each<[string, Partial<ClusterAnswers>, string]>([
    [
      'two configs',
      { configs: [config, config], stats: [stats] },
      'GET _ml/anomaly_detectors lists it twice',
    ],
    [
      'two stats',
      { configs: [config], stats: [stats, stats] },
      'GET _ml/anomaly_detectors/_stats lists it twice',
    ],
    [
      'a config that could not be read',
      { configs: [configOf('a', { unreadable: 'groups is 7' })], stats: [stats] },
      'groups is 7 in GET _ml/anomaly_detectors',
    ],
    [
      'stats that could not be read',
      { configs: [config], stats: [statsOf('a', { unreadable: 'state is 7' })] },
      'state is 7 in GET _ml/anomaly_detectors/_stats',
    ],
    ['no config', { stats: [stats] }, 'GET _ml/anomaly_detectors does not list it'],
    [
      'a datafeed in its config that feeds another job according to the datafeed’s stats',
      {
        configs: [configOf('a', { datafeedId: 'f' })],
        stats: [stats],
        datafeeds: [feedOf('f', 'started', 'b')],
      },
      'GET _ml/datafeeds/_stats does not list its datafeed "f" as its own',
    ],
    [
      'a datafeed in its config that has no stats',
      { configs: [configOf('a', { datafeedId: 'f' })], stats: [stats] },
      'GET _ml/datafeeds/_stats does not list its datafeed "f" as its own',
    ],
    [
      'one datafeed in its config, and another in the stats',
      { configs: [configOf('a', { datafeedId: 'f' })], stats: [stats], datafeeds: [feedOf('g', 'stopped')] },
      'GET _ml/datafeeds/_stats does not list its datafeed "f" as its own',
    ],
    [
      'a datafeed whose id no datafeed can have',
      { configs: [config], stats: [stats], datafeeds: [feedOf('..', 'stopped')] },
      'the datafeed id ".." in GET _ml/datafeeds/_stats is not a valid id',
    ],
  ])('a job with %s has no known state', (_, answers, unclear) => {
    expect(only(answers)).toMatchObject({ jobId: 'a', reportedState: 'opened', state: undefined, unclear });
  });

  it('a job has no known state if the reported state is unknown', () => {
    const hibernating = statsOf('a', { state: 'hibernating' });
    expect(only({ configs: [config], stats: [hibernating] })).toMatchObject({
      reportedState: 'hibernating',
      state: undefined,
    });
  });

  it.each(['A', 'a,b', 'a*', '_all', 'ä'])(
    'a job with the id %s has no known state, because a close request could not name it alone',
    (id) => {
      expect(only({ configs: [configOf(id)], stats: [statsOf(id)] })).toMatchObject({
        target: undefined,
        reportedState: 'opened',
        state: undefined,
      });
    },
  );

  it('a job has no known state if its id is also the name of a group', () => {
    const [a, b] = join({
      configs: [configOf('a'), configOf('b', { groups: ['x', 'a'] })],
      stats: [statsOf('a'), statsOf('b')],
    });
    expect(a).toMatchObject({ target: undefined, state: undefined });
    expect(b).toMatchObject({ target: 'b', state: 'opened' });
  });

  it('the state of a job is unknown if the datafeed in its config has no job, has another job, or has an invalid id', () => {
    const state = (config: JobConfig, ...datafeeds: DatafeedStats[]) =>
      only({ configs: [config], stats: [stats], datafeeds }).state;
    const fed = configOf('a', { datafeedId: 'feed' });
    expect(state(fed)).toBeUndefined();
    expect(state(fed, feedOf('feed', 'stopped', 'b'))).toBeUndefined();
    expect(state(fed, feedOf('other', 'stopped'))).toBeUndefined();
    expect(state(config, feedOf('No Id', 'stopped'))).toBeUndefined();
    expect(state(config, feedOf('other', 'stopped'), feedOf('No Id', 'stopped'))).toBeUndefined();
    expect(state(fed, feedOf('feed', 'stopped'))).toBe('opened');
    expect(state(fed, feedOf('other', 'stopped'), feedOf('feed', 'stopped'))).toBe('opened');
    // a config that names no datafeed does not contradict a datafeed that names the job
    expect(state(config, feedOf('other', 'stopped'))).toBe('opened');
  });

  it('a closed job keeps its state, whatever else is reported', () => {
    const closed = statsOf('a', { state: 'closed' });
    expect(only({ stats: [closed] }).state).toBe('closed');
    expect(only({ configs: [config, config], stats: [closed] }).state).toBe('closed');
  });
});

describe('the fields of a job', () => {
  it('a job without a config has the fields that come from its stats', () => {
    expect(
      only({ stats: [statsOf('a', { nodeId: 'n1', nodeName: 'node one', lastDataTime: now - day })] }),
    ).toEqual({
      jobId: 'a',
      target: 'a',
      reportedState: 'opened',
      state: undefined,
      unclear: 'GET _ml/anomaly_detectors does not list it',
      groups: [],
      nodeId: 'n1',
      nodeName: 'node one',
      openedAt: now - 30 * day,
      lastDataTime: now - day,
      runningForecasts: 0,
      protection: { kind: 'none' },
      managed: false,
    });
  });

  it('a job without stats has the fields that come from its config', () => {
    const config = configOf('a', {
      groups: ['g'],
      protection: { jobsweep: { protectUntil: '2026-11-23' } },
      managed: true,
      blocked: 'delete',
    });
    expect(only({ configs: [config] })).toEqual({
      jobId: 'a',
      target: 'a',
      reportedState: 'unknown',
      state: undefined,
      unclear: 'GET _ml/anomaly_detectors/_stats does not list it',
      groups: ['g'],
      runningForecasts: 0,
      blocked: 'delete',
      protection: { kind: 'until', until: Date.parse('2026-11-24T00:00:00Z') },
      managed: true,
    });
  });

  it('a job without a process has no opening time', () => {
    const failed = statsOf('a', { state: 'failed', openForMs: undefined });
    expect(only({ configs: [configOf('a')], stats: [failed] }).openedAt).toBeUndefined();
  });

  it.each([
    [undefined, false],
    [null, false],
    [false, false],
    [true, true],
    ['false', true],
    [0, true],
    [{}, true],
  ])('whether a job counts as managed if its config contains `managed: %j`: %s', (managed, expected) => {
    expect(only({ configs: [configOf('a', { managed })], stats: [statsOf('a')] }).managed).toBe(expected);
  });
});

describe('a datafeed that may still read data', () => {
  it.each([
    ['stopped', false],
    ['started', true],
    ['starting', true],
    ['stopping', true],
    ['napping', true],
  ])('whether a datafeed that is %s may still read data: %s', (state, expected) => {
    expect(runs(feedOf('feed', state))).toBe(expected);
  });

  it('a missing datafeed does not count as one that may still read data', () => {
    expect(runs(undefined)).toBe(false);
  });
});

describe('the datafeed of a job', () => {
  const feedFor = (...datafeeds: DatafeedStats[]) =>
    only({ configs: [configOf('a')], stats: [statsOf('a')], datafeeds }).datafeed?.datafeedId;

  it('a job’s datafeed is the one whose stats name the job', () => {
    expect(feedFor()).toBeUndefined();
    expect(feedFor(feedOf('other', 'started', 'b'))).toBeUndefined();
    expect(feedFor(feedOf('other', 'started', 'b'), feedOf('own', 'stopped'))).toBe('own');
  });

  it('if several datafeeds name a job, its datafeed is the first one that is not stopped, or the first one if all are stopped', () => {
    expect(feedFor(feedOf('first', 'stopped'), feedOf('second', 'started'))).toBe('second');
    expect(feedFor(feedOf('first', 'started'), feedOf('second', 'stopped'))).toBe('first');
    expect(feedFor(feedOf('first', 'stopped'), feedOf('second', 'napping'))).toBe('second');
    expect(feedFor(feedOf('first', 'stopped'), feedOf('second', 'stopped'))).toBe('first');
  });
});

it('a time is valid if JavaScript can represent it as a date, including the earliest and the latest such date', () => {
  expect([-8.64e15, 0, 8.64e15].map(isMoment)).toEqual([true, true, true]);
  expect([undefined, 8.64e15 + 1, -8.64e15 - 1].map(isMoment)).toEqual([false, false, false]);
});
