/** @module Messages on standard error about names in the request that select no open job. */
import { plural, quote } from '../../base/text.ts';
import { checkNames } from '../../sweep/planning/check-names.ts';
import { matcher, type Named } from '../../sweep/planning/job-patterns.ts';
import type { Plan } from '../../sweep/sweep.ts';
import type { Io } from '../io.ts';
import { fitted } from '../output/table.ts';

/**
 * Writes the messages. `isShown` is true if the user sees the plan's warnings before anything is closed. Otherwise, the
 * plan's warnings about names are written here: the user must see a misspelled exclusion before its job is closed.
 */
export function noteNames({ order, found }: Plan, isShown: boolean, io: Io): void {
  const { request, planned } = order;
  if (planned || request.followUpOf) return;
  const warnings = isShown ? [] : checkNames(request, found.jobs);
  for (const text of [
    ...warnings.map((each) => `warning: ${each}`),
    ...closedNames(request.jobs, found.jobs),
  ])
    io.stderr.write(`${fitted(`jobsweep: ${text}`, io.stderr)}\n`);
}

const maxNamed = 10;

/** Messages about names whose jobs are all closed: a sweep has nothing to do for these names. */
function closedNames(
  names: readonly string[],
  jobs: readonly (Named & { readonly reportedState: string })[],
): string[] {
  const closed = names.filter((name) => {
    const matches = matcher([name]);
    const own = jobs.filter(matches);
    return own.length > 0 && own.every(({ reportedState }) => reportedState === 'closed');
  });
  const ids = new Set(jobs.map(({ jobId }) => jobId));
  const lines = closed
    .slice(0, maxNamed)
    .map((name) =>
      ids.has(name)
        ? `the job ${quote(name)} is closed already`
        : `every job that ${quote(name)} matches is closed already`,
    );
  const more = closed.length - lines.length;
  return more > 0 ? [...lines, `the same for ${plural(more, 'other name')} of jobs`] : lines;
}
