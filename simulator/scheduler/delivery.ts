/** @module Delivers a due schedule to its target: context attributes, attempts, retries, dead letters. */
import { randomUUID } from 'node:crypto';
import type { SimulatorClock } from '../clock.ts';
import type { FaultScript } from './faults.ts';
import { isLambda } from './request-input.ts';
import type { StoredSchedule } from './store.ts';

/** One attempt to reach a target. */
export interface Delivery {
  readonly scheduleArn: string;
  readonly name: string;
  /** The nominal due time, as the context attribute shows it. */
  readonly scheduledTime: string;
  readonly executionId: string;
  readonly attempt: number;
  /** When the attempt was made, in epoch milliseconds. */
  readonly at: number;
  readonly targetArn: string;
  readonly payload: string;
  /** Absent if the target accepted the event. */
  readonly error?: DeliveryError;
}

/** An entry in the dead-letter queue. */
export interface DeadLetter {
  readonly queueArn: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Why a target did not accept an event. Permanent errors are not retried. */
export class DeliveryError extends Error {
  readonly code: string;
  readonly permanent: boolean;

  constructor(code: string, message: string, permanent = false) {
    super(message);
    this.code = code;
    this.permanent = permanent;
  }
}

/** Sends an event to the function. Rejects with a DeliveryError if the event was not accepted. */
export type Send = (functionArn: string, payload: string) => Promise<void>;

export class Courier {
  readonly deliveries: Delivery[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly #clock: SimulatorClock;
  readonly #faults: FaultScript;
  readonly #send: Send;
  readonly #delivered: (delivery: Delivery) => void;

  constructor(
    clock: SimulatorClock,
    faults: FaultScript,
    send: Send,
    delivered: (delivery: Delivery) => void = () => {},
  ) {
    this.#delivered = delivered;
    this.#clock = clock;
    this.#faults = faults;
    this.#send = send;
  }

  /** Delivers one occurrence. Calls `done` when the target has accepted it or the attempts have ended. */
  deliver(schedule: StoredSchedule, due: number, windowMs: number, done: () => void): void {
    const fault = this.#faults.delivery(schedule.Name, 1);
    const set = this.#clock.now() + windowMs + (fault?.lateMs ?? 0);
    const copies = 1 + (fault?.duplicates ?? 0);
    let open = copies;
    const finished = () => {
      open -= 1;
      if (open === 0) done();
    };
    for (let copy = 0; copy < copies; copy++)
      this.#clock.at(
        set,
        () =>
          void this.#attempt({ schedule, due, attempt: 1, finished }, copy === 0 ? fault?.fail : undefined),
      );
  }

  async #attempt(
    order: {
      readonly schedule: StoredSchedule;
      readonly due: number;
      readonly attempt: number;
      readonly finished: () => void;
    },
    failure: { readonly code: string; readonly message?: string } | undefined,
  ): Promise<void> {
    const { schedule, due, attempt, finished } = order;
    const { Target } = schedule;
    const made = {
      scheduleArn: schedule.Arn,
      name: schedule.Name,
      scheduledTime: new Date(due).toISOString().replace(/\.\d+Z$/, 'Z'),
      executionId: randomUUID(),
      attempt,
      at: this.#clock.now(),
      targetArn: Target.Arn,
    };
    const delivery: Delivery = { ...made, payload: payload(schedule, made) };
    try {
      if (failure) throw new DeliveryError(failure.code, failure.message ?? failure.code);
      if (!isLambda(Target.Arn))
        throw new DeliveryError(
          'UnsupportedTarget',
          'The embedded Scheduler invokes Lambda functions only.',
          true,
        );
      await this.#send(Target.Arn, delivery.payload);
      this.#record(delivery);
      finished();
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      this.#record({ ...delivery, error });
      const exhausted = this.#exhausted(schedule, due, attempt, error);
      if (exhausted === undefined) {
        const next = { ...order, attempt: attempt + 1 };
        this.#clock.at(this.#clock.now() + backoff(attempt), () => {
          void this.#attempt(next, this.#faults.delivery(schedule.Name, next.attempt)?.fail);
        });
        return;
      }
      this.#bury(schedule, delivery, error, exhausted);
      finished();
    }
  }

  #record(delivery: Delivery): void {
    this.deliveries.push(delivery);
    this.#delivered(delivery);
  }

  /** Why the attempts end; undefined if another attempt follows. */
  #exhausted(
    schedule: StoredSchedule,
    due: number,
    attempt: number,
    error: DeliveryError,
  ): string | undefined {
    const { MaximumRetryAttempts, MaximumEventAgeInSeconds } = schedule.Target.RetryPolicy;
    if (error.permanent || attempt > MaximumRetryAttempts) return 'MaximumRetryAttempts';
    const next = this.#clock.now() + backoff(attempt);
    return next - due > MaximumEventAgeInSeconds * 1000 ? 'MaximumEventAgeInSeconds' : undefined;
  }

  #bury(schedule: StoredSchedule, delivery: Delivery, error: DeliveryError, condition: string): void {
    const queueArn = schedule.Target.DeadLetterConfig?.Arn;
    if (queueArn === undefined) return;
    this.deadLetters.push({
      queueArn,
      body: delivery.payload,
      attributes: {
        SCHEDULE_ARN: delivery.scheduleArn,
        TARGET_ARN: delivery.targetArn,
        SCHEDULED_TIME: delivery.scheduledTime,
        EXECUTION_ID: delivery.executionId,
        RETRY_ATTEMPTS: String(delivery.attempt - 1),
        ERROR_CODE: error.code,
        ERROR_MESSAGE: error.message,
        EXHAUSTED_RETRY_CONDITION: condition,
        IS_PAYLOAD_TRUNCATED: 'false',
      },
    });
  }
}

/** Exponential backoff from 15 seconds to an hour. The service does not document its delays. */
const backoff = (attempt: number) => Math.min(3_600_000, 15_000 * 2 ** (attempt - 1));

/** The Input with its context attributes filled in, or the default event of a schedule without Input. */
function payload(
  { Target, Arn }: StoredSchedule,
  made: Pick<Delivery, 'scheduledTime' | 'executionId' | 'attempt' | 'scheduleArn'>,
): string {
  if (Target.Input !== undefined)
    return Target.Input.replaceAll('<aws.scheduler.schedule-arn>', Arn)
      .replaceAll('<aws.scheduler.scheduled-time>', made.scheduledTime)
      .replaceAll('<aws.scheduler.execution-id>', made.executionId)
      .replaceAll('<aws.scheduler.attempt-number>', String(made.attempt));
  const [, , , region, account] = Arn.split(':');
  return JSON.stringify({
    version: '0',
    id: made.executionId,
    'detail-type': 'Scheduled Event',
    source: 'aws.scheduler',
    account,
    time: made.scheduledTime,
    region,
    resources: [Arn],
    detail: '{}',
  });
}
