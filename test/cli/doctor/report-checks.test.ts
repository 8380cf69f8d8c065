import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../../simulator/elasticsearch/index.ts';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import type { ConsoleRequest } from '../../../src/sweep/reporting/stream-requests.ts';
import { runOn } from '../../support/run-on.ts';
import { bulkRequests, documentsIn } from '../../support/streams.ts';
import { busy, idle, type SweepSetup, startSetup } from '../../support/sweep-setup.ts';

const on = { JOBSWEEP_REPORTS_NAMESPACE: 'default' };

interface Doctor {
  readonly exit: number;
  readonly report: Finding | undefined;
  readonly requests: readonly ConsoleRequest[];
}

async function doctor(setup: SweepSetup, env: Record<string, string> = on): Promise<Doctor> {
  const { exit, stdout } = await runOn(setup, ['doctor', '-o', 'json'], { env });
  const { findings, reports } = JSON.parse(stdout) as {
    findings: Finding[];
    reports?: { requests: ConsoleRequest[] };
  };
  return {
    exit,
    report: findings.find(({ check }) => check === 'reports'),
    requests: reports?.requests ?? [],
  };
}

const keyWith = (...privileges: string[]): Fleet => ({
  users: [{ username: 'owner', password: 'unused', cluster: ['all'] }],
  apiKeys: [
    {
      id: 'k',
      key: 'text',
      owner: 'owner',
      cluster: ['manage_ml', 'monitor'],
      ...(privileges.length > 0 && { index: [{ names: ['logs-jobsweep.*-*'], privileges }] }),
    },
  ],
});
const withKey = { ...on, ELASTICSEARCH_API_KEY: 'k:text' };

describe('`doctor` on reports in Elasticsearch', () => {
  it('`doctor` does not mention report streams if they are not configured', async () => {
    await using setup = await startSetup(busy(3));
    const { report, requests } = await doctor(setup, {});
    expect(report).toBeUndefined();
    expect(requests).toEqual([]);
  });

  it('`doctor` reports, without writing to the report streams, that they can be written and read', async () => {
    await using setup = await startSetup(busy(3), keyWith('auto_configure', 'create_doc', 'read'));
    const { exit, report } = await doctor(setup, withKey);
    expect(exit).toBe(0);
    expect(report).toEqual({
      check: 'reports',
      level: 'ok',
      found:
        'logs-jobsweep.sweep-default and logs-jobsweep.job-default on the swept cluster can be written and read',
    });
    expect(bulkRequests(setup)).toEqual([]);
  });

  it.each([
    [[], 'finding', 'the credentials lack auto_configure and create_doc', 3],
    [['create_doc', 'read'], 'finding', 'the credentials lack auto_configure on', 3],
    [['auto_configure', 'create_doc'], 'note', 'can be written, but not read', 0],
  ])(
    'if a key has only the privileges %j on report streams, `doctor` names the privileges that the key lacks',
    async (privileges, level, found, exit) => {
      await using setup = await startSetup(busy(3), keyWith(...privileges));
      const result = await doctor(setup, withKey);
      expect(result.report).toMatchObject({ level, found: expect.stringContaining(found) });
      expect(result.exit).toBe(exit);
    },
  );

  it('`doctor` reports an invalid setting for reports, and a report cluster that does not answer', async () => {
    await using setup = await startSetup(busy(3));
    const wrong = await doctor(setup, { JOBSWEEP_REPORTS_NAMESPACE: 'a-b' });
    expect(wrong.exit).toBe(3);
    expect(wrong.report).toMatchObject({ level: 'finding', found: expect.stringContaining('got "a-b"') });
    const silent = await doctor(setup, { JOBSWEEP_REPORTS_URL: 'http://127.0.0.1:1' });
    expect(silent.exit).toBe(3);
    expect(silent.report).toMatchObject({ level: 'finding', found: expect.stringContaining('127.0.0.1:1') });
  });

  it.each([
    [
      '9.2',
      'lifecycle',
      ['/_index_template/logs-jobsweep', '/_data_stream/logs-jobsweep.*-*/_lifecycle', '/_security/api_key'],
    ],
    ['7.17', 'ilm', ['/_ilm/policy/jobsweep', '/_index_template/logs-jobsweep', '/_security/api_key']],
  ] as const)(
    '`doctor` prints the requests that set up report streams on Elasticsearch %s, with retention through %s',
    async (stack, kind, paths) => {
      await using setup = await startSetup(busy(3), {}, { stack });
      const { requests } = await doctor(setup);
      expect(requests.map(({ path }) => path)).toEqual(paths);
      const template = requests.find(({ path }) => path.startsWith('/_index_template'))?.body as {
        template: Record<string, unknown>;
      };
      expect('lifecycle' in template.template).toBe(kind === 'lifecycle');
      expect('settings' in template.template).toBe(kind === 'ilm');
      const { stdout } = await runOn(setup, ['doctor', '-o', 'table'], { env: on });
      for (const { method, path } of requests) expect(stdout).toContain(`${method} ${path}\n{`);
    },
  );

  it('`doctor` prints an index template that fits every document of a sweep, and a key that may write these documents', async () => {
    await using setup = await startSetup(
      [
        ...idle(3, { datafeed: { state: 'stopped' } }),
        ...busy(4),
        { jobId: 'failed', state: 'failed', reason: 'x', lastData: '9d', groups: ['web'] },
        { jobId: 'slow', lastData: '9d', closeTakes: '2h' },
        { jobId: 'broken', lastData: '9d', closeTakes: { fails: 'disk full' } },
        { jobId: 'protected', lastData: '9d', customSettings: { jobsweep: { protect: true } } },
      ],
      keyWith('auto_configure', 'create_doc', 'read'),
    );
    const { requests } = await doctor(setup, withKey);
    const authorization = `Basic ${Buffer.from('owner:unused').toString('base64')}`;
    for (const { method, path, body } of requests.slice(0, 2)) {
      const response = await fetch(setup.server.url + path, {
        method,
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify(body),
      });
      expect(response.status, path).toBe(200);
    }
    const key = requests.at(-1)?.body as { role_descriptors: Record<string, { indices: unknown }> };
    expect(key.role_descriptors['jobsweep-reports']?.indices).toEqual([
      { names: ['logs-jobsweep.*-*'], privileges: ['auto_configure', 'create_doc', 'read'] },
    ]);
    const { stderr } = await runOn(
      setup,
      ['sweep', '--yes', '--no-save', '--set', 'close.timeout=10s', '--set', 'fuse.maxShare=null'],
      { env: withKey },
    );
    expect(stderr).not.toContain('could not be written');
    expect(documentsIn(setup, 'sweep')).toHaveLength(1);
    expect(documentsIn(setup, 'job')).toHaveLength(11);
    expect(setup.cluster.cluster.streams.get('logs-jobsweep.job-default')).toMatchObject({
      template: 'logs-jobsweep',
      lifecycle: { data_retention: '90d' },
    });
  });
});
