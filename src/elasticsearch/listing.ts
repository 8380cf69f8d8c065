/** @module Listings that are whole: by ids that may have vanished, and past the 10,000 entries that one answer holds. */

/** The server's own size of a listing; whatever is beyond is left out without a word. */
export const mostListed = 10_000;

/** What ids and group names are made of (reference §6). */
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789_-.'.split('');
const longestId = 64;
/** Bytes of ids in one request line, which servers end at 4,096; a comma travels as `%2C`. */
const mostIdBytes = 3_000;

/** Reads one expression: ids with commas, or a wildcard; undefined for everything. */
export type ReadExpression<T> = (expression: string | undefined) => Promise<readonly T[]>;

/**
 * All entries. An answer of 10,000 may have been cut, so it is asked again in parts, by the first characters of the id:
 * `a*`, `b*` and so on, and deeper where a part is full too. A wildcard matches group names as well, so parts overlap,
 * and a part that is full because of a group is split until the group's name is passed.
 */
export async function listAll<T>(read: ReadExpression<T>, idOf: (entry: T) => string): Promise<T[]> {
  const everything = await read(undefined);
  if (everything.length < mostListed) return [...everything];
  const whole = new Map<string, T>();
  const parts = alphabet.slice();
  for (let prefix = parts.pop(); prefix !== undefined; prefix = parts.pop()) {
    const entries = await read(`${prefix}*`);
    for (const entry of entries) whole.set(idOf(entry), entry);
    if (entries.length < mostListed) continue;
    if (prefix.length >= longestId)
      throw new Error(`more than ${mostListed} entries share the name ${prefix}`);
    parts.push(...alphabet.map((next) => prefix + next));
    // The part's own name as an id: no wildcard below reaches it. A group of that name answers with its jobs instead.
    for (const entry of await read(prefix)) whole.set(idOf(entry), entry);
  }
  return [...whole.values()];
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
