/**
 * @module Compares this machine's clock with the cluster's. Jobs are judged by the cluster's timestamps, so a clock that
 * is ahead makes busy jobs look idle.
 */
import { formatDuration } from '../../base/duration.ts';
import { WrongClockError } from '../../base/errors.ts';
import { plural } from '../../base/text.ts';
import type { ServerDate } from '../ports.ts';
import type { SweepRequest } from '../request/request-schema.ts';
import type { JobSnapshot } from './inventory.ts';

const minute = 60_000;
/** From this difference on, a sweep warns. Clocks with working time synchronization differ by less. Milliseconds. */
const warnFrom = 5 * minute;
/**
 * If this machine's clock is ahead by this much or more, a sweep is refused. Most requests have an `idleFor` of some
 * hours or more, so a clock this wrong would decide which jobs are closed. Milliseconds.
 */
const refuseFrom = 60 * minute;

/**
 * Warnings about a difference between this machine's clock and the server's.
 * @throws {WrongClockError} when this machine's clock is ahead by an hour or more. This includes dry runs, because
 * their plans would be wrong.
 */
export function compareClocks(server: ServerDate | undefined): string[] {
  if (!server) return [];
  // The header has a resolution of one second and was written between the request and its answer.
  const ahead = server.sentAt - (server.date + 1_000);
  const behind = server.date - server.receivedAt;
  if (ahead >= refuseFrom)
    throw new WrongClockError(
      `this machine's clock is ${inMinutes(ahead)} ahead of the Date header of the cluster's answers, so busy jobs look idle; nothing was closed. Set this machine's clock, or the clock of the cluster's proxy if that is wrong.`,
    );
  if (ahead >= warnFrom)
    return [
      `this machine's clock is ${inMinutes(ahead)} ahead of the Date header of the cluster's answers: jobs are closed that much too early; from 60 minutes on, a sweep is refused`,
    ];
  if (behind >= warnFrom)
    return [
      `this machine's clock is ${inMinutes(behind)} behind the Date header of the cluster's answers: jobs are kept that much too long`,
    ];
  return [];
}

const inMinutes = (ms: number) => plural(Math.floor(ms / minute), 'minute');

/**
 * Warns if datafeeds run in real time but no job has recent data. It is unlikely that every data source fell silent, so
 * either ingest has stopped or a clock is wrong.
 */
export function silenceWarnings(
  { idleFor }: Pick<SweepRequest, 'idleFor'>,
  jobs: readonly JobSnapshot[],
  now: number,
): string[] {
  const feeding = jobs.filter(
    ({ datafeed }) => datafeed?.state === 'started' && datafeed.lookback !== 'running',
  ).length;
  const isFed = jobs.some(({ lastDataTime }) => lastDataTime !== undefined && now - lastDataTime < idleFor);
  if (feeding === 0 || isFed) return [];
  return [
    `${plural(feeding, 'real-time datafeed')} running, but no job of the cluster has had data in the last ${formatDuration(idleFor)}: either ingest has stopped, or this machine's clock is ahead`,
  ];
}
