/** @module Names of schedules and groups: what the service takes, and who owns which. */
import { createHash } from 'node:crypto';
import type { FollowUpOf } from '../sweep/request/request-schema.ts';

/** 1 to 64 of letters, digits, `-`, `_` and `.`; not dots alone, which a URL on the way would lose. */
export const namePattern = /^(?!\.+$)[0-9a-zA-Z\-_.]{1,64}$/;
export const nameExpected = '1 to 64 letters, digits, "-", "_" and ".", and not dots alone';

/** Schedules that sweeps make for themselves. */
export const followUpMark = 'followup.';
/** Schedules that the deployment declares in its template. */
export const stackMark = 'stack.';

/** Who made a schedule of ours, by its name. Whether it is ours at all, its target decides: see `invokes`. */
export function ownerOf(name: string): 'follow-up' | 'deployment' | 'file' {
  if (name.startsWith(followUpMark)) return 'follow-up';
  return name.startsWith(stackMark) ? 'deployment' : 'file';
}

const withoutQualifier = (arn: string) => arn.split(':').slice(0, 7).join(':');

/** Whether a schedule's target is that function, by whatever version or alias. Only such a schedule is ours to change. */
export const invokes = (target: string | undefined, functionArn: string): boolean =>
  target !== undefined && withoutQualifier(target) === withoutQualifier(functionArn);

/** Why a schedule is left alone, for people. */
export const notOurs = (target: string | undefined): string =>
  `not ours: it invokes ${target ?? 'an unknown target'}`;

/** What the names of all follow-ups of a cluster begin with. A cluster's name has no dot, so none is another's prefix. */
export const followUpPrefix = (cluster: string) => `${followUpMark}${cluster}.`;

/**
 * The name of one round of one chain: the same whenever it is asked for, so that asking twice makes one schedule. At
 * most 63 characters for a cluster's name of 40 and a round below 100.
 */
export function followUpName(
  cluster: string,
  { sweepId, round }: Pick<FollowUpOf, 'sweepId' | 'round'>,
): string {
  const chain = createHash('sha256').update(sweepId).digest('hex').slice(0, 10);
  return `${followUpPrefix(cluster)}${chain}.${round}`;
}
