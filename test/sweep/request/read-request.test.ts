import { describe, expect, it } from 'vitest';
import { InvalidRequestError } from '../../../src/base/errors.ts';
import { parseRequest, toPayload } from '../../../src/sweep/request/read-request.ts';

const problems = (payload: unknown): string[] => {
  try {
    parseRequest(payload);
  } catch (error) {
    if (error instanceof InvalidRequestError) return error.problems.map(({ message }) => message);
    throw error;
  }
  return [];
};

const hours = (count: number) => count * 3_600_000;

describe('a request', () => {
  it('an empty request gets complete and cautious defaults', () => {
    expect(parseRequest({}).request).toEqual({
      cluster: 'default',
      jobs: ['*'],
      exclude: [],
      states: ['opened', 'closing', 'failed'],
      allowNoMatch: true,
      idleFor: hours(48),
      neverFed: 'close',
      runningDatafeeds: 'keep',
      stuckOpening: 'keep',
      managed: 'keep',
      dryRun: false,
      close: { timeout: 120_000, batch: 20, concurrency: 32, perNode: 'auto' },
      force: { failed: true, stuckFor: hours(1.25), exclude: [], max: 10 },
      fuse: { maxJobs: 500, maxShare: 0.5, massIdle: true },
      followUp: { after: 900_000, max: 6 },
    });
  });

  it('a valid request causes no warning', () => {
    expect(parseRequest({ jobs: 'a' }).warnings).toEqual([]);
  });

  it('names in a request may be a list or one comma-separated string, and spaces around a name are removed', () => {
    expect(parseRequest({ jobs: ' a , b*' }).request.jobs).toEqual(['a', 'b*']);
    expect(parseRequest({ jobs: ['a ', 'b,c'] }).request.jobs).toEqual(['a', 'b', 'c']);
  });

  it('a section of a request keeps the defaults of the other fields when one field is given', () => {
    expect(parseRequest({ close: { batch: 5 } }).request.close).toEqual({
      timeout: 120_000,
      batch: 5,
      concurrency: 32,
      perNode: 'auto',
    });
  });

  it('a request may contain $schema, which is ignored', () => {
    expect(problems({ $schema: 'https://example.org/request.json' })).toEqual([]);
  });

  it('a request is unchanged after it is written as a payload and read again', () => {
    const { request } = parseRequest({
      jobs: 'a,b',
      idleFor: '90m',
      force: { stuckFor: null },
      fuse: { maxJobs: null, maxShare: null },
      followUp: false,
      trigger: { scheduleArn: 'arn', scheduledTime: '2026-11-23T02:00:00Z' },
      followUpOf: {
        sweepId: 's',
        round: 2,
        jobs: [{ jobId: 'a', askedAt: '2026-11-23T02:00:00Z', attempts: 1 }],
      },
    });
    expect(parseRequest(JSON.parse(JSON.stringify(toPayload(request)))).request).toEqual(request);
  });
});

describe('the error for an invalid request', () => {
  it.each<[unknown, string]>([
    [{ idelFor: '48h' }, 'idelFor is an unknown field; did you mean idleFor?'],
    [{ DryRun: true }, 'DryRun is an unknown field; did you mean dryRun?'],
    [{ close: { btach: 3 } }, 'close.btach is an unknown field; did you mean close.batch?'],
    [{ timeout: '2m' }, 'timeout is an unknown field; did you mean close.timeout?'],
    [{ followUp: { afer: '5m' } }, 'followUp.afer is an unknown field; did you mean followUp.after?'],
    [{ cluster: 'Prod' }, 'cluster: expected the name of a cluster: 1 to 40 of a-z, 0-9 and -, got "Prod"'],
    [{ dryRun: 'yes' }, 'dryRun: expected true or false, got "yes"'],
    [{ states: ['closed'] }, 'states[0]: expected one of "opened", "closing", "failed", got "closed"'],
    [{ neverFed: 'drop' }, 'neverFed: expected one of "close", "keep", got "drop"'],
    [{ close: { batch: 101 } }, 'close.batch: expected a whole number from 1 to 100, got 101'],
    [{ close: { batch: 2.5 } }, 'close.batch: expected a whole number from 1 to 100, got 2.5'],
    [{ close: [] }, 'close: expected an object, got []'],
    [{ force: null }, 'force: expected an object, got null'],
    [
      { fuse: { maxShare: 0 } },
      'fuse.maxShare: expected a number over 0, up to 1, or null to turn the fuse off, got 0',
    ],
    [{ followUp: true }, 'followUp: expected false, or an object with `after` and `max`, got true'],
    [{ jobs: ['', 'a'] }, 'jobs[0]: expected a non-empty job id, group or wildcard, got ""'],
    [
      { jobs: [] },
      'jobs: expected a list of names or one string with commas, each name a non-empty job id, group or wildcard, and at least one, got []',
    ],
    [{ trigger: 1 }, 'trigger: expected an object, got 1'],
    [{ followUpOf: [] }, 'followUpOf: expected an object, got []'],
    [
      { followUpOf: { sweepId: 's', round: 1 } },
      'followUpOf.jobs: expected a list of at least one job, got nothing',
    ],
    [
      JSON.parse('{"fuse": {"maxJobs": 1e999}}'),
      'fuse.maxJobs: expected a whole number, 0 or more, or null to turn the fuse off, got Infinity',
    ],
    [[], 'the payload: expected an object such as {"idleFor": "48h"}, got []'],
    [null, 'the payload: expected an object such as {"idleFor": "48h"}, got null'],
    ['{}', 'the payload: expected an object such as {"idleFor": "48h"}, got "{}"'],
  ])(
    'an invalid request is refused with a message that names the field or the payload and what was expected: %j',
    (payload, message) => {
      expect(problems(payload)).toEqual([message]);
    },
  );

  it('an invalid request is refused with all its problems, not only the first', () => {
    expect(problems({ idelFor: '48h', neverFed: 1, close: { batch: 0 } })).toHaveLength(3);
  });

  it('an invalid request is refused with its first hundred problems and a note that there are more', () => {
    const fields = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, index) => [`field-${index}`, index]),
    );
    const reported = problems({ ...fields, neverFed: 1 });
    expect(reported).toHaveLength(101);
    expect(reported.at(-1)).toBe('and more: only the first 100 problems are shown');
  });

  it('an invalid request causes one error whose message names each problem', () => {
    expect(() => parseRequest({ dryRun: 'yes', close: { batch: 0 } })).toThrow(
      'the request is not valid: dryRun: expected true or false, got "yes"; close.batch: expected a whole number from 1 to 100, got 0',
    );
  });

  it.each(['jobs', 'exclude'])('a request with an empty name in %s is refused', (field) => {
    for (const value of ['', 'a,,b', ['a', ' '], [''], ['a,']])
      expect(problems({ [field]: value }), JSON.stringify(value)).toHaveLength(1);
  });

  it('an empty list in jobs is refused, and an empty list in exclude is accepted', () => {
    expect(problems({ jobs: [] })).toHaveLength(1);
    expect(problems({ exclude: [], force: { exclude: [] } })).toEqual([]);
  });

  it.each([
    '48',
    48,
    '1.5h',
    '-1h',
    '+1h',
    '1H',
    '2w',
    '0h',
    ' 1h',
    '1h ',
    '01h',
    '1 h',
    '',
    'h',
    '1h30m',
    '9999999999999999d',
    null,
  ])('a request with the duration %j is refused', (value) => {
    expect(problems({ idleFor: value })).toHaveLength(1);
  });

  it('each duration must be within its limits', () => {
    const verdicts = (field: (value: string) => unknown, values: readonly string[]) =>
      values.map((value) => problems(field(value)).length);
    expect(verdicts((idleFor) => ({ idleFor }), ['59s', '60s', '1m', '30d'])).toEqual([1, 0, 0, 0]);
    expect(verdicts((timeout) => ({ close: { timeout } }), ['99ms', '100ms', '30m', '31m'])).toEqual([
      1, 0, 0, 1,
    ]);
    expect(
      verdicts((after) => ({ followUp: { after }, force: { stuckFor: null } }), ['119s', '2m', '1d']),
    ).toEqual([1, 0, 0]);
  });

  it('a force.stuckFor longer than the time until the last follow-up is refused', () => {
    expect(problems({ followUp: { max: 2 } })[0]).toContain(
      'force.stuckFor: expected at most followUp.after × followUp.max, which is 30m, got "75m"',
    );
    expect(problems({ force: { stuckFor: '90m' } })).toEqual([]);
    expect(problems({ force: { stuckFor: '91m' } })).toHaveLength(1);
    expect(problems({ force: { stuckFor: '30d' }, followUp: false })).toEqual([]);
    expect(problems({ force: { stuckFor: null }, followUp: { max: 1 } })).toEqual([]);
  });

  it('an error escapes a hostile value, so that it cannot control a terminal', () => {
    const [message] = problems({ cluster: '\u001b[2J\u202egpj' });
    expect(message).toContain('u{202e}');
    expect(message).toMatch(/^[\u0020-\u007e]+$/);
  });
});

describe('the bare event of a schedule without an Input', () => {
  it('the event of a schedule without an Input becomes a request for a dry run, with a warning and the time at which the schedule was due', () => {
    const { request, warnings } = parseRequest({
      version: '0',
      id: 'x',
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      account: '123456789012',
      time: '2026-11-23T02:00:00Z',
      region: 'eu-central-1',
      resources: ['arn:aws:scheduler:eu-central-1:123456789012:schedule/jobsweep/nightly'],
      detail: '{}',
    });
    expect(request.dryRun).toBe(true);
    expect(request.trigger?.scheduledTime).toBe('2026-11-23T02:00:00Z');
    expect(warnings[0]).toContain('no Input');
  });
});
