import { describe, expect, it, vi } from 'vitest';
import type { Fleet } from '../../../simulator/elasticsearch/index.ts';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { runCommand } from '../../support/run-command.ts';
import { runInSimulatedTime, runOn } from '../../support/run-on.ts';
import { create, functionArn, queueArn, roleArn, schedulerBench } from '../../support/scheduler.ts';
import { certificate, type Exchange, serve } from '../../support/scripted-server.ts';
import { busy, type SweepSetup, startSetup } from '../../support/sweep-setup.ts';

interface Examined {
  readonly exit: number;
  readonly findings: readonly Finding[];
  /** The result of each check, as `level: result`. */
  readonly told: Readonly<Record<string, string>>;
  readonly advice: string;
}

function read({ exit, stdout }: { exit: number; stdout: string }): Examined {
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return {
    exit,
    findings,
    told: Object.fromEntries(findings.map(({ check, level, found }) => [check, `${level}: ${found}`])),
    advice: findings.map(({ advice = '' }) => advice).join('\n'),
  };
}

const examined = async (setup: SweepSetup, env: Record<string, string> = {}, stdin = '{}') =>
  read(await runOn(setup, ['doctor', '-p', '-'], { env, stdin }));

const keys: Fleet = {
  apiKeys: [
    { id: 'm', key: 'k', owner: 'o', cluster: ['manage_ml'] },
    { id: 'r', key: 'k', owner: 'o', cluster: ['monitor_ml'] },
    { id: 'a', key: 'k', owner: 'o', cluster: ['all'] },
  ],
};

describe('`doctor` on a cluster', () => {
  it('`doctor` finds no problem in a healthy cluster, and changes nothing', async () => {
    await using setup = await startSetup(busy(3));
    const { exit, told } = await examined(setup);
    expect(exit).toBe(0);
    expect(told).toEqual({
      TCP: `ok: ${new URL(setup.server.url).host} accepts connections`,
      TLS: 'note: the address is http, without encryption',
      connection: `ok: ${setup.server.url} answers, without credentials`,
      version: 'ok: 9.2.1',
      privileges: 'note: the cluster requires no credentials: anyone can close its jobs',
      'upgrade mode': 'ok: off',
      jobs: 'ok: 3 anomaly detection jobs',
      'the server’s idle closer': 'ok: switched off (xpack.ml.idle_job_auto_close_timeout is -1)',
      scheduler: 'note: not configured: jobs that close slowly are left to the next sweep or to --wait',
    });
    expect(
      setup.server.requests.every(({ method, path }) => method === 'GET' || path.endsWith('_has_privileges')),
    ).toBe(true);
  });

  it('`doctor` does not wait if a gateway sends a Retry-After of eleven days', async () => {
    await using setup = await startSetup(busy(1));
    setup.server.faults.add({
      api: '*',
      times: 99,
      status: 503,
      headers: { 'retry-after': '999999' },
      type: 'unavailable',
      reason: 'later',
    });
    const began = setup.clock.now();
    const { exit, told } = await examined(setup);
    expect(exit).toBe(3);
    expect(told.connection).toMatch(/^finding: .* could not answer GET \/ \(HTTP 503 unavailable: later\)/);
    expect(setup.clock.now() - began).toBeLessThan(60_000);
  });

  it('`doctor` shows no number of jobs if the count in the cluster’s answer is invalid', async () => {
    await using setup = await startSetup(busy(1));
    setup.server.faults.add({
      api: 'ml.get_job_stats',
      times: 99,
      status: 200,
      after: true,
      body: { count: [[1]] },
    });
    expect((await examined(setup)).told.jobs).toMatch(/^finding: .* that cannot be used: count is \[\[1\]\]/);
  });

  it('`doctor` accepts a key with only manage_ml', async () => {
    await using setup = await startSetup(busy(1), keys);
    const { exit, told } = await examined(setup, { ELASTICSEARCH_API_KEY: 'm:k' });
    expect(exit).toBe(0);
    expect(told).toMatchObject({
      planning: 'ok: the credentials have monitor_ml',
      sweeping: 'ok: the credentials have manage_ml',
      version: expect.stringMatching(/^(ok|note): /),
      'the server’s idle closer': expect.stringMatching(/^note: its setting cannot be read/),
    });
  });

  it('`doctor` finds that a key cannot sweep, and names the role to use', async () => {
    await using setup = await startSetup(busy(1), keys);
    const { exit, told, advice } = await examined(setup, { ELASTICSEARCH_API_KEY: 'r:k' });
    expect(exit).toBe(3);
    expect(told.planning).toMatch(/^ok/);
    expect(told.sweeping).toBe(
      'finding: the credentials lack the cluster privilege manage_ml: they can plan but not sweep',
    );
    expect(advice).toContain('--print-role');
  });

  it('`doctor` notes that a key has far more privileges than a sweep needs', async () => {
    await using setup = await startSetup(busy(1), keys);
    const { exit, told } = await examined(setup, { ELASTICSEARCH_API_KEY: 'a:k' });
    expect(exit).toBe(0);
    expect(told.privileges).toContain('note: the credentials have all, far more than a sweep needs');
  });

  it('`doctor` reports a wrong key without showing the key', async () => {
    await using setup = await startSetup(busy(1), keys);
    const result = await runOn(setup, ['doctor'], { env: { ELASTICSEARCH_API_KEY: 'm:not-the-key' } });
    const { exit, told, advice } = read(result);
    expect(exit).toBe(3);
    expect(told.connection).toMatch(/^finding: .*refused the credentials/);
    expect(advice).toContain('The key or password is wrong, expired or revoked');
    expect(result.stdout + result.stderr).not.toContain('not-the-key');
  });

  it('`doctor` reports upgrade mode and disabled task assignment', async () => {
    await using setup = await startSetup(busy(1), {
      settings: { 'cluster.persistent_tasks.allocation.enable': 'none' },
    });
    setup.cluster.setUpgradeMode(true);
    const { exit, told, advice } = await examined(setup);
    expect(exit).toBe(3);
    expect(told['upgrade mode']).toBe('finding: on: sweeps are refused');
    expect(told['task assignment']).toMatch(
      /^finding: cluster\.persistent_tasks\.allocation\.enable is none/,
    );
    expect(advice).toContain('POST _ml/set_upgrade_mode?enabled=false');
  });

  it('`doctor` describes Elasticsearch’s own idle closer, and says which jobs the idle closer does not close', async () => {
    await using setup = await startSetup(busy(1), {
      settings: { 'xpack.ml.idle_job_auto_close_timeout': '72h' },
    });
    const { exit, told, advice } = await examined(setup, {}, '{"idleFor": "24h"}');
    expect(exit).toBe(0);
    expect(told['the server’s idle closer']).toBe(
      'note: on: xpack.ml.idle_job_auto_close_timeout is 72h, idleFor of the sweep is 1 d',
    );
    expect(advice).toMatch(/leaves jobs without a datafeed, never-fed jobs.*alone.*do not conflict/);
    await using old = await startSetup(busy(1), {}, { stack: '8.19' });
    expect((await examined(old)).told['the server’s idle closer']).toMatch(/^ok: this version has none/);
  });

  it.each([
    ['nothing listens', undefined, /cannot be reached/, /Check the port in ELASTICSEARCH_URL/],
    ['another server answers', { noProduct: true }, /not as an Elasticsearch/, /is it the address of Kibana/],
  ] as const)(
    '`doctor` finds that %s, and makes no further checks of the cluster',
    async (_what, fault, found, advice) => {
      await using setup = await startSetup(busy(1));
      if (fault) setup.server.faults.add({ api: '*', times: Number.POSITIVE_INFINITY, ...fault });
      else await setup.server.stop();
      const result = await examined(setup);
      expect(result.exit).toBe(3);
      expect(Object.keys(result.told)).toEqual(['TCP', 'connection', 'scheduler']);
      expect(result.told.connection).toMatch(found);
      expect(result.advice).toMatch(advice);
    },
  );

  it('`doctor` explains how to name a cluster if none is named', async () => {
    const result = await runCommand(['doctor']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toContain('--embedded');
  });

  it('the output of `doctor` fits the terminal, with the advice below each finding', async () => {
    await using setup = await startSetup(busy(1), keys);
    const { stdout } = await runOn(setup, ['doctor', '-o', 'table'], {
      env: { ELASTICSEARCH_API_KEY: 'r:k' },
    });
    expect(stdout).toMatch(/^FIX {3}sweeping +the credentials lack/m);
    expect(stdout).toMatch(/^ +→ To sweep, create a key/m);
    expect(stdout).toMatch(/\n1 problem found\n$/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});

describe('`doctor` on TLS', () => {
  const answers = {
    version: { number: '9.2.1' },
    tagline: 'You Know, for Search',
    count: 0,
    cluster: {},
    upgrade_mode: false,
  };
  const tlsCheck = async (tls: 'server' | 'expired' | 'other-host', ca: string | undefined) => {
    await using server = await serve(({ json }) => json(answers), { tls });
    const env = { ELASTICSEARCH_URL: server.url, ELASTICSEARCH_CA_CERT: ca };
    return read(await runCommand(['doctor'], { env }));
  };

  it('`doctor` shows the subject and the issuer of the certificate, and what verified it', async () => {
    const { told } = await tlsCheck('server', certificate('authority'));
    expect(told.TLS).toMatch(
      /^ok: certificate of .* by .*, verified by ELASTICSEARCH_CA_CERT; valid for \d+ d/,
    );
    expect(told.connection).toMatch(/^ok/);
  });

  it('`doctor` finds an expired certificate', async () => {
    const { exit, told, advice } = await tlsCheck('expired', certificate('authority'));
    expect(exit).toBe(3);
    expect(told.TLS).toMatch(/^note: .*which ended \d+ d.* ago/);
    expect(told.connection).toMatch(/^finding: .*its certificate is not valid now/);
    expect(advice.trim().split('\n')).toEqual(['Renew the certificate, or check the clock of this machine.']);
  });

  it('`doctor` reports a certificate from an untrusted certificate authority, and a certificate for another host', async () => {
    for (const [name, ca, message] of [
      ['server', undefined, 'Set ELASTICSEARCH_CA_CERT'],
      ['other-host', certificate('authority'), 'Set ELASTICSEARCH_URL to a name that the certificate has'],
    ] as const) {
      const { exit, told, advice } = await tlsCheck(name, ca);
      expect(exit).toBe(3);
      expect(told.TLS).not.toContain('verified');
      expect(told.connection).toMatch(/^finding: .*cannot be reached: its certificate is/);
      expect(advice).toContain(message);
    }
  });

  it('`doctor` reports credentials that are sent unencrypted, even to a host whose name only begins like a loopback address', async () => {
    const { told } = read(
      await runCommand(['doctor'], {
        env: { ELASTICSEARCH_URL: 'http://127.0.0.1.nip.invalid:9200', ELASTICSEARCH_API_KEY: 'a:b' },
      }),
    );
    expect(told.TLS).toMatch(/^finding: the address is http: the credentials travel unencrypted/);
  });
});

describe('`doctor` if something other than the cluster answers', () => {
  const refused = (status: number, type: string, reason: string) => ({ error: { type, reason }, status });
  const license = refused(403, 'security_exception', 'current license is non-compliant for [ml]');
  const json = { 'content-type': 'application/json' };
  const scheduler = 'not configured';

  it.each<[string, (exchange: Exchange) => void, Record<string, RegExp>, string[]]>([
    [
      'credentials that are refused',
      (exchange) => exchange.json(refused(401, 'security_exception', 'unable to authenticate'), 401),
      { connection: /^finding: .*refused the credentials/ },
      [expect.stringContaining('No credentials are set') as string],
    ],
    [
      'Kibana',
      ({ raw }) => raw('{"statusCode":404,"error":"Not Found","message":"Not Found"}', 404, json),
      { connection: /^finding: .* answers GET \/ as Kibana does \(HTTP 404: Not Found\)/ },
      [expect.stringContaining('This is the address of Kibana: set ELASTICSEARCH_URL') as string],
    ],
    [
      'a gateway that refuses everything',
      ({ raw }) => raw('{"Message":"User: anonymous is not authorized"}', 403, json),
      { connection: /^finding: .*in front of it that refuses GET \/ \(HTTP 403: User: anonymous/ },
      ['Check the access rules of the proxy, gateway or firewall in between.'],
    ],
    [
      'a redirect to https',
      ({ raw, request }) => raw('', 301, { location: `https://127.0.0.1${request.url}` }),
      { connection: /^finding: .*it redirects to https/ },
      ['Set ELASTICSEARCH_URL to https://127.0.0.1'],
    ],
    [
      'a licence without machine learning',
      (exchange) =>
        exchange.path.startsWith('/_ml')
          ? exchange.json(license, 403)
          : exchange.json({ version: { number: '9.2.1' }, cluster: { monitor_ml: true, manage_ml: true } }),
      {
        connection: /^ok/,
        version: /^ok/,
        planning: /^ok/,
        sweeping: /^ok/,
        'upgrade mode': /^finding: .*no licence for machine learning/,
        'the server’s idle closer': /^ok/,
      },
      [expect.stringContaining('Check the licence') as string],
    ],
    [
      'credentials that lack every privilege',
      (exchange) =>
        exchange.path === '/_security/user/_has_privileges'
          ? exchange.json({ cluster: { monitor_ml: false, manage_ml: false } })
          : exchange.json(refused(403, 'security_exception', 'action is unauthorized for user [u]'), 403),
      {
        connection: /^ok/,
        version: /^note/,
        planning: /^finding: .*monitor_ml: they can neither plan nor sweep/,
        'the server’s idle closer': /^note/,
      },
      ['Create a key with the role that --print-role prints.'],
    ],
  ])(
    '`doctor` shows a single fix for %s, and omits the checks that the problem makes meaningless',
    async (_what, answer, lines, fixes) => {
      await using server = await serve(answer);
      const { exit, told, findings } = read(
        await runCommand(['doctor'], { env: { ELASTICSEARCH_URL: server.url } }),
      );
      expect(exit).toBe(3);
      const { TCP, TLS, scheduler: none, ...others } = told;
      expect(TCP).toMatch(/^ok/);
      expect(TLS ?? 'note').toMatch(/^note/);
      expect(none).toContain(scheduler);
      expect(Object.keys(others)).toEqual(Object.keys(lines));
      for (const [check, line] of Object.entries(lines)) expect(others[check]).toMatch(line);
      expect(findings.filter(({ level }) => level === 'finding').map(({ advice }) => advice)).toEqual(fixes);
    },
  );

  it('`doctor` shows the host that a cloud id decodes to', async () => {
    const cloudId = `logs:${Buffer.from('0.1:1$127.0$kibana').toString('base64')}`;
    const { told, advice } = read(
      await runInSimulatedTime(['doctor'], { env: { ELASTICSEARCH_CLOUD_ID: cloudId } }),
    );
    expect(told.connection).toMatch(/the cloud deployment logs \(https:\/\/127\.0\.0\.1:1\)/);
    expect(advice).toContain('Check the port in ELASTICSEARCH_CLOUD_ID');
    expect(advice).not.toContain('ELASTICSEARCH_URL');
  });
});

describe('`doctor` on the scheduler', () => {
  async function onScheduler(env: Record<string, string>, group?: string) {
    await using bench = await schedulerBench();
    await using setup = await startSetup(busy(1));
    vi.stubEnv('AWS_ENDPOINT_URL_SCHEDULER', bench.scheduler.url);
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-secret');
    try {
      if (group !== undefined) {
        const { CreateScheduleGroupCommand } = await import('@aws-sdk/client-scheduler');
        await bench.client.send(new CreateScheduleGroupCommand({ Name: group }));
        await create(bench.client, { GroupName: group, Name: 'nightly' });
        await create(bench.client, { GroupName: group, Name: 'hourly', State: 'DISABLED' });
      }
      return await examined(setup, env);
    } finally {
      vi.unstubAllEnvs();
    }
  }
  const whole = {
    JOBSWEEP_SCHEDULE_GROUP: 'sweeps',
    JOBSWEEP_SCHEDULER_ROLE_ARN: roleArn,
    JOBSWEEP_FUNCTION_ARN: functionArn,
    JOBSWEEP_DLQ_ARN: queueArn,
  };

  it('`doctor` counts the schedules of the group', async () => {
    const { exit, told } = await onScheduler(whole, 'sweeps');
    expect(exit).toBe(0);
    expect(told['schedule group']).toBe(
      'ok: sweeps has 2 recurring schedules, 1 of them paused; 0 follow-ups waiting',
    );
  });

  it('`doctor` counts schedules of other functions separately', async () => {
    const { told } = await onScheduler({ ...whole, JOBSWEEP_FUNCTION_ARN: `${functionArn}-other` }, 'sweeps');
    expect(told['schedule group']).toBe(
      'ok: sweeps has 0 recurring schedules, 0 of them paused; 0 follow-ups waiting; 2 not ours: they invoke another target',
    );
  });

  it('`doctor` finds a missing schedule group', async () => {
    const { exit, told } = await onScheduler(whole);
    expect(exit).toBe(3);
    expect(told['schedule group']).toBe('finding: there is no group "sweeps" in this account and region');
  });

  it('`doctor` finds missing settings and invalid ARNs', async () => {
    const { exit, told } = await onScheduler(
      { JOBSWEEP_SCHEDULE_GROUP: 'sweeps', JOBSWEEP_DLQ_ARN: 'my-queue' },
      'sweeps',
    );
    expect(exit).toBe(3);
    expect(told['setting JOBSWEEP_SCHEDULER_ROLE_ARN']).toMatch(/^finding: not set/);
    expect(told['setting JOBSWEEP_FUNCTION_ARN']).toMatch(/^note: not set/);
    expect(told['setting JOBSWEEP_DLQ_ARN']).toBe(
      'finding: JOBSWEEP_DLQ_ARN: expected the ARN of an SQS queue that is not FIFO, or null for none, got "my-queue"',
    );
  });
});

describe('`doctor --print-role`', () => {
  it('`doctor --print-role` prints the API keys with the fewest privileges, without a request to a cluster', async () => {
    const { exit, stdout } = await runCommand(['doctor', '--print-role']);
    expect(exit).toBe(0);
    expect(stdout.match(/^POST \/_security\/api_key$/gm)).toHaveLength(3);
    const { plan, sweep } = JSON.parse(
      (await runCommand(['doctor', '--print-role', '-o', 'json'])).stdout,
    ) as Record<string, { role_descriptors: Record<string, { cluster: string[] }> }>;
    expect(Object.values(plan?.role_descriptors ?? {}).map(({ cluster }) => cluster)).toEqual([
      ['monitor_ml'],
    ]);
    expect(Object.values(sweep?.role_descriptors ?? {}).map(({ cluster }) => cluster)).toEqual([
      ['manage_ml'],
    ]);
  });

  it('`doctor --print-role` also prints an optional key for `advise`, which may read notifications and stored reports', async () => {
    const { stdout } = await runCommand(['doctor', '--print-role']);
    expect(stdout).toMatch(/^# Optional: a key for advise/m);
    const keys = JSON.parse((await runCommand(['doctor', '--print-role', '-o', 'json'])).stdout) as Record<
      string,
      { role_descriptors: Record<string, { cluster: string[]; indices: object[] }> }
    >;
    const rolesOf = (name: string) => Object.values(keys[name]?.role_descriptors ?? {});
    expect(rolesOf('advise')).toMatchObject([
      {
        cluster: ['monitor_ml'],
        indices: [{ names: ['.ml-notifications*', 'logs-jobsweep.*-*'], privileges: ['read'] }],
      },
    ]);
    for (const name of ['plan', 'sweep']) expect(rolesOf(name)[0]?.indices).toEqual([]);
  });
});
