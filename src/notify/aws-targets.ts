/** @module Sends to SNS and EventBridge. Loaded only if one of them is a target, because their clients are large. */
import { printable } from '../base/text.ts';
import { awsAgents } from '../base/way-out.ts';
import { DeliveryError, defaultRetryMs, type SendContext } from './delivery.ts';
import { eventDetail, eventSource } from './event.ts';
import type { Message } from './message.ts';
import { snsPublication } from './sns.ts';

/**
 * The options of the AWS client for a target. The region comes from the target's ARN, because the target and the
 * function may be in different regions.
 */
export function optionsFor(arn: string, { environment }: SendContext) {
  const region = arn.startsWith('arn:') ? arn.split(':')[3] : undefined;
  try {
    return { ...(region && { region }), maxAttempts: 1, requestHandler: awsAgents(environment) };
  } catch (error) {
    // The proxy setting is invalid. The error's message never contains the proxy's password.
    throw new DeliveryError((error as Error).message);
  }
}

/** Stops waiting when the signal aborts: Node cannot abort a request while its tunnel through a proxy opens. */
export async function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  if (signal.aborted) reject(signal.reason as Error);
  return await Promise.race([work, late]);
}

/**
 * @throws {DeliveryError} unless `topicArn` is the ARN of a standard topic. (A FIFO topic requires a group for each
 * message.)
 */
export function checkTopic(topicArn: string): void {
  if (!/^arn:aws[a-z-]*:sns:[^:]+:\d+:[^:]+$/.test(topicArn) || topicArn.endsWith('.fifo'))
    throw new DeliveryError('JOBSWEEP_NOTIFY_SNS_TOPIC_ARN is not the ARN of a standard SNS topic');
}

/** @throws {DeliveryError} if `bus` is not the name or the ARN of an event bus. */
export function checkBus(bus: string): void {
  if (!/^(arn:aws[a-z-]*:events:[^:]+:\d+:event-bus\/)?[\w./-]{1,256}$/.test(bus))
    throw new DeliveryError('JOBSWEEP_NOTIFY_EVENT_BUS is not the name or ARN of an event bus');
}

/** @throws {DeliveryError} */
export async function publish(topicArn: string, message: Message, on: SendContext): Promise<void> {
  checkTopic(topicArn);
  const { SNSClient, PublishCommand } = await import('@aws-sdk/client-sns');
  const client = new SNSClient(optionsFor(topicArn, on));
  try {
    const command = new PublishCommand({ TopicArn: topicArn, ...snsPublication(message) });
    await within(on.signal, client.send(command, { abortSignal: on.signal }));
  } catch (error) {
    throw sdkProblem(error, on.signal);
  } finally {
    client.destroy();
  }
}

/** @throws {DeliveryError} */
export async function putEvent(bus: string, message: Message, on: SendContext): Promise<void> {
  checkBus(bus);
  const { EventBridgeClient, PutEventsCommand } = await import('@aws-sdk/client-eventbridge');
  const client = new EventBridgeClient(optionsFor(bus, on));
  const entry = {
    EventBusName: bus,
    Source: eventSource,
    DetailType: message.kind,
    Detail: JSON.stringify(eventDetail(message)),
  };
  try {
    const { FailedEntryCount: failed = 0, Entries: entries = [] } = await within(
      on.signal,
      client.send(new PutEventsCommand({ Entries: [entry] }), { abortSignal: on.signal }),
    );
    if (failed === 0) return;
    // The call succeeds even if the bus rejects the event.
    const { ErrorCode: errorCode = 'FailedEntry', ErrorMessage: why = '' } = entries[0] ?? {};
    const mayPass = /^(Throttling|InternalFailure|InternalException)/.test(errorCode);
    throw new DeliveryError(printable(`${errorCode} ${why}`.trim()), mayPass ? defaultRetryMs : undefined);
  } catch (error) {
    throw error instanceof DeliveryError ? error : sdkProblem(error, on.signal);
  } finally {
    client.destroy();
  }
}

export function sdkProblem(error: unknown, signal: AbortSignal): DeliveryError {
  if (signal.aborted) return new DeliveryError('no answer in time');
  const { name, code, message, $metadata } = error as {
    readonly name?: string;
    readonly code?: unknown;
    readonly message?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  const isNetwork = typeof code === 'string' && status === undefined;
  const mayPass = isNetwork || status === 429 || (status ?? 0) >= 500 || /Throttl/.test(name ?? '');
  const text = isNetwork ? code : `${name ?? 'Error'}: ${message ?? ''}`;
  return new DeliveryError(printable(text).slice(0, 300), mayPass ? defaultRetryMs : undefined);
}
