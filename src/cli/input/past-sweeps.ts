/**
 * @module What earlier sweeps did, from their reports or from the log lines that the function writes (docs/contract.md §2).
 */
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
    `${source} holds no report: expected the JSON that jobsweep sweep -o json wrote, or the function's log lines "job swept" and "sweep finished"`,
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

/**
 * Every JSON value of a text: one document, a list of them, the events that `aws logs filter-log-events` prints, or
 * lines, each from its first brace, because `aws logs tail` puts time and stream before it.
 */
function* values(text: string): Generator<unknown> {
  // break: log-or-json
  const whole = parse(text);
  if (whole !== undefined) {
    const list = Array.isArray(whole) ? whole : (eventMessages(whole) ?? [whole]);
    yield* list.map((entry: unknown) => (typeof entry === 'string' ? parse(entry) : entry));
    return;
  }
  for (const line of text.split('\n')) {
    const start = line.indexOf('{');
    if (start >= 0) yield parse(line.slice(start));
  }
}

function eventMessages(value: unknown): unknown[] | undefined {
  const { events } = (value ?? {}) as { events?: unknown };
  if (!Array.isArray(events)) return undefined;
  return events.map((event: { message?: unknown } | null) => event?.message);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}
