/**
 * @module Tests notifications over real HTTP and through the real SDK. A failed notification only adds its reason to
 * the result.
 */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Message } from '../../src/notify/message.ts';
import { type NotifyContext, type NotifyResult, notify } from '../../src/notify/notify.ts';
import { notifyWhen } from '../../src/notify/notify-settings.ts';
import { awsEnvironment, startEvents, startSns, topicArn } from '../support/aws-messages.ts';
import { HandClock } from '../support/hand-clock.ts';
import { startProxy } from '../support/proxy.ts';
import { certificate, type Exchange, serve } from '../support/scripted-server.ts';
import { expectNoSecret } from '../support/secrets.ts';

const message: Message = {
  severity: 'warning',
  headline: 'jobsweep, default: 1 job closed',
  lines: ['Closed with force: `job-<a>`'],
  facts: [{ name: 'Closed', value: '1' }],
  anchor: 'status-partial',
  kind: 'Jobsweep Sweep Finished',
  thread: 'default',
  detail: { sweepId: 'sweep-1' },
};

/** The path of the webhooks: the part of an address that is secret. */
const secretPath = 'services/T0SECRET1/B0SECRET2/tokenSECRET3456';
const secretParts = ['T0SECRET1', 'B0SECRET2', 'tokenSECRET3456', 'sigSECRET789'];

const send = (environment: NotifyContext['environment'], change: Partial<NotifyContext> = {}) =>
  notify(message, {
    environment,
    readSecret: () => Promise.reject(new Error('no secrets')),
    clock: new HandClock(),
    remainingMs: 12_000,
    ...change,
  });

/**
 * Notifies a Slack webhook that answers with `respond`, and returns the result with the number of requests and the waits
 * between them, in milliseconds.
 */
async function toSlack(
  respond: (exchange: Exchange) => void,
  change: Partial<NotifyContext> & { readonly clock?: HandClock } = {},
): Promise<NotifyResult & { readonly requests: number; readonly waits: readonly number[] }> {
  await using server = await serve(respond);
  const { clock = new HandClock() } = change;
  const url = `${server.url}/${secretPath}?sig=sigSECRET789`;
  const result = await send({ JOBSWEEP_NOTIFY_SLACK_URL: url }, { ...change, clock });
  expectNoSecret(result, secretParts);
  return { ...result, requests: server.requests.length, waits: clock.sleeps };
}

const ok = ({ raw }: Exchange) => raw('ok');

afterEach(() => vi.unstubAllEnvs());

describe('a Slack webhook', () => {
  it('a Slack webhook receives the message as blocks', async () => {
    await using server = await serve(ok);
    const result = await send({ JOBSWEEP_NOTIFY_SLACK_URL: `${server.url}/${secretPath}` });
    expect(result).toEqual({ sent: ['slack'], problems: [] });
    const [request] = server.requests;
    expect(request).toMatchObject({ method: 'POST', path: `/${secretPath}` });
    expect(request?.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(JSON.parse(request?.body ?? '')).toMatchObject({
      text: '⚠️ jobsweep, default: 1 job closed',
      blocks: [
        { type: 'header' },
        { type: 'section', fields: [{ text: '*Closed*\n1' }] },
        {
          type: 'section',
          text: { type: 'mrkdwn', text: 'Closed with force: `job-&lt;a&gt;`', verbatim: true },
        },
        { type: 'context' },
      ],
    });
  });

  it.each([
    [400, 'invalid_blocks'],
    [403, 'invalid_token'],
    [404, 'no_service'],
    [410, 'channel_is_archived'],
  ])('a message to Slack is not retried after the answer %i %s', async (status, words) => {
    const { sent, problems, requests } = await toSlack(({ raw }) => raw(words, status));
    expect(sent).toEqual([]);
    expect(problems).toEqual([{ target: 'slack', why: `HTTP ${status} ${words}` }]);
    expect(requests).toBe(1);
  });

  it('a message to Slack is retried after the wait that a 429 requests', async () => {
    const { sent, requests, waits } = await toSlack(({ raw, index }) =>
      index === 0 ? raw('rate_limited', 429, { 'retry-after': '3' }) : raw('ok'),
    );
    expect(sent).toEqual(['slack']);
    expect(requests).toBe(2);
    expect(waits).toEqual([3_000]);
  });

  it('a message to Slack is not retried if a 429 requests a wait that is longer than the time left', async () => {
    const { problems, requests, waits } = await toSlack(({ raw }) =>
      raw('rate_limited', 429, { 'retry-after': '30' }),
    );
    expect(problems).toEqual([
      { target: 'slack', why: 'HTTP 429 rate_limited; no time was left to try again' },
    ]);
    expect(requests).toBe(1);
    expect(waits).toEqual([]);
  });

  it('a message to Slack is retried only once after a 5xx answer', async () => {
    const failing = await toSlack(({ raw }) => raw('rollup_error', 503));
    expect(failing).toMatchObject({
      sent: [],
      problems: [{ why: 'HTTP 503 rollup_error' }],
      requests: 2,
      waits: [500],
    });
    const passing = await toSlack(({ raw, index }) => (index === 0 ? raw('', 502) : raw('ok')));
    expect(passing).toMatchObject({ sent: ['slack'], problems: [], requests: 2 });
  });

  it('a message to Slack is sent only once, and given up within the time limit, if the webhook never answers', async () => {
    const clock = new HandClock();
    let limits: number[] = [];
    const { problems, requests } = await toSlack(
      () => {
        limits = clock.limits;
        clock.expire();
      },
      { clock, remainingMs: 1_200 },
    );
    expect(problems).toEqual([{ target: 'slack', why: 'no answer in time' }]);
    expect(requests).toBe(1);
    expect(limits).toEqual([expect.toSatisfy((ms: number) => ms > 0 && ms <= 1_200)]);
  });

  it('a message to Slack is given up within the time limit if the answer stops halfway', async () => {
    const clock = new HandClock();
    const { problems } = await toSlack(
      ({ response }) => {
        response.writeHead(200, { 'content-length': '2' }).write('o', () => clock.expire());
      },
      { clock },
    );
    expect(problems).toEqual([{ target: 'slack', why: 'no answer in time' }]);
  });

  it('a message to Slack is retried once if the webhook closes the connection', async () => {
    const { sent, requests } = await toSlack(({ request, raw, index }) =>
      index === 0 ? void request.socket.destroy() : raw('ok'),
    );
    expect(sent).toEqual(['slack']);
    expect(requests).toBe(2);
  });

  it('a redirect from the Slack webhook counts as a failure, and the redirect’s target receives nothing', async () => {
    await using other = await serve(ok);
    const { problems, requests } = await toSlack(({ raw }) => raw('', 302, { location: other.url }));
    expect(problems).toEqual([
      { target: 'slack', why: 'HTTP 302, a redirect: set the address that it leads to' },
    ]);
    expect(requests).toBe(1);
    expect(other.requests).toEqual([]);
  });

  it('a 200 answer from the Slack webhook counts as a failure if it contains an unexpected page', async () => {
    const { problems } = await toSlack(({ raw }) => raw('<html>Please sign in to the proxy</html>'));
    expect(problems[0]?.why).toMatch(/^HTTP 200 with an unexpected answer: <html>Please sign in/);
  });

  it('the address of a Slack webhook stays secret even if an error answer repeats it', async () => {
    const { problems } = await toSlack(({ raw, path, query }) =>
      raw(`no route for ${path}?${query.toString()} of http://x${path} ${'y'.repeat(100_000)}`, 404),
    );
    expect(problems[0]?.why).toContain('HTTP 404 no route for [redacted]');
    expect(problems[0]?.why.length).toBeLessThan(200);
  });

  it('if a Slack webhook refuses connections, the error names only the webhook’s host', async () => {
    const server = await serve(ok);
    await server[Symbol.asyncDispose]();
    const result = await send({ JOBSWEEP_NOTIFY_SLACK_URL: `${server.url}/${secretPath}` });
    expect(result.problems).toEqual([{ target: 'slack', why: `127.0.0.1:${server.port}: ECONNREFUSED` }]);
    expectNoSecret(result, secretParts);
  });

  it.each([
    ['not an address', 'JOBSWEEP_NOTIFY_SLACK_URL is not an address'],
    [
      'http://hooks.example.org/T0SECRET1',
      'JOBSWEEP_NOTIFY_SLACK_URL does not start with https://, and its address is a secret',
    ],
    [
      'ftp://127.0.0.1/T0SECRET1',
      'JOBSWEEP_NOTIFY_SLACK_URL does not start with https://, and its address is a secret',
    ],
  ])('the invalid Slack address %s is reported without showing it', async (address, why) => {
    expect(await send({ JOBSWEEP_NOTIFY_SLACK_URL: address })).toEqual({
      sent: [],
      problems: [{ target: 'slack', why }],
    });
  });
});

describe('a Teams webhook', () => {
  it('a Teams webhook receives an adaptive card, and any 2xx answer counts as success', async () => {
    await using server = await serve(({ raw }) => raw('', 202));
    expect(await send({ JOBSWEEP_NOTIFY_TEAMS_URL: `${server.url}/workflows/x` })).toEqual({
      sent: ['teams'],
      problems: [],
    });
    expect(JSON.parse(server.requests[0]?.body ?? '')).toMatchObject({
      type: 'message',
      attachments: [{ content: { type: 'AdaptiveCard', version: '1.4', msteams: { width: 'Full' } } }],
    });
  });
});

describe('a generic webhook', () => {
  it('a generic webhook receives the event as JSON', async () => {
    await using server = await serve(({ raw }) => raw(''));
    await send({ JOBSWEEP_NOTIFY_WEBHOOK_URL: server.url });
    expect(JSON.parse(server.requests[0]?.body ?? '')).toMatchObject({
      text: message.headline,
      source: 'jobsweep',
      kind: message.kind,
      detail: { sweepId: 'sweep-1', severity: 'warning', lines: ['Closed with force: job-<a>'] },
    });
  });
});

function stubAws(sns: string, events: string): void {
  for (const [name, value] of Object.entries(awsEnvironment(sns, events))) vi.stubEnv(name, value);
}

describe('an SNS topic', () => {
  it('an SNS topic receives the message in Amazon Q’s format, a text for e-mail, and attributes to filter by', async () => {
    await using sns = await startSns();
    stubAws(sns.url, sns.url);
    expect(await send({ JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: topicArn })).toEqual({ sent: ['sns'], problems: [] });
    const [publication] = sns.published;
    expect(publication).toMatchObject({
      Action: 'Publish',
      TopicArn: topicArn,
      Subject: 'jobsweep, default: 1 job closed',
      MessageStructure: 'json',
    });
    const forms = JSON.parse(publication?.Message ?? '') as Record<string, string>;
    expect(JSON.parse(forms.default ?? '')).toMatchObject({
      version: '1.0',
      source: 'custom',
      content: { title: message.headline, description: 'Closed: 1\n\nClosed with force: `job-‹a›`' },
      metadata: { threadId: 'jobsweep-default' },
    });
    expect(forms.email).toContain(
      'Closed: 1\n\nClosed with force: job-<a>\n\nWhat this means, and what to do: https://',
    );
    expect(Object.values(publication ?? {})).toEqual(
      expect.arrayContaining(['severity', 'warning', 'kind', 'thread']),
    );
  });

  it('an SNS message is retried after throttling, but not after an access error', async () => {
    await using refusing = await startSns(() => ({
      status: 403,
      code: 'AuthorizationError',
      message: 'not authorized to perform: SNS:Publish',
    }));
    stubAws(refusing.url, refusing.url);
    const refused = await send({ JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: topicArn });
    expect(refused.problems[0]?.why).toMatch(
      /^AuthorizationError.*: not authorized to perform: SNS:Publish$/,
    );
    expect(refusing.requests).toHaveLength(1);
    await using throttling = await startSns((call) =>
      call === 0 ? { status: 400, code: 'Throttled', message: 'Rate exceeded' } : undefined,
    );
    stubAws(throttling.url, throttling.url);
    expect(await send({ JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: topicArn })).toMatchObject({ sent: ['sns'] });
    expect(throttling.requests).toHaveLength(2);
  });

  it.each(['jobsweep', `${topicArn}.fifo`, 'arn:aws:sqs:eu-central-1:123456789012:jobsweep'])(
    'the invalid SNS topic %s is reported as a wrong setting',
    async (arn) => {
      expect((await send({ JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: arn })).problems).toEqual([
        { target: 'sns', why: 'JOBSWEEP_NOTIFY_SNS_TOPIC_ARN is not the ARN of a standard SNS topic' },
      ]);
    },
  );
});

describe('an event bus', () => {
  it('an event bus receives a notification as one event, with machine-readable data and the headline', async () => {
    await using bus = await startEvents();
    stubAws(bus.url, bus.url);
    expect(await send({ JOBSWEEP_NOTIFY_EVENT_BUS: 'default' })).toEqual({ sent: ['events'], problems: [] });
    const [entry] = bus.entries;
    expect(entry).toMatchObject({
      EventBusName: 'default',
      Source: 'jobsweep',
      DetailType: 'Jobsweep Sweep Finished',
    });
    expect(JSON.parse(entry?.Detail ?? '')).toMatchObject({ sweepId: 'sweep-1', headline: message.headline });
  });

  it('an event is sent again if the bus throttles it, and counts as a failure if the bus rejects it', async () => {
    const arn = 'arn:aws:events:eu-central-1:123456789012:event-bus/ops';
    await using refusing = await startEvents(() => ({
      ErrorCode: 'NotAuthorizedForSourceException',
      ErrorMessage: 'Not authorized for the source.',
    }));
    stubAws(refusing.url, refusing.url);
    expect((await send({ JOBSWEEP_NOTIFY_EVENT_BUS: arn })).problems).toEqual([
      { target: 'events', why: 'NotAuthorizedForSourceException Not authorized for the source.' },
    ]);
    expect(refusing.entries).toHaveLength(1);
    await using throttling = await startEvents((call) =>
      call === 0 ? { ErrorCode: 'ThrottlingException', ErrorMessage: 'slow down' } : undefined,
    );
    stubAws(throttling.url, throttling.url);
    expect(await send({ JOBSWEEP_NOTIFY_EVENT_BUS: arn })).toMatchObject({ sent: ['events'] });
    expect(throttling.entries).toHaveLength(2);
  });

  it('if an event bus refuses connections, the reported problem is the error code of the connection', async () => {
    const server = await serve(ok);
    await server[Symbol.asyncDispose]();
    stubAws(server.url, server.url);
    expect((await send({ JOBSWEEP_NOTIFY_EVENT_BUS: 'default' })).problems).toEqual([
      { target: 'events', why: 'ECONNREFUSED' },
    ]);
  });
});

describe('notifications behind a proxy', () => {
  const password = 'pass-word-of-proxy';
  const host = 'es.example.test';

  it('a webhook behind a proxy receives the message, and the result does not show the proxy’s password', async () => {
    const before = getCACertificates('default');
    setDefaultCACertificates([certificate('authority')]);
    try {
      await using slack = await serve(ok, { tls: 'other-host' });
      await using proxy = await startProxy({
        targets: { [`${host}:443`]: { port: slack.port } },
        auth: `me:${password}`,
      });
      const environment = {
        HTTPS_PROXY: proxy.url.replace('://', `://me:${password}@`),
        JOBSWEEP_NOTIFY_SLACK_URL: `https://${host}/${secretPath}`,
      };
      expect(await send(environment)).toEqual({ sent: ['slack'], problems: [] });
      expect(proxy.requests).toEqual([`CONNECT ${host}:443`]);
      const refused = await send({
        ...environment,
        HTTPS_PROXY: proxy.url.replace('://', '://me:wrong-password@'),
      });
      expect(refused.problems[0]?.why).toContain(`${host} through the proxy ${proxy.url}: `);
      expectNoSecret(refused, [password, 'wrong-password', ...secretParts]);
      const invalid = await send({ ...environment, HTTPS_PROXY: 'socks5://proxy' });
      expect(invalid.problems[0]?.why).toContain('HTTPS_PROXY is a "socks5" proxy');
    } finally {
      setDefaultCACertificates(before);
    }
  });

  it('if a proxy never opens its tunnel, notifications still end within their time limit', async () => {
    const clock = new HandClock();
    let limits: number[] = [];
    await using proxy = await startProxy({
      targets: {},
      mute: () => {
        if (proxy.asked.length < 2) return;
        limits = clock.limits;
        clock.expire();
      },
    });
    stubAws(`https://${host}`, `https://${host}`);
    const { problems } = await send(
      {
        HTTPS_PROXY: proxy.url,
        JOBSWEEP_NOTIFY_SLACK_URL: `https://${host}/${secretPath}`,
        JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: topicArn,
      },
      { clock, remainingMs: 1_500 },
    );
    expect(problems.map(({ why }) => why)).toEqual(['no answer in time', 'no answer in time']);
    const isWithin = expect.toSatisfy((ms: number) => ms > 0 && ms <= 1_500);
    expect(limits).toEqual([isWithin, isWithin]);
  });

  it('an SNS topic and an event bus behind a proxy receive the message', async () => {
    await using sns = await startSns();
    await using bus = await startEvents();
    await using proxy = await startProxy({
      targets: { 'sns.example.test:80': { port: sns.port }, 'events.example.test:80': { port: bus.port } },
    });
    stubAws('http://sns.example.test', 'http://events.example.test');
    const result = await send({
      HTTP_PROXY: proxy.url,
      JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: topicArn,
      JOBSWEEP_NOTIFY_EVENT_BUS: 'default',
    });
    expect(result).toEqual({ sent: ['sns', 'events'], problems: [] });
    expect([...proxy.asked].sort()).toEqual(['events.example.test:80', 'sns.example.test:80']);
  });
});

describe('the settings for notifications', () => {
  it('notification settings come from the environment, and settings missing there come from the secret', async () => {
    await using slack = await serve(ok);
    await using teams = await serve(({ raw }) => raw('', 202));
    await using unused = await serve(ok);
    const asked: string[] = [];
    const readSecret = async (name: string) => {
      asked.push(name);
      return JSON.stringify({
        ELASTICSEARCH_URL: 'https://es.example.org',
        JOBSWEEP_NOTIFY_SLACK_URL: unused.url,
        JOBSWEEP_NOTIFY_TEAMS_URL: teams.url,
        JOBSWEEP_NOTIFY_WEBHOOK_URL: null,
      });
    };
    const environment = { ELASTICSEARCH_SECRET: 'jobsweep/default', JOBSWEEP_NOTIFY_SLACK_URL: slack.url };
    expect(await send(environment, { readSecret })).toEqual({ sent: ['slack', 'teams'], problems: [] });
    expect(unused.requests).toEqual([]);
    await send({ ...environment, JOBSWEEP_NOTIFY_SECRET: 'chat' }, { readSecret });
    expect(asked).toEqual(['jobsweep/default', 'chat']);
  });

  it('a notification reaches a valid target even if another target, the secret and a setting’s name are invalid', async () => {
    await using slack = await serve(ok);
    const result = await send(
      {
        JOBSWEEP_NOTIFY_SECRET: 'chat',
        JOBSWEEP_NOTIFY_SLACK_URL: slack.url,
        JOBSWEEP_NOTIFY_TEAM_URL: 'https://flows.example.org/tokenSECRET3456',
        JOBSWEEP_NOTIFY_EVENT_BUS: 'two words',
        JOBSWEEP_NOTIFY_WHEN: 'often',
      },
      { readSecret: () => Promise.resolve('{"JOBSWEEP_NOTIFY_TEAMS_URL": tokenSECRET3456}') },
    );
    expect(result.sent).toEqual(['slack']);
    const known =
      'JOBSWEEP_NOTIFY_SNS_TOPIC_ARN, JOBSWEEP_NOTIFY_EVENT_BUS, JOBSWEEP_NOTIFY_SLACK_URL, JOBSWEEP_NOTIFY_TEAMS_URL, JOBSWEEP_NOTIFY_WEBHOOK_URL, JOBSWEEP_NOTIFY_WHEN, JOBSWEEP_NOTIFY_SECRET';
    expect(result.problems).toEqual([
      {
        target: 'settings',
        why: `the environment has the unknown setting "JOBSWEEP_NOTIFY_TEAM_URL"; the known ones are ${known}`,
      },
      {
        target: 'settings',
        why: 'JOBSWEEP_NOTIFY_WHEN: expected one of always, changes, problems, never, got "often"',
      },
      { target: 'settings', why: 'the secret "chat" cannot be read for notifications (it is not JSON)' },
      { target: 'events', why: 'JOBSWEEP_NOTIFY_EVENT_BUS is not the name or ARN of an event bus' },
    ]);
    expectNoSecret(result, secretParts);
  });

  it('a missing cluster secret is ignored for notifications, but a missing JOBSWEEP_NOTIFY_SECRET is reported', async () => {
    const missing = Object.assign(new Error('no such secret'), { name: 'ResourceNotFoundException' });
    const readSecret = () => Promise.reject(missing);
    expect(await send({ ELASTICSEARCH_SECRET: 'jobsweep/default' }, { readSecret })).toEqual({
      sent: [],
      problems: [],
    });
    expect((await send({ JOBSWEEP_NOTIFY_SECRET: 'chat' }, { readSecret })).problems).toEqual([
      { target: 'settings', why: 'the secret "chat" cannot be read for notifications (no such secret)' },
    ]);
  });

  it('a notification uses the targets in the environment if the secret does not arrive in time', async () => {
    await using slack = await serve(ok);
    const clock = new HandClock();
    const result = await send(
      { JOBSWEEP_NOTIFY_SECRET: 'chat', JOBSWEEP_NOTIFY_SLACK_URL: slack.url },
      {
        clock,
        readSecret: () => {
          clock.expire();
          return new Promise(() => undefined);
        },
      },
    );
    expect(result.sent).toEqual(['slack']);
    expect(result.problems[0]?.why).toContain('no answer in time');
  });

  it('no notification is sent if no time is left', async () => {
    await using slack = await serve(ok);
    const result = await send({ JOBSWEEP_NOTIFY_SLACK_URL: slack.url }, { remainingMs: 500 });
    expect(result).toEqual({ sent: [], problems: [{ target: 'all', why: 'no time was left' }] });
    expect(slack.requests).toEqual([]);
  });

  it('JOBSWEEP_NOTIFY_WHEN decides when to notify, unless the request has `notify.when`', () => {
    expect(notifyWhen(undefined, {})).toBe('changes');
    expect(notifyWhen(undefined, { JOBSWEEP_NOTIFY_WHEN: ' problems ' })).toBe('problems');
    expect(notifyWhen('always', { JOBSWEEP_NOTIFY_WHEN: 'never' })).toBe('always');
    expect(notifyWhen(undefined, { JOBSWEEP_NOTIFY_WHEN: 'constructor' })).toBe('changes');
  });
});
