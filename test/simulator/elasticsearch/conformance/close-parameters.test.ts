/** docs/elasticsearch.md §2.1 and §2.10: the parameters of a close request in query and body, and the errors for invalid ones. */
import { describe, expect, test } from 'vitest';
import { startTarget, type Target } from '../../../support/elasticsearch.ts';

const path = '/_ml/anomaly_detectors/conformance-a/_close';

async function oneOpen(): Promise<Target> {
  const target = await startTarget();
  await target.openJob('conformance-a');
  return target;
}

const stateOf = async (target: Target) =>
  (await target.get('/_ml/anomaly_detectors/conformance-a/_stats')).body.jobs[0].state;

describe('the parameters of a close request in its query or body (elasticsearch.md §2.1)', () => {
  test.each([
    ['the query', '?timeout=30s&force=true&allow_no_match=false', undefined],
    ['the body', '', { timeout: '30s', force: true, allow_no_match: false }],
    ['the body, whose job id is ignored', '', { job_id: 'ignored', force: false }],
    ['a body that is an empty object', '', {}],
  ])('a close request takes its parameters from %s', async (_where, query, body) => {
    await using target = await oneOpen();

    expect((await target.post(path + query, body)).body).toEqual({ closed: true });
    expect(await stateOf(target)).toBe('closed');
  });

  test('a close request with an empty body and a Content-Type counts as a request without a body', async () => {
    await using target = await oneOpen();

    const reply = await target.post(`${path}?force=true`, '', {
      headers: { 'content-type': 'application/json' },
    });

    expect(reply.body).toEqual({ closed: true });
  });

  test('a close request with a body and a query parameter is refused with 400, and the error names the parameter', async () => {
    await using target = await oneOpen();

    const reply = await target.post(`${path}?force=true`, {});

    const cause = {
      type: 'illegal_argument_exception',
      reason: `request [${path}] contains unrecognized parameter: [force]`,
    };
    expect(reply.body).toEqual({ error: { root_cause: [cause], ...cause }, status: 400 });
    expect(await stateOf(target)).toBe('opened');
  });

  test('the error for a close request with a body and several query parameters lists the parameters in alphabetical order', async () => {
    await using target = await oneOpen();

    const reply = await target.post(`${path}?timeout=1m&force=true&allow_no_match=true`, {});

    expect(reply.reason).toBe(
      `request [${path}] contains unrecognized parameters: [allow_no_match], [force], [timeout]`,
    );
  });
});

describe('invalid parameters of a close request (elasticsearch.md §2.10)', () => {
  test.each([
    [
      'timeout=5',
      'failed to parse setting [timeout] with value [5] as a time value: unit is missing or unrecognized',
    ],
    ['timeout=1.5h', 'failed to parse [1.5h], fractional time values are not supported'],
    ['timeout=abc%20m', 'failed to parse [abc m]'],
    ['force=yes', 'Failed to parse value [yes] as only [true] or [false] are allowed.'],
    ['forc=true', `request [${path}] contains unrecognized parameter: [forc] -> did you mean [force]?`],
    ['nonsense=1', `request [${path}] contains unrecognized parameter: [nonsense]`],
  ])('a close request with the invalid parameter ?%s is refused', async (query, reason) => {
    await using target = await oneOpen();

    const reply = await target.post(`${path}?${query}`);

    expect({ status: reply.status, type: reply.type, reason: reply.reason }).toEqual({
      status: 400,
      type: 'illegal_argument_exception',
      reason,
    });
    expect(await stateOf(target)).toBe('opened');
  });

  test.each(['force', 'force='])('a close request accepts the flag ?%s without a value', async (query) => {
    await using target = await oneOpen();

    expect((await target.post(`${path}?${query}`)).status).toBe(200);
  });

  test('an unknown field in the body of a close request is reported with its line and column', async () => {
    await using target = await oneOpen();

    const { status, type, reason } = await target.post(path, '{"foo":1}');

    expect({ status, type, reason }).toEqual({
      status: 400,
      type: 'x_content_parse_exception',
      reason: '[1:2] [cluster:admin/xpack/ml/job/close] unknown field [foo]',
    });
  });

  test('an invalid value in the body of a close request is reported with the cause of the error', async () => {
    await using target = await oneOpen();

    const { status, body } = await target.post(path, '{"timeout":"5"}');

    expect(status).toBe(400);
    expect(body.error).toMatchObject({
      type: 'x_content_parse_exception',
      reason: '[1:12] [cluster:admin/xpack/ml/job/close] failed to parse field [timeout]',
      caused_by: {
        type: 'illegal_argument_exception',
        reason:
          'failed to parse setting [timeout] with value [5] as a time value: unit is missing or unrecognized',
      },
    });
  });

  test('a close request with a body that is not JSON is refused with 400', async () => {
    await using target = await oneOpen();

    const { status, type } = await target.post(path, '{"force":');

    expect({ status, type }).toEqual({ status: 400, type: 'x_content_parse_exception' });
  });

  test('a close request with the unsupported Content-Type text/html is refused with 406', async () => {
    await using target = await oneOpen();

    const reply = await target.post(path, '{}', { headers: { 'content-type': 'text/html' } });

    expect(reply.status).toBe(406);
    expect(reply.body).toEqual({ error: 'Content-Type header [text/html] is not supported', status: 406 });
  });

  test('a GET request for the path of a close is refused with 405, and the answer names POST as the allowed method', async () => {
    await using target = await startTarget();

    const reply = await target.get(path);

    expect(reply.status).toBe(405);
    expect(reply.headers.get('allow')).toBe('POST');
    expect(reply.body).toEqual({
      error: `Incorrect HTTP method for uri [${path}] and method [GET], allowed: [POST]`,
      status: 405,
    });
  });
});

describe('time values (elasticsearch.md §6.4)', () => {
  test.each(['30m', '1H', ' 90s ', '0', '000', '-1', '250ms', '7d', '100MICROS', '5nanos', '1 m'])(
    'the timeout %j of a close request is accepted as a time value',
    async (value) => {
      await using target = await startTarget();
      await target.putJob('conformance-a');

      const reply = await target.post(`${path}?timeout=${encodeURIComponent(value)}`);

      expect(reply.body).toEqual({ closed: true });
    },
  );

  test.each(['1M', '3w', '', 'm', '1.5m', '-5m', '7'])(
    'the timeout %j of a close request is refused with 400',
    async (value) => {
      await using target = await startTarget();
      await target.putJob('conformance-a');

      expect((await target.post(`${path}?timeout=${encodeURIComponent(value)}`)).status).toBe(400);
    },
  );
});
