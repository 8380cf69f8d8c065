/**
 * @module Saved plans. `jobsweep plan -o json` writes a report with a digest; `jobsweep sweep --plan` closes only jobs
 * that the plan would close. The digest detects accidental edits; it is not a signature.
 */

import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Clock } from '../../base/clock.ts';
import { InvalidRequestError } from '../../base/errors.ts';
import { span } from '../../base/words.ts';
import { type PlannedJob, plannedJobs } from '../../sweep/planning/approved-plan.ts';
import type { Decision } from '../../sweep/planning/decide.ts';
import type { BlownFuse } from '../../sweep/planning/fuse.ts';
import { fuseFinding } from '../../sweep/reporting/fuse-text.ts';
import type { SweepReport } from '../../sweep/reporting/report.ts';
import { runbookLink } from '../../sweep/reporting/runbook.ts';
import { parseRequest, type ReadRequest, toPayload } from '../../sweep/request/read-request.ts';
import type { SweepRequest } from '../../sweep/request/request-schema.ts';
import { type FuseName, fuses } from '../../sweep/vocabulary.ts';
import { InvalidDocumentError, readDocument } from '../input/document.ts';
import { readNamed } from '../input/payload.ts';
import { formOfFile } from '../output/output.ts';

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
  fuse: z
    .object({
      name: z.enum(Object.keys(fuses) as FuseName[]),
      idle: z.number(),
      open: z.number(),
      limit: z.number().nullable(),
      together: z.object({ from: z.iso.datetime(), to: z.iso.datetime(), jobs: z.number() }).optional(),
    })
    .nullish(),
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

/** The report of a plan, with the fields needed to carry it out later. */
export function sealPlan(report: SweepReport, request: SweepRequest, decisions: readonly Decision[]): object {
  const plan = { version, request: toPayload(request), jobs: Object.fromEntries(plannedJobs(decisions)) };
  const unsealed = { ...report, plan };
  return { ...report, plan: { ...plan, digest: digestOf(unsealed) } };
}

/**
 * Reads a saved plan, which must be unchanged and at most `maxAgeMs` old.
 * @throws {InvalidDocumentError} with the problem and how to make a new plan.
 */
export async function readPlan(file: string, maxAgeMs: number, clock: Clock): Promise<SavedPlan> {
  const to = formOfFile({ output: 'json', outputFile: file }) === 'json' ? '--output-file' : '>';
  const refuse = (why: string) =>
    new InvalidDocumentError(
      `${file} ${why}; nothing was closed. Make a new one with the same request: jobsweep plan -o json ${to} ${file}`,
    );
  const document = parse(await readNamed(file), file);
  const result = planSchema.safeParse(document);
  if (!result.success) throw refuse('is not a plan written by jobsweep plan -o json');
  const { plan, cluster, startedAt, status, fuse } = result.data;
  // break: plan-digest
  if (digestOf(document as object) !== plan.digest) throw refuse('was changed after the plan was made');
  if (status === 'refused') {
    const why = fuse ? `the fuse ${fuse.name}: ${fuseFinding(fuse as BlownFuse)}` : 'a fuse';
    throw new InvalidDocumentError(
      `${file} has nothing to carry out, because it was refused by ${why}; nothing was closed. What to do: ${runbookLink(fuse ? `refused-${(fuse as BlownFuse).name}` : 'status-refused')}`,
    );
  }
  const age = clock.now() - Date.parse(startedAt);
  if (age > maxAgeMs) throw refuse(`is ${span(age)} old; the limit is ${span(maxAgeMs)} (--max-age)`);
  if (age < -5 * 60_000) throw refuse('was made in the future: the clocks of two machines differ');
  const read = readRequest(plan.request, refuse);
  if (read.request.followUpOf)
    throw refuse('is the plan of a follow-up, which only its own sweep can carry out');
  return { ...read, clusterId: cluster.id, planned: new Map(Object.entries(plan.jobs)), madeAt: startedAt };
}

function readRequest(payload: unknown, refuse: (why: string) => Error): ReadRequest {
  try {
    const { request, warnings } = parseRequest(payload);
    // The plan lists the jobs to force. A job that gets stuck while the plan is carried out is not one of them.
    return { request: { ...request, force: { ...request.force, stuckFor: null } }, warnings };
  } catch (error) {
    if (error instanceof InvalidRequestError)
      throw refuse('has a request that this version does not understand');
    throw error;
  }
}

/** The value of a file; undefined if it is not valid JSON, repeats a key or is nested too deep. */
function parse(text: string, file: string): unknown {
  try {
    return readDocument(text, file).value;
  } catch (error) {
    if (error instanceof InvalidDocumentError) return undefined;
    throw error;
  }
}

/** A digest of the values, not the bytes: reformatting does not change it. */
function digestOf(document: object): string {
  const { plan, ...report } = document as { plan: Record<string, unknown> };
  const { digest: _digest, ...rest } = plan;
  return `sha256:${createHash('sha256')
    .update(canonical({ ...report, plan: rest }))
    .digest('hex')}`;
}

/** Canonical JSON. Does not follow RFC 8785, which refuses unpaired surrogates: a job's id may contain them. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}
