/** @module Listings that are whole: by ids that may have vanished, and past the 10,000 entries that one answer holds. */
import { UnreadableEntriesError } from '../base/errors.ts';

/** The server's own size of a listing; whatever is beyond is left out without a word. */
export const mostListed = 10_000;

/** What ids and group names begin with, and what may follow. */
const firstCharacters = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('');
const laterCharacters = [...firstCharacters, '_', '-', '.'];
/** Bytes of ids in one request line, which servers end at 4,096; a comma travels as `%2C`. */
const mostIdBytes = 3_000;
/** Parts of one listing: 31,000 jobs of one long prefix take some 40. More is a server that answers anything with everything. */
const mostParts = 200;
/** Seen this share of what one answer holds, a prefix is taken to be full without asking. */
const surelyFull = 0.9;
/** Requests by ids side by side: 2,000 jobs that are watched would else be 45 at once. */
const mostAtOnce = 4;

/** Requests that look for the ids at fault in one that failed: one id among fifty takes about twelve. */
const maxSearches = 24;

/** How one kind of entry is read. Rejects with whatever ends the sweep. */
export interface Source<T> {
  /** What an expression of wildcards names; everything without one. */
  matching(expression: string | undefined): Promise<readonly T[]>;
  /** What one name stands for, an entry or a group of them; empty for nothing. */
  called(name: string): Promise<readonly T[]>;
  /** The entries of concrete ids, or, of those, the ids that the server says do not exist. */
  named(ids: readonly string[], tries: 'all' | 'one'): Promise<Named<T>>;
  idOf(entry: T): string;
}

export type Named<T> =
  | { readonly entries: readonly T[] }
  | { readonly missing: readonly string[] }
  /** The cluster answered with an error that may concern one of the ids only. */
  | { readonly refused: Error };

/** More entries than can be told apart in a bounded number of reads. */
export class EndlessListing extends Error {}

/**
 * All entries. An answer of 10,000 may have been cut, so it is read again in parts, by the first characters of the id:
 * `a*,b*,c*` in one request where few are expected, one prefix alone where many are, and deeper where that is full too,
 * or is sure to be: ids begin alike, and 10,000 entries for each character of `team-` would be read to learn nothing.
 * A wildcard matches group names as well, so parts overlap, and a part that is full because of a group is split until
 * the group's name is passed. What was seen so far only steers how parts are cut; a part counts as read when its answer
 * was not full.
 */
export async function readAll<T>(source: Source<T>): Promise<T[]> {
  const everything = await source.matching(undefined);
  if (everything.length < mostListed) return [...everything];
  const whole = new Map<string, readonly T[]>();
  const take = (entries: readonly T[]) => {
    // an id twice in one answer stays twice: whoever joins the answers must see that they contradict each other
    for (const [id, same] of Map.groupBy(entries, (entry) => source.idOf(entry))) whole.set(id, same);
  };
  take(everything);
  const parts: (readonly string[])[] = [];
  const split = async (prefix: string) => {
    const { passed, below } = cut(prefix, [...whole.keys()]);
    parts.push(...below);
    // No wildcard below reaches a prefix itself, which may be an id. (A group of that name answers with its jobs.)
    for (const name of passed) if (/[a-z0-9]$/.test(name)) take(await source.called(name));
  };
  await split('');
  let reads = 0;
  for (let part = parts.pop(); part; part = parts.pop()) {
    reads += 1;
    if (reads > mostParts) throw new EndlessListing(`it has no end after ${mostParts} parts`);
    const entries = await source.matching(part.map((prefix) => `${prefix}*`).join(','));
    take(entries);
    if (entries.length < mostListed) continue;
    const [prefix = '', ...others] = part;
    if (others.length > 0) {
      const half = part.length >> 1;
      parts.push(part.slice(0, half), part.slice(half));
      continue;
    }
    await split(prefix);
  }
  return [...whole.values()].flat();
}

interface Cut {
  /** Prefixes that have been passed, the one that was cut first: each may be an id. */
  readonly passed: readonly string[];
  /** Parts that together reach all ids that are longer than those, and begin with the first of them. */
  readonly below: readonly (readonly string[])[];
}

/**
 * The prefixes one character longer, packed so that of the ids seen so far no part but a single prefix has half of what
 * fits. One that as good as fills an answer is passed, and cut in its turn.
 */
function cut(prefix: string, seen: readonly string[]): Cut {
  const passed = [prefix];
  const below: string[][] = [];
  let room = 0;
  let bytes = 0;
  const pack = (longer: string, count: number) => {
    const cost = longer.length + 4; // an asterisk and a comma
    if (below.length === 0 || count > room || cost > bytes) {
      below.push([]);
      room = mostListed / 2;
      bytes = mostIdBytes;
    }
    below.at(-1)?.push(longer);
    room -= count;
    bytes -= cost;
  };
  // grows while it is gone through
  for (const next of passed) {
    const counts = countNext(next, seen);
    for (const character of next === '' ? firstCharacters : laterCharacters) {
      const count = counts.get(character) ?? 0;
      if (count < mostListed * surelyFull) pack(next + character, count);
      else passed.push(next + character);
    }
  }
  return { passed, below };
}

/** How many of `ids` have which character after the prefix. */
function countNext(prefix: string, ids: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) {
    const next = id[prefix.length];
    if (next !== undefined && id.startsWith(prefix)) counts.set(next, (counts.get(next) ?? 0) + 1);
  }
  return counts;
}

/** The entries of those of `ids` that exist. */
export async function readByIds<T>(source: Source<T>, ids: readonly string[]): Promise<T[]> {
  const wanted = new Set(ids);
  const lists = chunks([...wanted]);
  const found: T[][] = [];
  const readOn = async () => {
    for (let list = lists.pop(); list; list = lists.pop()) found.push(await readChunk(source, list));
  };
  await Promise.all(Array.from({ length: mostAtOnce }, readOn));
  return found.flat().filter((entry) => wanted.has(source.idOf(entry)));
}

/** A 404 names the ids that do not exist, and the rest is asked for again. */
async function readChunk<T>(source: Source<T>, ids: readonly string[]): Promise<T[]> {
  let left = ids;
  while (left.length > 0) {
    const answer = await source.named(left, 'all');
    if ('entries' in answer) return [...answer.entries];
    if ('refused' in answer) throw (await findUnreadable(source, left)) ?? answer.refused;
    const missing = new Set(answer.missing);
    const rest = left.filter((id) => !missing.has(id));
    // A 404 that names none of ours: the whole listing tells what is there.
    if (rest.length === left.length) {
      const wanted = new Set(left);
      return (await readAll(source)).filter((entry) => wanted.has(source.idOf(entry)));
    }
    left = rest;
  }
  return [];
}

/**
 * The ids at fault in a read that failed, found by reading halves. Undefined where every part fails: then the cause is
 * the cluster's. Each part is read once, as the whole was tried several times, and the number of reads is bounded.
 */
async function findUnreadable<T>(
  source: Source<T>,
  ids: readonly string[],
): Promise<UnreadableEntriesError | undefined> {
  const unreadable = new Map<string, Error>();
  const parts = [ids];
  let isAnyRead = false;
  let searches = 0;
  for (let part = parts.pop(); part; part = parts.pop()) {
    const half = Math.ceil(part.length / 2);
    for (const list of [part.slice(0, half), part.slice(half)]) {
      if (list.length === 0) continue;
      searches += 1;
      if (searches > maxSearches) return undefined;
      const answer = await source.named(list, 'one');
      if (!('refused' in answer)) isAnyRead = true;
      else if (list.length > 1) parts.push(list);
      else for (const id of list) unreadable.set(id, answer.refused);
    }
  }
  return isAnyRead && unreadable.size > 0 ? new UnreadableEntriesError(unreadable) : undefined;
}

/** `ids` in lists that each fit a request line. */
export function chunks(ids: readonly string[]): string[][] {
  const lists: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const id of ids) {
    const cost = encodeURIComponent(id).length + 3;
    if (bytes + cost > mostIdBytes) {
      lists.push([]);
      bytes = 0;
    }
    lists.at(-1)?.push(id);
    bytes += cost;
  }
  return lists;
}

/** The ids that a 404 says do not exist, in either of the server's forms; empty when it says something else. */
export function missingIds(reason: string): string[] {
  const listed =
    /^No known job with id '([^']*)'$/.exec(reason) ??
    /^No datafeed with id \[([^\]]*)\] exists$/.exec(reason);
  return listed?.[1] ? listed[1].split(',').map((id) => id.trim()) : [];
}
