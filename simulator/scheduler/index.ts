/**
 * @module The embedded Scheduler: EventBridge Scheduler's wire protocol over real HTTP. A test controls the clock that
 * makes schedules fire, and can simulate failures that the real service may have.
 */
import type { SimulatorClock } from '../clock.ts';
import { Courier, type DeadLetter, type Delivery, DeliveryError, type Send } from './delivery.ts';
import { type Fault, FaultScript } from './faults.ts';
import { type FailedEvent, type Invocation, type LambdaOptions, LambdaQueue } from './lambda.ts';
import { Operations, type Paging } from './operations.ts';
import { listen, type ReceivedRequest } from './server.ts';
import { SchedulerStore, type StoredGroup, type StoredSchedule } from './store.ts';
import { Timetable } from './timetable.ts';

export type { DeadLetter, Delivery } from './delivery.ts';
export type { ApiFault, Fault } from './faults.ts';
export type { FailedEvent, Invocation, LambdaOptions } from './lambda.ts';
export type { ReceivedRequest } from './server.ts';

export interface SchedulerOptions {
  readonly clock: SimulatorClock;
  /** Default: a free port. */
  readonly port?: number;
  /** Default: 123456789012. */
  readonly accountId?: string;
  /** The region for unsigned requests. Signed requests name their region. Default: us-east-1. */
  readonly region?: string;
  /** Runs the function. A rejection is a function error, which Lambda retries. */
  readonly invoke?: (invocation: Invocation) => unknown;
  /** Replaces `invoke` with a Lambda invoke URL that receives the events. The function's result is then unknown. */
  readonly invokeUrl?: string;
  readonly lambda?: LambdaOptions;
  /** The most schedules in a region; default 10 million. */
  readonly quota?: number;
  readonly paging?: Partial<Paging>;
  /** Delay between a schedule's last invocation and its removal, if ActionAfterCompletion is DELETE; default 1 s. */
  readonly completionDelayMs?: number;
  /** Delay between deleting a group and its removal with its schedules; default 5 s. */
  readonly groupDeletionMs?: number;
  /** When to fire an `at` schedule whose time was already past when it was created; default `never`. */
  readonly pastAt?: 'never' | 'at_once';
  /** Called for every attempt to reach a target. */
  readonly delivered?: (delivery: Delivery) => void;
  /** Chooses the time within flexible windows; default: always the middle. */
  readonly random?: () => number;
}

export interface EmbeddedScheduler extends AsyncDisposable {
  /** `http://127.0.0.1:…`, for `AWS_ENDPOINT_URL_SCHEDULER`. */
  readonly url: string;
  /** The existing schedules, by region, group and name. */
  readonly schedules: readonly StoredSchedule[];
  groups(region: string): readonly StoredGroup[];
  /** All requests so far. */
  readonly requests: readonly ReceivedRequest[];
  /** All attempts to reach a target so far. */
  readonly deliveries: readonly Delivery[];
  readonly deadLetters: readonly DeadLetter[];
  /** Events that Lambda gave up on: after all retries, or because of their age. */
  readonly failedEvents: readonly FailedEvent[];
  /** How many events the function is processing. */
  readonly running: number;
  /** Adds faults; see `Fault`. */
  script(...faults: readonly Fault[]): void;
  /** Removes the faults that have not occurred yet. */
  unscript(): void;
  stop(): Promise<void>;
}

/** Starts an embedded Scheduler on loopback. */
export async function startScheduler(options: SchedulerOptions): Promise<EmbeddedScheduler> {
  const { clock } = options;
  const faults = new FaultScript();
  const lambda = new LambdaQueue(clock, options.invoke ?? (() => undefined), options.lambda);
  const send: Send =
    options.invokeUrl === undefined
      ? async (functionArn, payload) => lambda.accept(functionArn, JSON.parse(payload))
      : (_functionArn, payload) => post(clock, options.invokeUrl ?? '', payload);
  const courier = new Courier(clock, faults, send, options.delivered);
  const store: SchedulerStore = new SchedulerStore({
    clock,
    accountId: options.accountId ?? '123456789012',
    quota: options.quota ?? 10_000_000,
    groupDeletionMs: options.groupDeletionMs ?? 5_000,
    changed: (arn, schedule) => timetable.changed(arn, schedule),
  });
  const timetable = new Timetable({
    clock,
    pastAt: options.pastAt ?? 'never',
    random: options.random ?? (() => 0.5),
    deliver: (...order) => courier.deliver(...order),
    completed: (schedule) =>
      clock.at(clock.now() + (options.completionDelayMs ?? 1_000), () => {
        // a schedule that changed in the meantime is removed later, after its new last invocation
        if (store.find(schedule.Arn) === schedule) store.remove(schedule.Arn);
      }),
  });
  const operations = new Operations(store, () => clock.now(), {
    size: options.paging?.size ?? 100,
    startEmpty: options.paging?.startEmpty ?? false,
  });
  const server = await listen({
    clock,
    faults,
    operations,
    port: options.port ?? 0,
    region: options.region ?? 'us-east-1',
  });
  const stop = async () => {
    timetable.stop();
    await server.stop();
  };
  return {
    url: server.url,
    requests: server.requests,
    deliveries: courier.deliveries,
    deadLetters: courier.deadLetters,
    failedEvents: lambda.failures,
    get schedules() {
      return store.schedules();
    },
    get running() {
      return lambda.running;
    },
    groups: (region) => store.groups(region),
    script: (...added) => faults.add(...added),
    unscript: () => faults.clear(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Posts an event to a Lambda invoke URL, as an asynchronous invocation. */
async function post(clock: SimulatorClock, url: string, payload: string): Promise<void> {
  using limit = clock.limit(60_000);
  let answer: Response;
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'Event' },
      body: payload,
      signal: limit.signal,
    });
    await answer.body?.cancel();
  } catch (error) {
    throw new DeliveryError('SDK_CLIENT_ERROR', `${url} could not be reached: ${String(error)}`);
  }
  if (!answer.ok) throw new DeliveryError(`HTTP_${answer.status}`, `${url} answered ${answer.status}`);
}
