/** docs/elasticsearch.md §4: authentication, privileges, and the errors when a privilege is missing. */
import { describe, expect } from 'vitest';
import { embedded, errorOf, startTarget } from '../../../support/elasticsearch.ts';

const users = [
  { username: 'admin', password: 'secret', roles: ['superuser'], cluster: ['all'] },
  { username: 'bob', password: 'pass:word', roles: ['viewer'], cluster: ['monitor_ml'] },
  { username: 'nobody', password: 'x', roles: [], cluster: [] },
];
const apiKeys = [
  { id: 'closer', key: 'k1', owner: 'admin', cluster: ['manage_ml'] },
  { id: 'reader', key: 'k2', owner: 'admin', cluster: ['monitor_ml'] },
  { id: 'greedy', key: 'k3', owner: 'bob', cluster: ['manage_ml', 'monitor_ml'] },
  { id: 'old', key: 'k4', owner: 'admin', cluster: ['all'], expired: true },
];

const secured = () => startTarget({ fleet: { users, apiKeys }, jobs: [{ jobId: 'a', lastData: '3d' }] });
const basic = (user: string, password: string) => ({
  headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
});
const key = (id: string, secret: string) => ({
  headers: { authorization: `ApiKey ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
});
const close = '/_ml/anomaly_detectors/a/_close';

describe('authentication (elasticsearch.md §4)', () => {
  embedded(
    'a request without credentials is refused with 401, and the answer lists the authentication schemes',
    async () => {
      await using target = await secured();

      const { status, body, headers } = await target.get('/_ml/anomaly_detectors/_stats');

      const cause = {
        type: 'security_exception',
        reason: 'missing authentication credentials for REST request [/_ml/anomaly_detectors/_stats]',
        header: { 'WWW-Authenticate': ['Basic realm="security", charset="UTF-8"', 'ApiKey'] },
      };
      expect(status).toBe(401);
      expect(body).toEqual({ error: { root_cause: [cause], ...cause }, status: 401 });
      expect(headers.get('www-authenticate')).toBe('Basic realm="security", charset="UTF-8", ApiKey');
    },
  );

  embedded('a wrong password is refused with 401', async () => {
    await using target = await secured();

    expect(errorOf(await target.get('/_ml/info', basic('bob', 'wrong')))).toEqual({
      status: 401,
      type: 'security_exception',
      reason: 'unable to authenticate user [bob] for REST request [/_ml/info]',
    });
  });

  embedded.each([
    ['a wrong key', key('closer', 'wrong')],
    ['an expired key', key('old', 'k4')],
    ['no key at all', { headers: { authorization: 'ApiKey nonsense' } }],
    ['another scheme', { headers: { authorization: 'Bearer x' } }],
  ])('a request with %s is refused with 401', async (_what, content) => {
    await using target = await secured();

    expect(await target.get('/_ml/info', content)).toMatchObject({
      status: 401,
      reason:
        'unable to authenticate with provided credentials and anonymous access is not allowed for this request',
    });
  });

  embedded('a password may contain a colon', async () => {
    await using target = await secured();

    expect((await target.get('/_ml/info', basic('bob', 'pass:word'))).status).toBe(200);
  });

  embedded('a cluster without users needs no credentials', async () => {
    await using target = await startTarget();

    expect((await target.get('/_ml/info')).status).toBe(200);
    expect((await target.get('/_ml/info', basic('anyone', 'x'))).status).toBe(200);
  });
});

describe('privileges (elasticsearch.md §4)', () => {
  embedded('monitor_ml reads everything of machine learning and changes nothing', async () => {
    await using target = await secured();
    const reads = [
      '/_ml/anomaly_detectors',
      '/_ml/anomaly_detectors/_stats',
      '/_ml/datafeeds',
      '/_ml/datafeeds/_stats',
      '/_ml/info',
      '/_ml/memory/_stats',
      '/_cat/ml/anomaly_detectors',
      '/_cat/ml/datafeeds',
    ];
    const changes = [
      [close, undefined],
      ['/_ml/anomaly_detectors/a/_open', undefined],
      ['/_ml/anomaly_detectors/a/_reset', undefined],
      ['/_ml/anomaly_detectors/a/_flush', undefined],
      ['/_ml/anomaly_detectors/a/_forecast', undefined],
      ['/_ml/anomaly_detectors/a/_data', '{}'],
      ['/_ml/anomaly_detectors/a/_update', '{}'],
      ['/_ml/set_upgrade_mode?enabled=true', undefined],
    ] as const;

    for (const path of reads) expect((await target.get(path, key('reader', 'k2'))).status, path).toBe(200);
    for (const [path, body] of changes)
      expect((await target.post(path, body, key('reader', 'k2'))).status, path).toBe(403);
    expect(target.state('a')).toBe('opened');
  });

  embedded(
    'a user without the privilege gets a 403 that names the user, the action and the privileges that would suffice',
    async () => {
      await using target = await secured();

      expect(errorOf(await target.post(close, undefined, basic('bob', 'pass:word')))).toEqual({
        status: 403,
        type: 'security_exception',
        reason:
          'action [cluster:admin/xpack/ml/job/close] is unauthorized for user [bob] with effective roles [viewer], this action is granted by the cluster privileges [manage_ml,manage,all]',
      });
    },
  );

  embedded('a request with an API key that lacks the privilege is refused with 403', async () => {
    await using target = await secured();

    expect(errorOf(await target.post(close, undefined, key('reader', 'k2')))).toEqual({
      status: 403,
      type: 'security_exception',
      reason:
        'action [cluster:admin/xpack/ml/job/close] is unauthorized for API key id [reader] of user [admin], this action is granted by the cluster privileges [manage_ml,manage,all]',
    });
  });

  embedded('a key has at most the privileges of its owner', async () => {
    await using target = await secured();

    expect((await target.get('/_ml/info', key('greedy', 'k3'))).status).toBe(200);
    expect((await target.post(close, undefined, key('greedy', 'k3'))).status).toBe(403);
  });

  embedded('manage_ml permits closing jobs but not reading the name of the cluster', async () => {
    await using target = await secured();

    expect((await target.post(close, undefined, key('closer', 'k1'))).body).toEqual({ closed: true });
    expect(errorOf(await target.get('/', key('closer', 'k1')))).toMatchObject({
      status: 403,
      type: 'security_exception',
    });
    expect((await target.get('/_cluster/settings', key('closer', 'k1'))).status).toBe(403);
    expect((await target.get('/', basic('admin', 'secret'))).status).toBe(200);
  });

  embedded('authentication is checked before parameters, and privileges after them', async () => {
    await using target = await secured();
    const bad = `${close}?forc=true`;

    expect((await target.post(bad)).status).toBe(401);
    expect((await target.post(bad, undefined, basic('bob', 'pass:word'))).status).toBe(400);
    expect(
      (await target.post('/_ml/anomaly_detectors/unknown/_close', undefined, basic('bob', 'pass:word')))
        .status,
    ).toBe(403);
  });
});

describe('endpoints that return the caller’s own identity and privileges (elasticsearch.md §4)', () => {
  const endpoint = '/_security/user/_has_privileges';

  embedded('_has_privileges returns which of the privileges the caller has', async () => {
    await using target = await secured();
    const wanted = { cluster: ['monitor_ml', 'manage_ml'] };

    expect((await target.post(endpoint, wanted, basic('bob', 'pass:word'))).body).toEqual({
      username: 'bob',
      has_all_requested: false,
      cluster: { monitor_ml: true, manage_ml: false },
      index: {},
      application: {},
    });
    expect((await target.post(endpoint, wanted, key('closer', 'k1'))).body).toMatchObject({
      username: 'admin',
      has_all_requested: true,
    });
    expect((await target.post(endpoint, wanted, basic('nobody', 'x'))).body.cluster).toEqual({
      monitor_ml: false,
      manage_ml: false,
    });
  });

  embedded('_has_privileges refuses an unknown privilege and an empty body', async () => {
    await using target = await secured();

    const unknown = await target.post(endpoint, { cluster: ['nonsense'] }, key('closer', 'k1'));
    expect(unknown).toMatchObject({ status: 400, type: 'illegal_argument_exception' });
    expect(unknown.reason).toContain('unknown cluster privilege [nonsense]');
    expect((await target.post(endpoint, undefined, key('closer', 'k1'))).status).toBe(400);
    expect((await target.post(endpoint, {}, key('closer', 'k1'))).status).toBe(400);
  });

  embedded('_authenticate returns the identity of the caller', async () => {
    await using target = await secured();

    expect((await target.get('/_security/_authenticate', key('closer', 'k1'))).body).toMatchObject({
      username: 'admin',
      authentication_type: 'api_key',
      api_key: { id: 'closer' },
    });
  });

  embedded('the endpoint _has_privileges does not exist if security is off', async () => {
    await using target = await startTarget();

    expect((await target.post(endpoint, { cluster: ['manage_ml'] })).body.error).toContain(
      'no handler found for uri',
    );
  });
});
