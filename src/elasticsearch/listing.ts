/**
 * @module Reads complete listings. A listing of given ids may include ids that no longer exist. A listing of all
 * entries may have more than the 10,000 that fit in an answer.
 */
import { UnreadableEntriesError } from '../base/errors.ts';
import { printable } from '../base/text.ts';
import { maxIdBytes, separatorBytes } from '../sweep/request-line.ts';

/** The server's limit for one listing. The server silently leaves out all further entries. */
export const mostListed = 10_000;

/** The characters that ids and group names may begin with, and those that may follow. */
const firstCharacters = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('');
const laterCharacters = [...firstCharacters, '_', '-', '.'];
/**
 * Maximum number of parts of a listing, in case the server ignores the prefix and always returns everything. A listing
 * of 31,000 jobs with one long prefix takes about 40 parts.
 */
const mostParts = 200;
/**
 * If at least this share of 10,000 entries is already known to begin with a prefix, the prefix is split without being
 * read.
 */
const surelyFull = 0.9;
/**
 * Maximum number of requests by ids in flight. Without this limit, a poll of 2,000 jobs would send 45 requests at the
 * same time.
 */
const mostAtOnce = 4;

/**
 * Maximum number of requests to find the ids that make a read fail. To find one such id among fifty takes about twelve
 * requests.
 */
const maxSearches = 24;

/** Reads one kind of entry. Each call rejects with the error that ends the sweep. */
export interface Source<T> {
  /** The entries that a wildcard expression matches; all entries if `expression` is undefined. */
  matching(expression: string | undefined): Promise<readonly T[]>;
  /** The entry with this name, or the entries of the group with this name; empty if neither exists. */
  called(name: string): Promise<readonly T[]>;
  /** The entries with these ids, or the ids among them that the server reports as missing. */
  named(ids: readonly string[], tries: 'all' | 'one'): Promise<Named<T>>;
  idOf(entry: T): string;
}

export type Named<T> =
  | { readonly entries: readonly T[] }
  | { readonly missing: readonly string[] }
  /** The cluster answered with an error that may be about only one of the ids. */
  | { readonly refused: Error };

/** Thrown if a listing is still incomplete after the maximum number of reads. */
export class EndlessListing extends Error {}

/**
 * Reads all entries. If the answer has 10,000 entries, it may be incomplete, so the listing is then read in parts, by
 * the first characters of the id. Prefixes with few expected entries share a request (`a*,b*,c*`); a prefix with many
 * gets a request of its own. If the answer for a part is full (10,000 entries), the part is split again. A prefix that
 * is sure to be full is split without being read: if most ids begin with `team-`, reading `t*`, `te*` and so on would
 * reveal nothing new. A wildcard also matches group names, so parts overlap, and a part that is full because of a group
 * is split until the prefix is longer than the group's name. Entries seen so far only guide the splitting; a part
 * counts as read only if its answer was not full.
 */
export async function readAll<T>(source: Source<T>): Promise<T[]> {
  const everything = await source.matching(undefined);
  if (everything.length < mostListed) return [...everything];
  const whole = new Map<string, readonly T[]>();
  const take = (entries: readonly T[]) => {
    // if one answer lists an id twice, both entries are kept, so that the caller notices the contradiction
    for (const [id, same] of Map.groupBy(entries, (entry) => source.idOf(entry))) whole.set(id, same);
  };
  take(everything);
  const parts: (readonly string[])[] = [];
  const split = async (prefix: string) => {
    const { passed, below } = cut(prefix, [...whole.keys()]);
    parts.push(...below);
    // The new parts match only ids longer than the split prefix. An id may be equal to the prefix, so the prefix is
    // also read as a name. (If a group has that name, the answer contains the group's jobs.)
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
  /** The given prefix, and the longer prefixes that were split in turn. Each of them may also be an id. */
  readonly passed: readonly string[];
  /** Parts that together match all ids that begin with the given prefix and are longer than it. */
  readonly below: readonly (readonly string[])[];
}

/**
 * Extends the prefix by each possible next character, and packs the new prefixes into parts. A part with several
 * prefixes is expected to fill at most half of an answer. A new prefix that is sure to fill an answer alone is split in
 * turn.
 */
function cut(prefix: string, seen: readonly string[]): Cut {
  const passed = [prefix];
  const below: string[][] = [];
  let room = 0;
  let bytes = 0;
  const pack = (longer: string, count: number) => {
    const cost = longer.length + 4; // an asterisk, and a comma that is sent as `%2C`
    if (below.length === 0 || count > room || cost > bytes) {
      below.push([]);
      room = mostListed / 2;
      bytes = maxIdBytes;
    }
    below.at(-1)?.push(longer);
    room -= count;
    bytes -= cost;
  };
  // The loop appends to the list over which it iterates.
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

/** Counts the ids that begin with the prefix, grouped by the next character. */
function countNext(prefix: string, ids: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) {
    const next = id[prefix.length];
    if (next !== undefined && id.startsWith(prefix)) counts.set(next, (counts.get(next) ?? 0) + 1);
  }
  return counts;
}

/** The entries with these ids; ids that do not exist are left out. */
export async function readByIds<T>(source: Source<T>, ids: readonly string[]): Promise<T[]> {
  const wanted = new Set(ids);
  const lists = chunks([...wanted]);
  const found: T[][] = [];
  // One search for the ids at fault is enough: requests that fail at the same time probably fail for the same reason.
  let searching: Promise<UnreadableEntriesError | undefined> | undefined;
  const causeOf = async (refused: Error, list: readonly string[]) => {
    searching ??= findUnreadable(source, list);
    return (await searching) ?? refused;
  };
  const readOn = async () => {
    for (let list = lists.pop(); list && !searching; list = lists.pop())
      found.push(await readChunk(source, list, causeOf));
  };
  await Promise.all(Array.from({ length: mostAtOnce }, readOn));
  return found.flat().filter((entry) => wanted.has(source.idOf(entry)));
}

/** Reads one list of ids. After a 404, which names the missing ids, requests the remaining ids again. */
async function readChunk<T>(
  source: Source<T>,
  ids: readonly string[],
  causeOf: (refused: Error, ids: readonly string[]) => Promise<Error>,
): Promise<T[]> {
  let left = ids;
  while (left.length > 0) {
    const answer = await source.named(left, 'all');
    if ('entries' in answer) return [...answer.entries];
    if ('refused' in answer) throw await causeOf(answer.refused, left);
    const missing = new Set(answer.missing);
    const rest = left.filter((id) => !missing.has(id));
    // The 404 names none of the requested ids, so the whole listing is read to see which of them exist.
    if (rest.length === left.length) return await findInAll(source, left);
    left = rest;
  }
  return [];
}

/**
 * Reads all entries and returns those with these ids. An id with two entries is unreadable, because they may contradict
 * each other.
 */
async function findInAll<T>(source: Source<T>, ids: readonly string[]): Promise<T[]> {
  const wanted = new Set(ids);
  const found = (await readAll(source)).filter((entry) => wanted.has(source.idOf(entry)));
  const doubled = [...Map.groupBy(found, (entry) => source.idOf(entry))].filter(
    ([, same]) => same.length > 1,
  );
  if (doubled.length === 0) return found;
  throw new UnreadableEntriesError(
    new Map(doubled.map(([id]) => [id, new Error(`the cluster lists ${printable(id)} twice`)])),
  );
}

/**
 * Finds the ids that make a read fail, by reading the list in halves. Undefined if every part fails, because then the
 * cause lies with the cluster, or if the search would take too many requests. Each part is tried only once, because the
 * whole read was already retried.
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

/** Splits ids into lists that each fit into a request line. */
export function chunks(ids: readonly string[]): string[][] {
  const lists: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const id of ids) {
    const cost = encodeURIComponent(id).length + separatorBytes;
    if (bytes + cost > maxIdBytes) {
      lists.push([]);
      bytes = 0;
    }
    lists.at(-1)?.push(id);
    bytes += cost;
  }
  return lists;
}

/**
 * The ids that the text of a 404 reports as missing. The server has one text for jobs and one for datafeeds. Empty for
 * any other text.
 */
export function missingIds(reason: string): string[] {
  const listed =
    /^No known job with id '([^']*)'$/.exec(reason) ??
    /^No datafeed with id \[([^\]]*)\] exists$/.exec(reason);
  return listed?.[1] ? listed[1].split(',').map((id) => id.trim()) : [];
}
