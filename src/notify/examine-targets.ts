/**
 * @module Checks the topic and the bus for notifications without sending a message. Only `jobsweep doctor` loads this
 * module.
 */
import { checkBus, checkTopic, optionsFor, sdkProblem, within } from './aws-targets.ts';
import type { SendContext } from './delivery.ts';

/** `unreadable`: the credentials do not allow reading the target, but may still allow sending to it. */
export type TargetState =
  | { readonly state: 'exists'; readonly topic?: TopicFacts }
  | { readonly state: 'missing' | 'unreadable' | 'failed'; readonly why: string };

export interface TopicFacts {
  /** Number of subscriptions that get messages; undefined if the service does not report it. */
  readonly subscriptions: number | undefined;
  readonly keyId: string | undefined;
}

/** @throws {DeliveryError} if `topicArn` is not the ARN of a standard topic. */
export async function examineTopic(topicArn: string, on: SendContext): Promise<TargetState> {
  checkTopic(topicArn);
  const { GetTopicAttributesCommand, SNSClient } = await import('@aws-sdk/client-sns');
  const client = new SNSClient(optionsFor(topicArn, on));
  try {
    const command = new GetTopicAttributesCommand({ TopicArn: topicArn });
    const { Attributes: found = {} } = await within(
      on.signal,
      client.send(command, { abortSignal: on.signal }),
    );
    const confirmed = Number(found.SubscriptionsConfirmed ?? Number.NaN);
    const subscriptions = Number.isInteger(confirmed) ? confirmed : undefined;
    return { state: 'exists', topic: { subscriptions, keyId: found.KmsMasterKeyId } };
  } catch (error) {
    return stateOf(error, on.signal);
  } finally {
    client.destroy();
  }
}

/** @throws {DeliveryError} if `bus` is not the name or the ARN of an event bus. */
export async function examineBus(bus: string, on: SendContext): Promise<TargetState> {
  checkBus(bus);
  const { DescribeEventBusCommand, EventBridgeClient } = await import('@aws-sdk/client-eventbridge');
  const client = new EventBridgeClient(optionsFor(bus, on));
  try {
    const command = new DescribeEventBusCommand({ Name: bus });
    await within(on.signal, client.send(command, { abortSignal: on.signal }));
    return { state: 'exists' };
  } catch (error) {
    return stateOf(error, on.signal);
  } finally {
    client.destroy();
  }
}

function stateOf(error: unknown, signal: AbortSignal): TargetState {
  const { message: why } = sdkProblem(error, signal);
  const name = (error as Error).name;
  if (/^(NotFound|ResourceNotFound)/.test(name)) return { state: 'missing', why };
  if (/^(AuthorizationError|AccessDenied)/.test(name)) return { state: 'unreadable', why };
  return { state: 'failed', why };
}
