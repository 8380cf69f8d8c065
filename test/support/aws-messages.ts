/** @module Simulates SNS and EventBridge over HTTP, as far as notifications use them. */
import { type Exchange, type ScriptedServer, serve } from './scripted-server.ts';

export interface Failure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export interface Topic extends ScriptedServer {
  /** The parameters of the publications that were accepted. */
  readonly published: Record<string, string>[];
}

/** Simulates SNS, which accepts each publication unless `failWith` returns a failure for its number (from 0). */
export async function startSns(
  failWith: (call: number) => Failure | undefined = () => undefined,
): Promise<Topic> {
  // Loaded in advance, because a busy machine may need longer than the time limit of a notification.
  await import('@aws-sdk/client-sns');
  const published: Record<string, string>[] = [];
  const server = await serve(({ body, raw, index }) => {
    const failure = failWith(index);
    const xml = { 'content-type': 'text/xml' };
    if (failure)
      return raw(
        `<ErrorResponse><Error><Type>Sender</Type><Code>${failure.code}</Code><Message>${failure.message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
        failure.status,
        xml,
      );
    published.push(Object.fromEntries(new URLSearchParams(body)));
    raw(
      '<PublishResponse><PublishResult><MessageId>94f20ce6-13c5-43a0-9a9e-ca52d816e90b</MessageId></PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>',
      200,
      xml,
    );
  });
  return { ...server, published };
}

export interface BusEntry {
  readonly Source: string;
  readonly DetailType: string;
  readonly Detail: string;
  readonly EventBusName: string;
}

export interface Bus extends ScriptedServer {
  /** The entries that were received. */
  readonly entries: BusEntry[];
}

/** Simulates EventBridge, which accepts each entry unless `refuseWith` returns an error for its number (from 0). */
export async function startEvents(
  refuseWith: (
    call: number,
  ) => { readonly ErrorCode: string; readonly ErrorMessage: string } | undefined = () => undefined,
): Promise<Bus> {
  await import('@aws-sdk/client-eventbridge');
  const entries: BusEntry[] = [];
  const server = await serve(({ body, raw, index, headers }: Exchange) => {
    const json = { 'content-type': 'application/x-amz-json-1.1' };
    if (headers['x-amz-target'] !== 'AWSEvents.PutEvents')
      return raw(JSON.stringify({ __type: 'UnknownOperationException' }), 400, json);
    entries.push(...(JSON.parse(body) as { Entries: BusEntry[] }).Entries);
    const refused = refuseWith(index);
    const answer = refused
      ? { FailedEntryCount: 1, Entries: [refused] }
      : { FailedEntryCount: 0, Entries: [{ EventId: '11710aed-b79e-4468-a20b-bb3c0c3b4860' }] };
    raw(JSON.stringify(answer), 200, json);
  });
  return { ...server, entries };
}

export const topicArn = 'arn:aws:sns:eu-central-1:123456789012:jobsweep';

/** The environment variables with which the SDK sends its requests to the given addresses. */
export const awsEnvironment = (sns: string, events: string): Readonly<Record<string, string>> => ({
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  AWS_ENDPOINT_URL_SNS: sns,
  AWS_ENDPOINT_URL_EVENTBRIDGE: events,
});
