/**
 * @module Reads the file of `jobsweep schedules`, and finds the clusters for entries that name them by a pattern or a
 * file.
 */
import path from 'node:path';
import { InvalidRequestError } from '../../base/errors.ts';
import { expandSchedules, namesIn, notNames, sourcesOf } from '../../scheduler/schedule-clusters.ts';
import {
  readScheduleFile,
  type ScheduleDefinition,
  type ScheduleFile,
} from '../../scheduler/schedule-file.ts';
import type { ClusterSource } from '../../scheduler/schedule-schema.ts';
import { clustersOfSecrets } from '../../settings/secret-clusters.ts';
import { documentError, InvalidDocumentError, readDocument } from '../input/document.ts';
import { readInput, readNamed } from '../input/payload.ts';
import type { Io } from '../io.ts';

/** A file with valid entries. Finding their clusters may need requests or other files, so `expand` does it later. */
export interface ReadSchedules {
  readonly file: ScheduleFile;
  /** Returns one schedule for each entry and cluster. @throws {InvalidDocumentError} */
  readonly expand: () => Promise<readonly ScheduleDefinition[]>;
}

/** Reads and checks the file, or standard input for `-`. @throws {InvalidDocumentError} with all problems. */
export async function readSchedules(name: string, io: Io): Promise<ReadSchedules> {
  const text = name === '-' ? await readInput(io) : await readNamed(name);
  const document = readDocument(text, name === '-' ? 'standard input' : name);
  const inDocument = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw error instanceof InvalidRequestError ? documentError(document, error.problems) : error;
    }
  };
  const file = inDocument(() => readScheduleFile(document.value));
  const folder = name === '-' ? '.' : path.dirname(name);
  return {
    file,
    expand: async () => {
      const found = new Map<number, readonly string[]>();
      for (const [index, source] of sourcesOf(file.schedules))
        found.set(index, await findClusters(source, folder, io));
      return inDocument(() => expandSchedules(file.schedules, found));
    },
  };
}

async function findClusters(source: ClusterSource, folder: string, io: Io): Promise<readonly string[]> {
  if (!('file' in source)) return await clustersOfSecrets(source, io.env, io.signal);
  const name = path.resolve(folder, source.file);
  const names = namesIn(readDocument(await readNamed(name), name).value);
  if (names) return names;
  throw new InvalidDocumentError(notNames(name));
}
