/**
 * @module Saved plans: what `jobsweep plan -o json` writes is a report with a seal, and `jobsweep sweep --plan` carries
 * out exactly it, or less. The digest finds edits, made in haste or by a tool; it is no signature.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Clock } from '../../base/clock.ts';
import { InvalidRequestError } from '../../base/errors.ts';
import { type PlannedJob, plannedJobs } from '../../sweep/planning/approved-plan.ts';
import type { Decision } from '../../sweep/planning/decide.ts';
import type { SweepReport } from '../../sweep/reporting/report.ts';
import { parseRequest, type ReadRequest, toPayload } from '../../sweep/request/read-request.ts';
import type { SweepRequest } from '../../sweep/request/request-schema.ts';
import { InvalidDocumentError, readDocument } from '../input/document.ts';
import { readNamed } from '../input/payload.ts';
import { span } from '../output/words.ts';

const version = 1;

const plannedJob = z.strictObject({
  state: z.string(),
  lastDataTime: z.number().optional(),
  openedAt: z.number().optional(),
  datafeedRuns: z.boolean(),
}) satisfies z.ZodType<PlannedJob>;

const planSchema = z.object({
  cluster: z.object({ name: z.string(), id: z.string() }),
  startedAt: z.iso.datetime(),
  status: z.string(),
  plan: z.object({
    version: z.literal(version),
    request: z.unknown(),
    jobs: z.record(z.string(), plannedJob),
    digest: z.string(),
  }),
});

export interface SavedPlan extends ReadRequest {
  readonly clusterId: string;
  readonly planned: ReadonlyMap<string, PlannedJob>;
  /** ISO date-time. */
  readonly madeAt: string;
}

/** The report of a plan with what is needed to carry it out later. */
export function sealPlan(report: SweepReport, request: SweepRequest, decisions: readonly Decision[]): object {
  const plan = { version, request: toPayload(request), jobs: Object.fromEntries(plannedJobs(decisions)) };
  const unsealed = { ...report, plan };
  return { ...report, plan: { ...plan, digest: digestOf(unsealed) } };
}

/**
 * Reads a saved plan that is whole and at most `maxAgeMs` old.
 * @throws {InvalidDocumentError} saying what is wrong with it and that a new plan helps.
 */
export async function readPlan(file: string, maxAgeMs: number, clock: Clock): Promise<SavedPlan> {
  const refuse = (why: string) =>
    new InvalidDocumentError(
      `${file} ${why}; nothing was closed. Make a new one: jobsweep plan -o json --output-file ${file}`,
    );
  const document = parse(await readNamed(file), file);
  const result = planSchema.safeParse(document);
  if (!result.success) throw refuse('is no plan that jobsweep plan -o json wrote');
  const { plan, cluster, startedAt, status } = result.data;
  // break: plan-digest
  if (digestOf(document as object) !== plan.digest) throw refuse('was changed after the plan was made');
  if (status === 'refused') throw refuse('is a plan that a fuse refused, so there is nothing to carry out');
  const age = clock.now() - Date.parse(startedAt);
  if (age > maxAgeMs) throw refuse(`is ${span(age)} old, and may be ${span(maxAgeMs)} (--max-age)`);
  if (age < -5 * 60_000) throw refuse('was made in the future: the clocks of two machines differ');
  const read = readRequest(plan.request, refuse);
  if (read.request.followUpOf)
    throw refuse('is the plan of a follow-up, which only the sweep that it belongs to can do');
  return { ...read, clusterId: cluster.id, planned: new Map(Object.entries(plan.jobs)), madeAt: startedAt };
}

function readRequest(payload: unknown, refuse: (why: string) => Error): ReadRequest {
  try {
    const { request, warnings } = parseRequest(payload);
    // A plan says which jobs are forced; one that hangs while it is carried out was to be closed, not forced.
    return { request: { ...request, force: { ...request.force, stuckFor: null } }, warnings };
  } catch (error) {
    if (error instanceof InvalidRequestError)
      throw refuse('holds a request that this version does not understand');
    throw error;
  }
}

/** The value of a file; undefined when it is no document: no JSON, a key that stands twice, or nested without end. */
function parse(text: string, file: string): unknown {
  try {
    return readDocument(text, file).value;
  } catch (error) {
    if (error instanceof InvalidDocumentError) return undefined;
    throw error;
  }
}

/** Over the values, not the bytes: a plan that was only laid out anew is the same plan. */
function digestOf(document: object): string {
  const { plan, ...report } = document as { plan: Record<string, unknown> };
  const { digest: _digest, ...rest } = plan;
  return `sha256:${createHash('sha256')
    .update(canonical({ ...report, plan: rest }))
    .digest('hex')}`;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}
