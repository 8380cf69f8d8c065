/** @module Reads what earlier sweeps did, from their reports or from the function's log lines (docs/contract.md §2). */
import { stripVTControlCharacters } from 'node:util';
import * as z from 'zod';
import { clusterName } from '../../sweep/request/request-schema.ts';
import { InvalidDocumentError } from './document.ts';
import { readNamed } from './payload.ts';

/** Only the fields of a reported job that are used here; a later version may change the others. */
const jobSchema = z.object({
  jobId: z.string().min(1),
  // Accepts unknown outcomes: a later version may add some, and they must not make the whole report unreadable.
  outcome: z.string().regex(/^[a-z_]{1,40}$/),
  nodeId: z.string().optional(),
  datafeedId: z.string().optional(),
  datafeedStopped: z.boolean().optional(),
  attempts: z.number().optional(),
  verdict: z.string().optional(),
  reason: z.string().optional(),
  idleMs: z.number().optional(),
  lastActivity: z.string().optional(),
  askedAt: z.string().optional(),
  closedAt: z.string().optional(),
});

const sweepSchema = z.object({
  sweepId: z.string().min(1),
  // The name is checked because it selects connection settings and appears in questions to the user.
  cluster: z.object({ name: z.string().regex(clusterName), id: z.string().min(1) }),
  startedAt: z.iso.datetime(),
  followUpOf: z.object({ sweepId: z.string(), round: z.number().optional().catch(undefined) }).optional(),
  followUp: z
    .object({ name: z.string(), round: z.number(), at: z.iso.datetime(), rest: z.boolean().optional() })
    .nullish()
    .catch(undefined),
  counts: z.object({ closed: z.number(), forceClosed: z.number() }).optional(),
});

// Jobs are parsed one by one, so that an unreadable job does not make the whole report unreadable.
const reportSchema = sweepSchema.extend({ jobs: z.array(z.unknown()) });

export type PastJob = z.output<typeof jobSchema>;

/** One sweep, from its report or from its log lines. */
export interface PastSweep {
  readonly sweepId: string;
  readonly cluster: { readonly name: string; readonly id: string };
  /** ISO date-time. */
  readonly startedAt: string;
  /** The id of the sweep that began the chain. If the sweep is not a follow-up, this is its own id. */
  readonly chain: string;
  /** The number of this follow-up in its chain; absent if the sweep is not a follow-up. */
  readonly round?: number | undefined;
  /** The follow-up that takes the jobs for which this sweep had no time. */
  readonly restIn?: { readonly round: number; readonly at: string } | undefined;
  readonly jobs: readonly PastJob[];
  /**
   * Number of closed jobs that the source counts but does not name, because the report was cut or the log has a gap.
   */
  readonly missing: number;
  /** Number of entries that cannot be read. */
  readonly unread: number;
}

/** Whether the sweep asked for the close and saw the job closed. */
export const wasClosed = ({ outcome }: Pick<PastJob, 'outcome'>) =>
  // break: reopenable
  outcome === 'closed' || outcome === 'force_closed';

/** Whether the sweep may have closed the job: it asked for the close, but may have ended before the close did. */
export const mayHaveClosed = ({ outcome, attempts = 0 }: Pick<PastJob, 'outcome' | 'attempts'>) =>
  wasClosed({ outcome }) || ((outcome === 'closing' || outcome === 'unknown') && attempts > 0);

/** Reads all sweeps of a file. @throws {InvalidDocumentError} if the file has none. */
export async function readPastSweeps(file: string): Promise<PastSweep[]> {
  return parsePastSweeps(await readNamed(file), file);
}

/**
 * Reads all sweeps of a text. @throws {InvalidDocumentError} if the text has none; the message calls the text `source`.
 */
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

/** Like `parsePastSweeps`, but returns an empty list if there is no sweep. */
export function pastSweepsIn(text: string): PastSweep[] {
  const collected = new Collected();
  for (const value of values(text)) collected.take(value);
  return collected.sweeps();
}

interface Growing extends Omit<PastSweep, 'jobs' | 'chain' | 'round' | 'restIn' | 'missing' | 'unread'> {
  readonly jobs: Map<string, PastJob>;
  chain: string;
  round?: number | undefined;
  restIn?: PastSweep['restIn'];
  closes: number;
  unread: number;
}

/** Collects sweeps from whole reports, or from their log lines in any order. Repeated lines are counted only once. */
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
    // The last log line of a sweep names no job.
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

  #sweep(line: z.output<typeof sweepSchema>): Growing {
    const { sweepId, cluster, startedAt, followUpOf, followUp, counts } = line;
    // An event that is delivered twice leads to two runs with one sweep id. They count as two sweeps.
    const key = `${cluster.id}\n${sweepId}\n${startedAt}`;
    const sweep: Growing = this.#sweeps.get(key) ?? {
      sweepId,
      cluster,
      startedAt,
      chain: sweepId,
      jobs: new Map<string, PastJob>(),
      closes: 0,
      unread: 0,
    };
    if (counts) sweep.closes = counts.closed + counts.forceClosed;
    if (followUpOf) {
      sweep.chain = followUpOf.sweepId;
      sweep.round = followUpOf.round;
    }
    // `sweep --wait` runs the follow-ups named `round-N` itself and includes them in its report, so they cannot be
    // missing.
    if (followUp?.rest && !followUp.name.startsWith('round-'))
      sweep.restIn = { round: followUp.round, at: followUp.at };
    this.#sweeps.set(key, sweep);
    return sweep;
  }
}

function take(sweep: Growing, value: unknown): void {
  const job = jobSchema.safeParse(value);
  if (job.success) sweep.jobs.set(job.data.jobId, job.data);
  else sweep.unread += 1;
}

/** All JSON values in a text: one document, values among log lines, or values in CSV cells. */
function* values(text: string): Generator<unknown> {
  // break: log-or-json
  const whole = parse(text);
  if (whole !== undefined) return yield* unpacked(whole);
  const inLines = [...valuesInLines(text)].flatMap((value) => [...unpacked(value)]);
  if (inLines.length > 0) return yield* inLines;
  for (const value of valuesInLines(cellsOf(text))) yield* unpacked(value);
}

/** Maximum depth at which a report is searched for inside other JSON, such as an event in the output of the AWS CLI. */
const maxPacking = 6;

/**
 * Yields `value` if it is a report or a log line. Otherwise searches inside `value`, also in strings that contain JSON.
 * `aws logs filter-log-events` packs the log lines into `events[].message`. Logs Insights packs them into
 * `results[][].value` or into the column `@message`.
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
 * The JSON values in the lines of a text. A value begins at the first brace of a line, because `aws logs tail` writes
 * the time and the stream before the value. The value ends on the same line or, if it spans several lines, at a line
 * with only its closing brace, as `aws logs tail --format json` and `jobsweep -o json` write it.
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

/** The texts of the quoted cells of a CSV file, one per line. */
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
