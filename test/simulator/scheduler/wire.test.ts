import { CreateScheduleGroupCommand } from '@aws-sdk/client-scheduler';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionArn, roleArn, type SchedulerBench, schedulerBench } from '../../support/scheduler.ts';

// Tests raw requests that the SDK's client cannot send.
let bench: SchedulerBench;
beforeAll(async () => {
  bench = await schedulerBench();
});
afterAll(() => bench[Symbol.asyncDispose]());

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(bench.scheduler.url + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return {
    status: response.status,
    type: response.headers.get('x-amzn-errortype'),
    body: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  };
}

const valid = {
  ScheduleExpression: 'cron(0 2 * * ? *)',
  FlexibleTimeWindow: { Mode: 'OFF' },
  Target: { Arn: functionArn, RoleArn: roleArn },
};

describe('a raw request to the Scheduler simulator', () => {
  it('a request to the Scheduler simulator is answered with 200, JSON and a request id', async () => {
    const { status, headers, body } = await call('POST', '/schedules/wire', valid);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(body).toEqual({ ScheduleArn: 'arn:aws:scheduler:us-east-1:123456789012:schedule/default/wire' });
  });

  it('a request applies to the region in its signature, or to the configured region if it is unsigned', async () => {
    const authorization =
      'AWS4-HMAC-SHA256 Credential=AKID/20261123/eu-west-3/scheduler/aws4_request, SignedHeaders=host, Signature=0';
    const { body } = await call('POST', '/schedules/regional', valid, { authorization });
    expect(body.ScheduleArn).toBe('arn:aws:scheduler:eu-west-3:123456789012:schedule/default/regional');
    expect((await call('GET', '/schedules/regional')).status).toBe(404);
    expect((await call('GET', '/schedules/regional', undefined, { authorization })).status).toBe(200);
  });

  it.each([
    ['GET', '/'],
    ['GET', '/schedules/wire/'],
    ['PATCH', '/schedules/wire'],
    ['PUT', '/schedule-groups/default'],
    ['GET', '/schedules/a/b'],
    ['GET', '/Schedules'],
  ])(
    'a request for an unknown operation is answered with 404 and a JSON error: %s %s',
    async (method, path) => {
      const { status, type, body } = await call(method, path);
      expect([status, type]).toEqual([404, 'UnknownOperationException']);
      expect(Object.keys(body)).toEqual(['Message']);
    },
  );

  it.each([
    ['GET', '/schedules/'],
    ['DELETE', '/schedules/'],
    ['POST', '/schedules/'],
    ['DELETE', '/schedule-groups/'],
  ])(
    'a request with an empty name is refused, and not treated as a request for a list of schedules or groups: %s %s',
    async (method, path) => {
      const { status, type, body } = await call(method, path, method === 'POST' ? valid : undefined);
      expect([status, type]).toEqual([400, 'ValidationException']);
      expect(body.Message).toContain("Value '' at 'name' failed to satisfy constraint");
    },
  );

  it('the percent-encoded schedule name in the path of a request is decoded exactly once', async () => {
    expect((await call('GET', '/schedules/w%69re')).status).toBe(200);
    expect((await call('GET', '/schedules/w%2569re')).status).toBe(400);
    expect((await call('GET', '/schedules/%E0%A4%A')).status).toBe(400);
  });

  it('a group is named as GroupName in a body, groupName in a query, and ScheduleGroup in the query of a list', async () => {
    await bench.client.send(new CreateScheduleGroupCommand({ Name: 'spelt' }));
    const authorization =
      'AWS4-HMAC-SHA256 Credential=AKID/20261123/eu-central-1/scheduler/aws4_request, SignedHeaders=host, Signature=0';
    const signed = (method: string, path: string, body?: unknown) =>
      call(method, path, body, { authorization });
    await signed('POST', '/schedules/grouped', { ...valid, GroupName: 'spelt' });
    expect((await signed('GET', '/schedules/grouped?groupName=spelt')).status).toBe(200);
    expect((await signed('GET', '/schedules/grouped?ScheduleGroup=spelt')).status).toBe(404);
    const named = async (query: string) =>
      ((await signed('GET', `/schedules?${query}`)).body.Schedules as { Name: string }[]).map(
        ({ Name }) => Name,
      );
    expect(await named('ScheduleGroup=spelt')).toEqual(['grouped']);
    expect(await named('ScheduleGroup=default')).toEqual([]);
    expect(await named('groupName=default')).toEqual(['grouped']);
  });

  it.each([
    ['text that is not JSON', '{"State":'],
    ['a list', '[]'],
    ['a text for a date', { ...valid, StartDate: '2026-12-01T00:00:00Z' }],
    ['a text for the target', { ...valid, Target: 'lambda' }],
  ])('a request to create a schedule is refused if its body is or contains %s', async (_what, body) => {
    const { status, type } = await call('POST', '/schedules/odd', body);
    expect([status, type]).toEqual([400, 'ValidationException']);
  });

  it('a request to create a schedule may contain nulls and unknown fields, which are ignored', async () => {
    const body = { ...valid, Description: null, Surprise: 1, Target: { ...valid.Target, Input: null } };
    expect((await call('POST', '/schedules/lenient', body)).status).toBe(200);
    const { body: shown } = await call('GET', '/schedules/lenient');
    expect(shown).not.toHaveProperty('Description');
    expect(shown).not.toHaveProperty('Surprise');
    expect(shown.Target).not.toHaveProperty('Input');
  });

  it('the dates in an answer of the Scheduler simulator are in epoch seconds', async () => {
    await call('POST', '/schedules/dated', { ...valid, StartDate: 1795533818.363 });
    const { body } = await call('GET', '/schedules/dated');
    expect(body.StartDate).toBe(1795533818.363);
    expect(body.CreationDate).toBe(Date.parse('2026-11-23T12:00:00Z') / 1000);
  });
});
