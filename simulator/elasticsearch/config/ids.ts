/** @module The rules for ids of jobs, groups and datafeeds, and their errors (docs/elasticsearch.md §3.7, §6). */
import { illegalArgument } from '../errors.ts';

const pattern = /^[a-z0-9](?:[a-z0-9_\-.]*[a-z0-9])?$/;
export const idRule =
  'can contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; must start and end with alphanumeric';

/** `what` is the name of the field, `job_id` or `datafeed_id`. @throws 400 if the id is invalid */
export function checkId(what: 'job_id' | 'datafeed_id', id: string): void {
  if (!pattern.test(id)) throw illegalArgument(`Invalid ${what}; '${id}' ${idRule}`);
  // the server limits the length of job ids only, so `datafeed-<job id>` may be longer
  if (what === 'job_id' && id.length > 64)
    throw illegalArgument('The job id cannot contain more than 64 characters.');
}

export function checkGroup(group: string): void {
  if (!pattern.test(group))
    throw illegalArgument(
      `Invalid group id '${group}'; must be non-empty string and may contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; must start and end with alphanumeric`,
    );
}
