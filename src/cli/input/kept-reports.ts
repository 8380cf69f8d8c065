/**
 * @module Keeps the reports of the last 30 sweeps of each cluster in the state directory (docs/contract.md §5). A
 * running sweep notes each job before it sends the close request, so that the note survives a killed process.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { plainJson } from '../../base/text.ts';
import type { Entry } from '../../sweep/closing/ledger.ts';
import type { SweepReport } from '../../sweep/reporting/report.ts';
import type { ReportHead } from '../../sweep/reporting/report-head.ts';
import type { Io } from '../io.ts';
import { json } from '../output/output.ts';
import { type PastSweep, pastSweepsIn } from './past-sweeps.ts';

const maxKept = 30;

/** A kept report is `<stem>.json`; the notes of an unfinished sweep are `<stem>.ndjson`. */
const endings = ['.json', '.ndjson'];
const privateFile = { mode: 0o600 } as const;
const privateFolder = { mode: 0o700, recursive: true } as const;

/** The folder for reports; undefined if the environment names no home. */
export function stateFolder({ XDG_STATE_HOME: state = '', HOME: home = '' }: Io['env']): string | undefined {
  // The XDG specification says to ignore relative paths.
  if (isAbsolute(state)) return join(state, 'jobsweep');
  return isAbsolute(home) ? join(home, '.local', 'state', 'jobsweep') : undefined;
}

/** Keeps the report of one sweep and, with `--wait`, of its later rounds. A write error only sets `problem`. */
export class ReportKeeper {
  readonly #folder: string;
  #stem: string | undefined;
  #problem: string | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Why the report could not be kept; undefined if nothing failed. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The file with the report, if it was kept. */
  get keptAt(): string | undefined {
    return this.#stem === undefined || this.#problem !== undefined
      ? undefined
      : join(this.#folder, `${this.#stem}.json`);
  }

  /** Saves a note about jobs. Synchronous, because the note must be on disk before the close request is sent. */
  asking(head: ReportHead, entries: readonly Entry[]): void {
    const lines = entries.map(({ jobId, job, verdict, asks, askedAt, stopsDatafeed }) =>
      plainJson({
        message: 'job swept',
        ...head,
        jobId,
        state: job.reportedState,
        verdict: verdict.verdict,
        reason: verdict.reason,
        outcome: 'unknown',
        attempts: asks,
        ...(askedAt !== undefined && { askedAt: new Date(askedAt).toISOString() }),
        ...(job.nodeId !== undefined && { nodeId: job.nodeId }),
        ...(stopsDatafeed !== undefined && { datafeedId: stopsDatafeed, datafeedStopped: true }),
      }),
    );
    try {
      mkdirSync(this.#folder, privateFolder);
      appendFileSync(`${this.#pathOf(head)}.ndjson`, `${lines.join('\n')}\n`, privateFile);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Replaces the kept report atomically: a reader sees either the former report or the new one. */
  async keep(report: SweepReport): Promise<void> {
    const path = this.#pathOf(report);
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      await mkdir(this.#folder, privateFolder);
      await writeFile(temporary, json(report), { ...privateFile, flush: true });
      await rename(temporary, `${path}.json`);
      await rm(`${path}.ndjson`, { force: true });
      await this.#prune(path);
      this.#problem = undefined;
    } catch (error) {
      this.#fail(error);
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  #pathOf(head: ReportHead): string {
    this.#stem ??= stemOf(head);
    return join(this.#folder, this.#stem);
  }

  #fail(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    this.#problem = `${this.#folder}: ${code ?? message}`;
  }

  async #prune(path: string): Promise<void> {
    const own = path.slice(this.#folder.length + 1);
    const stems = await stemsOf(this.#folder, [clusterTag(own)]);
    const others = stems.filter((stem) => stem !== own);
    for (const stem of others.slice(maxKept - 1))
      for (const ending of endings) await rm(join(this.#folder, stem + ending), { force: true });
  }
}

/** Whether the folder has any reports or notes of sweeps. */
export async function hasKept(folder: string): Promise<boolean> {
  return (await stemsOf(folder)).length > 0;
}

export interface KeptSweep {
  readonly path: string;
  /** The sweep, and any unfinished later rounds of which only notes exist. */
  readonly sweeps: readonly [PastSweep, ...PastSweep[]];
}

/** The kept reports of a folder, and what could not be read there. */
export interface KeptSweeps {
  /** Newest first. */
  readonly kept: readonly KeptSweep[];
  /** The paths of reports that could not be read, newest first. */
  readonly unreadable: readonly string[];
  /** Why the folder itself could not be read. A missing folder is not a problem. */
  readonly problem: string | undefined;
}

/** The readable kept reports, newest first. If `ids` is given, only the reports of the clusters with these ids. */
export const readKept = async (folder: string, ids?: Iterable<string>): Promise<readonly KeptSweep[]> =>
  (await examineKept(folder, ids)).kept;

export async function examineKept(folder: string, ids?: Iterable<string>): Promise<KeptSweeps> {
  const problem = await readdir(folder).then(
    () => undefined,
    ({ code, message }: NodeJS.ErrnoException) => (code === 'ENOENT' ? undefined : (code ?? message)),
  );
  const tags = ids && [...ids].map(tagOf);
  const unreadable: string[] = [];
  const kept = await Promise.all(
    (await stemsOf(folder, tags)).map(async (stem): Promise<KeptSweep[]> => {
      const path = join(folder, stem);
      const texts = await Promise.all(
        endings.map((ending) => readFile(path + ending, 'utf8').catch(() => undefined)),
      );
      const [first, ...rest] = texts.flatMap((text) => (text === undefined ? [] : pastSweepsIn(text)));
      if (first)
        return [{ path: path + (texts[0] === undefined ? '.ndjson' : '.json'), sweeps: [first, ...rest] }];
      unreadable.push(path);
      return [];
    }),
  );
  const sorted = kept.flat().sort((a, b) => (a.sweeps[0].startedAt > b.sweeps[0].startedAt ? -1 : 1));
  return { kept: sorted, unreadable, problem };
}

/** Whether, according to the file names, the file at `path` belongs to a later sweep than the file at `other`. */
export const isNewer = (path: string, other: string): boolean =>
  startOf(basename(path)) > startOf(basename(other));

const hash = (text: string, length: number) =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

const tagOf = (clusterId: string) => hash(clusterId, 16);

const stemOf = ({ cluster, startedAt, sweepId }: ReportHead) =>
  [tagOf(cluster.id), startedAt.replaceAll(/[:.]/g, '-'), hash(sweepId, 8)].join('.');

const clusterTag = (stem: string) => stem.split('.')[0] ?? '';

/** The stems of the kept files, newest first. If `tags` is given, only the files of the clusters with these tags. */
async function stemsOf(folder: string, tags?: readonly string[]): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const stems = names.flatMap((name) => {
    const [, stem = ''] = /^([0-9a-f]{16}\.[\dTZ-]+\.[0-9a-f]{8})\.(?:nd)?json$/.exec(name) ?? [];
    return stem !== '' && (tags?.includes(clusterTag(stem)) ?? true) ? [stem] : [];
  });
  return [...new Set(stems)].sort((a, b) => (startOf(a) > startOf(b) ? -1 : 1));
}

const startOf = (stem: string) => stem.split('.')[1] ?? '';
