/** @module Tests what happens to pending follow-ups when a new version is deployed, and when the stack is removed. */
import { CreateScheduleGroupCommand, DeleteScheduleGroupCommand } from '@aws-sdk/client-scheduler';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaledClock, VirtualClock } from '../../simulator/clock.ts';
import {
  type EmbeddedElasticsearch,
  type FleetJob,
  startElasticsearch,
} from '../../simulator/elasticsearch/index.ts';
import { startScheduler } from '../../simulator/scheduler/index.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { type Packaged, packageService } from '../support/packaged.ts';
import { create, sdkClient, start } from '../support/scheduler.ts';
import { type RunningFunction, startFunction } from './runtime-api.ts';

let packaged: Packaged;
beforeAll(async () => {
  packaged = await packageService(['--stage', 'prod']);
}, 120_000);

const closing: FleetJob = {
  jobId: 'slow',
  lastData: '9d',
  state: 'closing',
  askedToClose: '5m',
  closeTakes: 'never',
};

const chain = (askedAt: string) => ({
  sweepId: 'sweep-of-another-version',
  round: 1,
  jobs: [{ jobId: 'slow', askedAt, attempts: 1 }],
});

describe('a follow-up of another version', () => {
  const stack = new AsyncDisposableStack();
  let elasticsearch: EmbeddedElasticsearch;
  let running: RunningFunction;
  beforeAll(async () => {
    elasticsearch = stack.use(await startElasticsearch({ clock: scaledClock(), fleet: { jobs: [closing] } }));
    const { Handler } = packaged.template.Resources.SweepLambdaFunction?.Properties ?? {};
    running = stack.use(
      await startFunction({
        task: packaged.task,
        handler: String(Handler),
        functionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:jobsweep-prod-sweep',
        environment: { ELASTICSEARCH_URL: elasticsearch.url },
      }),
    );
  });
  afterAll(() => stack.disposeAsync());

  /** Invokes the packaged function of this version with a payload that another version left in a schedule. */
  async function invoked(payload: object) {
    const earlier = elasticsearch.requests.length;
    const end = await running.invoke(JSON.stringify(payload));
    const closes = elasticsearch.requests.slice(earlier).filter(({ path }) => path.endsWith('/_close'));
    return { ...end, report: end.result as SweepReport, closes };
  }

  it('a follow-up from version 0.1.0 runs, even if it lacks fields that later versions added', async () => {
    const askedAt = new Date(Date.now() - 5 * 60_000).toISOString();
    const { error, report } = await invoked({
      cluster: 'default',
      jobs: ['*'],
      idleFor: '48h',
      close: { timeout: '500ms', batch: 20, concurrency: 4, perNode: 4 },
      followUp: { after: '15m', max: 6 },
      followUpOf: chain(askedAt),
    });
    expect(error).toBeUndefined();
    expect(report).toMatchObject({
      followUpOf: { sweepId: 'sweep-of-another-version', round: 1 },
      counts: { listed: 1, closing: 1 },
    });
  });

  it('the function refuses a follow-up with a field that only a newer version knows, and the error names the field', async () => {
    const { error, closes } = await invoked({
      keepOnWeekends: true,
      followUpOf: chain(new Date().toISOString()),
    });
    expect(error).toMatchObject({
      errorType: 'InvalidRequestError',
      errorMessage: expect.stringContaining('keepOnWeekends is an unknown field') as string,
    });
    expect(closes).toEqual([]);
  });
});

describe('removing the stack', () => {
  it('deleting the schedule group deletes its follow-ups, so none of them fires afterwards', async () => {
    using clock = new VirtualClock(Date.parse(start));
    const fired: unknown[] = [];
    await using scheduler = await startScheduler({
      clock,
      invoke: ({ payload }) => {
        fired.push(payload);
        return Promise.resolve();
      },
    });
    const client = sdkClient(scheduler.url);
    await client.send(new CreateScheduleGroupCommand({ Name: 'jobsweep-prod' }));
    const followUp = {
      Name: 'followup.default.0123456789.1',
      ScheduleExpression: 'at(2026-11-23T13:00:00)',
      ActionAfterCompletion: 'DELETE' as const,
    };
    await create(client, { ...followUp, GroupName: 'jobsweep-prod' });
    // a schedule outside of the group still fires
    await create(client, followUp);
    expect(scheduler.schedules).toHaveLength(2);
    await client.send(new DeleteScheduleGroupCommand({ Name: 'jobsweep-prod' }));
    client.destroy();
    await clock.advance(24 * 60 * 60_000);
    expect(scheduler.schedules).toEqual([]);
    expect(fired).toHaveLength(1);
  });

  it('removing the stack removes all its resources by default', () => {
    const kept = Object.entries(packaged.template.Resources)
      .filter(([, resource]) => 'DeletionPolicy' in resource)
      .map(([id]) => id);
    expect(kept).toEqual([]);
    // the role refers to the group, so CloudFormation deletes the role first; the group takes its follow-ups with it
    expect(JSON.stringify(packaged.template.Resources.SchedulerRole)).toContain(
      '{"Fn::GetAtt":["ScheduleGroup","Arn"]}',
    );
  });
});
