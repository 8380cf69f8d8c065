import { describe, expect, it } from 'vitest';
import { InvalidRequestError } from '../../../src/base/errors.ts';
import { parseRequest } from '../../../src/sweep/request/read-request.ts';

function problems(payload: unknown) {
  try {
    parseRequest(payload);
  } catch (error) {
    if (error instanceof InvalidRequestError) return error.problems;
    throw error;
  }
  return [];
}
const messages = (payload: unknown) => problems(payload).map(({ message }) => message);

const names = 'a list of names or one string with commas, each name a non-empty job id, group or wildcard';
const duration = 'a duration: a whole number and one of ms, s, m, h, d, such as "48h"';
const moment = 'an ISO date-time, such as "2026-11-23T02:00:00Z"';
const at = '2026-11-23T02:00:00Z';
const waiting = { jobId: 'a', askedAt: at, attempts: 1 };
const followUpOf = (changes: object) => ({
  followUpOf: { sweepId: 's', round: 1, jobs: [waiting], ...changes },
});
const waitingWith = (changes: object) => followUpOf({ jobs: [{ ...waiting, ...changes }] });

describe('the values that each field accepts', () => {
  it.each<[field: string, expected: string, wrong: unknown, payload: unknown]>([
    ['cluster', 'the name of a cluster', 7, { cluster: 7 }],
    ['cluster', 'the name of a cluster: 1 to 40 of a-z, 0-9 and -', '', { cluster: '' }],
    ['cluster', 'the name of a cluster: 1 to 40 of a-z, 0-9 and -', 'a_b', { cluster: 'a_b' }],
    ['jobs', `${names}, and at least one`, [], { jobs: [] }],
    ['jobs', `${names}, and at least one`, 7, { jobs: 7 }],
    ['jobs', `${names}, and at least one`, 'a,,b', { jobs: 'a,,b' }],
    ['exclude', names, {}, { exclude: {} }],
    ['exclude', names, ['a', ' '], { exclude: ['a', ' '] }],
    ['states', 'a list of "opened", "closing", "failed"', 'failed', { states: 'failed' }],
    ['states', 'at least one of "opened", "closing", "failed"', [], { states: [] }],
    ['states[1]', 'one of "opened", "closing", "failed"', 'closed', { states: ['failed', 'closed'] }],
    ['allowNoMatch', 'true or false', 1, { allowNoMatch: 1 }],
    ['idleFor', `${duration}, at least 1m`, '59s', { idleFor: '59s' }],
    ['idleFor', `${duration}, at least 1m`, 48, { idleFor: 48 }],
    ['neverFed', 'one of "close", "keep"', null, { neverFed: null }],
    ['stuckOpening', 'one of "keep", "close"', 'stop', { stuckOpening: 'stop' }],
    ['runningDatafeeds', 'one of "keep", "stop"', 'close', { runningDatafeeds: 'close' }],
    ['managed', 'one of "keep", "close"', true, { managed: true }],
    ['dryRun', 'true or false', 'true', { dryRun: 'true' }],
    ['close', 'an object', false, { close: false }],
    ['close.timeout', `${duration}, at least 100ms, at most 30m`, '31m', { close: { timeout: '31m' } }],
    ['close.timeout', `${duration}, at least 100ms, at most 30m`, '2', { close: { timeout: '2' } }],
    ['close.batch', 'a whole number from 1 to 100', 0, { close: { batch: 0 } }],
    ['close.batch', 'a whole number from 1 to 100', '20', { close: { batch: '20' } }],
    ['close.concurrency', 'a whole number from 1 to 32', 33, { close: { concurrency: 33 } }],
    [
      'close.perNode',
      '"auto", a whole number from 1 to 100, or null for no limit',
      101,
      { close: { perNode: 101 } },
    ],
    [
      'close.perNode',
      '"auto", a whole number from 1 to 100, or null for no limit',
      0,
      { close: { perNode: 0 } },
    ],
    [
      'close.perNode',
      '"auto", a whole number from 1 to 100, or null for no limit',
      'half',
      { close: { perNode: 'half' } },
    ],
    ['force.failed', 'true or false', 'no', { force: { failed: 'no' } }],
    ['force.stuckFor', `${duration}, or null for never`, false, { force: { stuckFor: false } }],
    ['force.stuckFor', `${duration}, or null for never`, '0s', { force: { stuckFor: '0s' } }],
    ['force.exclude[0]', 'a non-empty job id, group or wildcard', '', { force: { exclude: [''] } }],
    ['force.exclude', 'a non-empty job id, group or wildcard', '', { force: { exclude: '' } }],
    ['jobs[1]', 'a non-empty job id, group or wildcard', 7, { jobs: ['a', 7] }],
    ['force.max', 'a whole number, 0 or more', -1, { force: { max: -1 } }],
    [
      'fuse.maxJobs',
      'a whole number, 0 or more, or null to turn the fuse off',
      -1,
      { fuse: { maxJobs: -1 } },
    ],
    [
      'fuse.maxShare',
      'a number over 0, up to 1, or null to turn the fuse off',
      1.1,
      { fuse: { maxShare: 1.1 } },
    ],
    [
      'fuse.maxShare',
      'a number over 0, up to 1, or null to turn the fuse off',
      '1',
      { fuse: { maxShare: '1' } },
    ],
    ['fuse.massIdle', 'true or false', 0, { fuse: { massIdle: 0 } }],
    ['followUp', 'false, or an object with `after` and `max`', 'no', { followUp: 'no' }],
    ['followUp.after', `${duration}, at least 2m`, '1m', { followUp: { after: '1m' } }],
    ['followUp.max', 'a whole number from 1 to 20', 21, { followUp: { max: 21 } }],
    ['trigger.scheduleArn', 'the ARN of a schedule', '', { trigger: { scheduleArn: '', scheduledTime: at } }],
    [
      'trigger.scheduledTime',
      'the time of a schedule',
      5,
      { trigger: { scheduleArn: 'a', scheduledTime: 5 } },
    ],
    ['followUpOf.sweepId', 'the id of a sweep', '', followUpOf({ sweepId: '' })],
    ['followUpOf.round', 'a whole number, 1 or more', 0, followUpOf({ round: 0 })],
    ['followUpOf.jobs', 'a list of at least one job', [], followUpOf({ jobs: [] })],
    ['followUpOf.jobs[0].jobId', 'a job id', '', waitingWith({ jobId: '' })],
    ['followUpOf.jobs[0].askedAt', moment, 'yesterday', waitingWith({ askedAt: 'yesterday' })],
    ['followUpOf.jobs[0].attempts', 'a whole number, 0 or more', -1, waitingWith({ attempts: -1 })],
    [
      'followUpOf.jobs[0].lastActivity',
      moment,
      at.slice(0, 10),
      waitingWith({ lastActivity: at.slice(0, 10) }),
    ],
  ])('the field %s expects %s and refuses %j', (field, expected, wrong, payload) => {
    expect(messages(payload)).toEqual([`${field}: expected ${expected}, got ${JSON.stringify(wrong)}`]);
  });

  it('the id of a sweep has at most 256 characters', () => {
    expect(problems(followUpOf({ sweepId: 'x'.repeat(256) }))).toEqual([]);
    expect(messages(followUpOf({ sweepId: 'x'.repeat(257) }))[0]).toMatch(
      /^followUpOf\.sweepId: expected an id of at most 256 characters, got "x+…$/,
    );
  });

  it('a request with several wrong fields in followUpOf, including an empty list of jobs, is refused with each of these fields', () => {
    const wrong = problems({ followUpOf: { round: 0, jobs: [] } });
    expect(wrong.map(({ field }) => field)).toEqual([
      'followUpOf.sweepId',
      'followUpOf.round',
      'followUpOf.jobs',
    ]);
  });

  it.each([
    { cluster: 'a' },
    { cluster: `${'a'.repeat(38)}-9` },
    { idleFor: '1m' },
    { close: { timeout: '100ms', batch: 1, concurrency: 1, perNode: 1 } },
    { close: { timeout: '30m', batch: 100, concurrency: 32, perNode: 100 } },
    { close: { perNode: 'auto' } },
    { close: { perNode: null } },
    { force: { max: 0 } },
    { fuse: { maxJobs: 0, maxShare: 1 } },
    { fuse: { maxShare: 0.0001 } },
    { followUp: { max: 20 } },
    followUpOf({}),
    waitingWith({ attempts: 0, lastActivity: '2026-11-23T02:00:00+01:00' }),
  ])('a request with values at the limits is valid: %j', (payload) => {
    expect(problems(payload)).toEqual([]);
  });
});

describe('an unknown field', () => {
  it.each<[unknown, string]>([
    [{ Idlefor: '48h' }, 'Idlefor is an unknown field; did you mean idleFor?'],
    [{ maxJobs: 5 }, 'maxJobs is an unknown field; did you mean fuse.maxJobs?'],
    [{ max: 5 }, 'max is an unknown field; did you mean force.max or followUp.max?'],
    [{ followUp: { qqqqqqqq: 1 } }, 'followUp.qqqqqqqq is an unknown field; the fields here are after, max'],
    [
      { zzzzzzzzzzzzzzzz: 1 },
      'zzzzzzzzzzzzzzzz is an unknown field; the fields here are cluster, jobs, exclude, states, allowNoMatch, idleFor, neverFed, runningDatafeeds, stuckOpening, managed, dryRun, close, force, fuse, followUp, notify, trigger, followUpOf',
    ],
    [
      waitingWith({ atempts: 1 }),
      'followUpOf.jobs[0].atempts is an unknown field; did you mean followUpOf.jobs[0].attempts?',
    ],
    [
      { trigger: { scheduleArn: 'a', scheduledTime: at, by: 1 } },
      'trigger.by is an unknown field; the fields here are scheduleArn, scheduledTime',
    ],
    [{ 'idel\u001bFor': 1 }, 'idel\\u001bFor is an unknown field; did you mean idleFor?'],
    [{ idleForHours: 48 }, 'idleForHours is an unknown field; did you mean idleFor?'],
    [{ close: { tmot: '2m' } }, 'close.tmot is an unknown field; did you mean close.timeout?'],
    [{ force: { mxa: 1 } }, 'force.mxa is an unknown field; did you mean force.max?'],
    [
      { trigger: { scheduleArn: 'a', scheduledTime: at, Time: at } },
      'trigger.Time is an unknown field; did you mean trigger.scheduledTime?',
    ],
    [
      { trigger: { scheduleArn: 'a', scheduledTime: at, ARN: 'a' } },
      'trigger.ARN is an unknown field; did you mean trigger.scheduleArn?',
    ],
    // no suggestion: `askedAt` exists only in a follow-up's list of jobs, which people do not write by hand
    [
      { close: { askedAt: at } },
      'close.askedAt is an unknown field; the fields here are timeout, batch, concurrency, perNode',
    ],
    [{ close: { exclude: [] } }, 'close.exclude is an unknown field; did you mean exclude or force.exclude?'],
  ])('an unknown field is refused with a suggestion: %j', (payload, message) => {
    expect(messages(payload)).toEqual([message]);
  });

  it('an unknown field is reported together with a wrong value in the same section', () => {
    expect(messages({ followUp: { after: 7, afer: '5m' } })).toEqual([
      `followUp.after: expected ${duration}, at least 2m, got 7`,
      'followUp.afer is an unknown field; did you mean followUp.after?',
    ]);
  });

  it('each problem of a request has a path, so that an editor can mark the field', () => {
    expect(problems({ close: { btach: 3 } })).toMatchObject([
      { field: 'close.btach', path: ['close', 'btach'] },
    ]);
    expect(problems(waitingWith({ attempts: 'x' }))).toMatchObject([
      { field: 'followUpOf.jobs[0].attempts', path: ['followUpOf', 'jobs', 0, 'attempts'] },
    ]);
    expect(problems({ force: { stuckFor: '91m' } })).toMatchObject([
      { field: 'force.stuckFor', path: ['force', 'stuckFor'] },
    ]);
  });
});

it('a request is refused if no follow-up would run late enough for force.stuckFor, and the message says what to change', () => {
  expect(messages({ force: { stuckFor: '91m' } })).toEqual([
    'force.stuckFor: expected at most followUp.after × followUp.max, which is 90m, got "91m" (after that no follow-up is left to force the job): shorten it, raise followUp.max, or set it to null to never force stuck jobs',
  ]);
});

describe('the bare event of a schedule', () => {
  const event = { 'detail-type': 'Scheduled Event', resources: ['arn:x'], time: at };
  const read = (changes: object) => parseRequest({ ...event, ...changes }).request;

  it('the event of a schedule without an Input becomes a dry run with all defaults and with the schedule as its trigger', () => {
    expect(read({})).toEqual({
      ...parseRequest({ dryRun: true }).request,
      trigger: { scheduleArn: 'arn:x', scheduledTime: at },
    });
  });

  it.each([
    { resources: [] },
    { resources: 'arn:x' },
    { resources: [7] },
    { resources: [''] },
    { time: '' },
    { time: 7 },
  ])('the event of a schedule without an Input has no trigger if the event is incomplete: %j', (changes) => {
    expect(read(changes)).toEqual(parseRequest({ dryRun: true }).request);
  });

  it('an event of a schedule without an Input causes a warning that says what to change', () => {
    expect(parseRequest(event).warnings).toEqual([
      'the schedule that started this sweep has no Input, so this is a dry run and nothing is closed: give it a payload, for example {"idleFor": "48h"}',
    ]);
  });

  it('an event that does not come from a schedule is refused as an invalid request', () => {
    expect(messages({ ...event, 'detail-type': 'Object Created' })).toHaveLength(3);
  });
});
