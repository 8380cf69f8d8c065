/** @module Writes zip archives whose bytes depend only on the names and contents of their files. */
import { type AsyncZippable, zipSync } from 'fflate';

// the earliest time that a zip can store; it is a local time, because zips store local times
const modified = new Date(1980, 0, 1);
const unix = 3;
// readable for every user, because Lambda does not read the files as their owner
const readableFile = 0o100644;

/** The archive's bytes. Names are sorted by code unit, so that their order does not depend on the locale. */
export function archive(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries: AsyncZippable = {};
  for (const name of [...files.keys()].sort()) entries[name] = files.get(name) ?? new Uint8Array();
  return zipSync(entries, { level: 9, mtime: modified, os: unix, attrs: readableFile * 2 ** 16 });
}
