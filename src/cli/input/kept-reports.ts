/**
 * @module The reports that sweeps of the command keep in the state directory (docs/contract.md §5), the last 30 of a cluster. A
 * running sweep notes each job before its close request leaves, so that even one that is killed has named it.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { plainJson } from '../../base/text.ts';
import type { Entry } from '../../sweep/closing/ledger.ts';
import type { SweepReport } from '../../sweep/reporting/report.ts';
import type { ReportHead } from '../../sweep/reporting/report-head.ts';
import type { Io } from '../io.ts';
import { json } from '../output/output.ts';
import { type PastSweep, pastSweepsIn } from './past-sweeps.ts';

const maxKept = 30;

/** A kept report is `<stem>.json`; what a sweep noted that did not end is `<stem>.ndjson`. */
const endings = ['.json', '.ndjson'];
const privateFile = { mode: 0o600 } as const;
const privateFolder = { mode: 0o700, recursive: true } as const;

/** Where reports are kept; undefined where the environment names no home. */
export function stateFolder({ XDG_STATE_HOME: state = '', HOME: home = '' }: Io['env']): string | undefined {
  // the XDG specification ignores a relative path
  if (isAbsolute(state)) return join(state, 'jobsweep');
  return isAbsolute(home) ? join(home, '.local', 'state', 'jobsweep') : undefined;
}

/** Keeps the report of one sweep and its later rounds, in one file. A folder that cannot be written is no error. */
export class ReportKeeper {
  readonly #folder: string;
  #stem: string | undefined;
  #problem: string | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Why the report could not be kept, if so. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Notes jobs whose close request is about to leave. Synchronous: the note must be on disk before the request is sent. */
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

  /** Keeps what is known so far, whole: a reader sees the former report or this one. */
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

/** Whether anything is kept. */
export async function hasKept(folder: string): Promise<boolean> {
  return (await stemsOf(folder)).length > 0;
}

export interface KeptSweep {
  readonly path: string;
  /** The sweep, and later rounds of it that did not end. */
  readonly sweeps: readonly [PastSweep, ...PastSweep[]];
}

/** The kept reports that can be read, the newest first; of the clusters with these ids only, if given. */
export async function readKept(folder: string, ids?: Iterable<string>): Promise<KeptSweep[]> {
  const tags = ids && [...ids].map(tagOf);
  const kept = await Promise.all(
    (await stemsOf(folder, tags)).map(async (stem): Promise<KeptSweep[]> => {
      const path = join(folder, stem);
      const texts = await Promise.all(
        endings.map((ending) => readFile(path + ending, 'utf8').catch(() => undefined)),
      );
      const [first, ...rest] = texts.flatMap((text) => (text === undefined ? [] : pastSweepsIn(text)));
      if (!first) return [];
      return [{ path: path + (texts[0] === undefined ? '.ndjson' : '.json'), sweeps: [first, ...rest] }];
    }),
  );
  return kept.flat().sort((a, b) => (a.sweeps[0].startedAt > b.sweeps[0].startedAt ? -1 : 1));
}

const hash = (text: string, length: number) =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

const tagOf = (clusterId: string) => hash(clusterId, 16);

const stemOf = ({ cluster, startedAt, sweepId }: ReportHead) =>
  [tagOf(cluster.id), startedAt.replaceAll(/[:.]/g, '-'), hash(sweepId, 8)].join('.');

const clusterTag = (stem: string) => stem.split('.')[0] ?? '';

/** The names of what is kept, of some clusters if their tags are given, the newest first. */
async function stemsOf(folder: string, tags?: readonly string[]): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const stems = names.flatMap((name) => {
    const [, stem = ''] = /^([0-9a-f]{16}\.[\dTZ-]+\.[0-9a-f]{8})\.(?:nd)?json$/.exec(name) ?? [];
    return stem !== '' && (tags?.includes(clusterTag(stem)) ?? true) ? [stem] : [];
  });
  return [...new Set(stems)].sort((a, b) => (startOf(a) > startOf(b) ? -1 : 1));
}

const startOf = (stem: string) => stem.split('.')[1] ?? '';
