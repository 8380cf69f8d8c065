import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { awsEnvironment, topicArn } from '../../support/aws-messages.ts';
import { runOn } from '../../support/run-on.ts';
import { type Exchange, type ScriptedServer, serve } from '../../support/scripted-server.ts';
import { startSecretsManager } from '../../support/secrets-manager.ts';
import { busy, startSetup } from '../../support/sweep-setup.ts';

afterEach(() => vi.unstubAllEnvs());

/** The findings about notifications. No output may contain the secret part of a webhook's address. */
async function examined(env: Record<string, string>, stdin = '{}') {
  await using setup = await startSetup(busy(3));
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const { exit, stdout, stderr } = await runOn(setup, ['doctor', '-o', 'json', '-p', '-'], { env, stdin });
  for (const secret of ['tokenSECRET3456', 'sigSECRET789']) expect(stdout + stderr).not.toContain(secret);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return { exit, findings: findings.filter(({ check }) => check.startsWith('notif')) };
}

const secretPath = 'services/T0/B0/tokenSECRET3456?sig=sigSECRET789';

/** Starts a simulated SNS that returns a topic with these attributes, or an error. */
const startTopic = (attributes: Record<string, string> | { status: number; code: string }) =>
  serve(({ body, raw }: Exchange) => {
    expect(new URLSearchParams(body).get('Action')).toBe('GetTopicAttributes');
    const xml = { 'content-type': 'text/xml' };
    if (typeof attributes.status === 'number')
      return raw(
        `<ErrorResponse><Error><Type>Sender</Type><Code>${attributes.code}</Code><Message>no</Message></Error></ErrorResponse>`,
        attributes.status,
        xml,
      );
    const entries = Object.entries(attributes).map(
      ([key, value]) => `<entry><key>${key}</key><value>${value}</value></entry>`,
    );
    raw(
      `<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes>${entries.join('')}</Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>`,
      200,
      xml,
    );
  });

/** Starts a simulated EventBridge that returns an event bus or, if `error` is given, that error. */
const startBus = (error?: string) =>
  serve(({ headers, raw }: Exchange) => {
    expect(headers['x-amz-target']).toBe('AWSEvents.DescribeEventBus');
    const json = { 'content-type': 'application/x-amz-json-1.1' };
    if (error !== undefined) return raw(JSON.stringify({ __type: error, message: 'no' }), 400, json);
    raw(JSON.stringify({ Name: 'default' }), 200, json);
  });

const onTopic = async (sns: ScriptedServer) =>
  examined({ ...awsEnvironment(sns.url, 'http://127.0.0.1:1'), JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: topicArn });
const onBus = async (events: ScriptedServer) =>
  examined({ ...awsEnvironment('http://127.0.0.1:1', events.url), JOBSWEEP_NOTIFY_EVENT_BUS: 'default' });

describe('`doctor` on notifications', () => {
  it('`doctor` does not mention notifications if no setting configures them, but notes a missing target if other settings exist', async () => {
    expect(await examined({})).toEqual({ exit: 0, findings: [] });
    expect(await examined({ JOBSWEEP_NOTIFY_WHEN: 'always' })).toEqual({
      exit: 0,
      findings: [{ check: 'notifications', level: 'note', found: 'no target is set, so no message is sent' }],
    });
  });

  it('`doctor` checks an SNS topic without sending a message, and says that only a message would show whether a target accepts it', async () => {
    await using sns = await startTopic({ SubscriptionsConfirmed: '2', KmsMasterKeyId: 'alias/topics' });
    const { exit, findings } = await onTopic(sns);
    expect(exit).toBe(0);
    expect(sns.requests).toHaveLength(1);
    expect(findings).toMatchObject([
      {
        check: 'notify sns',
        level: 'ok',
        found: `${topicArn} exists; 2 confirmed subscriptions; encrypted with alias/topics, which the sender must be allowed to use`,
      },
      {
        level: 'note',
        found: expect.stringContaining('Only a message shows whether a target accepts it'),
        advice: expect.stringContaining('{"dryRun": true, "notify": {"when": "always"}}'),
      },
    ]);
  });

  it.each([
    [{ SubscriptionsConfirmed: '0' }, 'finding', /no confirmed subscription: nobody gets its messages/, 3],
    [{ status: 404, code: 'NotFound' }, 'finding', /does not exist/, 3],
    [{ status: 403, code: 'AuthorizationError' }, 'note', /does not mean that they may not send/, 0],
    [{ status: 500, code: 'InternalError' }, 'finding', /could not be looked up/, 3],
  ])(
    'if an SNS topic answers %j, the level and the text of `doctor`’s finding match the answer',
    async (attributes, level, found, exit) => {
      await using sns = await startTopic(attributes);
      const result = await onTopic(sns);
      expect(result.findings[0]).toMatchObject({ level, found: expect.stringMatching(found) });
      expect(result.exit).toBe(exit);
    },
  );

  it.each([
    [undefined, 'ok', /^default exists$/, 0],
    ['ResourceNotFoundException', 'finding', /^default does not exist/, 3],
    ['AccessDeniedException', 'note', /may not look at it/, 0],
  ])(
    'if an event bus answers with the error %s, the level and the text of `doctor`’s finding match the answer',
    async (error, level, found, exit) => {
      await using events = await startBus(error);
      const result = await onBus(events);
      expect(result.findings[0]).toMatchObject({
        check: 'notify events',
        level,
        found: expect.stringMatching(found),
      });
      expect(result.exit).toBe(exit);
    },
  );

  it.each([
    ['JOBSWEEP_NOTIFY_SNS_TOPIC_ARN', 'jobsweep', /is not the ARN of a standard SNS topic/],
    ['JOBSWEEP_NOTIFY_SNS_TOPIC_ARN', `${topicArn}.fifo`, /is not the ARN of a standard SNS topic/],
    ['JOBSWEEP_NOTIFY_EVENT_BUS', 'arn:aws:sqs:a:1:b', /is not the name or ARN of an event bus/],
    ['JOBSWEEP_NOTIFY_SLACK_URL', 'tokenSECRET3456', /JOBSWEEP_NOTIFY_SLACK_URL is not an address/],
    ['JOBSWEEP_NOTIFY_TEAMS_URL', `http://example.org/${secretPath}`, /does not start with https:/],
    ['JOBSWEEP_NOTIFY_SLAK_URL', `https://example.org/${secretPath}`, /unknown setting/],
    ['JOBSWEEP_NOTIFY_WHEN', 'sometimes', /expected one of always, changes, problems, never/],
  ])('`doctor` reports the invalid setting %s = %s', async (name, value, found) => {
    const { exit, findings } = await examined({ [name]: value });
    expect(exit).toBe(3);
    expect(findings[0]).toMatchObject({ level: 'finding', found: expect.stringMatching(found) });
  });

  it('`doctor` checks, without sending a request, that each webhook’s host can be reached, and names a host that does not answer', async () => {
    await using slack = await serve(({ raw }) => raw('ok'));
    const found = await examined({ JOBSWEEP_NOTIFY_SLACK_URL: `${slack.url}/${secretPath}` });
    expect(found.exit).toBe(0);
    expect(found.findings[0]).toMatchObject({
      check: 'notify slack',
      level: 'ok',
      found: `127.0.0.1:${slack.port} can be reached; whether it accepts messages is not checked`,
    });
    expect(slack.requests).toEqual([]);
    const away = await examined({ JOBSWEEP_NOTIFY_WEBHOOK_URL: `http://127.0.0.1:1/${secretPath}` });
    expect(away.exit).toBe(3);
    expect(away.findings[0]).toMatchObject({
      check: 'notify webhook',
      level: 'finding',
      found: '127.0.0.1:1 cannot be reached: TCP failed: ECONNREFUSED',
      advice: expect.stringContaining('Check the port'),
    });
  });

  it('`doctor` reads the notification targets from the secret, and reports a secret that cannot be read', async () => {
    await using slack = await serve(({ raw }) => raw('ok'));
    const webhook = JSON.stringify({ JOBSWEEP_NOTIFY_SLACK_URL: `${slack.url}/${secretPath}` });
    await using secrets = await startSecretsManager({ hooks: webhook });
    const aws = {
      ...awsEnvironment('http://127.0.0.1:1', 'http://127.0.0.1:1'),
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
    };
    const found = await examined({ ...aws, JOBSWEEP_NOTIFY_SECRET: 'hooks' });
    expect(found.findings[0]).toMatchObject({ check: 'notify slack', level: 'ok' });
    const missing = await examined({ ...aws, JOBSWEEP_NOTIFY_SECRET: 'hoks' });
    expect(missing.exit).toBe(3);
    expect(missing.findings).toMatchObject([
      { level: 'finding', found: expect.stringContaining('the secret "hoks" cannot be read') },
    ]);
  });

  it('`doctor` says which sweeps send notifications: those that changed something, unless notify.when in the request differs', async () => {
    await using slack = await serve(({ raw }) => raw('ok'));
    const env = { JOBSWEEP_NOTIFY_SLACK_URL: `${slack.url}/${secretPath}` };
    const { findings } = await examined(env, '{"notify": {"when": "never"}}');
    expect(findings.at(-1)?.found).toContain('none is sent: the setting is never');
    expect((await examined(env)).findings.at(-1)?.found).toContain(
      'sent after a sweep that changed something',
    );
  });
});
