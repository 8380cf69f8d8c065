/** @module The ids that a close request may name: never a wildcard, `_all`, an empty string or a group. */

declare const concrete: unique symbol;
/**
 * The id of one job that the cluster listed. Only `concreteId` creates one, so a wildcard, `_all`, an empty string or the
 * name of a group can never be used as a `JobId`.
 */
export type JobId = string & { readonly [concrete]: true };

/** The ids of one close request: at least one, by type. */
export type CloseBatch = readonly [JobId, ...JobId[]];

// The server's own rule for ids. It excludes `*`, `,`, `_all` and everything that a URL would escape.
const idPattern = /^[a-z0-9](?:[a-z0-9_\-.]*[a-z0-9])?$/;

/** Whether a server could have given this id to a job. */
export const isId = (id: string): boolean => id.length <= 64 && idPattern.test(id);

/**
 * Whether a server could have given this id to a datafeed. Only job ids are limited to 64 characters; Kibana names a
 * datafeed `datafeed-` plus the job's id (elastic/terraform-provider-elasticstack#3762).
 */
export const isDatafeedId = (id: string): boolean => idPattern.test(id);

/** The id if a close may name it; undefined if the server could take it for more than one job. */
export function concreteId(id: string, groups: ReadonlySet<string>): JobId | undefined {
  return isId(id) && !groups.has(id) ? (id as JobId) : undefined;
}
