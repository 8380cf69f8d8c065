import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  GetScheduleCommand,
  type GetScheduleCommandOutput,
  ListScheduleGroupsCommand,
  SchedulerClient,
  type SchedulerServiceException,
} from '@aws-sdk/client-scheduler';
import {
  type EmbeddedScheduler,
  type SchedulerOptions,
  startScheduler,
  trackHttp,
  VirtualClock,
} from '../../simulator/index.ts';

export const functionArn = 'arn:aws:lambda:eu-central-1:123456789012:function:jobsweep';
export const roleArn = 'arn:aws:iam::123456789012:role/jobsweep-scheduler';
export const queueArn = 'arn:aws:sqs:eu-central-1:123456789012:jobsweep-undelivered';

/** The start time of each test that does not set another one. It is a Monday. */
export const start = '2026-11-23T12:00:00Z';

export interface SchedulerBench extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly scheduler: EmbeddedScheduler;
  /** The SDK's own client with its retries disabled. */
  readonly client: SchedulerClient;
}

/** Starts an embedded Scheduler with a virtual clock and a real client. */
export async function schedulerBench(
  options: Partial<SchedulerOptions> & { readonly startAt?: string } = {},
): Promise<SchedulerBench> {
  const clock = new VirtualClock(Date.parse(options.startAt ?? start));
  const scheduler = await startScheduler({ clock, ...options });
  const client = sdkClient(scheduler.url);
  await warmUp(client);
  const tracking = trackHttp(clock);
  return {
    clock,
    scheduler,
    client,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      tracking[Symbol.dispose]();
      clock[Symbol.dispose]();
      await scheduler.stop();
    },
  };
}

export function sdkClient(url: string, maxAttempts = 1): SchedulerClient {
  return new SchedulerClient({ ...sdkConfig(url), maxAttempts });
}

// The SDK's first call in a process reads configuration files, and a virtual clock does not know that it must wait for
// those reads.
let warm = false;
async function warmUp(client: SchedulerClient): Promise<void> {
  if (warm) return;
  await client.send(new ListScheduleGroupsCommand({}));
  warm = true;
}

/** A complete create request. `given` overrides its fields. */
export function scheduleInput(given: Partial<CreateScheduleCommandInput> = {}): CreateScheduleCommandInput {
  return {
    Name: 'nightly',
    ScheduleExpression: 'cron(0 2 * * ? *)',
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: { Arn: functionArn, RoleArn: roleArn, Input: '{}' },
    ...given,
  };
}

export const create = (client: SchedulerClient, given?: Partial<CreateScheduleCommandInput>) =>
  client.send(new CreateScheduleCommand(scheduleInput(given)));

/** A schedule as the service returns it, without the SDK's metadata. */
export async function shown(
  client: SchedulerClient,
  Name: string,
  GroupName?: string,
): Promise<Omit<GetScheduleCommandOutput, '$metadata'>> {
  const { $metadata: _left, ...schedule } = await client.send(
    new GetScheduleCommand({ Name, ...(GroupName === undefined ? {} : { GroupName }) }),
  );
  return schedule;
}

/** The error of a refused call, as `400 ValidationException: text`. Fails if the call succeeds. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    const { name, message, $metadata } = error as SchedulerServiceException;
    return `${$metadata?.httpStatusCode} ${name}: ${message}`;
  }
  throw new Error('the call was not refused');
}

/** An instant in the form `2026-11-24T02:00:00Z`. */
export const iso = (instant: number | undefined) =>
  instant === undefined ? undefined : new Date(instant).toISOString().replace('.000Z', 'Z');

/** The configuration with which the product's SDK clients find this Scheduler. */
export const sdkConfig = (url: string) => ({
  endpoint: url,
  region: 'eu-central-1',
  credentials: { accessKeyId: 'AKIDTEST', secretAccessKey: 'not-a-secret' },
});
