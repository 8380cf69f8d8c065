/**
 * @module What earlier sweeps did, from their reports or from the log lines that the function writes (contract §2). This
 * is all the memory that the command has: nothing is stored elsewhere.
 */
import * as z from 'zod';
import { clusterName } from '../sweep/request.ts';
import { outcomes } from '../sweep/vocabulary.ts';
import { InvalidDocumentError } from './document.ts';
import { readNamed } from './payload.ts';

const outcomeNames = Object.keys(outcomes) as [keyof typeof outcomes, ...(keyof typeof outcomes)[]];

/** Of a reported job only what is needed to undo or to remember; everything else may come from a later version. */
const jobSchema = z.object({
  jobId: z.string().min(1),
  outcome: z.enum(outcomeNames),
  nodeId: z.string().optional(),
  datafeedId: z.string().optional(),
  datafeedStopped: z.boolean().optional(),
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

const reportSchema = sweepSchema.extend({ jobs: z.array(jobSchema) });

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
}

/** Whether a sweep closed the job: asked for it, and saw it closed. */
export const wasClosed = ({ outcome }: Pick<PastJob, 'outcome'>) =>
  // break: reopenable
  outcome === 'closed' || outcome === 'force_closed';

/** Reads every sweep that a file tells of. @throws {InvalidDocumentError} when it tells of none. */
export async function readPastSweeps(file: string): Promise<PastSweep[]> {
  return parsePastSweeps(await readNamed(file), file);
}

/** The same for a text; `source` names it in errors. */
export function parsePastSweeps(text: string, source: string): PastSweep[] {
  const collected = new Collected();
  for (const value of values(text)) collected.take(value);
  const sweeps = collected.sweeps();
  if (sweeps.length > 0) return sweeps;
  throw new InvalidDocumentError(
    `${source} holds no report: expected the JSON that jobsweep sweep -o json wrote, or the function's log lines "job swept" and "sweep finished"`,
  );
}

interface Growing extends Omit<PastSweep, 'jobs' | 'chain' | 'missing'> {
  readonly jobs: Map<string, PastJob>;
  chain: string;
  closes: number;
}

/** Puts together what belongs to one sweep: a report whole, or the lines of a log in any order, doubled ones once. */
class Collected {
  readonly #sweeps = new Map<string, Growing>();

  take(value: unknown): void {
    const report = reportSchema.safeParse(value);
    if (report.success) {
      const sweep = this.#sweep(report.data);
      for (const job of report.data.jobs) sweep.jobs.set(job.jobId, job);
      return;
    }
    const line = sweepSchema.safeParse(value);
    if (!line.success) return;
    const sweep = this.#sweep(line.data);
    const job = jobSchema.safeParse(value);
    if (job.success) sweep.jobs.set(job.data.jobId, job.data);
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
    };
    if (counts) sweep.closes = counts.closed + counts.forceClosed;
    if (followUpOf) sweep.chain = followUpOf.sweepId;
    this.#sweeps.set(key, sweep);
    return sweep;
  }
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
