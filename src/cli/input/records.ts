/**
 * @module Records of what sweeps saw of each job, in the state directory: one small document per job and sweep. Each
 * file holds the records of one sweep, gzipped. The last 120 files of a cluster are kept: four months of daily sweeps.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { plainJson } from '../../base/text.ts';
import type { Observation } from '../../sweep/advising/evidence.ts';
import type { Read, Records } from '../../sweep/advising/past-ports.ts';
import type { JobSnapshot } from '../../sweep/planning/inventory.ts';

const maxFiles = 120;
/**
 * If two files are closer together in time than this, only the newer one is kept, because the older one adds little.
 */
const minInterval = 10 * 60_000;
/** Maximum size of an unpacked file, in bytes. Ten thousand jobs take about two megabytes. */
const maxBytes = 64 * 2 ** 20;

/** What one sweep saw of one job. The keys are short because there are many of these records. */
interface StoredRecord {
  readonly job_id: string;
  readonly state: string;
  readonly last_data_time?: number | undefined;
  readonly opened_at?: number | undefined;
  readonly model_bytes?: number | undefined;
  readonly verdict?: string | undefined;
}

const folderOf = (stateFolder: string, clusterId: string) =>
  join(
    stateFolder,
    'records',
    // The id is external input, so only its hash becomes part of a path.
    createHash('sha256').update(clusterId).digest('hex').slice(0, 32),
  );

export interface RecordedSweep {
  readonly clusterId: string;
  /** When the cluster was read, epoch milliseconds. */
  readonly at: number;
  readonly jobs: readonly { readonly job: JobSnapshot; readonly verdict: string | undefined }[];
  /** Whether `jobs` includes every job that was not closed. */
  readonly isWhole: boolean;
}

/** Records what a sweep or a plan saw of every job. Never throws; returns the reason if it fails. */
export async function writeRecords(
  stateFolder: string,
  { clusterId, at, jobs, isWhole }: RecordedSweep,
): Promise<string | undefined> {
  const folder = folderOf(stateFolder, clusterId);
  const lines = jobs.map(
    ({ job, verdict }): StoredRecord => ({
      job_id: job.jobId,
      state: job.reportedState,
      last_data_time: job.lastDataTime,
      opened_at: job.openedAt,
      model_bytes: job.modelBytes,
      verdict,
    }),
  );
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const name = `${String(Math.floor(at)).padStart(15, '0')}.ndjson.gz`;
    const temporary = join(folder, `.${process.pid}-${name}`);
    await writeFile(
      temporary,
      gzipSync([{ whole: isWhole }, ...lines].map((line) => `${plainJson(line)}\n`).join('')),
      { mode: 0o600 },
    );
    await chmod(temporary, 0o600);
    await rename(temporary, join(folder, name));
    const files = await recordFiles(folder);
    const crowded = files.filter((file, index) => {
      const next = files[index + 1];
      return next !== undefined && next.at - file.at < minInterval;
    });
    const kept = files.filter((file) => !crowded.includes(file));
    for (const { path } of [...crowded, ...kept.slice(0, Math.max(0, kept.length - maxFiles))])
      await rm(path, { force: true });
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** The records of a cluster since `from`, by job. Skips unreadable files. */
export async function readRecords(
  stateFolder: string | undefined,
  clusterId: string,
  from: number,
): Promise<Read<Records>> {
  if (stateFolder === undefined) return { why: 'there is no state directory' };
  const byJob = new Map<string, Observation[]>();
  const wholeAt: number[] = [];
  let files: Awaited<ReturnType<typeof recordFiles>>;
  try {
    files = await recordFiles(folderOf(stateFolder, clusterId));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return {
      why: code === 'ENOENT' ? 'no sweep or plan has recorded this cluster yet' : `cannot be read: ${code}`,
    };
  }
  for (const { path, at } of files) {
    if (at < from) continue;
    const { isWhole, records } = await readFileOf(path);
    if (isWhole) wholeAt.push(at);
    for (const record of records) {
      const own = byJob.get(record.job_id) ?? [];
      byJob.set(record.job_id, own);
      own.push({
        at,
        state: record.state,
        lastData: numberOf(record.last_data_time),
        openedAt: numberOf(record.opened_at),
        bytes: numberOf(record.model_bytes),
      });
    }
  }
  return { value: { byJob, wholeAt } };
}

const numberOf = (value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

async function recordFiles(folder: string): Promise<{ readonly path: string; readonly at: number }[]> {
  const names = await readdir(folder);
  return names
    .flatMap((name) => {
      const at = /^(\d{15})\.ndjson\.gz$/.exec(name)?.[1];
      return at === undefined ? [] : [{ path: join(folder, name), at: Number(at) }];
    })
    .sort((a, b) => a.at - b.at);
}

async function readFileOf(
  path: string,
): Promise<{ readonly isWhole: boolean; readonly records: readonly StoredRecord[] }> {
  let isWhole = false;
  try {
    const text = gunzipSync(await readFile(path), { maxOutputLength: maxBytes }).toString('utf8');
    const records = text.split('\n').flatMap((line) => {
      if (line === '') return [];
      const record = JSON.parse(line) as Partial<StoredRecord> & { whole?: unknown };
      isWhole ||= record.whole === true;
      return typeof record.job_id === 'string' && typeof record.state === 'string'
        ? [record as StoredRecord]
        : [];
    });
    return { isWhole, records };
  } catch {
    return { isWhole: false, records: [] };
  }
}
