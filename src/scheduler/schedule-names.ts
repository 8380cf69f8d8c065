/** @module Names of schedules and groups: the service's rules, and how a schedule's name shows its owner. */
import { createHash } from 'node:crypto';
import type { FollowUpOf } from '../sweep/request/request-schema.ts';

/** The service's limit for the name of a schedule, in characters. */
export const maxNameLength = 64;
/**
 * The service's pattern, except that a name must not consist only of dots, which would be dropped from the path of a
 * URL.
 */
export const namePattern = /^(?!\.+$)[0-9a-zA-Z\-_.]{1,64}$/;
export const nameExpected = '1 to 64 letters, digits, "-", "_" and ".", and not dots alone';

/** Prefix of the schedules that sweeps create for their follow-ups. */
export const followUpMark = 'followup.';
/** Prefix of the schedules that the deployment's template declares. */
export const stackMark = 'stack.';

/**
 * Who created a schedule of ours, according to its name. (Whether a schedule is ours depends on its target: see
 * `invokes`.)
 */
export function ownerOf(name: string): 'follow-up' | 'deployment' | 'file' {
  if (name.startsWith(followUpMark)) return 'follow-up';
  return name.startsWith(stackMark) ? 'deployment' : 'file';
}

const withoutQualifier = (arn: string) => arn.split(':').slice(0, 7).join(':');

/** Whether a schedule invokes the function, in any version or alias. We change only such schedules. */
export const invokes = (target: string | undefined, functionArn: string): boolean =>
  target !== undefined && withoutQualifier(target) === withoutQualifier(functionArn);

/** A clause for messages: why a schedule is not changed. */
export const notOurs = (target: string | undefined): string =>
  `not ours: it invokes ${target ?? 'an unknown target'}`;

/**
 * The prefix of a cluster's follow-ups. Cluster names contain no dots, so the prefix of one cluster never matches
 * follow-ups of another.
 */
export const followUpPrefix = (cluster: string) => `${followUpMark}${cluster}.`;

/**
 * The name of a follow-up's schedule. `round` counts the follow-ups after the sweep `sweepId`. The name depends only on
 * the parameters, so that two create calls for one follow-up create only one schedule. It has at most 63 characters if
 * the cluster's name has 40 and the round is below 100.
 */
export function followUpName(
  cluster: string,
  { sweepId, round }: Pick<FollowUpOf, 'sweepId' | 'round'>,
): string {
  const chain = createHash('sha256').update(sweepId).digest('hex').slice(0, 10);
  return `${followUpPrefix(cluster)}${chain}.${round}`;
}
