/**
 * @module The API calls to EventBridge Scheduler. The first call loads the SDK. Each call has a timeout, is retried on
 * the given `Clock`, and fails with a SchedulerError that says what to do.
 */
import { randomUUID } from 'node:crypto';
import type {
  CreateScheduleCommandInput,
  GetScheduleCommandOutput,
  SchedulerClient,
  SchedulerClientConfig,
  ScheduleSummary,
  UpdateScheduleCommandInput,
} from '@aws-sdk/client-scheduler';
import type { Clock } from '../base/clock.ts';
import { awsAgents } from '../base/way-out.ts';
import { wayToAws } from '../base/way-to-aws.ts';
import { type Failure, type FailureKind, readFailure, SchedulerCallError } from './api-errors.ts';

export interface SchedulerApiOptions {
  readonly clock: Clock;
  /** Contains the proxy settings, if any. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Region, endpoint and credentials to use. They replace those from the SDK's variables and files. */
  readonly sdk?: SchedulerClientConfig;
}

/** A schedule as the service returns it, without the SDK's metadata. */
export type ReadSchedule = Omit<GetScheduleCommandOutput, '$metadata'>;

/** The input of a create or update. The API adds the client token, which stays the same for all tries of a call. */
export type ScheduleOrder = Omit<CreateScheduleCommandInput, 'ClientToken'>;

/**
 * A call that fails rejects with a SchedulerCallError, whose `kind` says what went wrong. Disposing closes the
 * connections.
 */
export interface SchedulerApi extends AsyncDisposable {
  createSchedule(schedule: ScheduleOrder, signal: AbortSignal): Promise<void>;
  /** Replaces the whole schedule: omitted fields return to their defaults. */
  updateSchedule(
    schedule: Omit<UpdateScheduleCommandInput, 'ClientToken'>,
    signal: AbortSignal,
  ): Promise<void>;
  deleteSchedule(group: string, name: string, signal: AbortSignal): Promise<void>;
  getSchedule(group: string, name: string, signal: AbortSignal): Promise<ReadSchedule>;
  /** All schedules of the group whose names begin with `prefix`, from all pages. */
  listSchedules(group: string, signal: AbortSignal, prefix?: string): Promise<readonly ScheduleSummary[]>;
  createGroup(group: string, signal: AbortSignal): Promise<void>;
  groupExists(group: string, signal: AbortSignal): Promise<boolean>;
}

/** Timeout of one try. Answers take a fraction of a second, and a try that hangs must leave time for the next one. */
const tryMs = 10_000;
/**
 * If the service does not answer a create call, the schedule is read to see whether it exists. A sweep allows eight
 * seconds for the create call and the read together.
 */
const limitsForCreating = { tryMs: 3_000, maxSilentTries: 2 };
const tries = 4;
// According to published measurements, IAM takes about ten seconds to propagate a new role. These waits add up to about
// twice that.
const roleWaits = [2_000, 4_000, 8_000, 8_000];

export function schedulerApi({ clock, environment, sdk = {} }: SchedulerApiOptions): SchedulerApi {
  // Created by the first API call, for all calls: loading the SDK earlier would add 13 to 17 ms to a cold start.
  let connecting: Promise<Connection> | undefined;
  const connect = () => {
    connecting ??= load(environment, sdk);
    return connecting;
  };

  const region = typeof sdk.region === 'string' ? sdk.region : undefined;
  const call = caller(clock, connect, (reason) =>
    wayToAws('scheduler', environment, region).adviceOn(reason),
  );

  return {
    async createSchedule(schedule, signal) {
      const input = { ...schedule, ClientToken: randomUUID() };
      await call(
        `creating schedule ${schedule.Name}`,
        signal,
        ({ client, commands }, options) => client.send(new commands.CreateScheduleCommand(input), options),
        limitsForCreating,
      );
    },
    async updateSchedule(schedule, signal) {
      const input = { ...schedule, ClientToken: randomUUID() };
      await call(`updating schedule ${schedule.Name}`, signal, ({ client, commands }, options) =>
        client.send(new commands.UpdateScheduleCommand(input), options),
      );
    },
    async deleteSchedule(group, name, signal) {
      const input = { GroupName: group, Name: name, ClientToken: randomUUID() };
      await call(`deleting schedule ${name}`, signal, ({ client, commands }, options) =>
        client.send(new commands.DeleteScheduleCommand(input), options),
      );
    },
    async getSchedule(group, name, signal) {
      const doing = `reading schedule ${name} of group ${group}`;
      const { $metadata: _dropped, ...schedule } = await call(
        doing,
        signal,
        ({ client, commands }, options) =>
          client.send(new commands.GetScheduleCommand({ GroupName: group, Name: name }), options),
      );
      return schedule;
    },
    listSchedules: (group, signal, prefix) => listSchedules(call, group, signal, prefix),
    async createGroup(group, signal) {
      const input = { Name: group, ClientToken: randomUUID() };
      await call(`creating group ${group}`, signal, ({ client, commands }, options) =>
        client.send(new commands.CreateScheduleGroupCommand(input), options),
      );
    },
    async groupExists(group, signal) {
      try {
        const { State } = await call(`reading group ${group}`, signal, ({ client, commands }, options) =>
          client.send(new commands.GetScheduleGroupCommand({ Name: group }), options),
        );
        return State !== 'DELETING';
      } catch (error) {
        if (error instanceof SchedulerCallError && error.kind === 'missing') return false;
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      const connection = await connecting?.catch(() => undefined);
      connection?.client.destroy();
    },
  };
}

/**
 * Returns a function that sends an API call, and retries it until it succeeds, is refused or has no tries left. That
 * function throws a `SchedulerCallError`.
 */
function caller(clock: Clock, connect: () => Promise<Connection>, networkAdvice: (reason: string) => string) {
  return async function call<T>(
    doing: string,
    signal: AbortSignal,
    send: (connection: Connection, options: { readonly abortSignal: AbortSignal }) => Promise<T>,
    limits = { tryMs, maxSilentTries: tries },
  ): Promise<T> {
    const waits: Partial<Record<FailureKind, readonly number[]>> = {
      busy: backoff,
      unreachable: backoff,
      role_not_ready: roleWaits,
    };
    let last: Failure | undefined;
    let silentTries = 0;
    for (let attempt = 0; ; attempt++) {
      let failure: Failure;
      let cause: unknown;
      {
        using limit = clock.limit(limits.tryMs);
        if (signal.aborted) throw ended(doing, signal, { ...last, mayBeDone: last?.mayBeDone ?? false });
        try {
          return await send(await connect(), { abortSignal: AbortSignal.any([signal, limit.signal]) });
        } catch (error) {
          if (signal.aborted) throw ended(doing, signal, { ...last, mayBeDone: true });
          cause = error;
          if (limit.signal.aborted) silentTries += 1;
          failure = readFailure(limit.signal.aborted ? limit.signal.reason : error, doing, networkAdvice);
        }
      }
      const wait = waits[failure.kind]?.[attempt];
      if (wait === undefined || silentTries === limits.maxSilentTries)
        throw new SchedulerCallError(failure, { cause });
      await clock.sleep(Math.max(wait, failure.retryAfterMs ?? 0), signal).catch(() => {
        throw ended(doing, signal, failure);
      });
      last = failure;
    }
  };
}

/** All schedules of a group whose names begin with `prefix`, page after page. */
async function listSchedules(
  call: ReturnType<typeof caller>,
  group: string,
  signal: AbortSignal,
  prefix = '',
): Promise<ScheduleSummary[]> {
  const found: ScheduleSummary[] = [];
  let NextToken: string | undefined;
  do {
    const page = await call(`listing group ${group}`, signal, ({ client, commands }, options) =>
      client.send(
        new commands.ListSchedulesCommand({
          GroupName: group,
          MaxResults: 100,
          ...(prefix === '' ? {} : { NamePrefix: prefix }),
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
        options,
      ),
    );
    found.push(...(page.Schedules ?? []));
    // without this check, an endpoint that repeats its token would cause an endless loop
    if (page.NextToken !== undefined && page.NextToken === NextToken)
      throw new SchedulerCallError({
        kind: 'unreadable',
        message: `listing group ${group} failed: the scheduler sent the same page twice; check AWS_ENDPOINT_URL_SCHEDULER`,
      });
    NextToken = page.NextToken || undefined;
  } while (NextToken !== undefined);
  return found.filter(({ Name }) => Name?.startsWith(prefix));
}

// The waits before the retries double, because a throttled caller that retries at once is throttled again.
const backoff = Array.from({ length: tries - 1 }, (_, attempt) => 500 * 2 ** attempt);

interface Connection {
  readonly client: SchedulerClient;
  readonly commands: typeof import('@aws-sdk/client-scheduler');
}

async function load(
  environment: SchedulerApiOptions['environment'],
  config: SchedulerClientConfig,
): Promise<Connection> {
  const commands = await import('@aws-sdk/client-scheduler');
  const client = new commands.SchedulerClient({
    // this module retries instead of the SDK, on a clock that tests control
    maxAttempts: 1,
    // timeouts of last resort, on the machine's own clock: without them, a silent endpoint would block a call until the
    // function is killed
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: tryMs + 5_000,
      throwOnRequestTimeout: true,
      ...awsAgents(environment),
    },
    ...config,
  });
  return { client, commands };
}

/**
 * The error for a call that the caller's signal ended. The failure of the last try, if any, explains why the call took
 * so long.
 */
function ended(
  doing: string,
  signal: AbortSignal,
  { message, mayBeDone }: Partial<Failure>,
): SchedulerCallError {
  const why = signal.reason instanceof Error ? signal.reason.message : 'stopped';
  return new SchedulerCallError(
    {
      kind: 'unreachable',
      message:
        message === undefined
          ? `${doing} did not finish: ${why}`
          : `${message}; no time was left to try again (${why})`,
      mayBeDone: mayBeDone ?? false,
    },
    { cause: signal.reason },
  );
}
