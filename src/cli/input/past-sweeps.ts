/**
 * @module What earlier sweeps did, from their reports or from the log lines that the function writes (docs/contract.md §2).
 */
import { stripVTControlCharacters } from 'node:util';
import * as z from 'zod';
import { clusterName } from '../../sweep/request/request-schema.ts';
import { InvalidDocumentError } from './document.ts';
import { readNamed } from './payload.ts';

/** Of a reported job only what is needed to undo or to remember; everything else may come from a later version. */
const jobSchema = z.object({
  jobId: z.string().min(1),
  // a later version may know more outcomes: one of them must not hide the report's other jobs
  outcome: z.string().regex(/^[a-z_]{1,40}$/),
  nodeId: z.string().optional(),
  datafeedId: z.string().optional(),
  datafeedStopped: z.boolean().optional(),
  attempts: z.number().optional(),
  verdict: z.string().optional(),
  reason: z.string().optional(),
  idleMs: z.number().optional(),
  lastActivity: z.string().optional(),
});

const sweepSchema = z.object({
  sweepId: z.string().min(1),
  // settings are looked for under this name, and it is shown in questions
  cluster: z.object({ name: z.string().regex(clusterName), id: z.string().min(1) }),
  startedAt: z.iso.datetime(),
  followUpOf: z.object({ sweepId: z.string() }).optional(),
  counts: z.object({ closed: z.number(), forceClosed: z.number() }).optional(),
});

// its jobs are read one by one: one that cannot be read must not hide the others
const reportSchema = sweepSchema.extend({ jobs: z.array(z.unknown()) });

export type PastJob = z.output<typeof jobSchema>;

/** One sweep as its report, or its log lines together, tell it. */
export interface PastSweep {
  readonly sweepId: string;
  readonly cluster: { readonly name: string; readonly id: string };
  /** ISO date-time. */
  readonly startedAt: string;
  /** The sweep that began its chain; its own id when it is no follow-up. */
  readonly chain: string;
  readonly jobs: readonly PastJob[];
  /** Jobs that it closed, by its counts, and that the source does not name: a report that was cut, a log with a gap. */
  readonly missing: number;
  /** Entries that name no job, or say nothing that can be read about it. */
  readonly unread: number;
}

/** Whether a sweep closed the job: asked for it, and saw it closed. */
export const wasClosed = ({ outcome }: Pick<PastJob, 'outcome'>) =>
  // break: reopenable
  outcome === 'closed' || outcome === 'force_closed';

/** Whether a job that is closed by now was closed by the sweep: it asked, and may have ended before the cluster was done. */
export const mayHaveClosed = ({ outcome, attempts = 0 }: Pick<PastJob, 'outcome' | 'attempts'>) =>
  wasClosed({ outcome }) || ((outcome === 'closing' || outcome === 'unknown') && attempts > 0);

/** Reads every sweep that a file tells of. @throws {InvalidDocumentError} when it tells of none. */
export async function readPastSweeps(file: string): Promise<PastSweep[]> {
  return parsePastSweeps(await readNamed(file), file);
}

/** The same for a text; `source` names it in errors. */
export function parsePastSweeps(text: string, source: string): PastSweep[] {
  const sweeps = pastSweepsIn(text);
  if (sweeps.length > 0) return sweeps;
  throw new InvalidDocumentError(
    `${source} has no report of a sweep: expected what one of these commands writes:\n` +
      '  jobsweep sweep -o json --output-file FILE\n' +
      '  aws logs tail LOG_GROUP --since 1d > FILE\n' +
      '  aws logs filter-log-events --log-group-name LOG_GROUP > FILE\n' +
      'or, from Logs Insights, CSV or JSON with the column @message',
  );
}

/** The same; empty if there is none. */
export function pastSweepsIn(text: string): PastSweep[] {
  const collected = new Collected();
  for (const value of values(text)) collected.take(value);
  return collected.sweeps();
}

interface Growing extends Omit<PastSweep, 'jobs' | 'chain' | 'missing' | 'unread'> {
  readonly jobs: Map<string, PastJob>;
  chain: string;
  closes: number;
  unread: number;
}

/** Puts together what belongs to one sweep: a report whole, or the lines of a log in any order, doubled ones once. */
class Collected {
  readonly #sweeps = new Map<string, Growing>();

  take(value: unknown): void {
    const report = reportSchema.safeParse(value);
    if (report.success) {
      const sweep = this.#sweep(report.data);
      for (const job of report.data.jobs) take(sweep, job);
      return;
    }
    const line = sweepSchema.safeParse(value);
    if (!line.success) return;
    const sweep = this.#sweep(line.data);
    // the line that ends a sweep names no job
    if ('jobId' in (value as object)) take(sweep, value);
  }

  sweeps(): PastSweep[] {
    return [...this.#sweeps.values()]
      .map(({ closes, ...sweep }) => {
        const jobs = [...sweep.jobs.values()];
        return { ...sweep, jobs, missing: Math.max(0, closes - jobs.filter(wasClosed).length) };
      })
      .sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  }

  #sweep({ sweepId, cluster, startedAt, followUpOf, counts }: z.output<typeof sweepSchema>): Growing {
    // An event that was delivered twice is the same sweep by its id, and two sweeps by what they did.
    const key = `${cluster.id}\n${sweepId}\n${startedAt}`;
    const sweep = this.#sweeps.get(key) ?? {
      sweepId,
      cluster,
      startedAt,
      chain: sweepId,
      jobs: new Map<string, PastJob>(),
      closes: 0,
      unread: 0,
    };
    if (counts) sweep.closes = counts.closed + counts.forceClosed;
    if (followUpOf) sweep.chain = followUpOf.sweepId;
    this.#sweeps.set(key, sweep);
    return sweep;
  }
}

function take(sweep: Growing, value: unknown): void {
  const job = jobSchema.safeParse(value);
  if (job.success) sweep.jobs.set(job.data.jobId, job.data);
  else sweep.unread += 1;
}

/** Every JSON value in a text: one document, or the values among the lines of a log, or in the cells of a CSV file. */
function* values(text: string): Generator<unknown> {
  // break: log-or-json
  const whole = parse(text);
  if (whole !== undefined) return yield* unpacked(whole);
  const inLines = [...valuesInLines(text)].flatMap((value) => [...unpacked(value)]);
  if (inLines.length > 0) return yield* inLines;
  for (const value of valuesInLines(cellsOf(text))) yield* unpacked(value);
}

/** How deep a report may be packed: in an event, in a list, in an answer of the service. */
const maxPacking = 6;

/**
 * A report or a log line as it is; of anything else what is in it, texts included. `aws logs filter-log-events` packs
 * the lines into `events[].message`, Insights into `results[][].value` or into the column `@message`.
 */
function* unpacked(value: unknown, depth = 0): Generator<unknown> {
  if (isOfSweep(value)) yield value;
  else if (depth < maxPacking) {
    if (typeof value === 'string') {
      if (value.includes('{')) yield* unpacked(parse(value.trim()), depth + 1);
    } else if (typeof value === 'object' && value !== null) {
      for (const inner of Object.values(value)) yield* unpacked(inner, depth + 1);
    }
  }
}

const isOfSweep = (value: unknown): boolean => sweepSchema.safeParse(value).success;

/**
 * The JSON values of lines. A value begins at the first brace of a line, because `aws logs tail` puts time and stream
 * before it, and ends on that line, or at a line that is only its closing brace: `aws logs tail --format json` and
 * `jobsweep -o json` write it over several lines.
 */
function* valuesInLines(text: string): Generator<unknown> {
  let open: string[] = [];
  for (const raw of text.split('\n')) {
    const line = stripVTControlCharacters(raw.trimEnd());
    const start = line.indexOf('{');
    const isNew = start >= 0 && (open.length === 0 || !/^\s/.test(line));
    if (isNew) {
      const value = parse(line.slice(start, line.lastIndexOf('}') + 1));
      open = value === undefined ? [line.slice(start)] : [];
      if (value !== undefined) yield value;
    } else if (open.length > 0) {
      open.push(line);
      if (line !== '}') continue;
      const value = parse(open.join('\n'));
      open = [];
      if (value !== undefined) yield value;
    }
  }
}

/** The texts of the quoted cells of a CSV file, a line each. */
function cellsOf(text: string): string {
  return [...text.matchAll(/"((?:[^"]|"")*)"/g)]
    .map(([, cell = '']) => cell.replaceAll('""', '"').trim())
    .join('\n');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}
