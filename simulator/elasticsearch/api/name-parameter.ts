/** @module The path parameter that names jobs or datafeeds, and `allow_no_match` with its older spellings (docs/elasticsearch.md §2.1). */
import { noSuchDatafeed, noSuchJob } from '../errors.ts';
import type { Call } from '../http/call.ts';
import type { Datafeed } from '../state/datafeed.ts';
import { byCodeUnit, resolve } from '../state/expressions.ts';
import type { Job } from '../state/job.ts';

type Kind = 'jobs' | 'datafeeds';

/** The value of `allow_no_match`, or of its older name if the request may use that name (see `takesOldName`). */
export function allowNoMatch(call: Call, kind: Kind): boolean {
  const old = `allow_no_${kind}`;
  let allowed = true;
  if (takesOldName(call) && call.query.has(old)) {
    allowed = call.query.flag(old, true);
    warnOldName(call, kind);
  }
  return call.query.flag('allow_no_match', allowed);
}

export function takesOldName({ context, compatibleWith }: Call): boolean {
  return context.cluster.major === 7 || (context.cluster.major === 8 && compatibleWith === 7);
}

export function warnOldName(call: Call, kind: Kind): void {
  call.warn(`Deprecated field [allow_no_${kind}] used, expected [allow_no_match] instead`);
}

/**
 * The jobs that the expression names, ordered by id.
 * @throws 404 if an id matches no job, or if a pattern matches no job and `allowed` is false
 */
export function jobsNamed(
  { context: { cluster } }: Call,
  expression: string,
  allowed: boolean,
  { withDeleting = false, withLeftovers = false } = {},
): Job[] {
  const names = cluster.jobNames({ withDeleting });
  const { ids: found, missing: unmatched } = resolve(expression, names, allowed);
  const { ids, missing } = withLeftovers
    ? addLeftovers(cluster, expression, found, unmatched)
    : { ids: found, missing: unmatched };
  if (missing.length > 0) throw noSuchJob(missing.join(','));
  return ids.flatMap((id) => cluster.jobs.get(id) ?? []);
}

/** Adds the jobs that are being deleted and still have a task, because a forced close finds them as well. */
function addLeftovers(
  cluster: Call['context']['cluster'],
  expression: string,
  found: readonly string[],
  missing: readonly string[],
): { ids: readonly string[]; missing: readonly string[] } {
  const hidden = cluster.sortedJobs.filter((id) => {
    const job = cluster.jobs.get(id);
    return job?.blocked?.reason === 'delete' && job.task !== undefined;
  });
  if (hidden.length === 0) return { ids: found, missing };
  const leftovers = resolve(expression, { ids: () => hidden, has: (id) => hidden.includes(id) }, true);
  return {
    ids: [...new Set([...found, ...leftovers.ids])].sort(byCodeUnit),
    missing: missing.filter((token) => !leftovers.ids.includes(token)),
  };
}

export function datafeedsNamed(
  { context: { cluster } }: Call,
  expression: string,
  allowed: boolean,
): Datafeed[] {
  const { ids, missing } = resolve(expression, cluster.datafeedNames(), allowed);
  if (missing.length > 0) throw noSuchDatafeed(missing.join(','));
  return ids.flatMap((id) => cluster.datafeeds.get(id) ?? []);
}

/** The job with exactly this id; groups and patterns are not resolved. @throws 404 if there is none */
export function oneJob({ context: { cluster } }: Call, id: string, { withDeleting = false } = {}): Job {
  const job = cluster.jobs.get(id);
  if (!job || (!withDeleting && job.blocked?.reason === 'delete')) throw noSuchJob(id);
  return job;
}

export function oneDatafeed({ context: { cluster } }: Call, id: string): Datafeed {
  const datafeed = cluster.datafeeds.get(id);
  if (!datafeed) throw noSuchDatafeed(id);
  return datafeed;
}
