/**
 * @module Whether this machine's clock can be right. A clock that is wrong forward makes busy jobs look idle, and the
 * clocks of jobs are the cluster's, so the sweep compares.
 */
import { formatDuration } from '../../base/duration.ts';
import { WrongClockError } from '../../base/errors.ts';
import { plural } from '../../base/text.ts';
import type { ServerDate } from '../ports.ts';
import type { SweepRequest } from '../request/request-schema.ts';
import type { JobSnapshot } from './inventory.ts';

const minute = 60_000;
/** More than two machines that keep time differ by. */
const warnFrom = 5 * minute;
/** The shortest `idleFor` that people use is some hours: a clock this wrong decides which jobs are closed. */
const refuseFrom = 60 * minute;

/**
 * Warnings about a difference between this machine's clock and the server's.
 * @throws {WrongClockError} when this machine's clock is ahead by an hour or more. A dry run too: its plan would be wrong.
 */
export function compareClocks(server: ServerDate | undefined): string[] {
  if (!server) return [];
  // the header counts whole seconds, and was written at some time between the request and its answer
  const ahead = server.sentAt - (server.date + 1_000);
  const behind = server.date - server.receivedAt;
  if (ahead >= refuseFrom)
    throw new WrongClockError(
      `this machine's clock is ${inMinutes(ahead)} ahead of the Date that the cluster's answers carry, so that busy jobs look idle; nothing was closed. Set this machine's clock, or the clock of the cluster's proxy if that is wrong.`,
    );
  if (ahead >= warnFrom)
    return [
      `this machine's clock is ${inMinutes(ahead)} ahead of the Date that the cluster's answers carry: jobs are closed that much too early; from 60 minutes on, a sweep is refused`,
    ];
  if (behind >= warnFrom)
    return [
      `this machine's clock is ${inMinutes(behind)} behind the Date that the cluster's answers carry: jobs are kept that much too long`,
    ];
  return [];
}

const inMinutes = (ms: number) => plural(Math.floor(ms / minute), 'minute');

/** A warning when datafeeds run in real time and no job of the cluster has recent data: not every feed stops at once. */
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
