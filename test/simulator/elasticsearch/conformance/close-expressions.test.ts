/** docs/elasticsearch.md §2.3: which jobs a close request names. */
import { describe, expect, test } from 'vitest';
import { embedded, startTarget, type Target } from '../../../support/elasticsearch.ts';

const close = (target: Target, expression: string, query = '') =>
  target.post(`/_ml/anomaly_detectors/${expression}/_close${query}`);

async function threeOpen(): Promise<Target> {
  const target = await startTarget();
  await target.openJob('conformance-a', { groups: ['conformance-web'] });
  await target.openJob('conformance-b', { groups: ['conformance-web', 'conformance-ops'] });
  await target.openJob('conformance-c');
  return target;
}

async function states(target: Target): Promise<Record<string, string>> {
  const { body } = await target.get('/_ml/anomaly_detectors/conformance-*/_stats');
  return Object.fromEntries(
    body.jobs.map(({ job_id, state }: { job_id: string; state: string }) => [job_id.at(-1), state]),
  );
}

describe('the job expression of a close request (elasticsearch.md §2.3)', () => {
  test.each([
    ['an id', 'conformance-a', ['a']],
    ['a group', 'conformance-web', ['a', 'b']],
    ['an id and a group that holds it, once', 'conformance-a,conformance-web', ['a', 'b']],
    ['a wildcard over ids', 'conformance-*', ['a', 'b', 'c']],
    ['a wildcard over group names', '*-ops', ['b']],
    ['a wildcard in the middle', 'conf*-c', ['c']],
    ['a list with blanks and empty tokens', '%20conformance-a%20,,conformance-c', ['a', 'c']],
    ['a list whose comma is percent-encoded', 'conformance-a%2Cconformance-c', ['a', 'c']],
    ['an id and a pattern that matches nothing', 'conformance-a,nothing-*', ['a']],
  ])(
    'a close request closes exactly the jobs that its expression names: %s',
    async (_what, expression, closed) => {
      await using target = await threeOpen();

      const { status, body } = await close(target, expression);

      expect({ status, body }).toEqual({ status: 200, body: { closed: true } });
      expect(await states(target)).toEqual({
        a: closed.includes('a') ? 'closed' : 'opened',
        b: closed.includes('b') ? 'closed' : 'opened',
        c: closed.includes('c') ? 'closed' : 'opened',
      });
    },
  );

  test.each(['*', '_all', ',', '%20,%20'])(
    'a close request whose whole expression is %j closes all jobs',
    async (expression) => {
      await using target = await threeOpen();

      expect((await close(target, expression)).body).toEqual({ closed: true });
      expect(await states(target)).toEqual({ a: 'closed', b: 'closed', c: 'closed' });
    },
  );

  test('`?` is not a wildcard in a close request', async () => {
    await using target = await threeOpen();

    const { status, reason } = await close(target, 'conformance-%3F');

    expect({ status, reason }).toEqual({ status: 404, reason: "No known job with id 'conformance-?'" });
  });

  test('`_all` in the list of a close request counts as an unknown id if the list has other entries, and no job is closed', async () => {
    await using target = await threeOpen();

    const { status, reason } = await close(target, '_all,conformance-a');

    expect({ status, reason }).toEqual({ status: 404, reason: "No known job with id '_all'" });
    expect(await states(target)).toEqual({ a: 'opened', b: 'opened', c: 'opened' });
  });

  test('a close request treats an id with invalid syntax as an unknown id', async () => {
    await using target = await startTarget();

    expect((await close(target, 'FOO!')).reason).toBe("No known job with id 'FOO!'");
  });
});

describe('a close request whose expression matches nothing (elasticsearch.md §2.3)', () => {
  test('a single unknown id makes the whole close request fail, and the error names every unknown id', async () => {
    await using target = await threeOpen();

    const reply = await close(target, 'gone-1,conformance-a,gone-2');

    const cause = { type: 'resource_not_found_exception', reason: "No known job with id 'gone-1,gone-2'" };
    expect(reply.status).toBe(404);
    expect(reply.body).toEqual({ error: { root_cause: [cause], ...cause }, status: 404 });
    expect((await states(target)).a).toBe('opened');
  });

  test.each([
    ['a pattern that matches nothing', 'nothing-*', '', 200, undefined],
    [
      'a pattern that matches nothing, with allow_no_match=false',
      'nothing-*',
      '?allow_no_match=false',
      404,
      "No known job with id 'nothing-*'",
    ],
    [
      'an unknown id, with allow_no_match=true',
      'nothing',
      '?allow_no_match=true',
      404,
      "No known job with id 'nothing'",
    ],
    [
      'an unknown id and a pattern that matches',
      'conformance-*,nothing',
      '',
      404,
      "No known job with id 'nothing'",
    ],
  ])(
    'a close request is answered with the documented status and reason for %s',
    async (_what, expression, query, status, reason) => {
      await using target = await threeOpen();

      const reply = await close(target, expression, query);

      expect({ status: reply.status, reason: reply.reason }).toEqual({ status, reason });
    },
  );

  embedded.each(['*', '_all'])(
    'a close of %j succeeds without any jobs, unless a match is required',
    async (expression) => {
      await using target = await startTarget();

      expect((await close(target, expression)).body).toEqual({ closed: true });
      expect((await close(target, expression, '?allow_no_match=false')).reason).toBe(
        "No known job with id '*'",
      );
    },
  );
});
