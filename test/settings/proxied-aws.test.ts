/** @module Tests Secrets Manager and the Scheduler behind a proxy, with the host names that they have in AWS. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { schedulerApi } from '../../src/scheduler/api.ts';
import { secretReader } from '../../src/settings/secrets.ts';
import { HandClock } from '../support/hand-clock.ts';
import { type ProxyOptions, startProxy } from '../support/proxy.ts';

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-secret');
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const region = { AWS_REGION: 'eu-central-1' };
const credentials = 'someone:pass-word';

interface Case {
  readonly what: string;
  readonly proxy: Partial<ProxyOptions>;
  readonly user?: string;
  readonly says: RegExp;
}
const cases: readonly Case[] = [
  {
    what: 'requires a password',
    proxy: { auth: credentials },
    says: /407 .*the proxy http:\/\/127\.0\.0\.1:\d+ requires a user and a password: add them to HTTPS_PROXY/i,
  },
  {
    what: 'refuses the password',
    proxy: { auth: credentials },
    user: 'someone:wrong-word@',
    says: /407 .*the proxy http:\/\/127\.0\.0\.1:\d+ refuses the user or password in HTTPS_PROXY/i,
  },
  {
    what: 'answers 403',
    proxy: { refuses: 403 },
    says: /403 .*goes through the proxy .* that it allows and reaches \w+\.eu-central-1/,
  },
  {
    what: 'cannot reach the service',
    proxy: {},
    says: /502 .*goes through the proxy .* that it allows and reaches \w+\.eu-central-1\.amazonaws\.com:443/,
  },
];

async function failing(
  { proxy: options, user = '' }: Pick<Case, 'proxy' | 'user'>,
  call: Call,
): Promise<string> {
  await using proxy = await startProxy({ targets: {}, ...options });
  const environment = { ...region, HTTPS_PROXY: proxy.url.replace('://', `://${user}`) };
  const error = await call(environment).then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  expect(proxy.requests.length).toBeGreaterThan(0);
  expect(error?.message).not.toMatch(/wrong-word|pass-word/);
  return `${error?.name}: ${error?.message}`;
}

type Call = (environment: Readonly<Record<string, string>>, clock?: HandClock) => Promise<unknown>;

const readSecret: Call = (environment, clock = new HandClock()) =>
  secretReader(clock, environment)('jobsweep/default');
const readGroup: Call = async (environment, clock = new HandClock()) => {
  await using api = schedulerApi({ clock, environment });
  await api.groupExists('jobsweep', new AbortController().signal);
};

describe.each([
  ['Secrets Manager', 'SecretUnreachableError', readSecret],
  ['the Scheduler', 'SchedulerError', readGroup],
] as const)('%s behind a proxy', (_service, name, call) => {
  it.each(cases)('if the proxy $what, the error of a call to AWS says what to change', async (given) => {
    const message = await failing(given, call);
    expect(message).toMatch(given.says);
    expect(message).toMatch(new RegExp(`^${name}: `));
  });

  it('if the proxy is down, the error of a call to AWS names the proxy', async () => {
    const environment = { ...region, HTTPS_PROXY: 'http://127.0.0.1:9' };
    await expect(call(environment)).rejects.toThrow(
      /goes through the proxy http:\/\/127\.0\.0\.1:9: check HTTPS_PROXY/,
    );
  });

  it('an invalid proxy address is reported as a wrong setting, and no request is sent', async () => {
    const environment = { ...region, HTTPS_PROXY: 'socks5://127.0.0.1:9' };
    await expect(call(environment)).rejects.toMatchObject({ name: 'InvalidSettingError', exitCode: 2 });
  });
});

/** The error of a call through a proxy that never answers, and the time limits of the tries, in milliseconds. */
async function unanswered(call: Call) {
  const clock = new HandClock();
  const limits: number[] = [];
  const mute = () => {
    limits.push(...clock.limits);
    clock.expire();
  };
  const message = await failing({ proxy: { mute } }, (environment) => call(environment, clock));
  return { message, limits };
}

it('if a proxy never answers, a call to Secrets Manager fails after ten seconds, and the error names the proxy', async () => {
  const { message, limits } = await unanswered(readSecret);
  expect(limits).toEqual([10_000]);
  expect(message).toMatch(/SecretUnreachableError: .*no answer within 10 s.*goes through the proxy http/);
});

it('if a proxy never answers, a call to the Scheduler fails with an error that names the proxy', async () => {
  const { message, limits } = await unanswered(readGroup);
  expect(limits).toEqual([10_000, 10_000, 10_000, 10_000]);
  expect(message).toMatch(
    /SchedulerError: .* failed: no answer in time; the request goes through the proxy http/,
  );
});

it('the error for an unreachable Scheduler names the endpoint that a function’s VPC lacks', async () => {
  const environment = { ...region, JOBSWEEP_VPC_SUBNETS: 'subnet-1', JOBSWEEP_VPC_SECURITY_GROUPS: 'sg-1' };
  vi.stubEnv('AWS_ENDPOINT_URL_SCHEDULER', 'http://127.0.0.1:9');
  await expect(readGroup(environment)).rejects.toThrow(
    /the function is in a VPC \(subnet-1; sg-1\): it needs a NAT gateway or the interface endpoint com\.amazonaws\.eu-central-1\.scheduler/,
  );
});
