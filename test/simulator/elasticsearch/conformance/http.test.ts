/** docs/elasticsearch.md §2.10, §3, §5 and §6: the HTTP behaviour of every endpoint. */
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { embedded, startTarget } from '../../../support/elasticsearch.ts';

const vendor = (version: number) => `application/vnd.elasticsearch+json; compatible-with=${version}`;

describe('the length of the request line (elasticsearch.md §6)', () => {
  /** Returns a path for a request line of exactly `bytes` bytes, including the line end. */
  const path = (bytes: number) => {
    const fixed = 'POST /_ml/anomaly_detectors//_close HTTP/1.1\r\n'.length;
    return `/_ml/anomaly_detectors/${'a'.repeat(bytes - fixed)}/_close`;
  };

  test('a close request with a request line of 4096 bytes is accepted, and answered with 404 because the job is unknown', async () => {
    await using target = await startTarget();

    expect((await target.post(path(4096))).status).toBe(404);
  });

  test('a request line of more than 4096 bytes is refused', async () => {
    await using target = await startTarget();

    const reply = await target.post(path(4097));

    expect({ status: reply.status, type: reply.type, reason: reply.reason }).toEqual({
      status: 400,
      type: 'too_long_http_line_exception',
      reason: 'An HTTP line is larger than 4096 bytes.',
    });
  });

  test('the request line of a close has room for 59 job ids of 64 characters with encoded commas, but not for 62', async () => {
    await using target = await startTarget();
    const ids = (count: number) => Array.from({ length: count }, () => 'a'.repeat(64)).join('%2C');

    const query = '?timeout=120s&force=false&allow_no_match=true';
    expect((await target.post(`/_ml/anomaly_detectors/${ids(59)}/_close${query}`)).status).toBe(404);
    expect((await target.post(`/_ml/anomaly_detectors/${ids(62)}/_close${query}`)).type).toBe(
      'too_long_http_line_exception',
    );
  });
});

describe('responses', () => {
  test('every response has the header X-elastic-product', async () => {
    await using target = await startTarget();

    for (const path of ['/_ml/info', '/_ml/anomaly_detectors/conformance-x', '/_cat/ml/anomaly_detectors'])
      expect((await target.get(path)).headers.get('x-elastic-product')).toBe('Elasticsearch');
  });

  test('responses have line breaks if the client requests `pretty`, and are YAML if it requests `format=yaml`', async () => {
    await using target = await startTarget();

    const pretty = await target.get('/_ml/anomaly_detectors/conformance-x*?pretty');
    const yaml = await target.get('/_ml/anomaly_detectors/conformance-x*?format=yaml');

    expect(pretty.text).toContain('\n  "count"');
    expect(yaml.text).toBe('---\ncount: 0\njobs: []\n');
    expect(yaml.headers.get('content-type')).toContain('application/yaml');
  });

  test('an error has a stack trace if `error_trace` is requested', async () => {
    await using target = await startTarget();

    const { body } = await target.get('/_ml/anomaly_detectors/conformance-x?error_trace=true');

    expect(body.error.stack_trace).toContain('No known job');
  });

  test('a request to an unknown path is refused with 400', async () => {
    await using target = await startTarget();

    expect((await target.get('/_ml/nothing/here')).body).toEqual({
      error: 'no handler found for uri [/_ml/nothing/here] and method [GET]',
    });
    expect((await target.get('/_ml/nothing/here')).status).toBe(400);
  });

  test('a response repeats the X-Opaque-Id header of its request', async () => {
    await using target = await startTarget();

    const { headers } = await target.get('/_ml/info', { headers: { 'x-opaque-id': 'mine' } });

    expect(headers.get('x-opaque-id')).toBe('mine');
  });

  embedded('a connection is kept for the next request', async () => {
    await using target = await startTarget();
    const socket = connect(Number(new URL(target.url).port), '127.0.0.1');
    let received = '';
    socket.on('data', (data) => {
      received += data.toString();
    });

    for (let count = 1; count <= 2; count++) {
      socket.write('GET /_ml/info?filter_path=upgrade_mode HTTP/1.1\r\nHost: x\r\n\r\n');
      await expect.poll(() => received.split('{"upgrade_mode":false}').length - 1).toBe(count);
    }
    socket.destroy();
  });
});

describe('media types (elasticsearch.md §5)', () => {
  const info = (accept: string) => ({ headers: { accept } });

  embedded.each([
    ['9.2', [8, 9], [7, 10]],
    ['8.19', [7, 8], [9]],
  ] as const)('%s accepts the media type %j and refuses %j with 400', async (stack, spoken, refused) => {
    await using target = await startTarget({ stack });

    for (const version of spoken) {
      const reply = await target.get('/_ml/info', info(vendor(version)));
      expect(reply.status).toBe(200);
      expect(reply.headers.get('content-type')).toBe(
        `application/vnd.elasticsearch+json;compatible-with=${version}`,
      );
    }
    for (const version of refused) {
      const reply = await target.get('/_ml/info', info(vendor(version)));
      expect(reply.status).toBe(400);
      expect(reply.body.error).toMatchObject({
        type: 'media_type_header_exception',
        reason: 'Invalid media-type value on headers [Content-Type, Accept]',
        caused_by: { type: 'status_exception' },
      });
      expect(reply.body.error.caused_by.reason).toContain(`Accept version must be either version`);
      expect(reply.body.error.caused_by.reason).toContain(`but found ${version}. Accept=${vendor(version)}`);
    }
  });

  embedded('7.17 refuses a newer compatible version with 406, and the error is a plain string', async () => {
    await using target = await startTarget({ stack: '7.17' });

    const reply = await target.post('/_ml/anomaly_detectors/x/_close', '{}', {
      headers: { accept: vendor(8), 'content-type': vendor(8) },
    });

    expect(reply.status).toBe(406);
    expect(reply.body).toEqual({ error: `Content-Type header [${vendor(8)}] is not supported`, status: 406 });
  });

  embedded('a request with a body needs the same version in both headers', async () => {
    await using target = await startTarget({ stack: '9.2' });
    const post = (contentType: string, accept: string) =>
      target.post('/_ml/anomaly_detectors/x*/_close', '{}', {
        headers: { 'content-type': contentType, accept },
      });

    expect((await post(vendor(9), vendor(9))).status).toBe(200);
    expect((await post(vendor(9), 'application/json')).body.error.caused_by.reason).toContain(
      'A compatible version is required on both Content-Type and Accept headers',
    );
    expect((await post(vendor(8), vendor(9))).status).toBe(400);
    expect((await post(vendor(7), vendor(7))).body.error.caused_by.reason).toBe(
      `Accept version must be either version 9 or 8, but found 7. Accept=${vendor(7)}`,
    );
  });

  embedded.each(['7.17', '8.19', '9.2'] as const)('%s accepts plain application/json', async (stack) => {
    await using target = await startTarget({ stack });

    const reply = await target.post('/_ml/anomaly_detectors/x*/_close', '{}', {
      headers: { accept: 'application/json' },
    });

    expect(reply.body).toEqual({ closed: true });
    expect(reply.headers.get('content-type')).toContain('application/json');
  });
});

describe('differences between versions (elasticsearch.md §5)', () => {
  const old = '/_ml/anomaly_detectors/x*/_close?allow_no_jobs=true';

  embedded('allow_no_jobs works on 7.17, with a warning', async () => {
    await using target = await startTarget({ stack: '7.17' });

    const query = await target.post(old);
    const body = await target.post('/_ml/anomaly_detectors/x*/_close', { allow_no_jobs: false });

    expect(query.body).toEqual({ closed: true });
    expect(query.headers.get('warning')).toMatch(
      /^299 Elasticsearch-7\.17\.\d+-[0-9a-f]+ "Deprecated field \[allow_no_jobs\] used, expected \[allow_no_match\] instead"$/,
    );
    expect(body.status).toBe(404);
    expect(body.headers.get('warning')).toContain('allow_no_jobs');
  });

  embedded('allow_no_jobs works on 8 only in compatibility mode 7, and not on 9', async () => {
    await using eight = await startTarget({ stack: '8.19' });
    await using nine = await startTarget({ stack: '9.2' });
    const refused = {
      status: 400,
      reason: 'request [/_ml/anomaly_detectors/x*/_close] contains unrecognized parameter: [allow_no_jobs]',
    };

    expect((await eight.post(old, undefined, { headers: { accept: vendor(7) } })).body).toEqual({
      closed: true,
    });
    const plain = await eight.post(old);
    expect(plain.status).toBe(400);
    expect(plain.reason).toContain(refused.reason);
    const latest = await nine.post(old);
    expect(latest.status).toBe(400);
    expect(latest.reason).toContain(refused.reason);
  });

  embedded('the older path prefix works on 7.17, on 8 in compatibility mode 7, and not on 9', async () => {
    await using seven = await startTarget({ stack: '7.17' });
    await using eight = await startTarget({ stack: '8.19' });
    await using nine = await startTarget({ stack: '9.2' });
    const path = '/_xpack/ml/anomaly_detectors/_stats';

    const reply = await seven.get(path);
    expect(reply.body).toEqual({ count: 0, jobs: [] });
    expect(reply.headers.get('warning')).toContain(
      'is deprecated! Use [GET /_ml/anomaly_detectors/_stats] instead.',
    );
    expect((await eight.get(path)).status).toBe(400);
    expect((await eight.get(path, { headers: { accept: vendor(7) } })).status).toBe(200);
    expect((await nine.get(path)).status).toBe(400);
  });

  embedded('memory stats and delete_user_annotations exist from version 8 on', async () => {
    await using target = await startTarget({ stack: '7.17', jobs: [{ jobId: 'a', state: 'closed' }] });

    expect((await target.get('/_ml/memory/_stats')).status).toBe(400);
    expect((await target.delete('/_ml/anomaly_detectors/a?delete_user_annotations=true')).reason).toContain(
      'unrecognized parameter: [delete_user_annotations]',
    );
    expect((await target.post('/_ml/anomaly_detectors/a/_reset')).body).toEqual({ acknowledged: true });
  });

  embedded.each([
    ['7.17', /^7\.17\./],
    ['8.19', /^8\.19\./],
    ['9.2', /^9\.2\./],
  ] as const)('the simulated version %s reports its number', async (stack, number) => {
    await using target = await startTarget({ stack });

    expect((await target.get('/')).body.version.number).toMatch(number);
    expect((await target.get('/_ml/info')).body.native_code.version).toMatch(number);
  });
});
