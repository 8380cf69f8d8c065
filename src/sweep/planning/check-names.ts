/** @module Warns about names in the request that match no job, and suggests the name that was probably meant. */
import { similarNames } from '../../base/did-you-mean.ts';
import { NoSuchJobError } from '../../base/errors.ts';
import { quote } from '../../base/text.ts';
import type { SweepRequest } from '../request/request-schema.ts';
import { type Named, unmatched } from './job-patterns.ts';

/** Maximum number of names that one message lists. Finding a similar name for each takes time. */
const maxNamed = 10;

/**
 * Warns about names that match no job; closed jobs count as matches. A mistyped exclusion would close the job that it
 * was meant to keep.
 * @throws {NoSuchJobError} instead of a warning about `jobs`, if `allowNoMatch` is false.
 */
export function checkNames(
  { jobs: names, exclude, force, allowNoMatch, followUpOf }: SweepRequest,
  jobs: readonly Named[],
): string[] {
  if (followUpOf) return [];
  const missing = missingOf('jobs', names, jobs);
  // break: must-match
  if (missing && !allowNoMatch)
    throw new NoSuchJobError(`${missing.text}, and allowNoMatch is false; nothing was closed${missing.hint}`);
  const spared = missingOf('exclude', exclude, jobs); // break: unmatched-exclusion
  const unforced = missingOf('force.exclude', force.exclude, jobs);
  return [
    ...(missing ? [missing.text + missing.hint] : []),
    ...(spared ? [`${spared.text}, so it keeps no job${spared.hint}`] : []),
    ...(unforced ? [`${unforced.text}, so it keeps no job from force${unforced.hint}`] : []),
  ];
}

/** The names that match no job, and a hint with the names that were probably meant. */
function missingOf(
  field: string,
  names: readonly string[],
  jobs: readonly Named[],
): { readonly text: string; readonly hint: string } | undefined {
  const missing = [...new Set(unmatched(names, jobs))];
  if (missing.length === 0) return undefined;
  const known = new Set(jobs.flatMap(({ jobId, groups }) => [jobId, ...groups]));
  const shown = missing.slice(0, maxNamed);
  const more = missing.length > maxNamed ? ` and ${missing.length - maxNamed} more` : '';
  const meant = shown.flatMap((name) => {
    const [similar] = name.includes('*') ? similarPattern(name, known) : similarNames(name, known);
    if (similar === undefined) return [];
    return [`${quote(similar)}${missing.length > 1 ? ` instead of ${quote(name)}` : ''}`];
  });
  return {
    text: `${field}: ${shown.map((name) => quote(name)).join(', ')}${more} matches no job of the cluster`,
    hint: meant.length > 0 ? `; did you mean ${meant.join(', ')}?` : '',
  };
}

/**
 * Corrects a pattern such as `capcity-*`: replaces its text with the similar beginning of a known name, up to a
 * separator such as `-`.
 */
function similarPattern(pattern: string, known: ReadonlySet<string>): string[] {
  const [stem = '', ...rest] = pattern.split('*');
  if (rest.join('') !== '') return [];
  const isCut = /[^a-z0-9]$/i.test(stem);
  const beginnings = new Set(
    [...known].flatMap((name) =>
      [...name.matchAll(/[^a-z0-9]/gi)].map(({ index }) => name.slice(0, isCut ? index + 1 : index)),
    ),
  );
  return similarNames(stem, beginnings).map((beginning) => `${beginning}*`);
}
