/** @module Suggests the name that a person probably meant. */
import { closest, distance } from 'fastest-levenshtein';

/** The known name closest to `name` if a typo is a likely explanation; otherwise undefined. */
export function didYouMean(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const nearest = closest(name, known);
  return isSimilar(name.toLowerCase(), nearest.toLowerCase()) ? nearest : undefined;
}

/** A hint for an unknown field: the field that was probably meant, if any, and all known fields. */
export function knownFieldsHint(name: string, known: readonly string[]): string {
  const nearest = didYouMean(name, known);
  const all = known.join(', ');
  return nearest === undefined ? `the fields here are ${all}` : `did you mean ${nearest}? (${all})`;
}

/** The known names that differ from `name` in only a few characters, the most similar first, at most three. */
export function similarNames(name: string, known: Iterable<string>): string[] {
  const max = Math.max(2, name.length / 3);
  return [...known]
    .map((each) => ({ each, off: distance(each, name) }))
    .filter(({ off, each }) => off <= max && off < each.length)
    .sort((a, b) => a.off - b.off)
    .slice(0, 3)
    .map(({ each }) => each);
}

/** Whether `name` may be a typo of `known`. The closest known name can still be a completely different one. */
function isSimilar(name: string, known: string): boolean {
  return (
    name.includes(known) ||
    known.includes(name) ||
    distance(name, known) <= Math.max(2, Math.floor(known.length / 2))
  );
}
