/**
 * @module Saves in the state directory which jobs `reopen` opened, so that later commands can distinguish them from
 * jobs that others opened. Each run of `reopen` writes one note. The last 100 notes of a cluster are kept.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { plainJson } from '../../base/text.ts';

const maxNotes = 100;

const noteSchema = z.object({ at: z.iso.datetime(), jobs: z.array(z.string().min(1)) });
type Note = z.output<typeof noteSchema>;

/** The id is external input, so only its hash becomes part of a path. */
const folderOf = (stateFolder: string, clusterId: string) =>
  join(stateFolder, 'reopened', createHash('sha256').update(clusterId).digest('hex').slice(0, 32));

/** Never throws, because the result of `reopen` does not depend on this note. Returns the reason if it fails. */
export async function noteReopening(
  stateFolder: string,
  clusterId: string,
  note: Note,
): Promise<string | undefined> {
  const folder = folderOf(stateFolder, clusterId);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const name = `${String(Date.parse(note.at)).padStart(15, '0')}.json`;
    const temporary = join(folder, `.${process.pid}-${name}`);
    await writeFile(temporary, plainJson(note), { mode: 0o600 });
    await rename(temporary, join(folder, name));
    for (const old of (await notesIn(folder)).slice(0, -maxNotes)) await rm(old, { force: true });
    return undefined;
  } catch (error) {
    return `${folder}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
  }
}

/** When `reopen` opened each job, ISO, oldest first. Skips unreadable notes. */
export async function readReopenings(
  stateFolder: string,
  clusterIds: Iterable<string>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const byJob = new Map<string, string[]>();
  for (const clusterId of clusterIds) {
    const paths = await notesIn(folderOf(stateFolder, clusterId)).catch(() => []);
    for (const path of paths) {
      const note = await readNote(path);
      for (const jobId of note?.jobs ?? []) byJob.set(jobId, [...(byJob.get(jobId) ?? []), note?.at ?? '']);
    }
  }
  return new Map([...byJob].map(([jobId, moments]) => [jobId, moments.sort()]));
}

async function readNote(path: string): Promise<Note | undefined> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/** The paths of the notes, oldest first. */
async function notesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => /^\d{15}\.json$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}
