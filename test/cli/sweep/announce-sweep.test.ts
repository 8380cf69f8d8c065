/**
 * @module Tests that the command notifies about its sweeps, and that a notification never changes the command's output
 * or exit code.
 */
import { hostname } from 'node:os';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { awsEnvironment, startEvents, startSns, topicArn } from '../../support/aws-messages.ts';
import { newFolder } from '../../support/folder.ts';
import { runCommand } from '../../support/run-command.ts';
import { reportOf, runInSimulatedTime, runOn } from '../../support/run-on.ts';
import { serve } from '../../support/scripted-server.ts';
import { expectNoSecret } from '../../support/secrets.ts';
import { busy, idle, startSetup } from '../../support/sweep-setup.ts';

interface Seen {
  readonly kind: string;
  readonly text: string;
  readonly detail: { readonly lines: readonly string[]; readonly [field: string]: unknown };
}

async function startWebhook(status = 200) {
  const server = await serve(({ raw }) => raw('ok', status));
  return { ...server, messages: () => server.requests.map(({ body }) => JSON.parse(body) as Seen) };
}

const eightBusyTwoIdle = () => [...idle(2), ...busy(8)];

beforeEach(() => vi.unstubAllEnvs());

describe('`jobsweep sweep`', () => {
  it('`jobsweep sweep` sends one notification, which says where the report is', async () => {
    await using setup = await startSetup(eightBusyTwoIdle());
    await using folder = await newFolder();
    await using webhook = await startWebhook();
    await using sns = await startSns();
    await using bus = await startEvents();
    for (const [name, value] of Object.entries(awsEnvironment(sns.url, bus.url))) vi.stubEnv(name, value);
    const result = await runOn(setup, ['sweep', '--yes'], {
      env: {
        XDG_STATE_HOME: folder.path,
        JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url,
        JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: topicArn,
        JOBSWEEP_NOTIFY_EVENT_BUS: 'default',
      },
    });
    expect(result.exit).toBe(0);
    expect(result.stderr).not.toContain('notification');
    const [seen] = webhook.messages();
    expect(webhook.requests).toHaveLength(1);
    expect(seen?.text).toBe('jobsweep, default: 2 jobs closed, 20 MB of model memory freed');
    const where = seen?.detail.lines.at(-1);
    expect(where).toMatch(new RegExp(`^Report: ${folder.path}/jobsweep/.*\\.json on ${hostname()}$`));
    const kept = where?.slice('Report: '.length + folder.path.length + 1, -` on ${hostname()}`.length) ?? '';
    expect(JSON.parse(await folder.read(kept))).toEqual(reportOf(result));
    expect(sns.published).toHaveLength(1);
    expect(bus.entries).toHaveLength(1);
  });

  it('if a notification is refused, `jobsweep sweep` still exits with 0, and its warning does not show the target’s address', async () => {
    await using setup = await startSetup(eightBusyTwoIdle());
    await using webhook = await startWebhook(403);
    const result = await runOn(setup, ['sweep', '--yes'], {
      env: { JOBSWEEP_NOTIFY_SLACK_URL: `${webhook.url}/services/tokenSECRET3456` },
    });
    expect(result.exit).toBe(0);
    expect(reportOf(result)).toMatchObject({ status: 'done', counts: { closed: 2 }, warnings: [] });
    expect(result.stderr).toMatch(
      /^jobsweep: notification failed: slack: HTTP 403 ok; see docs\/runbook\.md#alarm-notify-failed$/m,
    );
    expectNoSecret(result, ['tokenSECRET3456']);
  });

  it('the notification of a refused sweep gives the reason, and the exit code is 4', async () => {
    await using setup = await startSetup(eightBusyTwoIdle());
    await using webhook = await startWebhook();
    const result = await runOn(setup, ['sweep', '--yes', '--set', 'fuse.maxJobs=1'], {
      env: { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url, JOBSWEEP_NOTIFY_WHEN: 'problems' },
    });
    expect(result.exit).toBe(4);
    expect(webhook.messages()[0]?.detail).toMatchObject({ status: 'refused', fuse: { name: 'max_jobs' } });
  });

  it('`jobsweep sweep --wait` sends only one notification for all rounds', async () => {
    await using setup = await startSetup([
      { jobId: 'slow', lastData: '300h', closeTakes: '20m' },
      ...eightBusyTwoIdle(),
    ]);
    await using webhook = await startWebhook();
    const { exit } = await runOn(setup, ['sweep', '--yes', '--wait'], {
      env: { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url },
    });
    expect(exit).toBe(0);
    expect(webhook.messages().map(({ text }) => text)).toEqual([
      'jobsweep, default: 3 jobs closed, 30 MB of model memory freed',
    ]);
  });

  it.each([
    ['a plan', ['plan']],
    ['a dry run', ['sweep', '--dry-run']],
    ['the embedded cluster', ['sweep', '--embedded', '--yes', '--set', 'jobs=web-search-terms']],
    ['a request with notify.when set to never', ['sweep', '--yes', '--set', 'notify.when=never']],
  ])('`jobsweep sweep` sends no notification for %s', async (_what, args) => {
    await using setup = await startSetup(eightBusyTwoIdle());
    await using webhook = await startWebhook();
    const { exit } = await runOn(setup, args, { env: { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url } });
    expect(exit).toBe(0);
    expect(webhook.requests).toEqual([]);
  });

  it('`jobsweep sweep` sends no notification if the user at the terminal answers no, or sees the error', async () => {
    await using setup = await startSetup(eightBusyTwoIdle());
    await using webhook = await startWebhook();
    const env = { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url };
    expect((await runOn(setup, ['sweep'], { env, terminal: true, stdin: 'n\n' })).exit).toBe(4);
    const down = { ...env, ELASTICSEARCH_URL: 'http://127.0.0.1:9' };
    expect((await runOn(setup, ['sweep'], { env: down, terminal: true, stdin: 'y\n' })).exit).toBe(5);
    expect(webhook.requests).toEqual([]);
  });

  it('`jobsweep sweep` sends its error as a notification if it runs without a terminal, and its exit code stays the same', async () => {
    await using webhook = await startWebhook();
    const env = { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url, ELASTICSEARCH_URL: 'http://127.0.0.1:9' };
    const unreachable = await runInSimulatedTime(['sweep', '--yes'], { env });
    expect(unreachable.exit).toBe(5);
    const unconfirmed = await runCommand(['sweep'], { env });
    expect(unconfirmed.exit).toBe(2);
    const [first, second] = webhook.messages();
    expect(first).toMatchObject({
      kind: 'Jobsweep Sweep Failed',
      text: 'jobsweep, default: the sweep failed, nothing was closed',
      detail: {
        error: { name: 'ClusterUnreachableError', exit: 5 },
        runbook: expect.stringMatching(/#error-clusterunreachableerror$/),
      },
    });
    expect(first?.detail.lines.at(-1)).toBe(`On ${hostname()}`);
    expect(second?.detail.error).toMatchObject({ name: 'InvalidSettingError', exit: 2 });
  });

  it('`jobsweep sweep` sends its notification even if it is interrupted', async () => {
    await using setup = await startSetup([
      { jobId: 'slow', lastData: '300h', closeTakes: '20m' },
      ...eightBusyTwoIdle(),
    ]);
    await using webhook = await startWebhook();
    const stop = new AbortController();
    const result = await runOn(setup, ['sweep', '--yes', '--wait'], {
      env: { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url },
      signal: stop.signal,
      onOutput: (text) => {
        if (/still closing/.test(text)) stop.abort(new DOMException('stopped by SIGTERM', 'AbortError'));
      },
    });
    expect(result.exit).toBe(3);
    expect(webhook.messages().map(({ text }) => text)).toEqual([
      'jobsweep, default: sweep is partial; 2 jobs closed, 20 MB of model memory freed',
    ]);
  });

  it('if `jobsweep sweep` is interrupted, it does not wait for a notification target that does not answer', async () => {
    await using setup = await startSetup(eightBusyTwoIdle());
    const stop = new AbortController();
    await using silent = await serve(() => stop.abort(new DOMException('stopped by SIGTERM', 'AbortError')));
    const result = await runOn(setup, ['sweep', '--yes'], {
      env: { JOBSWEEP_NOTIFY_TEAMS_URL: silent.url },
      signal: stop.signal,
    });
    expect(result.exit).toBe(0);
    expect(result.stderr).toContain('notification failed: teams: interrupted');
  });
});

describe('`jobsweep sweep --all-clusters`', () => {
  it('`jobsweep sweep --all-clusters` sends one notification for all clusters, with the worst cluster first', async () => {
    await using eu = await startSetup(eightBusyTwoIdle());
    await using us = await startSetup([...busy(8)], {}, { clock: eu.clock });
    await using ap = await startSetup([...idle(6), ...busy(4)], {}, { clock: eu.clock });
    await using folder = await newFolder();
    await using webhook = await startWebhook();
    const file = await folder.write(
      'clusters.json',
      JSON.stringify({
        eu: { ELASTICSEARCH_URL: eu.server.url },
        us: { ELASTICSEARCH_URL: us.server.url },
        ap: { ELASTICSEARCH_URL: ap.server.url },
        down: { ELASTICSEARCH_URL: 'http://127.0.0.1:1' },
      }),
    );
    const { exit } = await runCommand(['sweep', '--yes', '--all-clusters', '--clusters', file], {
      clock: eu.clock,
      env: { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url },
    });
    expect(exit).toBe(5);
    expect(webhook.requests).toHaveLength(1);
    const [seen] = webhook.messages();
    expect(seen).toMatchObject({
      kind: 'Jobsweep Clusters Swept',
      text: 'jobsweep: 4 clusters, 2 jobs closed, 20 MB of model memory freed; 1 failed; 1 refused',
      detail: {
        severity: 'error',
        runbook: expect.stringMatching(/#error-clusterunreachableerror$/),
        clusters: [{ name: 'down' }, { name: 'ap', status: 'refused' }, { name: 'eu', status: 'done' }],
      },
    });
    expect(seen?.detail.lines).toEqual([
      expect.stringMatching(/^down failed: .*cannot be reached/),
      'ap refused by the fuse max_share: 6 jobs of 10 to close',
      'eu: 2 jobs closed',
      `On ${hostname()}`,
    ]);
  });

  it('`jobsweep sweep --all-clusters` sends no notification if it changed nothing on any cluster', async () => {
    await using us = await startSetup([...busy(8)]);
    await using folder = await newFolder();
    await using webhook = await startWebhook();
    const file = await folder.write(
      'clusters.json',
      JSON.stringify({ us: { ELASTICSEARCH_URL: us.server.url } }),
    );
    const { exit } = await runCommand(['sweep', '--yes', '--all-clusters', '--clusters', file], {
      clock: us.clock,
      env: { JOBSWEEP_NOTIFY_WEBHOOK_URL: webhook.url },
    });
    expect(exit).toBe(0);
    expect(webhook.requests).toEqual([]);
  });
});
