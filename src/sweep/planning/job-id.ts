/** @module The ids that a close request may name: never a wildcard, `_all`, nothing, or a group. */

declare const concrete: unique symbol;
/**
 * The id of one job that the cluster listed. Only `concreteId` makes one, so a wildcard, `_all`, an empty string or
 * the name of a group cannot stand where a `JobId` is asked for.
 */
export type JobId = string & { readonly [concrete]: true };

/** The ids of one close request: at least one, by type. */
export type CloseBatch = readonly [JobId, ...JobId[]];

// The server's own rule for ids: it leaves out `*`, `,`, `_all` and everything that a URL would escape.
const idPattern = /^[a-z0-9](?:[a-z0-9_\-.]*[a-z0-9])?$/;

/** Whether a server could have given this id to a job. */
export const isId = (id: string): boolean => id.length <= 64 && idPattern.test(id);

/**
 * Whether a server could have given this id to a datafeed. It bounds only job ids at 64 characters, and Kibana calls a
 * datafeed `datafeed-` and the job's id (elastic/terraform-provider-elasticstack#3762).
 */
export const isDatafeedId = (id: string): boolean => idPattern.test(id);

/** The id as one that a close may name; undefined for anything that the server could take for more than one job. */
export function concreteId(id: string, groups: ReadonlySet<string>): JobId | undefined {
  return isId(id) && !groups.has(id) ? (id as JobId) : undefined;
}
