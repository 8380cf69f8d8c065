/** @module Writes zip archives whose bytes depend on nothing but the names and contents of their files. */
import { type AsyncZippable, zipSync } from 'fflate';

// a zip stores local time: the first moment that it can hold, in whichever zone this runs
const modified = new Date(1980, 0, 1);
const unix = 3;
// Lambda reads the files as another user
const readableFile = 0o100644;

/** The archive; names sort by code unit, so that no locale changes their order. */
export function archive(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries: AsyncZippable = {};
  for (const name of [...files.keys()].sort()) entries[name] = files.get(name) ?? new Uint8Array();
  return zipSync(entries, { level: 9, mtime: modified, os: unix, attrs: readableFile * 2 ** 16 });
}
