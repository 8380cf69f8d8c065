/**
 * @module Matches the names of a request (ids, groups, wildcards) against jobs. Names only select from listed jobs; they
 * never reach a close request (see `JobId`).
 */

/** The texts that a name can match: a job's id, or any of its groups. */
export interface Named {
  readonly jobId: string;
  readonly groups: readonly string[];
}

/**
 * Returns a function that checks whether any of `names` matches a job. `*` and `_all` match every job
 * (docs/contract.md §1).
 */
export function matcher(names: readonly string[]): (job: Named) => boolean {
  const exact = new Set(names);
  if (exact.has('_all')) return () => true;
  // Stryker disable next-line MethodExpression,StringLiteral: as a pattern an exact name matches the same, only slower
  const patterns = names.filter((name) => name.includes('*'));
  const matches = (text: string) =>
    exact.has(text) || patterns.some((pattern) => matchesWildcard(pattern, text));
  // break: pattern-on-groups
  return ({ jobId, groups }) => matches(jobId) || groups.some(matches);
}

/** The names that match none of `jobs`. `*` and `_all` always match, because an empty cluster is not a typo. */
export function unmatched(names: readonly string[], jobs: readonly Named[]): string[] {
  return names.filter((name) => {
    if (name === '_all' || name === '*') return false;
    const matches = matcher([name]);
    return !jobs.some(matches);
  });
}

/**
 * `*` matches any characters. Greedy with one backtracking point, so `a*a*a*a*b` costs pattern length times text length; a
 * regular expression could take exponentially longer.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = t;
    } else if (pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
