/**
 * @module Where things stand in a JSON text. In one pass, without recursion and with no more memory than the text's own
 * depth: a reader of YAML, which could tell it as well, compares each key with all others, and took 22 s for 20,000.
 */

type Path = readonly (string | number)[];

/** What one pass over a text finds. */
export interface JsonPlaces {
  /** The offset of the key that leads to each path, or of the value itself in a list or at the top, or of what leads there. */
  readonly offsets: readonly number[];
  /** The first keys that stand in their object already. */
  readonly doubled: readonly { readonly key: string; readonly offset: number }[];
}

/** A place that is looked for, and those below it. */
interface Wanted {
  offset: number | undefined;
  readonly below: Map<string | number, Wanted>;
}

/** A list or an object that has begun and not ended. */
interface Open {
  readonly isList: boolean;
  readonly wanted: Wanted | undefined;
  /** Of an object: its keys so far. */
  readonly keys: Set<string>;
  /** The key, or the index, of the value that comes next; undefined where a key comes next. */
  next: string | number | undefined;
}

const mostDoubled = 100;

/** The places of `paths` in `text`, which is valid JSON; a byte order mark may come first. */
export function placesIn(text: string, paths: readonly Path[] = []): JsonPlaces {
  const top: Wanted = { offset: undefined, below: new Map() };
  for (const path of paths) path.reduce<Wanted>(below, top);
  const doubled = walk(text, top);
  return { offsets: paths.map((path) => nearest(top, path)), doubled };
}

function below(wanted: Wanted, key: string | number): Wanted {
  const known = wanted.below.get(key);
  if (known) return known;
  const made: Wanted = { offset: undefined, below: new Map() };
  wanted.below.set(key, made);
  return made;
}

function nearest(top: Wanted, path: Path): number {
  let offset = top.offset ?? 0;
  let wanted: Wanted | undefined = top;
  for (const key of path) {
    wanted = wanted?.below.get(key);
    offset = wanted?.offset ?? offset;
  }
  return offset;
}

function walk(text: string, top: Wanted): JsonPlaces['doubled'] {
  const doubled: { key: string; offset: number }[] = [];
  const open: Open[] = [];
  /** A value begins; of an object's fields the key is the place. */
  const value = (offset: number): Wanted | undefined => {
    const parent = open.at(-1);
    const wanted = parent ? parent.wanted?.below.get(parent.next ?? '') : top;
    if (wanted && (!parent || parent.isList)) wanted.offset = offset;
    return wanted;
  };
  const key = (parent: Open, name: string, offset: number) => {
    if (parent.keys.has(name) && doubled.length < mostDoubled) doubled.push({ key: name, offset });
    parent.keys.add(name);
    parent.next = name;
    const wanted = parent.wanted?.below.get(name);
    if (wanted) wanted.offset = offset;
  };
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] as string;
    const parent = open.at(-1);
    if (letter === '{' || letter === '[') {
      const isList = letter === '[';
      const wanted = value(at);
      open.push({ isList, wanted, keys: isList ? noKeys : new Set(), next: isList ? 0 : undefined });
    } else if (letter === '}' || letter === ']') open.pop();
    else if (letter === ',') {
      if (parent) parent.next = parent.isList ? Number(parent.next) + 1 : undefined;
    } else if (letter === '"') {
      const end = endOfString(text, at);
      if (parent && parent.next === undefined) key(parent, JSON.parse(text.slice(at, end)) as string, at);
      else value(at);
      at = end - 1;
    } else if (!/[\s:\uFEFF]/.test(letter)) {
      value(at);
      while (at + 1 < text.length && !/[\s,\]}]/.test(text[at + 1] as string)) at += 1;
    }
  }
  return doubled;
}

const noKeys: Set<string> = new Set();

/** The offset behind the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
